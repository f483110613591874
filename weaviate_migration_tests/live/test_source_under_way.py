"""The SQLite file is altered, replaced or moved under a migration: said, and mended by just what the messages name.

Nothing of this comes from the product's own words but the commands in its messages: they are run as they stand there,
and rows and objects are compared by code of this file's own.
"""

import json
import logging
import os
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
import weaviate

from weaviate_migration.api import sync as change_sync
from weaviate_migration.api.sync import SyncResult, follow_changes
from weaviate_migration.base.errors import MigrationError
from weaviate_migration.defs.assets import collections as collection_assets
from weaviate_migration.phases.dual_write.collection_load import CollectionLoad, load_collection
from weaviate_migration_tests.live.command_line import Ended, at, run_here, until
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.notes import NoteMigration, note_id
from weaviate_migration_tests.live.source_events import EVENTS, Event

_NAMED = re.compile("`weaviate-migration ([a-z][^`]*)`")
# What people are asked to do at most, one message after the other.
_ROUNDS = 3


@dataclass
class People:
    """Who runs the application and its migration: they read messages, and do what these say."""

    notes: NoteMigration
    event: Event
    client: weaviate.WeaviateClient
    read: str = ""
    table: str = "notes"
    body: str = "body"
    _is_told: bool = field(default=False, init=False)

    def see_it_happen(self) -> None:
        self.event.happens(self.notes)
        self.table, self.body = self.event.table, self.event.body

    def run(self, words: str) -> Ended:
        """Runs a command, and reads what it says."""
        name, *more = words.split()
        server = at(self.notes.server)
        work = ["--mapping", self.notes.mapping, "--work-dir", self.notes.work_dir]
        options = {
            "capture": [*work, "--sqlite-url", self.notes.source],
            "migrate": [*work, "--sqlite-url", self.notes.source, *server, "--live"],
            "rollback": ["--work-dir", self.notes.work_dir, *server],
        }.get(name, [*work, *server])
        ended = run_here(name, *more, *options)
        self.listen(ended)
        return ended

    def listen(self, ended: Ended) -> None:
        """Reads a message, and does what it says beside commands."""
        self.read += ended.stderr
        assert "Traceback" not in ended.stderr
        if ended.code and not self._is_told and self.event.told and re.search(self.event.told, ended.stderr):
            self._is_told = True
            self.event.people(self.notes)

    def mend(self, ended: Ended, again: str) -> None:
        """Does what the message of a command names, and runs it again, until it comes to a good end."""
        for _ in range(_ROUNDS):
            if ended.code == 0:
                return
            for words in _NAMED.findall(ended.stderr):
                self.carry_out(words)
            ended = self.run(again)
        assert ended.code == 0, self.read

    def carry_out(self, words: str) -> None:
        """Runs a command; if it is refused, first what its message names, and then once more."""
        ended = self.run(words)
        if ended.code:
            for each in _NAMED.findall(ended.stderr):
                self.run(each)
            self.run(words)

    def change(self, text: str) -> None:
        """Changes one row, and adds one."""
        with closing(sqlite3.connect(self.notes.source, isolation_level=None)) as connection:
            connection.execute(f"UPDATE {self.table} SET {self.body} = ? WHERE id = ?", (text, note_id(40)))
            connection.execute(f"INSERT INTO {self.table} (id, {self.body}, size) VALUES (?, ?, ?)", (text, text, -1))

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """Text, number and colour of each row, where it has one."""
        with closing(sqlite3.connect(self.notes.source)) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(f"SELECT * FROM {self.table}").fetchall()]
        return {each["id"]: (each[self.body], each["size"], each.get("colour")) for each in found}

    def objects(self) -> dict[str, tuple[Any, ...]]:
        """The same of each object that readers find."""
        found: list[dict[str, Any]] = [dict(each.properties) for each in self.client.collections.use("Note").iterator()]
        assert len({each["noteId"] for each in found}) == len(found)
        return {each["noteId"]: (each["body"], each["size"], _colour(each)) for each in found}

    def is_in_step(self) -> bool:
        return self.objects() == self.rows()


def _colour(properties: dict[str, Any]) -> Any:
    """Of a column without a property: it is kept beside where the object comes from."""
    return json.loads(properties["metadata"].get("source_columns") or "{}").get("colour")


@pytest.fixture
def people(kept_notes: KeptNotes, client: weaviate.WeaviateClient, event: str) -> People:
    return People(kept_notes.begin(), EVENTS[event], client)


def before_the_snapshot(people: People, **_: Any) -> tuple[Ended, str]:
    assert people.run("capture install").code == 0
    people.event.before(people.notes)
    people.change("one")
    people.see_it_happen()
    return people.run("migrate"), "migrate"


def while_it_is_loaded(people: People, monkeypatch: pytest.MonkeyPatch, **_: Any) -> tuple[Ended, str]:
    people.event.before(people.notes)
    moments = iter([people.see_it_happen])

    def load_after_it(*args: Any, **options: Any) -> CollectionLoad:
        next(moments, lambda: None)()
        return load_collection(*args, **options)

    monkeypatch.setattr(collection_assets, "load_collection", load_after_it)
    return people.run("migrate"), "migrate"


def before_the_cutover(people: People, kept_notes: KeptNotes, **_: Any) -> tuple[Ended, str]:
    kept_notes.migrated("--live", "--no-cutover")
    _happens_after_a_sync(people)
    return people.run("cutover"), "cutover"


def afterwards(people: People, kept_notes: KeptNotes, **_: Any) -> tuple[Ended, str]:
    kept_notes.migrated("--live")
    _happens_after_a_sync(people)
    return people.run("sync"), "sync"


def _happens_after_a_sync(people: People) -> None:
    people.event.before(people.notes)
    people.change("one")
    assert people.run("sync").code == 0
    people.see_it_happen()


PHASES: dict[str, Callable[..., tuple[Ended, str]]] = {
    each.__name__: each for each in (before_the_snapshot, while_it_is_loaded, before_the_cutover, afterwards)
}
# What `migrate` mends by itself where it has not loaded anything yet.
MENDED_UNSAID = {
    *("replaced", "restored", "restored in place", "dumped into another", "column added", "table made again"),
    *("table rebuilt", "triggers lost"),
}
EVERYTHING = [(phase, event) for phase in PHASES for event in EVENTS]
# `make chaos` asks for everything.
CASES = (
    EVERYTHING
    if os.environ.get("SOURCE_EVENTS") == "all"
    else [
        ("while_it_is_loaded", "replaced"),
        ("before_the_cutover", "column added"),
        ("afterwards", "restored"),
        ("afterwards", "column renamed"),
    ]
)
FOLLOWED = (
    [each for each in EVENTS if each != "rollback journal"]  # SQLite refuses it while anybody has the file open.
    if os.environ.get("SOURCE_EVENTS") == "all"
    else ["vacuumed into another", "moved away"]
)


@pytest.mark.parametrize(("phase", "event"), CASES)
def test_it_is_said_and_mended_by_what_is_named(
    people: People, kept_notes: KeptNotes, monkeypatch: pytest.MonkeyPatch, phase: str, event: str
) -> None:
    ended, again = PHASES[phase](people, kept_notes=kept_notes, monkeypatch=monkeypatch)
    is_mended_unsaid = phase == "before_the_snapshot" and event in MENDED_UNSAID
    assert (ended.code == 0) == (not people.event.said or is_mended_unsaid), ended.stderr
    assert is_mended_unsaid or people.event.said in ended.stderr
    monkeypatch.undo()
    people.mend(ended, again)
    assert people.run("sync").code == 0, people.read
    assert people.is_in_step()
    people.change("at the end")
    assert people.run("sync").code == 0, people.read
    assert people.is_in_step()


@pytest.mark.parametrize("event", FOLLOWED)
def test_a_follower_says_it_and_waits_or_ends(
    people: People, kept_notes: KeptNotes, caplog: pytest.LogCaptureFixture
) -> None:
    kept_notes.migrated("--live")
    stop, ends = threading.Event(), list[SyncResult | MigrationError]()

    def follow() -> None:
        try:
            ends.append(follow_changes(people.notes.config, stop))
        except MigrationError as error:
            ends.append(error)

    logger = logging.getLogger(change_sync.__name__)
    logger.addHandler(caplog.handler)
    follower = threading.Thread(target=follow)
    follower.start()
    try:
        people.event.before(people.notes)
        people.change("one")
        until(people.is_in_step)
        people.see_it_happen()
        if people.event.is_over:
            until(lambda: people.event.said in caplog.text)
            people.event.people(people.notes)
        if people.event.is_over or not people.event.said:
            people.change("two")
            until(people.is_in_step)
        else:
            until(lambda: bool(ends))
    finally:
        stop.set()
        follower.join()
        logger.removeHandler(caplog.handler)
    (end,) = ends
    if isinstance(end, MigrationError):
        assert end.exit_code == 1
        ended = Ended(end.exit_code, "", str(end))
        people.listen(ended)
        people.mend(ended, "sync")
        assert people.event.said in people.read
    assert people.run("sync").code == 0, people.read
    assert people.is_in_step()
