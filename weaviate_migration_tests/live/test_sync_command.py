"""The command `sync` as a process: one at a time, ended by signals, and waiting for a server or a file that is away."""

import logging
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest
import weaviate

from weaviate_migration.api import sync as change_sync
from weaviate_migration.api.sync import SyncResult, follow_changes
from weaviate_migration.base.errors import TargetError
from weaviate_migration.phases.history import changes as since_snapshot
from weaviate_migration.source.change_log import ChangeLog
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import (
    SECONDS,
    WITHOUT_RIGHTS,
    at,
    end_of,
    run_command,
    run_here,
    started,
    until,
)
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_file, note_id
from weaviate_migration_tests.live.own_server import StoppableServer
from weaviate_migration_tests.live.test_sync import bodies, rows


class Application:
    """Changes the notes, and looks for its changes in Weaviate."""

    def __init__(self, notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
        self.connection = sqlite3.connect(notes.source, isolation_level=None)
        self._client = client
        self._numbers = iter(range(64))

    def change(self) -> Callable[[], bool]:
        """Changes one note, and gives a way to ask whether Weaviate has it."""
        key = note_id(next(self._numbers))
        self.connection.execute("UPDATE notes SET body = 'changed' WHERE id = ?", (key,))
        return lambda: self._body(key) == "changed"

    def remove(self) -> None:
        """Removes one note."""
        self.connection.execute("DELETE FROM notes WHERE id = ?", (note_id(next(self._numbers)),))

    def is_in_weaviate(self) -> bool:
        """Whether both sides say the same."""
        return sorted(bodies(self._client).values()) == sorted(rows(self.connection).values())

    def _body(self, key: str) -> Any:
        found = self._client.collections.use("Note").query.fetch_object_by_id(key)
        return found.properties["body"] if found else None


@contextmanager
def application(notes: NoteMigration, client: weaviate.WeaviateClient) -> Iterator[Application]:
    """The notes, migrated while they may change, and what changes them."""
    ended = notes.migrate("--live")
    assert ended.code == 0, ended.stderr
    writer = Application(notes, client)
    with closing(writer.connection):
        yield writer


@pytest.fixture
def live(notes: NoteMigration, client: weaviate.WeaviateClient) -> Iterator[Application]:
    with application(notes, client) as writer:
        yield writer


def sync_options(notes: NoteMigration) -> list[object]:
    return ["sync", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server), "--json"]


@contextmanager
def following_process(notes: NoteMigration, writer: Application) -> Iterator["subprocess.Popen[str]"]:
    """`sync --follow`, when it has applied a first change."""
    with started(*sync_options(notes), "--follow") as process:
        until(writer.change())
        yield process


def line_with(words: str, stream: IO[str] | None) -> str:
    """The next line with these words; waits for it."""
    assert stream is not None
    return next(line for line in stream if words in line)


def test_a_second_sync_says_so_and_waits_for_the_first(notes: NoteMigration, live: Application) -> None:
    with following_process(notes, live) as first, started(*sync_options(notes)) as second:
        line_with("Another sync is running", second.stderr)
        assert second.poll() is None
        first.send_signal(signal.SIGTERM)
        told = end_of(first)
        assert (told.code, told.json["migrations"][0]["changes"]) == (0, 1)
        assert end_of(second).code == 0
    assert live.is_in_weaviate()


def test_a_sync_that_has_waited_in_vain_says_who_applies(notes: NoteMigration, live: Application) -> None:
    with following_process(notes, live) as first:
        arrived = live.change()
        ended = run_here(*sync_options(notes), "--wait", 0.2)
        follower = f"`weaviate-migration sync --follow` (process {first.pid}, since "
        assert ended.code == 2
        waits, gave_up, hint = ended.complaint
        assert f"Another sync is running in {notes.work_dir}: {follower}" in waits
        assert f"error: Another sync is running in {notes.work_dir}: {follower}" in gave_up
        assert "has waited for 0.2 s, and applied nothing." in gave_up
        assert "--wait" in hint
        until(arrived)
    assert live.is_in_weaviate()


def test_a_follower_that_waits_for_another_one_ends_when_it_is_told_to(notes: NoteMigration, live: Application) -> None:
    with following_process(notes, live) as first, started(*sync_options(notes), "--follow") as second:
        line_with("Another sync is running", second.stderr)
        second.send_signal(signal.SIGTERM)
        told = end_of(second)
        assert (told.code, told.json["migrations"][0]["changes"]) == (0, 0)
        assert first.poll() is None


def test_ctrl_c_ends_it_with_130_and_the_next_sync_goes_on(notes: NoteMigration, live: Application) -> None:
    with following_process(notes, live) as process:
        process.send_signal(signal.SIGINT)
        assert end_of(process).code == 130
    live.change()
    with started(*sync_options(notes)) as process:
        assert end_of(process).code == 0
    assert live.is_in_weaviate()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[StoppableServer]:
    server = StoppableServer(tmp_path / "weaviate")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def notes_on(folder: Path, server: ServerAddress) -> NoteMigration:
    notes = NoteMigration(folder, server)
    note_file(notes.source)
    make_mapping(notes.mapping)
    return notes


def test_a_follower_outlives_its_server(tmp_path: Path, own_server: StoppableServer) -> None:
    notes = notes_on(tmp_path, own_server.address)
    with (
        connect(own_server.address, None) as client,
        application(notes, client) as writer,
        following_process(notes, writer) as process,
    ):
        own_server.kill()
        arrived = writer.change()
        line_with("trying again", process.stderr)
        own_server.start()
        until(arrived)
        # Once more, and told to stop while the server is away: the change stays in the log.
        own_server.stop()
        writer.change()
        line_with("trying again", process.stderr)
        process.send_signal(signal.SIGTERM)
        told = end_of(process)
        assert (told.code, told.json["migrations"][0]["lag_changes"]) == (0, 1)


def test_verify_takes_a_new_snapshot_when_the_log_was_pruned_beyond_the_last(
    notes: NoteMigration, live: Application
) -> None:
    for _ in range(5):
        live.change()
    ended = run_here(*sync_options(notes), "--keep-changes", 2)
    assert (ended.code, "`weaviate-migration verify` takes a new one" in ended.stderr) == (0, True), ended.stderr
    live.change()
    verified = run_here("verify", "--work-dir", notes.work_dir, *at(notes.server))
    assert verified.code == 0, verified.stderr
    assert live.is_in_weaviate()


def test_a_file_that_may_only_be_read_is_followed_all_the_same(notes: NoteMigration, live: Application) -> None:
    live.connection.execute("PRAGMA journal_mode = delete")  # A WAL cannot be read where nothing may be written.
    live.change()
    notes.source.chmod(0o444)
    ended = run_command(*sync_options(notes), before=WITHOUT_RIGHTS)
    assert ended.code == 0, ended.stderr
    assert "its change log is not pruned for now" in ended.stderr
    assert live.is_in_weaviate()


@contextmanager
def follower_of(notes: NoteMigration, caplog: pytest.LogCaptureFixture) -> Iterator[Future[SyncResult]]:
    """A follower beside the test, in this process; what it logs is captured."""
    logger, stop = logging.getLogger(change_sync.__name__), threading.Event()
    logger.addHandler(caplog.handler)
    try:
        with ThreadPoolExecutor(1) as threads:
            try:
                yield threads.submit(follow_changes, notes.config, stop)
            finally:
                stop.set()
    finally:
        logger.removeHandler(caplog.handler)


def test_what_the_server_refuses_for_a_while_does_not_end_a_follower(
    notes: NoteMigration, client: weaviate.WeaviateClient, caplog: pytest.LogCaptureFixture
) -> None:
    """As one that is ending does: it says that something is not there, with no code that says whether it will be."""
    with application(notes, client) as writer, follower_of(notes, caplog) as follower:
        until(writer.change())
        (name,) = client.collections.list_all()
        configured = client.collections.use(name).config.get()
        client.collections.delete(name)
        writer.remove()
        until(lambda: "trying again" in caplog.text)
        client.collections.create_from_config(configured)
        until(writer.change())
        assert not follower.done()


def test_what_the_server_goes_on_refusing_ends_a_follower(
    notes: NoteMigration,
    client: weaviate.WeaviateClient,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(change_sync, "FAILURES_IN_A_ROW", 2)
    with application(notes, client) as writer, follower_of(notes, caplog) as follower:
        until(writer.change())
        client.collections.delete_all()
        writer.remove()
        with pytest.raises(TargetError, match="is not there") as raised:
            follower.result(SECONDS)
    assert raised.value.exit_code == 1
    assert "trying again in 0.4 s" in caplog.text
    assert "trying again in 0.8 s" not in caplog.text


def test_a_file_that_is_locked_is_waited_for(
    notes: NoteMigration,
    client: weaviate.WeaviateClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # In WAL mode nobody can keep readers out.
    with closing(sqlite3.connect(notes.source)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
    monkeypatch.setattr(since_snapshot, "ChangeLog", partial(ChangeLog, busy_timeout_seconds=0.1))
    logger = logging.getLogger(change_sync.__name__)
    logger.addHandler(caplog.handler)
    stop, results = threading.Event(), list[SyncResult]()
    follower = threading.Thread(target=lambda: results.append(follow_changes(notes.config, stop)))
    with application(notes, client) as writer:
        follower.start()
        try:
            until(writer.change())
            caplog.clear()  # On a slow disk the writer's own commits may take longer than the follower waits here.
            writer.connection.execute("BEGIN EXCLUSIVE")
            arrived = writer.change()
            until(lambda: "is locked by another program" in caplog.text)
            writer.connection.execute("COMMIT")
            until(arrived)
            until(notes.is_all_applied, pause=0.2)
        finally:
            stop.set()
            follower.join()
            logger.removeHandler(caplog.handler)
        assert writer.is_in_weaviate()
    (result,) = results
    assert (result.migrations[0].changes, result.migrations[0].lag_changes) == (2, 0)
