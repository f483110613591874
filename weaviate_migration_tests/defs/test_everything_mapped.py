"""The check `everything_mapped`, and that a run from the UI stops before anything is made, too."""

from pathlib import Path

import dagster as dg
import pytest

from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.defs.build import build_definitions
from weaviate_migration.mapping import read_mapping
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.source.databases import make

MAPPING = """\
name: notes
unmapped: {unmapped}
collections:
  - name: Note
    table: notes
    properties:
      - {{name: title, column: title, index: words}}
"""
NOTES = ("CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT)", "INSERT INTO notes VALUES ('a', 'one')")
USERS = ("CREATE TABLE users (id)", "INSERT INTO users VALUES (1)")


class Run:
    """A work folder and a source, whose assets are materialized in this process."""

    def __init__(self, folder: Path, unmapped: str) -> None:
        self.source = make(folder / "app.db", "PRAGMA journal_mode = wal", *NOTES)
        mapping = folder / "notes.yaml"
        mapping.write_text(MAPPING.format(unmapped=unmapped), encoding="utf-8")
        self.config = create_migration_config(str(self.source), mapping=mapping, work_dir=folder / "work")
        self.work_folder = WorkFolder.of(self.config)

    def begin(self) -> None:
        self.work_folder.ensure()
        self.work_folder.records.resume_or_begin(self.source, read_mapping(self.config.mapping), "")

    def materialize(self, asset: str, **ops: object) -> dg.ExecuteInProcessResult:
        job = build_definitions(self.config).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            asset_selection=[dg.AssetKey(asset)], raise_on_error=False, run_config={"ops": ops} if ops else None
        )


@pytest.mark.parametrize(("unmapped", "success"), [("refuse", False), ("warn", True)])
def test_the_audit_stops_a_migration_that_has_not_begun(tmp_path: Path, unmapped: str, success: bool) -> None:
    run = Run(tmp_path, unmapped)
    make(run.source, *USERS)
    assert run.materialize("source_audit").success == success
    run.begin()
    assert run.materialize("source_audit").success, "one that is gone on with has its snapshot, which is checked"


@pytest.mark.parametrize(
    ("unmapped", "refresh", "success", "severity"),
    [("refuse", False, False, "ERROR"), ("refuse", True, True, "WARN"), ("warn", False, True, "WARN")],
)
def test_the_check_is_about_the_snapshot(
    tmp_path: Path, unmapped: str, refresh: bool, success: bool, severity: str
) -> None:
    run = Run(tmp_path, unmapped)
    run.begin()
    make(run.source, *USERS)
    result = run.materialize("sqlite_snapshot", sqlite_snapshot={"config": {"refresh": refresh}})
    (found,) = result.get_asset_check_evaluations()
    assert (result.success, found.passed, found.severity.value) == (success, False, severity)
    assert (found.description or "").startswith("No collection takes the rows of users (1 row).")
    assert run.work_folder.records.current().passed_over == {"users": 1}


def test_what_has_come_after_the_snapshot_is_not_in_it(tmp_path: Path) -> None:
    run = Run(tmp_path, "refuse")
    run.begin()
    (first,) = run.materialize("sqlite_snapshot").get_asset_check_evaluations()
    make(run.source, *USERS)
    (again,) = run.materialize("sqlite_snapshot").get_asset_check_evaluations()
    assert (first.passed, again.passed) == (True, True)


def test_a_snapshot_of_an_older_version_is_counted_when_it_is_gone_on_from(tmp_path: Path) -> None:
    run = Run(tmp_path, "warn")
    make(run.source, *USERS)
    run.begin()
    assert run.materialize("sqlite_snapshot").success
    record = run.work_folder.records.current()
    assert record.snapshot is not None
    older = record.snapshot.model_copy(update={"other_tables": None})
    run.work_folder.records.update(record, snapshot=older)
    assert run.work_folder.records.current().passed_over == {}
    assert run.materialize("sqlite_snapshot").success
    assert run.work_folder.records.current().passed_over == {"users": 1}
