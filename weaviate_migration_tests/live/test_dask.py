"""A migration whose steps are carried out by workers of Dask: in a cluster of its own, and in one that was there."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dask.distributed import Client
from weaviate import WeaviateClient

from weaviate_migration.runs.executors import read_executor
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.runs.steps import RunSteps
from weaviate_migration.runs.workers import absent_workers
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.cluster.program import Program, leave_out_if_unwanted
from weaviate_migration_tests.live.command_line import SECONDS, Ended, child_environment, empty, until
from weaviate_migration_tests.live.held_up_load import awaited_runs, held_up_load, lose_soon
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes
from weaviate_migration_tests.live.test_parted_runs import runs_of

_DASK = Path(sys.executable).parent / "dask"


@dataclass
class DaskCluster:
    """A scheduler on this machine, and workers with one thread each.

    Attributes:
        folder: gets its logs, and the file that has its address.
    """

    folder: Path
    scheduler: Program = field(init=False)
    workers: Program = field(init=False)

    def __post_init__(self) -> None:
        place = ["--scheduler-file", str(self.file), "--host", "127.0.0.1", "--no-dashboard"]
        many = ["--nworkers", "2", "--nthreads", "1"]
        self.scheduler = self._program("scheduler", *place, "--port", "0")
        self.workers = self._program("worker", *place, *many)

    def _program(self, *words: str) -> Program:
        return Program([str(_DASK), *words], self.folder / f"dask-{words[0]}.log", child_environment({}))

    @property
    def file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        found: str = yaml.safe_load(self.file.read_text())["address"]
        return found

    def start(self) -> None:
        """Starts the scheduler, and no worker yet."""
        self.scheduler.start(self._has_address)

    def _has_address(self) -> bool:
        """Whether its file is there, and written to its end."""
        return self.file.exists() and self.file.read_text().rstrip().endswith("}")

    def has_workers(self) -> bool:
        with Client(self.address, timeout=SECONDS) as client:  # type: ignore[no-untyped-call]
            return len(client.scheduler_info()["workers"]) == 2

    def kill_one_at_work(self) -> None:
        """Ends a worker that is at a task on the spot; Dask starts another in its place."""
        with Client(self.address, timeout=SECONDS) as client:  # type: ignore[no-untyped-call]
            busy = [worker for worker, tasks in client.processing().items() if tasks]
            (pid,) = client.run(os.getpid, workers=busy[:1]).values()
        os.kill(pid, signal.SIGKILL)

    def profiled(self) -> list[bool]:
        """Of each worker, whether Dask looks at what its threads do."""
        with Client(self.address, timeout=SECONDS) as client:  # type: ignore[no-untyped-call]
            return [*client.run(lambda dask_worker: dask_worker.periodic_callbacks["profile"].is_running()).values()]

    def stop(self) -> None:
        self.workers.stop()
        self.scheduler.stop()


def executor_file(folder: Path, **cluster: object) -> Path:
    file = folder / f"{'-'.join(cluster)}.yaml"
    file.write_text(yaml.safe_dump({"dask": {"cluster": cluster}}))
    return file


def steps_of(work_dir: Path) -> list[set[str]]:
    """The steps that were begun, of each run."""
    runs = runs_of(work_dir)
    with dagster_instance(work_dir) as instance:
        return [{*RunSteps(instance, run.run_id).read()} for run in runs]


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    leave_out_if_unwanted()
    cluster = DaskCluster(tmp_path_factory.mktemp("dask"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def dasked(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: WeaviateClient) -> NoteMigration:
    empty(connected)
    return fresh_notes(tmp_path_factory.mktemp("dasked"), server)


def test_workers_that_were_there_load_ranges_of_a_table(dasked: NoteMigration, dask_cluster: DaskCluster) -> None:
    file = executor_file(dasked.folder, existing={"address": dask_cluster.address})
    assert "has no worker" in absent_workers(read_executor(file))
    dask_cluster.workers.start(dask_cluster.has_workers)
    assert dask_cluster.profiled() == [True, True]
    ended = dasked.migrate("--executor", file, "--partitions-per-task", 8, "--workers", 2, "--json")
    assert ended.code == 0, ended.stderr
    assert ended.json["migrated_records"] == 64
    assert ended.json["certificate"]
    assert steps_of(dasked.work_dir)[1:5] == [{"notes_extract", "note"}] * 2 + [{"note_checks"}] * 2
    assert not all(dask_cluster.profiled()), "a worker of Dask that looks at its threads may stand still for ever"


def test_a_step_whose_forerunner_has_failed_is_not_carried_out(dasked: NoteMigration) -> None:
    """In a cluster of the run's own; Dagster's executor for Dask would go on."""
    file = executor_file(dasked.folder, local={"n_workers": 1, "dashboard_address": None})
    assert dasked.migrate("--no-cutover").code == 0
    dasked.block_extracts()
    ended = dasked.migrate("--executor", file, "--json")
    assert ended.code == 1
    assert runs_of(dasked.work_dir)[-1].status is dg.DagsterRunStatus.FAILURE
    *_, begun = steps_of(dasked.work_dir)
    assert "notes_extract" in begun
    assert not begun & {"note", "note_checks", "cutover"}


@dataclass
class Begun:
    """A migration that is loaded once, and is made again by the workers of a cluster."""

    notes: NoteMigration
    options: tuple[object, ...]
    client: WeaviateClient

    def assert_made(self, ended: Ended) -> None:
        assert ended.code == 0, ended.stderr
        assert (ended.json["total_records"], ended.json["migrated_records"]) == (64, 64)
        assert ended.json["certificate"]
        assert self.client.collections.use("Note").aggregate.over_all(total_count=True).total_count == 64


@pytest.fixture
def begun(tmp_path: Path, server: ServerAddress, connected: WeaviateClient, dask_cluster: DaskCluster) -> Begun:
    empty(connected)
    notes = fresh_notes(tmp_path, server)
    assert notes.migrate("--no-cutover").code == 0
    file = executor_file(tmp_path, existing={"address": dask_cluster.address})
    return Begun(notes, ("--executor", file, "--json"), connected)


def test_the_step_of_a_killed_worker_is_taken_again(begun: Begun, dask_cluster: DaskCluster) -> None:
    """By Dask, in the same run; so are those whose results the worker had."""
    with ThreadPoolExecutor(1) as threads:
        with held_up_load(begun.notes, begun.options, begun.client, threads) as migration:
            dask_cluster.kill_one_at_work()
        begun.assert_made(migration.result())


def test_a_step_that_takes_long_after_that_is_done_by_another_run(
    begun: Begun, dask_cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_soon(monkeypatch)
    with ThreadPoolExecutor(1) as threads:
        with held_up_load(begun.notes, begun.options, begun.client, threads) as migration:
            dask_cluster.kill_one_at_work()
            until(lambda: len(awaited_runs(begun.notes.work_dir)) > 1 or migration.done())
        ended = migration.result()
    begun.assert_made(ended)
    assert "has given no sign of life for" in ended.stderr


def test_without_any_worker_the_command_ends_and_goes_on_later(
    begun: Begun, dask_cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_soon(monkeypatch)
    with (
        ThreadPoolExecutor(1) as threads,
        held_up_load(begun.notes, begun.options, begun.client, threads) as migration,
    ):
        dask_cluster.workers.kill()
        ended = migration.result()
    assert ended.code == 1
    assert "has no worker" in ended.stderr
    assert "Traceback" not in ended.stderr
    dask_cluster.workers.start(dask_cluster.has_workers)
    begun.assert_made(begun.notes.migrate(*begun.options))
