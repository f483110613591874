"""Sensors: what runs by itself while Dagster's daemon does."""

import time
from collections.abc import Iterator
from itertools import islice

import dagster as dg

from weaviate_migration.base.errors import ConfigurationError, MigrationError
from weaviate_migration.defs.jobs import AssetJob
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.dual_write.following import followed_records
from weaviate_migration.phases.dual_write.lag import standing
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord

# What made a run fail, such as a server that is away or a capture that was damaged, is hardly gone ten seconds later.
RETRY_SECONDS = 300.0

_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def build_change_sync_sensor(
    mapping: Mapping, names: DagsterNames, work_folder: WorkFolder, job: AssetJob
) -> dg.SensorDefinition:
    """The sensor that runs the job `sync` whenever the log holds what is not applied; off until it is turned on.

    It keeps no cursor: how far a migration is applied is known only from what was applied.
    """

    own = OwnRuns.of(mapping, names, work_folder.path)

    @dg.sensor(
        name=names.of("change_sync_sensor"),
        job=job,
        minimum_interval_seconds=10,
        description="Applies captured changes, as `weaviate-migration sync` does, whenever there are some.",
    )
    def change_sync_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        unfinished = dg.RunsFilter(job_name=job.name, statuses=_UNDER_WAY)
        if (under_way := next(own.newest(context.instance, unfinished), None)) is not None:
            return dg.SkipReason(f"Run {under_way.dagster_run.run_id} is under way.")
        try:
            records = followed_records(work_folder, mapping)
        except ConfigurationError as error:
            return dg.SkipReason(str(error))
        if not _is_behind(work_folder, records):
            return dg.SkipReason("Everything that was logged is applied.")
        if (failed := _failed_lately(own.newest(context.instance, dg.RunsFilter(job_name=job.name)))) is not None:
            return dg.SkipReason(f"Run {failed} failed; another one follows {RETRY_SECONDS / 60:.0f} minutes later.")
        return dg.RunRequest()

    return change_sync_sensor


def build_sync_schedule(names: DagsterNames, job: AssetJob, cron: str) -> dg.ScheduleDefinition:
    """The schedule that runs the job `sync` at these times; off until it is turned on."""
    return dg.ScheduleDefinition(
        name=names.of("sync_schedule"),
        job=job,
        cron_schedule=cron,
        description="Applies captured changes, as `weaviate-migration sync` does.",
    )


def _is_behind(work_folder: WorkFolder, records: list[MigrationRecord]) -> bool:
    """Whether changes wait to be applied; also where that cannot be known: then the run fails, and says why."""
    try:
        return any(standing(work_folder, each).changes for each in records)
    except MigrationError:
        return True


def _failed_lately(runs: Iterator[dg.RunRecord]) -> str | None:
    """The id of the newest of the runs, if it failed less than `RETRY_SECONDS` ago."""
    for last in islice(runs, 1):
        failed = last.dagster_run.status is dg.DagsterRunStatus.FAILURE
        if failed and last.end_time is not None and time.time() - last.end_time < RETRY_SECONDS:
            return last.dagster_run.run_id
    return None
