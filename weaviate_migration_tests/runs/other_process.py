"""Processes beside the tests': `python -m weaviate_migration_tests.runs.other_process NAME WORK_DIR [RUN_ID]`.

Each one says that it has started, and waits for a line before it opens the home.
"""

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import dagster as dg
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry

from weaviate_migration_tests.runs.every_event import RUN_ID, every_readable_event
from weaviate_migration_tests.runs.homes import dagsters, ours
from weaviate_migration_tests.runs.sample_job import run_sample

ROUNDS = 1
AFTER_FORK = 50


def run(work_dir: Path) -> None:
    """The sample job, to its end or until one of its steps kills it."""
    with ours(work_dir) as instance:
        run_sample(instance, work_dir)


def store(work_dir: Path, run_id: str) -> None:
    with ours(work_dir) as instance:
        _store(instance, run_id)


def store_by_dagster(work_dir: Path, run_id: str) -> None:
    with dagsters(work_dir) as instance:
        _store(instance, run_id)


def fork(work_dir: Path) -> None:
    """Parent and child write to the same files; the parent closes them first, while the child goes on."""
    event, *_ = every_readable_event()
    reading, writing = os.pipe()
    with ours(work_dir) as instance:
        storage = instance.event_log_storage
        storage.store_event(event)
        child = os.fork()
        if child == 0:
            storage.store_event(event)
            os.read(reading, 1)
            for _ in range(AFTER_FORK - 1):
                storage.store_event(event)
            os._exit(0)
        for _ in range(AFTER_FORK):
            storage.store_event(event)
    store(work_dir, RUN_ID.replace("1", "3"))  # Another one opens the files, and is the last to close them.
    os.write(writing, b".")
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("The child failed.")


def stored_events(run_id: str) -> list[EventLogEntry]:
    """Many events; a check of a run can be planned once."""
    events = every_readable_event(run_id)
    planned = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    return [*events, *[event for event in events if event.dagster_event_type is not planned] * ROUNDS]


def _store(instance: dg.DagsterInstance, run_id: str) -> None:
    for event in stored_events(run_id):
        instance.event_log_storage.store_event(event)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    name, work_dir, *run_id = sys.argv[1:]
    print("started", flush=True)
    sys.stdin.readline()
    commands: dict[str, Callable[..., None]] = {
        "run": run,
        "store": store,
        "store_by_dagster": store_by_dagster,
        "fork": fork,
    }
    commands[name](Path(work_dir), *run_id)
