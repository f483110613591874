"""Several processes on one home: side by side, one after another that was killed, and parent and child of a fork."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from weaviate_migration_tests.runs.every_event import RUN_ID
from weaviate_migration_tests.runs.homes import dagsters, files_of, ours
from weaviate_migration_tests.runs.other_process import AFTER_FORK, stored_events
from weaviate_migration_tests.runs.reads import all_reads
from weaviate_migration_tests.runs.sample_job import KILL, LOOKED, MULTIPROCESS, run_sample

pytestmark = pytest.mark.filterwarnings(
    "ignore:Class `ExpectationResult` is deprecated:DeprecationWarning",
    "ignore::dagster.BetaWarning",
    "ignore::dagster.PreviewWarning",
)


def run_side_by_side(*commands: tuple[object, ...]) -> list[int]:
    """Starts them all, lets them go at once, and gives their exit codes."""
    with ExitStack() as processes:
        started = [processes.enter_context(start(*command)) for command in commands]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.close()
        return [process.wait() for process in started]


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "weaviate_migration_tests.runs.other_process", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def assert_whole(work_dir: Path) -> None:
    """SQLite itself finds nothing wrong with any file, and both storages find the same in them."""
    for file in files_of(work_dir):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with ours(work_dir) as instance, dagsters(work_dir) as other:
        assert all_reads(instance) == all_reads(other)


def test_a_killed_process_loses_no_event_and_the_next_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / KILL).touch()
    assert run_side_by_side(("run", tmp_path)) == [-signal.SIGKILL]
    assert_whole(tmp_path)
    with ours(tmp_path) as instance:
        killed = instance.get_runs()[0]
        started = [entry.step_key for entry in instance.all_logs(killed.run_id) if entry.step_key]
        assert started[-1] == "load"
        (tmp_path / KILL).unlink()
        assert run_sample(instance, tmp_path).success
    assert_whole(tmp_path)


def test_steps_in_processes_of_their_own_store_and_read_alike(tmp_path: Path) -> None:
    with ours(tmp_path) as instance:
        assert run_sample(instance, tmp_path, MULTIPROCESS).success
    assert (tmp_path / LOOKED).read_text() == "PooledEventLogStorage"
    assert_whole(tmp_path)


def test_processes_that_make_a_home_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    runs = [RUN_ID.replace("1", number) for number in "567"]
    assert run_side_by_side(*(("store", tmp_path, run_id) for run_id in runs)) == [0, 0, 0]
    more = [RUN_ID.replace("1", number) for number in "89"]
    beside = [("store", tmp_path, more[0]), ("store_by_dagster", tmp_path, more[1])]
    assert run_side_by_side(*beside) == [0, 0]
    assert_whole(tmp_path)
    with ours(tmp_path) as instance:
        for run_id in [*runs, *more]:
            assert instance.all_logs(run_id) == stored_events(run_id)


def test_parent_and_child_of_a_fork_both_store(tmp_path: Path) -> None:
    assert run_side_by_side(("fork", tmp_path)) == [0]
    assert_whole(tmp_path)
    with ours(tmp_path) as instance:
        assert len(instance.all_logs(RUN_ID)) == 1 + 2 * AFTER_FORK
