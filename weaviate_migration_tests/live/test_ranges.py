"""One table that workers of Celery load and compare, range by range of its partitions.

Which of two idle workers takes a range is open; `test_workers.py` has one die, and the other go on.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest
import yaml
from weaviate import WeaviateClient

from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.cluster.celery_worker import celery_settings, run_workers
from weaviate_migration_tests.cluster.redis_server import RedisServer
from weaviate_migration_tests.live.command_line import at, empty, run_here
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes
from weaviate_migration_tests.live.test_parted_runs import runs_of


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: WeaviateClient) -> NoteMigration:
    empty(connected)
    return fresh_notes(tmp_path_factory.mktemp("ranged"), server)


@pytest.fixture(scope="module")
def executor(ranged: NoteMigration, redis_server: RedisServer) -> Iterator[Path]:
    """The executor file of two workers, which take one step at a time each."""
    redis_server.empty()
    settings, home = celery_settings(redis_server), {"DAGSTER_HOME": str(ranged.work_dir / "dagster_home")}
    file = ranged.folder / "executor.yaml"
    file.write_text(yaml.safe_dump({"celery": settings}))
    with dagster_instance(ranged.work_dir):
        pass  # Workers want a home that is there.
    with run_workers(ranged.folder, settings, home, ["w1", "w2"]):
        yield file


def workers_of(work_dir: Path, runs: Sequence[dg.DagsterRun], step: str) -> set[str]:
    """Who has carried out a step of these runs."""
    with dagster_instance(work_dir) as instance:
        events = [entry.dagster_event for run in runs for entry in instance.all_logs(run.run_id)]
    return {
        str(each.engine_event_data.metadata["Celery worker"].value)
        for each in events
        if each is not None
        and each.step_key == step
        and each.is_engine_event
        and "Celery worker" in each.engine_event_data.metadata
    }


def test_each_range_of_one_table_is_loaded_and_compared_by_a_worker(ranged: NoteMigration, executor: Path) -> None:
    ended = ranged.migrate("--executor", executor, "--partitions-per-task", 8, "--workers", 2, "--json")
    assert ended.code == 0, ended.stderr
    assert ended.json["migrated_records"] == 64
    assert ended.json["certificate"]
    _, *ranges, _, _ = runs_of(ranged.work_dir)
    loads, comparisons = ranges[:2], ranges[2:]
    assert len(comparisons) == 2
    for step, of_ranges in (("note", loads), ("note_checks", comparisons)):
        assert [len(workers_of(ranged.work_dir, [run], step)) for run in of_ranges] == [1, 1]


def test_what_is_compared_in_ranges_is_compared_with_the_objects_of_now(
    ranged: NoteMigration, executor: Path, connected: WeaviateClient
) -> None:
    notes = connected.collections.use("Note")
    gone = str(next(iter(notes.iterator())).uuid)
    notes.data.delete_by_id(gone)
    before = len(runs_of(ranged.work_dir))
    options = ["--work-dir", ranged.work_dir, *at(ranged.server), "--executor", executor, "--partitions-per-task", 8]
    ended = run_here("verify", *options, "--json")
    assert ended.code == 3, ended.stderr
    assert [(each["uuid"], each["kind"]) for each in ended.json["differences"]] == [(gone, "missing")]
    assert ended.json["certificate"]
    failed = {each["name"] for each in ended.json["checks"] if not each["passed"]}
    assert {"count", "every_object"} <= failed
    judged = [run.status for run in runs_of(ranged.work_dir)[before:]]
    assert judged == [*[dg.DagsterRunStatus.SUCCESS] * 2, dg.DagsterRunStatus.FAILURE]
