"""The end of a migration: what is removed, what stays, and that a kill in the middle leaves nothing behind."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.partition_values import COMPARISONS, LOADED
from weaviate_migration.work_folder.pending_vectors import PendingVectors, size_of_all
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.chaos.killing import Boundary, run_killed
from weaviate_migration_tests.live.command_line import WITHOUT_RIGHTS, Ended, at, holdings, run_command, run_here
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.notes import NoteMigration, add_notes

FILES = ("snapshots", "extracts", "quarantine", "sync")


def clean_up(notes: NoteMigration, *more: object) -> Ended:
    return run_here("cleanup", "--work-dir", notes.work_dir, *at(notes.server), *more)


def ids(notes: NoteMigration) -> list[str]:
    return [each.id for each in WorkFolder(notes.work_dir).records.all()]


def states(notes: NoteMigration) -> list[str]:
    return [each.state for each in WorkFolder(notes.work_dir).records.all()]


def left_on_disk(notes: NoteMigration) -> list[str]:
    """What of the work folder a cleanup should have removed."""
    found = [notes.work_dir / name for name in FILES]
    in_store = [kind for kind in (COMPARISONS, LOADED) if StateStore.of(notes.work_dir).all(kind)]
    return [path.name for path in found if path.is_file() or (path.is_dir() and any(path.rglob("*.*")))] + in_store


def schema_of(notes: NoteMigration) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(notes.source)) as connection:
        return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid").fetchall()


def copy_database(source: Path, copy: Path) -> None:
    with closing(sqlite3.connect(source)) as connection, closing(sqlite3.connect(copy)) as other:
        connection.backup(other)


@pytest.fixture
def notes(kept_notes: KeptNotes, client: weaviate.WeaviateClient) -> NoteMigration:  # noqa: ARG001
    return kept_notes.begin()


@pytest.fixture
def twice(notes: NoteMigration, kept_notes: KeptNotes) -> NoteMigration:
    """A migration that was cut over, and another one after it."""
    kept_notes.migrated(times=2)
    return notes


def test_all_but_what_readers_use_goes(twice: NoteMigration, client: weaviate.WeaviateClient) -> None:
    first, second = ids(twice)
    client.collections.create(f"Note_{first}0")
    ended = clean_up(twice, "--yes", "--json")
    assert ended.code == 0, ended.stderr
    assert f"collection Note_{first}: 64 objects" in ended.stderr
    assert ended.json["collections"] == [{"name": f"Note_{first}", "migration_id": first, "objects": 64}]
    assert ended.json["removed"]
    assert ended.json["files"]["snapshots"] > 0
    assert holdings(client) == (sorted([f"Note_{second}", f"Note_{first}0"]), {"Note": f"Note_{second}"})
    assert left_on_disk(twice) == []
    assert states(twice) == ["discarded", "cleaned up"]
    again = clean_up(twice, "--yes")
    assert (again.code, again.complaint) == (0, ["Nothing is left to remove.", "Removed."])
    verified = run_here("verify", "--work-dir", twice.work_dir, *at(twice.server))
    assert verified.code == 2
    assert f"Migration {second} was cleaned up" in verified.stderr


def test_afterwards_there_is_nothing_to_go_back_to(twice: NoteMigration, client: weaviate.WeaviateClient) -> None:
    assert clean_up(twice, "--yes").code == 0
    before = holdings(client)
    for more in ([], ["--discard"]):
        ended = twice.roll_back(*more)
        assert ended.code == 2
        assert "There is nothing to go back to" in ended.stderr
    assert holdings(client) == before
    assert twice.migrate().code == 0
    assert states(twice) == ["discarded", "cleaned up", "cut over"]
    assert twice.roll_back().code == 0
    assert holdings(client)[1] == before[1]


def test_kept_versions_can_be_gone_back_to(twice: NoteMigration, client: weaviate.WeaviateClient) -> None:
    assert twice.migrate().code == 0
    first, second, third = ids(twice)
    ended = clean_up(twice, "--yes", "--keep", 1)
    assert ended.code == 0, ended.stderr
    assert f"kept: collection Note_{second}" in ended.stderr
    assert holdings(client)[0] == [f"Note_{second}", f"Note_{third}"]
    assert states(twice) == ["discarded", "cut over", "cleaned up"]
    assert first not in ended.stdout
    assert twice.roll_back().code == 0
    assert holdings(client)[1] == {"Note": f"Note_{second}"}


def test_a_collection_that_any_alias_points_at_stays(twice: NoteMigration, client: weaviate.WeaviateClient) -> None:
    first, _ = ids(twice)
    client.alias.create(alias_name="Mine", target_collection=f"Note_{first}")
    assert clean_up(twice, "--yes").code == 0
    assert f"Note_{first}" in client.collections.list_all()


def refused(ended: Ended, what: str) -> None:
    assert ended.code == 2, ended.stderr
    assert what in ended.stderr
    assert "Traceback" not in ended.stderr


def test_too_early(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    refused(clean_up(notes, "--yes"), "No migration is on record")
    assert notes.migrate("--no-cutover").code == 0
    before = holdings(client)
    refused(clean_up(notes, "--yes"), "is unfinished")
    assert notes.migrate().code == 0
    assert notes.roll_back().code == 0
    refused(clean_up(notes, "--yes"), "No migration is cut over")
    assert holdings(client)[0] == before[0]
    assert left_on_disk(notes) != []
    assert clean_up(notes, "--yes", "--force").code == 0
    assert holdings(client) == ([], {})
    assert left_on_disk(notes) == []
    assert states(notes) == ["discarded"]


def test_changes_that_are_not_applied_stop_it(notes: NoteMigration) -> None:
    assert notes.migrate("--live").code == 0
    add_notes(notes.source, [("late", "late", 1, None)])
    refused(clean_up(notes, "--yes"), "1 changes of")
    synced = run_here("sync", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server))
    assert synced.code == 0, synced.stderr
    record = WorkFolder(notes.work_dir).records.current()
    pending = PendingVectors(StateStore.of(notes.work_dir), f"Note_{record.id}")
    pending.add([("a", "body")])
    refused(clean_up(notes, "--yes"), "1 of Note lack body")
    pending.remove(["a"])
    assert clean_up(notes, "--yes").code == 0
    assert size_of_all(StateStore.of(notes.work_dir)) == 0


def test_a_file_that_was_restored_stops_it(notes: NoteMigration) -> None:
    assert notes.migrate("--live").code == 0
    backup = notes.source.with_name("backup.db")
    copy_database(notes.source, backup)
    add_notes(notes.source, [("late", "late", 1, None)])
    synced = run_here("sync", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server))
    assert synced.code == 0, synced.stderr
    copy_database(backup, notes.source)
    ended = clean_up(notes, "--yes")
    assert (ended.code, "restored from a backup" in ended.stderr) == (1, True), ended.stderr
    assert clean_up(notes, "--yes", "--force").code == 0


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_file_that_may_only_be_read_stops_it_before_anything_is_removed(
    notes: NoteMigration, client: weaviate.WeaviateClient, kept_notes: KeptNotes, journal_mode: str
) -> None:
    kept_notes.migrated("--live")
    with closing(sqlite3.connect(notes.source)) as application:
        application.execute(f"PRAGMA journal_mode = {journal_mode}")
        before, left = holdings(client), left_on_disk(notes)
        closed = notes.source if journal_mode == "wal" else notes.source.parent
        mode = closed.stat().st_mode
        closed.chmod(0o555)
        try:
            words = ["cleanup", "--work-dir", notes.work_dir, *at(notes.server), "--yes"]
            refused(run_command(*words, before=WITHOUT_RIGHTS), "cannot be written to")
        finally:
            closed.chmod(mode)
    assert (holdings(client), left_on_disk(notes)) == (before, left)
    assert clean_up(notes, "--yes").code == 0
    assert left_on_disk(notes) == []


def test_without_a_terminal_it_wants_yes(twice: NoteMigration, client: weaviate.WeaviateClient) -> None:
    before = holdings(client)
    ended = run_command("cleanup", "--work-dir", twice.work_dir, *at(twice.server))
    assert ended.code == 2
    assert "--yes" in ended.stderr
    assert holdings(client) == before


CLEANUP = "weaviate_migration.phases.cutover.cleanup"
KILLS = {
    "before a collection is removed": Boundary(f"{CLEANUP}:drop_collection", "before", 1),
    "when a collection is removed": Boundary(f"{CLEANUP}:drop_collection", "after", 1),
    "before capture is removed": Boundary(f"{CLEANUP}:remove_capture", "before", 1),
    "when capture is removed": Boundary(f"{CLEANUP}:remove_capture", "after", 1),
    "when the records are about to change": Boundary(f"{CLEANUP}:Cleanup._close", "before", 1),
    "when the first record has changed": Boundary(
        "weaviate_migration.work_folder.record:MigrationRecords.update", "after", 1
    ),
}


@pytest.mark.parametrize("kill", KILLS)
def test_killed_anywhere_the_same_command_completes_it(
    notes: NoteMigration, kept_notes: KeptNotes, client: weaviate.WeaviateClient, kill: str
) -> None:
    schema = schema_of(notes)
    kept_notes.migrated("--live", times=2)
    assert schema_of(notes) != schema
    run_killed(KILLS[kill], "cleanup", "--work-dir", notes.work_dir, *at(notes.server), "--yes")
    ended = clean_up(notes, "--yes")
    assert ended.code == 0, ended.stderr
    _, second = ids(notes)
    assert holdings(client) == ([f"Note_{second}"], {"Note": f"Note_{second}"})
    assert schema_of(notes) == schema
    assert left_on_disk(notes) == []
    assert states(notes) == ["discarded", "cleaned up"]
