"""The dry run: everything but writing to Weaviate, without a server."""

import logging

import dagster as dg

from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import BatchSettings, SQLiteSource
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.preflight.dry_run import rehearse
from weaviate_migration.runs.jobs import DRY_RUN_REPORT
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)


def build_dry_run_asset(mapping: Mapping, names: DagsterNames, partitions: int) -> dg.AssetsDefinition:
    """The asset `dry_run_report`: what a migration would write and refuse."""

    @dg.asset(
        key=names.asset(DRY_RUN_REPORT),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.SCHEMA),
        kinds={"sqlite"},
        owners=groups.OWNERS,
        tags=groups.stage("audit"),
        description=(
            "What a migration would write and what would be refused: takes a snapshot, extracts it and converts every "
            "row, needs no server, and leaves nothing behind."
        ),
    )
    @with_resources_of(names)
    def dry_run_report(
        source: SQLiteSource,
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> dg.MaterializeResult[None]:
        outcomes = rehearse(
            source.path,
            mapping,
            work_folder.ensure_scratch(),
            partitions,
            batches.sort_memory_mb,
            source.allow_pause,
            logger.info,
        )
        rows = [
            dg.TableRecord(
                {
                    "collection": each.collection,
                    "table": each.table,
                    "rows": each.rows,
                    "would_write": each.would_write,
                    "would_refuse": each.refused,
                    "bytes": each.bytes,
                    "refused_first": "; ".join(each.examples),
                }
            )
            for each in outcomes
        ]
        return dg.MaterializeResult(metadata={"collections": dg.MetadataValue.table(rows)} if rows else {})

    return dry_run_report
