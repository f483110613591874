"""Sync on a real server, without Dagster: nothing lost, nothing twice, nothing older than it was."""

import logging
import random
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import weaviate
from filelock import Timeout
from weaviate.collections import Collection

from weaviate_migration.api.sync import follow_changes
from weaviate_migration.base.errors import CaptureError, SourceAwayError, SourceReplacedError
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.phases.dual_write import log_pruner, row_applier
from weaviate_migration.phases.dual_write.log_pruner import LogPruner
from weaviate_migration.phases.dual_write.row_applier import RowApplier, SyncTally, apply_changes
from weaviate_migration.phases.history.changes import collection_changes, held_changes, open_change_log
from weaviate_migration.phases.validation.changed_rows import compare_changes
from weaviate_migration.source.change_log import LogLimits
from weaviate_migration.source.changed_rows import ChangedRows
from weaviate_migration.source.inspect import quoted
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.write import remove_objects
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.sync_positions import SyncPositions, agreed_reading
from weaviate_migration_tests.live.command_line import SECONDS, until
from weaviate_migration_tests.live.followed_notes import LIMITS, SETTINGS, FollowedNotes, uuid_of
from weaviate_migration_tests.live.source_events import copy_all, put_in_place

ROWS = [(f"key {number}", f"body {number}", number) for number in range(40)]


@pytest.fixture
def notes(tmp_path: Path, client: weaviate.WeaviateClient) -> FollowedNotes:
    return FollowedNotes.begin(tmp_path, client, ROWS)


def sync(notes: FollowedNotes, through: int | None = None) -> SyncTally:
    done = SyncTally()
    with notes.syncing() as migration:
        migration.run_pass(done, through)
    return done


def random_statement(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
    """One change of any kind, also of keys, and evictions through the unique column."""
    key: Any = rng.choice([f"key {rng.randrange(60)}", rng.randrange(5), float(rng.randrange(5)), b"key"])
    other, number = f"key {rng.randrange(60)}", rng.randrange(100)
    return rng.choice(
        [
            ("INSERT OR IGNORE INTO notes VALUES (?, 'inserted', ?)", (key, number)),
            ("INSERT OR REPLACE INTO notes VALUES (?, 'replaced', ?)", (key, number)),
            ("INSERT INTO notes VALUES (?, 'new', ?) ON CONFLICT DO UPDATE SET body = 'upserted'", (key, number)),
            ("UPDATE notes SET body = ? WHERE id = ?", (f"updated {number}", key)),
            ("UPDATE OR REPLACE notes SET size = ? WHERE id = ?", (number, key)),
            ("UPDATE OR REPLACE notes SET id = ? WHERE id = ?", (other, key)),
            ("UPDATE OR IGNORE notes SET id = ? WHERE id = ?", (other, key)),
            ("DELETE FROM notes WHERE id = ?", (key,)),
        ]
    )


def test_whatever_is_changed_is_in_weaviate_after_each_sync(notes: FollowedNotes) -> None:
    seed = random.SystemRandom().getrandbits(32)
    rng = random.Random(seed)
    for _ in range(8):
        notes.execute(*(random_statement(rng) for _ in range(60)))
        sync(notes)
        assert notes.held() == notes.rows(), f"seed {seed}"
    assert [each.total for each in notes.compare()] == [0] * 16, f"seed {seed}"


def test_a_pass_goes_no_further_than_it_is_told(notes: FollowedNotes) -> None:
    notes.execute(
        "UPDATE notes SET body = 'first' WHERE id = 'key 1'", "UPDATE notes SET body = 'second' WHERE id = 'key 2'"
    )
    begun = notes.position.position
    assert sync(notes, begun + 1).position == notes.position.position == begun + 1
    assert (notes.held()[uuid_of("key 1")][0], notes.held()[uuid_of("key 2")][0]) == ("first", "body 2")
    assert sync(notes).changes == 1
    assert sync(notes) == SyncTally(position=begun + 2)


def test_loading_a_partition_again_makes_nothing_older(notes: FollowedNotes) -> None:
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'", "DELETE FROM notes WHERE id = 'key 2'")
    sync(notes)
    # Changed, and not applied yet, when the partitions are loaded again; and one object is damaged.
    notes.execute("UPDATE notes SET body = 'newest' WHERE id = 'key 3'", "INSERT INTO notes VALUES ('new', 'new', -1)")
    notes.objects.data.delete_by_id(uuid_of("key 1"))
    notes.objects.data.delete_by_id(uuid_of("key 4"))
    tallies = notes.load().values()
    assert sum(each.changed for each in tallies) == 3
    assert notes.held() == notes.rows()
    sync(notes)
    assert notes.held() == notes.rows()


def test_changed_rows_are_counted_up_while_a_partition_loads(
    tmp_path: Path, client: weaviate.WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What metrics show meanwhile is never more than what it is at the end, nor less than a moment before."""
    notes = FollowedNotes.begin(tmp_path, client, [(f"key {number}", "body", number) for number in range(400)])
    notes.execute("UPDATE notes SET body = 'newer' WHERE size % 4 = 0")
    seen: dict[str, list[int]] = defaultdict(list)
    monkeypatch.setattr(
        LoadedPartitions, "note_under_way", lambda _, partition, tally: seen[partition].append(tally.changed)
    )
    tallies = notes.load(settings=replace(SETTINGS, batch_size=1, worker_count=1))
    assert sum(each.changed for each in tallies.values()) == 100
    for partition, moments in seen.items():
        assert moments == sorted(moments)
        assert moments[-1] <= tallies[partition].changed
    assert any(moments[0] < tallies[partition].changed for partition, moments in seen.items())


def test_a_comparison_follows_what_was_applied_and_leaves_out_what_was_not(notes: FollowedNotes) -> None:
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'", "DELETE FROM notes WHERE id = 'key 2'")
    sync(notes)
    notes.execute("UPDATE notes SET body = 'pending' WHERE id = 'key 3'", "INSERT INTO notes VALUES ('new', 'x', -1)")
    compared = notes.compare()
    assert sum(each.total for each in compared) == 0
    assert (sum(each.changed for each in compared), sum(each.pending for each in compared)) == (4, 2)
    assert sum(each.rows for each in compared) == 38
    # What was applied is compared as it is now: an object that went back is found.
    uuid = uuid_of("key 1")
    notes.objects.data.update(uuid, {"body": "body 1"})
    found = [each for partition in notes.compare() for each in partition.differences]
    assert {(each.kind, each.uuid, each.expected, each.found) for each in found} == {
        ("altered", uuid, "'newer'", "'body 1'")
    }


def test_a_snapshot_may_be_newer_than_what_is_applied(notes: FollowedNotes) -> None:
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'", "DELETE FROM notes WHERE id = 'key 2'")
    newer = notes.snapshotted()
    compared = newer.compare()
    assert (sum(each.total for each in compared), sum(each.pending for each in compared)) == (0, 2)
    newer.load()
    assert notes.held() == notes.rows()
    sync(newer)
    assert notes.held() == notes.rows()
    assert sum(each.total for each in newer.compare()) == 0


def test_changed_rows_are_compared_by_themselves(notes: FollowedNotes) -> None:
    assert notes.captured is not None
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'", "DELETE FROM notes WHERE id = 'key 2'")
    sync(notes)
    uuid = uuid_of("key 2")
    notes.objects.data.insert({"body": "back"}, uuid=uuid)
    notes.objects.data.delete_by_id(uuid_of("key 1"))
    notes.execute("UPDATE notes SET body = 'newest' WHERE id = 'key 3'")
    with notes.syncing() as migration:
        (compared,) = compare_changes(migration, notes.captured.position).collections
        assert sorted(each.kind for each in compared.differences) == ["extra", "missing"]
        repaired = compare_changes(migration, notes.captured.position, repair=True)
    assert repaired.differences == 0
    assert notes.held() == notes.rows()


def test_changed_rows_are_compared_with_their_blobs(notes: FollowedNotes) -> None:
    """Weaviate returns blobs only where they are named."""
    assert notes.captured is not None
    notes.execute("UPDATE notes SET body = X'00FF' WHERE id IN ('key 1', 'key 2', 'key 3')")
    sync(notes)
    notes.objects.data.update(uuid_of("key 2"), properties={"bytes": "AP4="})
    with notes.syncing() as migration:
        (compared,) = compare_changes(migration, notes.captured.position).collections
    assert [(each.key, each.property) for each in compared.differences] == [("key 2", "bytes")]


def test_who_has_no_file_is_told_why_it_is_needed_and_how_to_do_without(notes: FollowedNotes, tmp_path: Path) -> None:
    record = notes.record.model_copy(update={"source": tmp_path / "elsewhere.db"})
    with (
        pytest.raises(SourceAwayError, match=r"elsewhere\.db: No such file") as raised,
        held_changes(notes.work_folder, record, notes.mapping, notes.mapping.collections[0]),
    ):
        pass
    assert "on the machine that has the file" in raised.value.hint
    assert "`weaviate-migration capture remove`" in raised.value.hint


def test_a_gap_is_a_gap_until_all_was_compared(notes: FollowedNotes) -> None:
    with closing(sqlite3.connect(notes.source)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
    notes.execute(*(f"DROP TRIGGER {quoted(name)}" for name in names))
    notes.execute("UPDATE notes SET body = 'missed' WHERE id = 'key 1'")
    with pytest.raises(CaptureError, match="lost its trigger") as raised:
        sync(notes)
    assert "capture install" in raised.value.hint
    assert notes.install() == 2
    notes.execute("UPDATE notes SET body = 'seen' WHERE id = 'key 2'")
    with notes.syncing() as migration:
        migration.run_pass(SyncTally())
        standing = migration.standing()
        assert (standing.changes, bool(standing.problem)) == (0, True)
    assert (notes.held()[uuid_of("key 1")][0], notes.held()[uuid_of("key 2")][0]) == ("body 1", "seen")


def test_a_file_that_was_restored_is_refused(notes: FollowedNotes) -> None:
    notes.execute("UPDATE notes SET body = 'before' WHERE id = 'key 1'")
    sync(notes)
    backup = notes.folder / "backup.db"
    with closing(sqlite3.connect(notes.source)) as connection, closing(sqlite3.connect(backup)) as copy:
        connection.backup(copy)
    notes.execute("UPDATE notes SET body = 'after' WHERE id = 'key 1'")
    sync(notes)
    with closing(sqlite3.connect(notes.source)) as connection, closing(sqlite3.connect(backup)) as copy:
        copy.backup(connection)
    with pytest.raises(CaptureError, match="restored from a backup") as raised:
        sync(notes)
    assert "verify --repair" in raised.value.hint
    # Also when it has gone on since: at that position another change stands.
    notes.execute(*("UPDATE notes SET body = 'again' WHERE id = 'key 2'" for _ in range(5)))
    with pytest.raises(CaptureError, match="restored from a backup"):
        sync(notes)
    assert notes.held()[uuid_of("key 1")][0] == "after"


def test_a_work_folder_that_is_older_than_the_file_is_refused(notes: FollowedNotes) -> None:
    older = notes.work_folder.sync_positions.known(notes.record.id)
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'")
    with notes.followed() as group:
        for migration in group:
            migration.run_pass(SyncTally())
        assert group.note_in_file(LIMITS)
    notes.work_folder.sync_positions.save(notes.record.id, older)
    with pytest.raises(CaptureError, match="it is older than the file"):
        sync(notes)


class KilledError(BaseException):
    """In the place of a kill."""


def test_a_file_restored_to_before_what_a_killed_pass_applied_is_refused(
    notes: FollowedNotes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weaviate holds a change that the file lacks, and the applied position is before it: that alone does not tell."""
    copy_all(notes.source, notes.folder / "backup.db")
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'")
    apply = RowApplier.apply

    def apply_and_die(applier: RowApplier, changed: ChangedRows, after: int = 0, **how: bool) -> SyncTally:
        apply(applier, changed, after, **how)
        raise KilledError

    with monkeypatch.context() as killing:
        killing.setattr(RowApplier, "apply", apply_and_die)
        with pytest.raises(KilledError):
            sync(notes)
    assert notes.held()[uuid_of("key 1")][0] == "newer"
    copy_all(notes.folder / "backup.db", notes.source)
    with pytest.raises(CaptureError, match="lacks changes that were seen") as raised:
        sync(notes)
    assert "verify --repair" in raised.value.hint
    # Also when it has gone on since: where that change was, another one stands.
    notes.execute("UPDATE notes SET body = 'another' WHERE id = 'key 2'")
    with pytest.raises(CaptureError, match="lacks changes that were seen"):
        sync(notes)


@pytest.mark.parametrize("has_it", [True, False], ids=["made of all", "made before"])
def test_what_was_logged_just_before_another_file_took_the_place_is_asked_for(
    notes: FollowedNotes, has_it: bool
) -> None:
    new = notes.folder / "new.db"
    if not has_it:
        copy_all(notes.source, new)
    with notes.followed() as group:
        for each in group:
            each.run_pass(SyncTally())
        notes.execute("UPDATE notes SET body = 'at the last moment' WHERE id = 'key 1'")
        if has_it:
            copy_all(notes.source, new)
        put_in_place(new, notes.source)
        assert group.is_outdated()
    if has_it:
        sync(notes)
        assert notes.held() == notes.rows()
        return
    with pytest.raises(CaptureError, match="lacks changes that were seen"):
        sync(notes)


def test_a_pass_under_which_another_file_takes_the_place_ends(notes: FollowedNotes) -> None:
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'")
    copy_all(notes.source, notes.folder / "new.db")
    with notes.syncing() as migration:
        put_in_place(notes.folder / "new.db", notes.source)
        with pytest.raises(SourceReplacedError):
            migration.run_pass(SyncTally())
    sync(notes)
    assert notes.held() == notes.rows()


class OvertakenPositions(SyncPositions):
    """Positions of which the first that is read is an old one by the time its reader has it."""

    def __init__(self, store: StateStore, overtake: Callable[[], None]) -> None:
        super().__init__(store)
        self._overtake: Callable[[], None] | None = overtake

    def read(self, migration: str) -> LogPosition | None:
        found = super().read(migration)
        if (overtake := self._overtake) is not None:
            self._overtake = None
            overtake()
        return found


def test_who_reads_while_another_one_applies_takes_that_for_no_other_history(notes: FollowedNotes) -> None:
    def apply_more() -> None:
        notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'")
        with notes.followed() as group:
            for migration in group:
                migration.run_pass(SyncTally())
            assert group.note_in_file(LIMITS)

    positions = OvertakenPositions(notes.work_folder.store, apply_more)
    with (
        open_change_log(notes.work_folder, notes.source) as log,
        agreed_reading(log, positions, notes.record.id) as (_, known),
    ):
        assert known == notes.position
        assert known.position == log.last_position()


def test_killed_before_the_position_was_written_the_same_changes_are_applied_again(notes: FollowedNotes) -> None:
    before = notes.work_folder.sync_positions.known(notes.record.id)
    notes.execute("UPDATE notes SET id = 'moved' WHERE id = 'key 1'", "DELETE FROM notes WHERE id = 'key 2'")
    done = sync(notes)
    notes.work_folder.sync_positions.save(notes.record.id, before)
    again = sync(notes)
    assert (again.changes, again.written, again.position) == (done.changes, done.written, done.position)
    assert notes.held() == notes.rows()


def test_refused_rows_are_in_the_quarantine_until_they_change(tmp_path: Path, client: weaviate.WeaviateClient) -> None:
    notes = FollowedNotes.begin(tmp_path, client, ROWS, on_unfit="refuse")
    quarantine = notes.work_folder.quarantine(notes.record, notes.mapping.collections[0])
    notes.execute(
        "UPDATE notes SET size = 'no number' WHERE id = 'key 1'", "UPDATE notes SET size = 'x' WHERE id = 'key 2'"
    )
    assert sync(notes).refused == 2
    assert sorted(row.key for _, row in quarantine.rows()) == ["key 1", "key 2"]
    assert uuid_of("key 1") not in notes.held()
    notes.execute("UPDATE notes SET size = 1000 WHERE id = 'key 1'")
    assert sync(notes).refused == 0
    assert [row.key for _, row in quarantine.rows()] == ["key 2"]
    notes.execute("DELETE FROM notes WHERE id = 'key 2'")
    sync(notes)
    assert quarantine.partitions() == []
    assert notes.held() == notes.rows()


def test_object_of_a_refused_row_is_removed_once(
    tmp_path: Path, client: weaviate.WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the writer, where it was an object that the server would not take; else by the applier."""
    notes = FollowedNotes.begin(tmp_path, client, ROWS, on_unfit="refuse")
    (collection,) = notes.mapping.collections
    notes.execute("UPDATE notes SET body = hex(zeroblob(3000)) WHERE id = 'key 1'")
    notes.execute("UPDATE notes SET size = 'x' WHERE id = 'key 2'")
    removed: list[str] = []

    def noting(objects: Collection[Any, Any], uuids: Sequence[str]) -> int:
        removed.extend(uuids)
        return remove_objects(objects, uuids)

    monkeypatch.setattr(row_applier, "remove_objects", noting)
    settings = replace(SETTINGS, max_object_bytes=2000)
    with (
        collection_changes(notes.work_folder, notes.record, notes.mapping, collection) as since,
        since.held() as changes,
        notes.work_folder.quarantine(notes.record, collection) as quarantine,
    ):
        tally = apply_changes(client, since, changes, settings, quarantine)
    assert (tally.refused, tally.removed, removed) == (2, 2, [uuid_of("key 2")])
    assert not {uuid_of("key 1"), uuid_of("key 2")} & set(notes.held())


def test_nobody_else_writes_while_a_collection_is_compared_or_loaded(notes: FollowedNotes) -> None:
    (collection,) = notes.mapping.collections
    notes.execute("UPDATE notes SET body = 'newer' WHERE id = 'key 1'")
    with notes.syncing() as migration:
        with (
            held_changes(notes.work_folder, notes.record, notes.mapping, collection),
            pytest.raises(Timeout),
        ):
            migration.run_pass(SyncTally(), wait=False)
        migration.run_pass(done := SyncTally(), wait=False)
        assert done.written == 1


def test_follow_applies_what_is_committed_until_told_to_stop(notes: FollowedNotes) -> None:
    with notes.following() as done:
        for number in range(30):
            notes.execute(("UPDATE notes SET body = ? WHERE id = 'key 1'", (f"version {number}",)))
        notes.execute("DELETE FROM notes WHERE id = 'key 2'")
        until(lambda: not notes.objects.data.exists(uuid_of("key 2")))
    assert notes.held() == notes.rows()
    assert done[notes.record.id].changes == 31


def test_the_log_is_kept_back_to_the_snapshot(notes: FollowedNotes) -> None:
    assert notes.captured is not None
    notes.execute(*("UPDATE notes SET body = body || '.' WHERE id = 'key 1'" for _ in range(5)))
    with notes.followed() as group:
        for migration in group:
            migration.run_pass(SyncTally())
        assert group.note_in_file(LIMITS)
    assert first_position(notes) == notes.captured.position
    newer = notes.snapshotted()
    assert newer.captured is not None
    notes.execute("UPDATE notes SET body = 'last' WHERE id = 'key 1'")
    with newer.followed() as group:
        for migration in group:
            migration.run_pass(SyncTally())
        assert group.note_in_file(LIMITS)
    assert first_position(notes) == newer.captured.position


FEW = LIMITS.model_copy(update={"keep_changes": 2})


@contextmanager
def logged(module: ModuleType, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a module logs, each record once; where a command has run before, they do not come to the root."""
    logger = logging.getLogger(module.__name__)
    with caplog.at_level(logging.INFO, logger.name):
        logger.addHandler(caplog.handler)
        propagate, logger.propagate = logger.propagate, False
        try:
            yield
        finally:
            logger.propagate = propagate
            logger.removeHandler(caplog.handler)


def said_by(module: ModuleType, caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == module.__name__]


def cut_over(notes: FollowedNotes) -> FollowedNotes:
    return replace(notes, record=notes.work_folder.records.update(notes.record, state="cut over"))


def change_and_note(notes: FollowedNotes, keep: LogLimits) -> bool:
    """Five changes that are applied; then what a follower does while the application rests."""
    notes.execute(*("UPDATE notes SET body = body || '.' WHERE id = 'key 1'" for _ in range(5)))
    with notes.followed() as group:
        for migration in group:
            migration.run_pass(SyncTally())
        return group.note_in_file(keep)


def test_a_log_over_its_limit_is_pruned_beyond_the_snapshot_which_is_said(
    notes: FollowedNotes, caplog: pytest.LogCaptureFixture
) -> None:
    notes = cut_over(notes)
    with logged(log_pruner, caplog):
        assert change_and_note(notes, FEW)
        assert change_and_note(notes, FEW)
    assert first_position(notes) == notes.position.position - 1
    (said,) = [each for each in caplog.messages if "pruned beyond the snapshot" in each]
    assert notes.record.id in said
    assert "`weaviate-migration verify` takes a new one" in said


@pytest.mark.parametrize("work", [FollowedNotes.compare, FollowedNotes.load])
def test_nothing_is_loaded_or_compared_from_a_snapshot_that_the_log_does_not_reach(
    notes: FollowedNotes, work: Callable[[FollowedNotes], object]
) -> None:
    notes = cut_over(notes)
    change_and_note(notes, FEW)
    with pytest.raises(CaptureError, match="the log was pruned in between") as raised:
        work(notes)
    assert "`weaviate-migration verify` takes a new snapshot" in raised.value.hint
    newer = notes.snapshotted()
    work(newer)
    change_and_note(newer, LIMITS)
    assert [each.total for each in newer.compare()] == [0] * 16
    assert notes.held() == notes.rows()


def test_what_an_unfinished_migration_needs_is_kept_which_is_said_once(
    notes: FollowedNotes, caplog: pytest.LogCaptureFixture
) -> None:
    assert notes.captured is not None
    notes.execute(*("UPDATE notes SET body = body || '.' WHERE id = 'key 1'" for _ in range(5)))
    with logged(log_pruner, caplog), notes.followed() as group:
        for migration in group:
            migration.run_pass(SyncTally())
        assert group.note_in_file(FEW)
        assert group.note_in_file(FEW)
    assert first_position(notes) == notes.captured.position
    (said,) = [each for each in caplog.messages if "longer than --keep-changes" in each]
    assert f"{notes.record.id} is unfinished" in said


def test_what_is_not_applied_is_never_pruned(notes: FollowedNotes, caplog: pytest.LogCaptureFixture) -> None:
    notes = cut_over(notes)
    notes.execute(*("UPDATE notes SET body = body || '.' WHERE id = 'key 1'" for _ in range(5)))
    with logged(log_pruner, caplog):
        with notes.followed() as group:
            assert group.note_in_file(FEW)
        assert said_by(log_pruner, caplog) == [], "its follower is behind for a while only"
        with open_change_log(notes.work_folder, notes.source) as log:
            assert LogPruner(log, notes.work_folder, applied=[]).note_in_file(FEW)
    assert first_position(notes) == notes.position.position
    (said,) = said_by(log_pruner, caplog)
    assert f"{notes.record.id} has not applied it: `weaviate-migration sync`" in said
    assert sync(notes).changes == 5
    assert notes.held() == notes.rows()


def test_a_follower_whose_migration_is_discarded_has_failed(notes: FollowedNotes, server: ServerAddress) -> None:
    """Not with the exit code of wrong settings, which says that nothing was touched."""
    config = create_migration_config(
        str(notes.source),
        work_dir=notes.work_folder.path,
        mapping=notes.folder / "notes.yaml",
        weaviate_url=f"http://{server.host}:{server.http_port}",
        grpc_port=server.grpc_port,
    )
    stop = threading.Event()
    notes.execute("DELETE FROM notes WHERE id = 'key 1'")
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(follow_changes, config, stop)
        try:
            until(lambda: follower.done() or uuid_of("key 1") not in notes.held())
            notes.work_folder.records.update(notes.record, state="discarded")
            with pytest.raises(CaptureError, match="follows the changes of its source") as raised:
                follower.result(SECONDS)
        finally:
            stop.set()
    assert raised.value.exit_code == 1


def test_a_follower_notes_nothing_of_what_was_discarded_beside_it(notes: FollowedNotes) -> None:
    with notes.followed() as group:
        assert group.note_in_file(FEW)
        notes.work_folder.records.update(notes.record, state="discarded")
        notes.execute("DELETE FROM notes")
        assert group.note_in_file(FEW)


def test_a_command_that_works_keeps_the_log_back_to_the_snapshot(notes: FollowedNotes) -> None:
    notes = cut_over(notes)
    assert notes.captured is not None
    with notes.work_folder.locked():
        assert change_and_note(notes, FEW)
        assert first_position(notes) == notes.captured.position
        assert [each.total for each in notes.compare()] == [0] * 16
    change_and_note(notes, FEW)
    assert first_position(notes) > notes.captured.position


def test_a_log_over_its_limit_is_pruned_while_the_application_goes_on_writing(notes: FollowedNotes) -> None:
    notes = cut_over(notes)
    first = first_position(notes)

    def is_pruned_after_another_change() -> bool:
        notes.execute("UPDATE notes SET body = body || '.' WHERE id = 'key 1'")
        return first_position(notes) > first

    with notes.following(FEW) as done:
        until(is_pruned_after_another_change)
        end = newest_position(notes)
        until(lambda: notes.position.position >= end)
    assert notes.held() == notes.rows()
    assert done[notes.record.id].refused == 0


def test_an_application_that_may_rest_soon_is_not_pruned_under_yet(notes: FollowedNotes) -> None:
    """Only a log that is a tenth longer than its limit is pruned while the application writes."""
    notes, keep = cut_over(notes), LIMITS.model_copy(update={"keep_changes": 20})
    change = "UPDATE notes SET body = body || '.' WHERE id = 'key 1'"
    with notes.followed() as group:

        def first_with(entries: int, *, is_busy: bool) -> int:
            first, newest = extent(notes)
            notes.execute(*[change] * (entries - (newest - first + 1)))
            for migration in group:
                migration.run_pass(SyncTally())
            group.note_in_file(keep, is_busy=is_busy)
            return first_position(notes)

        first = first_position(notes)
        assert first_with(22, is_busy=True) == first
        assert first_with(23, is_busy=True) == first + 1
        assert first_with(22, is_busy=False) == first + 3


def first_position(notes: FollowedNotes) -> int:
    return extent(notes)[0]


def newest_position(notes: FollowedNotes) -> int:
    return extent(notes)[1]


def extent(notes: FollowedNotes) -> tuple[int, int]:
    """The oldest and the newest position of the change log."""
    table = quoted(f"_weaviate_migration_{notes.work_folder.capture_id}_changes")
    with closing(sqlite3.connect(notes.source)) as connection:
        first, newest = connection.execute(f"SELECT min(position), max(position) FROM {table}").fetchone()
    return int(first), int(newest)
