"""How far a migration on several machines is, as these share it: its store, and Dagster's runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dagster as dg

from weaviate_migration.runs.awaited_run import AWAITED_TAG
from weaviate_migration.runs.jobs import collection_steps
from weaviate_migration.runs.names import names_of
from weaviate_migration.runs.steps import RunSteps
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.heartbeats import Heartbeats
from weaviate_migration.work_folder.loaded import LoadedPartitions

_RANGE_TAG = "dagster/asset_partition_range_start"
_PROCESS = re.compile(r"process (\d+) ")


@dataclass(frozen=True)
class Progress:
    """Reads it, each time anew.

    Args:
        work_folder: of the migration, with its store.
        dagster_home: which the machines share.
    """

    work_folder: WorkFolder
    dagster_home: Path

    def loaded_rows(self) -> int:
        """How many rows the workers say to have written, those of partitions under way included."""
        record = self.work_folder.records.newest()
        if record is None or record.snapshot is None:
            return 0
        loads = [
            LoadedPartitions(self.work_folder.store, name, record.snapshot.sha256) for name in record.targets.values()
        ]
        return sum(tally.written for load in loads for tally in load.measured().values())

    def loading_processes(self) -> Iterator[int]:
        """The processes that give signs of life at the step that loads a range of partitions."""
        for run in filter(self._loads, self._runs(dg.DagsterRunStatus.STARTED)):
            for worker in Heartbeats(self.work_folder.store, run.run_id).read():
                if (told := _PROCESS.search(worker)) is not None:
                    yield int(told[1])

    def lost_runs(self) -> int:
        """How many runs of a range were given up: another one did what they had left."""
        return len(self._runs(dg.DagsterRunStatus.FAILURE))

    def close(self) -> None:
        """Closes Dagster's storage."""
        self._instance.dispose()

    def _loads(self, run: dg.DagsterRun) -> bool:
        steps = RunSteps(self._instance, run.run_id).read()
        return any(key in self._load_steps and step.ended is None for key, step in steps.items())

    def _runs(self, status: dg.DagsterRunStatus) -> list[dg.DagsterRun]:
        runs = self._instance.get_runs(dg.RunsFilter(statuses=[status]))
        return [run for run in runs if AWAITED_TAG in run.tags and _RANGE_TAG in run.tags]

    @cached_property
    def _load_steps(self) -> list[str]:
        """Of a migration that is on record."""
        mapping = self.work_folder.mappings.read(self.work_folder.records.current().mapping_digest)
        assert mapping is not None, "it is kept with the record"
        return collection_steps(mapping.collections, names_of(self.work_folder))

    @cached_property
    def _instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.dagster_home))
