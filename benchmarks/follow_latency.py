"""How fresh Weaviate is while an application changes its messages, and `sync --follow` runs in a process of its own."""

import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from weaviate.collections import Collection

from benchmarks.measurement import (
    MeasuredCommandError,
    Measurement,
    Server,
    output_of,
    python_command,
    start_command,
    timed_command,
)
from benchmarks.messages_file import write_messages_file

# One for each change, and some more: none is changed twice.
MESSAGES = 7_000
SECONDS = 30
CHANGES_PER_SECOND = 200
# Of so many changes one is looked up in Weaviate: an odd number, so that each kind has its share.
CHANGES_PER_LOOKUP = 19
# So many lookups at once: more than are under way while sync takes a few seconds.
LOOKUPS = 64
SECONDS_BETWEEN_LOOKS = 0.005
LONGEST_WAIT_SECONDS = 60.0
_STATEMENTS = (
    "UPDATE messages SET content = :content WHERE id = :uuid",
    "INSERT INTO messages (id, conversation_id, role, content) VALUES (:uuid, '', 'user', :content)",
    "UPDATE messages SET content = :content WHERE id = :uuid",
    "DELETE FROM messages WHERE id = :uuid",
)
_numbers = count(1)


class Change(NamedTuple):
    """What the application does to a message; afterwards it has this content, or is gone (None)."""

    statement: str
    uuid: str
    content: str | None


@dataclass(frozen=True)
class FollowLatency:
    """Each run has a file and a work folder of its own."""

    server: Server
    folder: Path

    def measure(self) -> Measurement:
        """One run; its collections are gone afterwards."""
        place = self.folder / f"Freshness{next(_numbers)}"
        place.mkdir()
        source = write_messages_file(place / "app.sqlite", MESSAGES)
        try:
            with closing(_application(source)) as application:
                timed_command(self._command("migrate", place, "--sqlite-url", source, "--live"))
                with self._following(place):
                    return _measure(application, self.server.client.collections.use("Message"))
        finally:
            self.server.clear()
            shutil.rmtree(place)

    def _command(self, name: str, place: Path, *more: object) -> list[str]:
        options = ("--json", "--work-dir", place / "work", *self.server.options)
        return python_command("weaviate_migration", name, *options, *more)

    @contextmanager
    def _following(self, place: Path) -> Iterator[None]:
        """`sync --follow` while the block runs."""
        command = self._command("sync", place, "--follow")
        with start_command(command) as process:
            try:
                yield
                process.send_signal(signal.SIGTERM)
                output_of(process)
            finally:
                process.kill()


def _application(source: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(source, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _measure(application: sqlite3.Connection, messages: Collection[Any, Any]) -> Measurement:
    changes = _changes(application)
    _seconds_until_visible(messages, *_committed(application, next(changes)))  # The command has started then.
    with ThreadPoolExecutor(LOOKUPS) as pool:
        began, lookups = time.monotonic(), list[Future[float]]()
        for number in range(SECONDS * CHANGES_PER_SECOND):
            time.sleep(max(0.0, began + number / CHANGES_PER_SECOND - time.monotonic()))
            change, committed_at = _committed(application, next(changes))
            if number % CHANGES_PER_LOOKUP == 0:
                lookups.append(pool.submit(_seconds_until_visible, messages, change, committed_at))
        seconds = time.monotonic() - began
        return Measurement(seconds, latencies=[each.result() for each in lookups])


def _changes(application: sqlite3.Connection) -> Iterator[Change]:
    rows = application.execute("SELECT id, content FROM messages ORDER BY random()").fetchall()
    for statement, (uuid, content) in zip(cycle(_STATEMENTS), rows, strict=False):
        if statement.startswith("INSERT"):
            yield Change(statement, str(uuid4()), content)
        elif statement.startswith("DELETE"):
            yield Change(statement, uuid, None)
        else:
            yield Change(statement, uuid, f"changed {content}")


def _committed(application: sqlite3.Connection, change: Change) -> tuple[Change, float]:
    """Makes a change, a transaction of its own, and says when its commit returned."""
    application.execute(change.statement, change._asdict())
    return change, time.monotonic()


def _seconds_until_visible(messages: Collection[Any, Any], change: Change, committed_at: float) -> float:
    while not _is_visible(messages, change):
        if time.monotonic() - committed_at > LONGEST_WAIT_SECONDS:
            raise MeasuredCommandError(f"A change was not in Weaviate after {LONGEST_WAIT_SECONDS:.0f} s: {change}")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return time.monotonic() - committed_at


def _is_visible(messages: Collection[Any, Any], change: Change) -> bool:
    found = messages.query.fetch_object_by_id(change.uuid)
    return (found.properties["content"] if found else None) == change.content
