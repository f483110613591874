"""A load that a worker elsewhere is at, held up for as long as a test needs it there."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from weaviate import WeaviateClient

from weaviate_migration.phases.history.collection_locks import writing_lock
from weaviate_migration.runs import awaited_run, life_watch
from weaviate_migration.runs.awaited_run import AWAITED_TAG
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.runs.steps import RunSteps
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.heartbeats import Heartbeats
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.live.command_line import Ended, holdings, until
from weaviate_migration_tests.live.notes import NoteMigration

# Three signs of life may be late.
LOST_SECONDS = 20.0


def lose_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is taken for lost after some seconds without a sign of life, not after a minute."""
    for module in (awaited_run, life_watch):
        monkeypatch.setattr(module, "LOST_SECONDS", LOST_SECONDS)


def awaited_runs(work_dir: Path) -> list[dg.DagsterRun]:
    """Those whose steps others carry out, the newest first."""
    with dagster_instance(work_dir) as instance:
        return [run for run in instance.get_runs() if AWAITED_TAG in run.tags]


def is_loading(work_dir: Path) -> bool:
    """Whether a worker is at the step that loads the notes, and gives signs of life."""
    for run in awaited_runs(work_dir)[:1]:
        with dagster_instance(work_dir) as instance:
            step = RunSteps(instance, run.run_id).read().get("note")
        signs = Heartbeats(StateStore.of(work_dir), run.run_id).read()
        return step is not None and step.ended is None and bool(signs)
    return False


@contextmanager
def held_up_load(
    notes: NoteMigration, options: Sequence[object], client: WeaviateClient, threads: ThreadPoolExecutor
) -> Iterator[Future[Ended]]:
    """A migration whose step that loads waits, until the end of the context, for the lock of its collection.

    Args:
        notes: their collection is there already.
        options: of `migrate`.
    """
    name, *_ = [each for each in holdings(client)[0] if each.startswith("Note_")]
    with writing_lock(WorkFolder(notes.work_dir), name):
        migration = threads.submit(notes.migrate, *options)
        until(lambda: is_loading(notes.work_dir) or migration.done())
        yield migration
