"""Looks at a run that is under way, again and again: its phases, and how far each collection is."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from weaviate_migration.base.errors import StorageError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.names import names_of
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.runner import dagster_instance_to_read
from weaviate_migration.runs.steps import PhaseWatch, RunFinder, RunPhase
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.own_mapping import current_mapping
from weaviate_migration.work_folder.progress import Progress, read_progress

# Asking Dagster's storage takes 10 ms of the process that migrates; the small files of the loads take next to nothing.
SECONDS_BETWEEN_PHASES = 1.0


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        phases: of the run; empty where there is none.
        now: seconds since 1970.
    """

    phases: Sequence[RunPhase]
    progress: Sequence[Progress]
    now: float


class RunLook:
    """Looks at one run; Dagster is asked once a second at most.

    Args:
        expected: the collections that the run is about, by their aliases; others may turn up.
    """

    def __init__(self, watch: PhaseWatch, work_folder: WorkFolder, expected: Sequence[str]) -> None:
        self.expected = expected
        self._watch = watch
        self._store = work_folder.store
        self._phases: Sequence[RunPhase] = ()
        self._asked_at = float("-inf")

    def now(self, *, at_once: bool = False) -> Look:
        """What can be seen now.

        Args:
            at_once: ask Dagster, however short ago it was asked.
        """
        now = time.time()
        if at_once or now - self._asked_at >= SECONDS_BETWEEN_PHASES:
            self._asked_at = now
            with suppress(StorageError):  # The run itself says so: here the phases stay as they were seen last.
                self._phases = self._watch.phases(now)
        return Look(self._phases, read_progress(self._store), now)


@contextmanager
def looking_at(
    config: MigrationConfig, find: RunFinder, prefix: str | None, mapping: Mapping | None = None
) -> Iterator[RunLook]:
    """A look at the run that `find` finds, while the context lives.

    Args:
        prefix: of the aliases that the run fills; None where it fills none.
        mapping: that of the run; None: that of the migration in use.

    Raises:
        MappingError: the mapping cannot be read.
    """
    work_folder = WorkFolder.of(config)
    mapping = mapping or current_mapping(config, work_folder)
    own = OwnRuns.of(mapping, names_of(work_folder), work_folder.path)
    expected = [f"{prefix}{each.name}" for each in mapping.collections] if prefix is not None else []
    with dagster_instance_to_read(config.work_dir) as instance:
        yield RunLook(PhaseWatch(instance, mapping, own, find), work_folder, expected)
