"""The wait for runs ends, whatever becomes of their processes, and leaves none of them behind."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import psutil
import pytest
from sqlalchemy.exc import OperationalError

from weaviate_migration.runs import awaited_run
from weaviate_migration.runs.awaited_run import AwaitedRuns
from weaviate_migration.runs.executors import IN_PROCESS
from weaviate_migration.runs.run_order import RunOrder
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.state_tables import documents
from weaviate_migration_tests.installed_package import CHECKOUT
from weaviate_migration_tests.live.command_line import until
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


def test_every_run_is_given_up_though_the_store_is_gone(tmp_path: Path) -> None:
    work_folder = WorkFolder(tmp_path)
    files = [tmp_path / name for name in ("first", "second")]
    work_folder.store.write("kind", "owner", "{}")
    with ours(tmp_path) as instance, ThreadPoolExecutor(1) as threads:
        runs = AwaitedRuns(instance, work_folder, IN_PROCESS)
        making = threads.submit(runs.make, [order(file, IN_RUN) for file in files], len(files))
        until(lambda: making.done() or all(map(is_written, files)))
        work_folder.store.run(documents.drop)
        with pytest.raises(OperationalError, match="documents"):
            making.result()
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.FAILURE}
        assert len(instance.get_runs()) == len(files)
    assert not any(map(lives, files))
