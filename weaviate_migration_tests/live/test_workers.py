"""A migration whose steps are carried out by a worker of Celery: a real one, which is killed on the way."""

import platform
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import dagster as dg
import pytest
import yaml
from weaviate import WeaviateClient

from weaviate_migration.runs import executors, worker_look
from weaviate_migration.runs.executors import read_executor
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.runs.workers import checked_workers
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.heartbeats import Heartbeats
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.cluster.celery_worker import CeleryWorker, celery_settings
from weaviate_migration_tests.cluster.redis_server import RedisServer
from weaviate_migration_tests.live.command_line import SECONDS, Ended, empty, holdings, run_here, until
from weaviate_migration_tests.live.held_up_load import awaited_runs, held_up_load, lose_soon
from weaviate_migration_tests.live.notes import fresh_notes


class WorkedNotes:
    """Notes that are loaded but not cut over, and the worker that carries out the steps of what is done then."""

    def __init__(self, folder: Path, server: ServerAddress, redis: RedisServer) -> None:
        self.notes = fresh_notes(folder, server)
        settings = celery_settings(redis)
        self.worker = CeleryWorker(folder, settings, {"DAGSTER_HOME": str(self.notes.work_dir / "dagster_home")})
        self.executor = folder / "executor.yaml"
        self.executor.write_text(yaml.safe_dump({"celery": settings}))

    def migrate(self, *more: object) -> Ended:
        return self.notes.migrate("--executor", self.executor, "--json", *more)

    @property
    def runs(self) -> list[dg.DagsterRun]:
        """Those whose steps others carry out, the newest first."""
        return awaited_runs(self.notes.work_dir)

    @contextmanager
    def loading(self, client: WeaviateClient, threads: ThreadPoolExecutor) -> Iterator[Future[Ended]]:
        """A migration whose step that loads waits until the end of the context."""
        with held_up_load(self.notes, ("--executor", self.executor, "--json"), client, threads) as migration:
            yield migration


@pytest.fixture(scope="module")
def worked(
    tmp_path_factory: pytest.TempPathFactory,
    server: ServerAddress,
    connected: WeaviateClient,
    redis_server: RedisServer,
) -> Iterator[WorkedNotes]:
    empty(connected)
    redis_server.empty()
    worked = WorkedNotes(tmp_path_factory.mktemp("worked"), server, redis_server)
    assert worked.notes.migrate("--no-cutover").code == 0
    try:
        yield worked
    finally:
        worked.worker.stop()


def test_nobody_takes_the_steps(worked: WorkedNotes) -> None:
    ended = worked.migrate()
    assert ended.code == 2
    assert "No worker of Celery listens to the queue `dagster`." in ended.stderr
    assert worked.runs == []
    checked = run_here("preflight", *worked.notes.options, "--executor", worked.executor, "--json")
    assert checked.code == 3
    first, *_ = checked.json["items"]
    assert (first["name"], first["verdict"]) == ("workers", "failed")
    assert "the queue `dagster`" in first["figure"]


def test_preflight_says_what_a_worker_reaches(worked: WorkedNotes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_look, "SECONDS", SECONDS)
    worked.worker.start()
    assert [each.verdict for each in checked_workers(read_executor(worked.executor))] == ["passed"]
    reader = Mock(wraps=read_executor)
    monkeypatch.setattr(executors, "read_executor", reader)
    checked = run_here("preflight", *worked.notes.options, "--executor", worked.executor, "--json")
    assert checked.code == 0, checked.stdout
    assert reader.call_count == 1
    first = [(each["name"], each["verdict"]) for each in checked.json["items"][:4]]
    reaches = [f"worker reaches {thing}" for thing in ("state", "storage", "server")]
    assert first == [(name, "passed") for name in ("workers", *reaches)]
    for each in checked.json["items"][1:4]:
        assert each["figure"].startswith(f"from {platform.node()}: ")
    assert list(worked.notes.work_dir.glob(".weaviate_migration*")) == []
    with dagster_instance(worked.notes.work_dir) as instance:
        assert all(run.is_finished for run in instance.get_runs())


def test_preflight_names_workers_that_take_tasks_ahead(worked: WorkedNotes, redis_server: RedisServer) -> None:
    settings = celery_settings(redis_server)
    del settings["config_source"]
    greedy = CeleryWorker(worked.notes.folder, settings, worked.worker.environment, "greedy")
    try:
        greedy.start()
        (found,) = checked_workers(read_executor(worked.executor))
    finally:
        greedy.stop()
    assert found.verdict == "warned"
    assert found.figure.startswith(f"{greedy.full_name}: ")
    assert "worker_disable_prefetch: true" in found.remedy


def test_a_broker_that_goes_away_ends_the_command_and_what_is_loaded_stays(
    worked: WorkedNotes, connected: WeaviateClient, redis_server: RedisServer
) -> None:
    before = holdings(connected)
    with ThreadPoolExecutor(1) as threads, worked.loading(connected, threads) as migration:
        redis_server.kill()
        ended = migration.result()
    assert ended.code == 1
    assert "Celery's broker cannot be reached: " in ended.stderr
    assert "the same command goes on with the migration" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert holdings(connected) == before
    (broken,) = worked.runs
    assert broken.status is dg.DagsterRunStatus.FAILURE
    redis_server.start()
    until(worked.worker.answers)
    assert worked.migrate("--no-cutover").code == 0
    assert holdings(connected) == before


def test_a_step_whose_worker_is_killed_is_taken_by_another_run(
    worked: WorkedNotes, connected: WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_soon(monkeypatch)
    with ThreadPoolExecutor(1) as threads:
        with worked.loading(connected, threads) as migration:
            worked.worker.kill()
        worked.worker.start()
        ended = migration.result()
    assert ended.code == 0, ended.stderr
    assert "has given no sign of life for" in ended.stderr
    lost, done = sorted(worked.runs[:2], key=lambda run: run.status.value)
    assert (lost.status, done.status) == (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS)
    assert ended.json["run_id"] == done.run_id
    assert ended.json["certificate"]
    assert connected.collections.use("Note").aggregate.over_all(total_count=True).total_count == 64
    store = StateStore.of(worked.notes.work_dir)
    assert Heartbeats(store, lost.run_id).is_called_off
    assert [Heartbeats(store, each.run_id).read() for each in (lost, done)] == [{}, {}]
