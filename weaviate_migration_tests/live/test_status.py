"""`status` in each phase: what it says, and that it starts nothing for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import weaviate

from weaviate_migration.api.status import read_status
from weaviate_migration.monitoring.status import MigrationStatus
from weaviate_migration.target.server import STATE_FILE
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.notes import NoteMigration, add_notes
from weaviate_migration_tests.live.test_dagster_runs import materialize


def status_of(notes: NoteMigration) -> MigrationStatus:
    return read_status(notes.config)


def shown(notes: NoteMigration, *more: object) -> str:
    ended = run_here("status", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server), *more)
    assert ended.code == 0, ended.stderr
    return ended.stdout


@contextmanager
def damaged_capture(source: Path) -> Iterator[None]:
    """Takes one of the triggers out of the file, as somebody may who tidies up; at the end it is there again."""
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        name, sql = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchone()
        connection.execute(f'DROP TRIGGER "{name}"')
        yield
        connection.execute(f'DROP TRIGGER IF EXISTS "{name}"')
        connection.execute(sql)


def test_an_empty_work_folder(notes: NoteMigration) -> None:
    found = status_of(notes)
    assert (found.phase, found.migration_id, found.aliases) == ("not begun", None, {})
    assert "`weaviate-migration migrate` begins one" in shown(notes)


def test_each_phase_of_a_migration(
    notes: NoteMigration, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """One after the other, and what is to be done next."""

    def phase_after(*assets: str) -> tuple[str, str]:
        if assets:
            assert materialize(definitions, instance, *assets, first="00", last="15").success
        found = status_of(notes)
        assert found.server == ""
        return found.phase, found.next_step

    assert phase_after("source_audit", "weaviate_schema")[0] == "schema"
    assert phase_after("sqlite_snapshot")[0] == "history"
    assert phase_after("notes_extract", "note")[0] == "validation"
    assert "`weaviate-migration cutover` moves them" in phase_after()[1]
    assert status_of(notes).checks == {"passed": 38}
    assert status_of(notes).aliases == {"Note": None}
    phase, following = phase_after("cutover")
    assert (phase, "`weaviate-migration rollback` leads back" in following) == ("cut over", True)
    record = WorkFolder(notes.work_dir).records.current()
    found = status_of(notes)
    assert found.aliases == {"Note": f"Note_{record.id}"}
    assert found.snapshot is not None
    assert found.snapshot.is_there
    assert {"snapshots", "extracts", "state.sqlite", "dagster_home"} <= set(found.disk)
    assert notes.roll_back().code == 0
    assert status_of(notes).phase == "rolled back"


def test_what_stops_the_cutover_is_told(notes: NoteMigration) -> None:
    assert notes.migrate("--no-cutover").code == 0
    record = WorkFolder(notes.work_dir).records.current()
    with WorkFolder(notes.work_dir).quarantine_of(f"Note_{record.id}") as quarantine:
        quarantine.add("03", QuarantinedRow("a", None, "too large", {}))
    found = status_of(notes)
    assert (found.phase, found.quarantined) == ("validation", {"Note": 1})
    assert "`verify --repair`" in found.next_step
    assert "1 of Note" in shown(notes)
    quarantine.discard()
    assert "`weaviate-migration cutover` moves them" in status_of(notes).next_step
    pending = PendingVectors(StateStore.of(notes.work_dir), f"Note_{record.id}")
    pending.add([("a", "body"), ("b", "body")])
    found = status_of(notes)
    assert (found.phase, found.lacking_vectors) == ("validation", {"Note": {"body": 2}})
    assert "`weaviate-migration migrate` goes on" in found.next_step
    assert "2 of Note lack body" in shown(notes)


def test_a_followed_source(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    ended = notes.migrate("--live", "--no-cutover")
    assert ended.code == 0, ended.stderr
    found = status_of(notes)
    assert (found.phase, found.capture and found.capture.changes) == ("validation", 0)
    add_notes(notes.source, [(f"more {number}", "more", number, None) for number in range(3)])
    found = status_of(notes)
    assert found.capture is not None
    assert (found.phase, found.capture.changes) == ("dual write", 3)
    assert found.capture.applied is not None
    assert found.capture.newest == found.capture.applied + 3
    assert found.capture.seconds > 0
    assert "3 changes" in shown(notes)
    with damaged_capture(notes.source):
        damaged = status_of(notes)
        assert damaged.capture is not None
        assert (damaged.phase, "changes may be missed" in damaged.capture.problem) == ("validation", True)
        assert damaged.next_step.startswith("`weaviate-migration capture install` mends it")
    ended = run_here("cutover", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server), "--json")
    assert ended.code == 0, ended.stderr
    assert ended.json["position"] == found.capture.newest
    found = status_of(notes)
    assert found.capture is not None
    assert (found.phase, found.capture.changes, found.capture.problem) == ("cut over", 0, "")
    assert client.collections.use("Note").aggregate.over_all(total_count=True).total_count == 67
    with damaged_capture(notes.source):
        assert "`weaviate-migration capture install`" in shown(notes).splitlines()[-1]
        assert run_here("capture", "install", *notes.source_options).code == 0
    found = status_of(notes)
    assert found.next_step.startswith("`weaviate-migration verify --repair` compares everything")
    away = notes.source.rename(notes.folder / "elsewhere.db")
    found = status_of(notes)
    assert found.capture is not None
    assert "No such file" in found.capture.problem
    assert "a symbolic link in its old place leads to it" in found.next_step
    notes.source.symlink_to(away)
    assert status_of(notes).next_step.startswith("`weaviate-migration verify --repair` compares everything")


def test_without_a_server(notes: NoteMigration) -> None:
    """An embedded server that does not run is not started for it."""
    assert notes.migrate().code == 0
    ended = run_here("status", "--mapping", notes.mapping, "--work-dir", notes.work_dir)
    assert ended.code == 0, ended.stderr
    assert "is not running" in ended.stdout
    assert "cut over" in ended.stdout
    assert not (notes.work_dir / "weaviate" / STATE_FILE).exists()
    away = run_here(
        *("status", "--mapping", notes.mapping, "--work-dir", notes.work_dir, "--weaviate-url", "http://127.0.0.1:1")
    )
    assert away.code == 0, away.stderr
    assert "no Weaviate answers" in away.stdout


def test_as_json(notes: NoteMigration) -> None:
    assert notes.migrate().code == 0
    ended = run_here("status", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server), "--json")
    document: dict[str, Any] = ended.json
    assert document["phase"] == "cut over"
    assert document == status_of(notes).to_dict()
