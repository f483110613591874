"""Passes that break off after some of their chunks: what these applied stays applied, and is counted."""

import itertools
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import grpc
import pytest
import weaviate

from weaviate_migration import DualWriter, MigrationConfig
from weaviate_migration.api import sync as change_sync
from weaviate_migration.api.sync import sync_changes
from weaviate_migration.base.errors import DifferencesError, MigrationError
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.phases.dual_write import following, migration_sync
from weaviate_migration.phases.dual_write.following import Followed
from weaviate_migration.phases.dual_write.migration_sync import CaughtUp, MigrationSync
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.phases.history.collection_locks import writing_lock
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import SECONDS, Ended, at, run_here
from weaviate_migration_tests.live.followed_notes import FollowedNotes
from weaviate_migration_tests.live.quoting_proxy import QuotingProxy, run_quoting_proxy

CHANGES = 6
"""In three chunks; a row of the first is refused."""

Trouble = Callable[[], AbstractContextManager[object]]


@pytest.fixture
def way(
    server: ServerAddress,
    client: weaviate.WeaviateClient,  # noqa: ARG001
) -> Iterator[tuple[QuotingProxy, ServerAddress]]:
    """A proxy in front of an empty server, and its address."""
    with run_quoting_proxy(server) as proxied:
        yield proxied


@pytest.fixture
def notes(
    way: tuple[QuotingProxy, ServerAddress], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FollowedNotes]:
    """Changed since they were loaded, and nothing of that applied."""
    monkeypatch.setattr(migration_sync, "ENTRIES_PER_CHUNK", 2)
    with connect(way[1], None) as client:
        notes = FollowedNotes.begin(tmp_path, client, [(f"key {each}", "old", each) for each in range(8)], "refuse")
        notes.execute("UPDATE notes SET size = 'no number' WHERE id = 'key 0'")
        notes.execute(*(f"UPDATE notes SET body = 'new' WHERE id = 'key {each}'" for each in range(1, CHANGES)))
        yield notes


@pytest.fixture
def config(notes: FollowedNotes, way: tuple[QuotingProxy, ServerAddress]) -> MigrationConfig:
    _, address = way
    return create_migration_config(
        str(notes.source),
        work_dir=notes.work_folder.path,
        mapping=notes.folder / "notes.yaml",
        weaviate_url=f"http://{address.host}:{address.http_port}",
        grpc_port=address.grpc_port,
        max_retries=0,
    )


def before_chunks(monkeypatch: pytest.MonkeyPatch, trouble: Trouble, is_hit: Callable[[int], bool]) -> None:
    """Chunks with these numbers meet trouble."""
    caught_up, numbers = MigrationSync.caught_up, itertools.count()

    @contextmanager
    def hit(sync: MigrationSync, *arguments: Any, **named: Any) -> Iterator[CaughtUp]:
        with trouble() if is_hit(next(numbers)) else nullcontext(), caught_up(sync, *arguments, **named) as chunk:
            yield chunk

    monkeypatch.setattr(MigrationSync, "caught_up", hit)


def before_the_end(monkeypatch: pytest.MonkeyPatch, trouble: Trouble) -> None:
    """The first pass meets trouble when it asks for the vectors that objects lack: as if some lacked one then."""
    fill_vectors, numbers = MigrationSync.fill_vectors, itertools.count()

    def hit(sync: MigrationSync, **named: Any) -> None:
        with pytest.MonkeyPatch.context() as patched, trouble() if (first := next(numbers) == 0) else nullcontext():
            patched.setattr(MigrationSync, "_lacks_vectors", first)
            fill_vectors(sync, **named)

    monkeypatch.setattr(MigrationSync, "fill_vectors", hit)


@contextmanager
def refusing(proxy: QuotingProxy) -> Iterator[None]:
    """Weaviate takes nothing."""
    proxy.quotes = "in calls"
    try:
        yield
    finally:
        proxy.quotes = None


@pytest.fixture(params=["the server at the second chunk", "a lock at the second chunk", "a lock at the end"])
def applied(
    request: pytest.FixtureRequest,
    notes: FollowedNotes,
    way: tuple[QuotingProxy, ServerAddress],
    monkeypatch: pytest.MonkeyPatch,
) -> int:
    """Has the first pass break off; the changes that it has applied until then."""
    (collection,) = notes.mapping.collections

    def locked() -> AbstractContextManager[object]:
        return writing_lock(notes.work_folder, notes.record.collection(collection))

    if request.param == "a lock at the end":
        before_the_end(monkeypatch, locked)
        return CHANGES
    is_locked = request.param == "a lock at the second chunk"
    before_chunks(monkeypatch, locked if is_locked else lambda: refusing(way[0]), lambda number: number == 1)
    return 2


def try_pass(sync: MigrationSync, done: SyncTally) -> bool:
    try:
        return sync.try_pass(done)
    except MigrationError:
        return False


def test_a_pass_has_counted_what_it_applied_before(notes: FollowedNotes, applied: int) -> None:
    begun, done = notes.position.position, SyncTally()
    with notes.syncing() as sync:
        assert not try_pass(sync, done)
        expected = SyncTally(changes=applied, written=applied - 1, removed=1, refused=1, position=begun + applied)
        assert done == expected
        assert notes.position.position == begun + applied
        assert try_pass(sync, done)
    assert (done.changes, done.written, done.refused) == (CHANGES, CHANGES - 1, 1)
    assert done.position == begun + CHANGES


def test_a_sync_that_fails_says_what_it_applied(
    notes: FollowedNotes, config: MigrationConfig, applied: int, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger(change_sync.__name__)
    logger.addHandler(caplog.handler)
    try:
        with pytest.raises(MigrationError) as raised:
            sync_changes(config, wait=0)
    finally:
        logger.removeHandler(caplog.handler)
    assert raised.value.exit_code != 0
    told = f"Migration {notes.record.id}: {applied} changes were applied before this sync failed, 1 of their rows"
    assert told in caplog.text
    (rest,) = sync_changes(config).migrations
    assert (rest.changes, rest.refused) == (CHANGES - applied, 0)


@pytest.fixture
def stopped_at_rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A follower in this process is told to end once everything is applied."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Followed, "note_settled", lambda _: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(following, "NOTE_SECONDS", 0.3)
    monkeypatch.setattr(change_sync, "LONGEST_WAIT_SECONDS", 0.1)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def follow(notes: FollowedNotes, way: tuple[QuotingProxy, ServerAddress]) -> Ended:
    options = ["--mapping", notes.folder / "notes.yaml", "--work-dir", notes.work_folder.path, *at(way[1])]
    return run_here("sync", "--follow", *options, "--max-retries", 0, "--json")


@pytest.mark.usefixtures("applied", "stopped_at_rest")
def test_a_follower_counts_what_was_applied_before(
    notes: FollowedNotes, way: tuple[QuotingProxy, ServerAddress]
) -> None:
    ended = follow(notes, way)
    assert ended.code == DifferencesError.exit_code, ended.stderr
    assert not ended.json["complete"]
    (done,) = ended.json["migrations"]
    assert (done["changes"], done["written"], done["refused"]) == (CHANGES, CHANGES - 1, 1)
    assert done["lag_changes"] == 0


@pytest.mark.usefixtures("stopped_at_rest")
def test_a_backlog_that_advances_between_failures_is_not_given_up(
    notes: FollowedNotes, way: tuple[QuotingProxy, ServerAddress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are of a kind that is not known to pass, so that they are counted."""
    monkeypatch.setattr(change_sync, "FAILURES_IN_A_ROW", 1)
    monkeypatch.setattr(way[0], "status", grpc.StatusCode.INTERNAL)
    before_chunks(monkeypatch, lambda: refusing(way[0]), lambda number: number % 2 == 1)
    ended = follow(notes, way)
    assert ended.code == DifferencesError.exit_code, ended.stderr
    assert ended.stderr.count("trying again") == 2
    assert ended.json["migrations"][0]["changes"] == CHANGES


@pytest.mark.usefixtures("applied")
def test_a_dual_writer_counts_what_was_applied_before(notes: FollowedNotes, config: MigrationConfig) -> None:
    with DualWriter(config) as writer:
        assert writer.flush(SECONDS)
        counters = writer.counters
    assert (counters.applied, counters.refused) == (CHANGES, 1)
    assert len(notes.held()) == len(notes.rows()) - 1
