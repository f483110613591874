"""Which runs of an instance are about one migration: a project of others has runs of its own there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import dagster as dg

from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.jobs import DRY_RUN_REPORT, JOBS, whole_way
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.runner import UNFINISHED, WORK_DIR_TAG, was_killed

# So many runs are looked at for those that are a migration's: most assets of a project may be those of others.
_PAGE, _PAGES = 25, 40


@dataclass(frozen=True)
class OwnRuns:
    """Tells the runs of one migration from all others.

    Attributes:
        names: what its jobs are called.
        work_dir: its work folder, absolute.
        assets: its assets.
    """

    names: DagsterNames
    work_dir: Path
    assets: frozenset[dg.AssetKey]

    @classmethod
    def of(cls, mapping: Mapping, names: DagsterNames, work_dir: Path) -> Self:
        """Those of the jobs and assets that a mapping makes."""
        assets = {*whole_way(mapping, names), names.asset(DRY_RUN_REPORT)}
        return cls(names, work_dir.absolute(), frozenset(assets))

    def has(self, run: dg.DagsterRun) -> bool:
        """Whether the run is one of its jobs, or of assets or checks of it that somebody chose.

        Runs of jobs name their work folder. Those of chosen assets do not, nor do those of the version before.
        """
        if (folder := run.tags.get(WORK_DIR_TAG)) is not None:
            return folder == str(self.work_dir)
        checked = {each.asset_key for each in run.asset_check_selection or ()}
        if chosen := {*checked, *(run.asset_selection or ())}:
            return bool(chosen & self.assets)
        return self.job_of(run) is not None

    def job_of(self, run: dg.DagsterRun) -> str | None:
        """The job, without its prefix; None for a run that has no job with such a name."""
        name = self.names.unprefixed(run.job_name)
        return name if name in JOBS else None

    def newest(self, instance: dg.DagsterInstance, chosen: dg.RunsFilter) -> Iterator[dg.RunRecord]:
        """Those among the newest runs that are chosen, the newest first."""
        cursor = None
        for _ in range(_PAGES):
            page = instance.get_run_records(chosen, limit=_PAGE, cursor=cursor)
            yield from (each for each in page if self.has(each.dagster_run))
            if len(page) < _PAGE:
                return
            cursor = page[-1].dagster_run.run_id

    def under_way(self, instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
        """Those that have not ended, newest first."""
        unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        return (run for run in unfinished if self.has(run) and not was_killed(run))
