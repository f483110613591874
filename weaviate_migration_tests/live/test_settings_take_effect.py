"""Each setting of `MigrationConfig` does something that can be seen, through the Python API."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import weaviate

from weaviate_migration import MigrationResult, run_migration
from weaviate_migration.api import migrate as migrator_module
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.write import Batch, BatchOutcome, ObjectWriter
from weaviate_migration_tests.live.command_line import empty, holdings, run_here
from weaviate_migration_tests.live.locked_server import KEY
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_file

ROWS = 64
PARTITIONS = 16


def migrate(notes: NoteMigration, **options: Any) -> MigrationResult:
    """Runs a migration of the notes from Python."""
    given = {
        "sqlite_url": str(notes.source),
        "weaviate_url": f"http://{notes.server.host}:{notes.server.http_port}",
        "grpc_port": notes.server.grpc_port,
        "mapping": notes.mapping,
        "work_dir": notes.work_dir,
    }
    return run_migration(**{**given, **options})


def events(notes: NoteMigration, of_type: dg.DagsterEventType) -> list[dg.DagsterEvent]:
    """Those of the last run, as Dagster keeps them."""
    with dagster_instance(notes.work_dir) as instance:
        run = instance.get_runs(limit=1)[0]
        records = instance.get_records_for_run(run.run_id, of_type=of_type).records
    return [record.event_log_entry.get_dagster_event() for record in records]


def numbers(notes: NoteMigration, asset: str, name: str) -> list[Any]:
    """One of the numbers that an asset's materializations carry, for each partition."""
    materializations = [
        event.step_materialization_data.materialization
        for event in events(notes, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key == dg.AssetKey(asset)
    ]
    return [each.metadata[name].value for each in materializations if name in each.metadata]


def log_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Done:
    """A migration that is done, and what it was told."""

    notes: NoteMigration
    result: MigrationResult
    log: Path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> Done:
    """One run for the settings whose effect stays in the work folder: a run costs seconds."""
    notes = NoteMigration(tmp_path_factory.mktemp("done"), server)
    note_file(notes.source)
    make_mapping(notes.mapping)
    log = notes.folder / "logs" / "log.jsonl"
    result = migrate(notes, batch_size=3, validation_sample_size=10, log_file=log, prefix="Done")
    assert result.success, result.errors
    return Done(notes, result, log)


def test_batch_size(done: Done) -> None:
    assert numbers(done.notes, "note", "batches") == [2] * PARTITIONS


def test_validation_sample_size(done: Done) -> None:
    evaluations = [
        event.asset_check_evaluation_data for event in events(done.notes, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]
    (sample,) = [each for each in evaluations if each.check_name == "sample"]
    assert sample.metadata["rows_compared"].value == 10


def test_without_enable_parallel_processing_there_is_one_process(done: Done) -> None:
    assert len({event.pid for event in events(done.notes, dg.DagsterEventType.STEP_SUCCESS)}) == 1


def test_backup_before_migration(done: Done) -> None:
    backup = done.result.backup
    assert backup is not None
    content = Path(backup.path).read_bytes()
    assert backup.sha256 == hashlib.sha256(content).hexdigest()
    assert backup.bytes == len(content)


def test_log_file(done: Done) -> None:
    (made,) = [line for line in log_lines(done.log) if "collections made" in line["event"]]
    assert (made["level"], made["step"], made["run_id"]) == ("info", "weaviate_schema", done.result.run_id)
    assert {"timestamp", "logger"} <= made.keys()


@pytest.mark.parametrize(("level", "shown"), [("INFO", True), ("ERROR", False)])
def test_log_level(notes: NoteMigration, level: str, shown: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a file with a rollback journal there is something to say: that its writers wait."""
    with closing(sqlite3.connect(notes.source)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
    log = notes.folder / "log.jsonl"
    assert migrate(notes, log_level=level, log_file=log, dry_run=True).success
    assert any("rollback journal" in line["event"] for line in log_lines(log)) == shown
    assert ("rollback journal" in capfd.readouterr().err) == shown


def test_log_format(notes: NoteMigration) -> None:
    """Nothing else is on standard error then, whatever happens."""
    ended = run_here("migrate", *notes.source_options, "--weaviate-url", "http://127.0.0.1:1", "--log-format", "json")
    assert ended.code == 2
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["error", "error"]
    assert "no Weaviate answers" in lines[0]["event"]
    assert lines[0]["category"] == "connection"


def test_run_is_named(done: Done) -> None:
    with dagster_instance(done.notes.work_dir) as instance:
        assert [run.run_id for run in instance.get_runs()] == [done.result.run_id]


def test_sqlite_url(notes: NoteMigration) -> None:
    other = note_file(notes.folder / "other.db", rows=5)
    assert migrate(notes, sqlite_url=f"sqlite:///{other}", dry_run=True).total_records == 5


def test_weaviate_url(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    result = migrate(notes)
    assert result.success
    assert result.exit_code == 0
    assert holdings(client)[1] == {"Note": result.collections["Note"].collection}
    assert result.to_pandas().loc["Note", "migrated"] == ROWS


def test_memory_limit_mb(notes: NoteMigration) -> None:
    """The less memory and the more workers, the earlier a batch is cut: here at 336 kB, so after three of these."""
    notes.source.unlink()
    note_file(notes.source, ROWS, more="x" * 100_000)
    assert migrate(notes, memory_limit_mb=384, worker_count=64).success
    assert numbers(notes, "note", "batches") == [2] * PARTITIONS


@pytest.mark.parametrize("workers", [1, 3])
def test_worker_count(notes: NoteMigration, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batches wait for each other: so many are under way at once, and never more."""
    barrier = threading.Barrier(workers)
    under_way = threading.Semaphore(workers)
    number = iter(range(10_000))
    write_batch = ObjectWriter.write_batch

    def watched(writer: ObjectWriter, batch: Batch) -> BatchOutcome:
        assert under_way.acquire(blocking=False)
        try:
            if next(number) < workers:
                barrier.wait(timeout=300)
            return write_batch(writer, batch)
        finally:
            under_way.release()

    monkeypatch.setattr(ObjectWriter, "write_batch", watched)
    result = migrate(notes, worker_count=workers)
    assert result.success, result.errors


@pytest.fixture
def stubborn(notes: NoteMigration, client: weaviate.WeaviateClient) -> NoteMigration:
    """An unfinished migration whose collection takes no objects."""
    name = migrate(notes, cutover=False).collections["Note"].collection
    client.collections.use(name).config.update_shards("READONLY")
    notes.forget_loaded()
    return notes


def test_max_retries_and_retry_delay(stubborn: NoteMigration) -> None:
    log = stubborn.folder / "log.jsonl"
    result = migrate(stubborn, max_retries=2, retry_delay=0.2, worker_count=1, log_file=log)
    assert (result.success, result.exit_code) == (False, 1)
    first = [line["event"] for line in log_lines(log) if "sent again" in line["event"]][:2]
    assert ["(1 of 2)" in first[0], "(2 of 2)" in first[1]] == [True, True]
    waits = [float(text.partition(" in ")[2].partition(" s ")[0]) for text in first]
    # Doubled each time, and up to as much again by chance.
    assert 0.2 <= waits[0] <= 0.4
    assert 0.4 <= waits[1] <= 0.6


def test_max_retries_of_0(stubborn: NoteMigration) -> None:
    log = stubborn.folder / "log.jsonl"
    assert migrate(stubborn, max_retries=0, log_file=log).exit_code == 1
    assert not any("sent again" in line["event"] for line in log_lines(log))


def test_rollback_on_failure(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    assert migrate(notes, cutover=False).success
    before = holdings(client)
    notes.block_extracts()
    assert migrate(notes, rollback_on_failure=False).exit_code == 1
    assert holdings(client) == before
    assert migrate(notes).exit_code == 1
    assert holdings(client) == ([], {})


@pytest.fixture
def locked(notes: NoteMigration, locked_server: ServerAddress) -> Iterator[NoteMigration]:
    """A migration to the server that wants a key."""
    with connect(locked_server, KEY) as client:
        empty(client)
        yield NoteMigration(notes.folder, locked_server)


def test_weaviate_api_key_in_several_processes(locked: NoteMigration) -> None:
    """Also shows enable_parallel_processing: each step runs in a process of its own, and needs the key there."""
    result = migrate(locked, weaviate_api_key=KEY, enable_parallel_processing=True)
    assert result.success, result.errors
    processes = {event.pid for event in events(locked, dg.DagsterEventType.STEP_SUCCESS)}
    assert len(processes) > 1
    assert not [path for path in locked.work_dir.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_weaviate_api_key_that_is_missing(locked: NoteMigration) -> None:
    result = migrate(locked)
    assert result.exit_code == 2
    assert "wants an API key" in result.errors[0]


def test_dry_run(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    result = migrate(notes, dry_run=True, weaviate_url="http://127.0.0.1:1")
    assert (result.success, result.dry_run, result.total_records, result.migrated_records) == (True, True, ROWS, 0)
    assert holdings(client) == ([], {})


def test_without_a_backup_the_snapshot_goes_at_the_end(notes: NoteMigration) -> None:
    result = migrate(notes, backup_before_migration=False)
    assert result.success
    assert result.backup is None
    assert not list((notes.work_dir / "snapshots").iterdir())


def test_mapping_that_was_changed_between_two_calls(notes: NoteMigration) -> None:
    assert migrate(notes).collections.keys() == {"Note"}
    make_mapping(notes.mapping).write_text(notes.mapping.read_text().replace("name: Note", "name: Memo"))
    result = migrate(notes)
    assert result.success, result.errors
    assert result.collections.keys() == {"Memo"}


def test_large_files_are_kept_where_they_shall_be(notes: NoteMigration) -> None:
    elsewhere = notes.folder / "elsewhere"
    assert migrate(notes, storage=elsewhere.as_uri(), cutover=False).success
    assert len(list(elsewhere.rglob("*.parquet"))) == PARTITIONS
    assert not (notes.work_dir / "extracts").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"sqlite_url": "no.db"}, 2, "No such file"),
        ({"weaviate_url": "http://127.0.0.1:1"}, 2, "no Weaviate answers"),
        ({"weaviate_url": "ftp://somewhere"}, 2, "not the address of a Weaviate server"),
        ({"mapping": Path("no.yaml")}, 2, "No such file"),
        ({"alerts": Path("no.yaml")}, 2, "alerts file no.yaml: No such file"),
        ({"work_dir": Path("/proc/work")}, 2, "cannot be written to"),
        ({"log_file": Path("/proc/log")}, 2, "cannot be written"),
    ],
)
def test_failure_is_a_result(notes: NoteMigration, options: dict[str, Any], code: int, words: str) -> None:
    result = migrate(notes, **options)
    assert (result.success, result.exit_code) == (False, code)
    assert words in result.errors[0]
    assert result.completed_at >= result.started_at


def test_fault_of_ours_is_a_result_and_keeps_its_trace(notes: NoteMigration, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(migrator_module, "planned_source", broken)
    result = migrate(notes)
    assert (result.success, result.exit_code) == (False, 1)
    assert result.errors[0].startswith("Internal error:\nTraceback")
    assert "a fault of ours" in result.errors[0]
