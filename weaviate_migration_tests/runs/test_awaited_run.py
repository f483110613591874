"""The wait for runs ends, whatever becomes of their processes, and leaves none of them behind."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import psutil
import pytest
from sqlalchemy.exc import OperationalError

from weaviate_migration.base.errors import ConfigurationError, MigrationError, WorkerLostError
from weaviate_migration.runs import awaited_run
from weaviate_migration.runs.awaited_run import AwaitedRuns
from weaviate_migration.runs.executors import IN_PROCESS
from weaviate_migration.runs.own_process import RunProcess
from weaviate_migration.runs.run_order import RunOrder
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.heartbeats import Heartbeats
from weaviate_migration.work_folder.state_tables import documents
from weaviate_migration_tests.installed_package import CHECKOUT
from weaviate_migration_tests.live.command_line import SECONDS, until
from weaviate_migration_tests.runs.homes import ours
from weaviate_migration_tests.runs.lasting_job import AFTER_RUN, IN_RUN, RECIPE


@pytest.fixture(autouse=True)
def _runs_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job is one of the tests, which are not installed."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))


def order(file: Path, stays: str) -> RunOrder:
    job = {"file": str(file), "stays": stays}
    return RunOrder(job=job, run_config={}, tags={}, selection=None, recipe=RECIPE)


def is_written(file: Path) -> bool:
    return file.exists() and file.read_text(encoding="utf-8").endswith("\n")


def lives(file: Path) -> bool:
    return psutil.pid_exists(int(file.read_text(encoding="utf-8")))


def test_a_run_that_is_finished_is_made_though_its_process_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awaited_run, "HANGING_SECONDS", 0.0)
    file = tmp_path / "process"
    with ours(tmp_path) as instance:
        made = AwaitedRuns(instance, WorkFolder(tmp_path), IN_PROCESS).make([order(file, AFTER_RUN)])
        (run,) = instance.get_runs()
    assert made == [run.run_id]
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert not lives(file)


def told_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, RunProcess]]:
    """What is asked of processes from now on."""
    asked: list[tuple[str, RunProcess]] = []
    for name in ("ask_to_end", "end"):
        whole = getattr(RunProcess, name)

        def tell(process: RunProcess, name: str = name, whole: Callable[[RunProcess], None] = whole) -> None:
            asked.append((name, process))
            whole(process)

        monkeypatch.setattr(RunProcess, name, tell)
    return asked


def test_every_run_is_given_up_though_the_store_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work_folder = WorkFolder(tmp_path)
    files = [tmp_path / name for name in ("first", "second")]
    work_folder.store.write("kind", "owner", "{}")
    with ours(tmp_path) as instance, ThreadPoolExecutor(1) as threads:
        runs = AwaitedRuns(instance, work_folder, IN_PROCESS)
        making = threads.submit(runs.make, [order(file, IN_RUN) for file in files], len(files))
        until(lambda: making.done() or all(map(is_written, files)))
        asked = told_of(monkeypatch)
        work_folder.store.run(documents.drop)
        with pytest.raises(OperationalError, match="documents"):
            making.result()
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.FAILURE}
        assert len(instance.get_runs()) == len(files)
    assert not any(map(lives, files))
    # All are asked before any is waited for.
    names = [name for name, _ in asked]
    assert names[: len(files)] == ["ask_to_end"] * len(files)
    assert len({id(process) for _, process in asked[: len(files)]}) == len(files)
    assert "end" in names


def test_nobody_waits_for_the_steps_of_a_process_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the process itself carries them out; the sign of life that it has left is forgotten."""
    monkeypatch.setattr(awaited_run, "_SECONDS_FOR_STEPS", 10 * SECONDS)
    work_folder, file = WorkFolder(tmp_path), tmp_path / "process"
    with ours(tmp_path) as instance, ThreadPoolExecutor(1) as threads:
        making = threads.submit(AwaitedRuns(instance, work_folder, IN_PROCESS).make, [order(file, IN_RUN)])
        until(lambda: making.done() or is_written(file))
        killed, (run,) = int(file.read_text(encoding="utf-8")), instance.get_runs()
        work_folder.store.write("heartbeat", run.run_id, "{}", "its worker")
        os.kill(killed, signal.SIGKILL)
        until(lambda: making.done() or (is_written(file) and int(file.read_text(encoding="utf-8")) != killed))
        assert Heartbeats(work_folder.store, run.run_id).read() == {}
        work_folder.store.run(documents.drop)
        with pytest.raises(OperationalError, match="documents"):
            making.result()
    assert not lives(file)


@pytest.mark.parametrize(("is_begun", "error"), [(False, ConfigurationError), (True, WorkerLostError)])
def test_workers_are_wanted_before_a_command_begins_and_later_on(
    tmp_path: Path, is_begun: bool, error: type[MigrationError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awaited_run, "absent_workers", lambda _executor: "Nobody is there.")
    with ours(tmp_path) as instance, pytest.raises(error, match=r"Nobody is there\."):
        AwaitedRuns(instance, WorkFolder(tmp_path), IN_PROCESS, is_begun=is_begun).make([order(tmp_path / "a", IN_RUN)])
