"""Sensors: what runs by itself while Dagster's daemon does."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from weaviate_migration.errors import MigrationError
from weaviate_migration.following import followed_records
from weaviate_migration.jobs import SYNC
from weaviate_migration.mapping import Mapping
from weaviate_migration.record import MigrationRecord
from weaviate_migration.since_snapshot import open_change_log
from weaviate_migration.work_folder import WorkFolder

_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def build_change_sync_sensor(
    mapping: Mapping, work_folder: WorkFolder, job: UnresolvedAssetJobDefinition
) -> dg.SensorDefinition:
    """The sensor that runs the job `sync` whenever the log holds what is not applied; off until it is turned on.

    It keeps no cursor: how far a migration is applied is known only from what was applied.
    """

    @dg.sensor(
        name="change_sync_sensor",
        job=job,
        minimum_interval_seconds=10,
        description="Applies captured changes, as `weaviate-migration sync` does, whenever there are some.",
    )
    def change_sync_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if context.instance.get_runs(dg.RunsFilter(job_name=SYNC, statuses=_UNDER_WAY), limit=1):
            return dg.SkipReason("A sync is running.")
        try:
            behind = [each for each in followed_records(work_folder, mapping) if _changes(work_folder, each)]
        except MigrationError as error:
            return dg.SkipReason(str(error))
        if not behind:
            return dg.SkipReason("Everything is applied.")
        return dg.RunRequest(tags={"weaviate_migration/migration": behind[0].id})

    return change_sync_sensor


def _changes(work_folder: WorkFolder, record: MigrationRecord) -> int:
    """How many entries of the log are not applied to a migration."""
    known = work_folder.sync_positions.read(record.id)
    with open_change_log(work_folder, record.source) as log, log.reading():
        return log.lag(known.position).changes if known is not None else 0
