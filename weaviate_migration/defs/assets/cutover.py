"""The switch: readers reach the new collections by the names they know."""

import functools
from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from weaviate_migration.base.settings import CUTOVER_SECONDS
from weaviate_migration.defs import groups
from weaviate_migration.defs.alone import alone_in
from weaviate_migration.defs.resources import BatchSettings, TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.cutover.switch import bounded_for_cutover, cut_over
from weaviate_migration.phases.history.versioned_collections import refuse_names_of_others
from weaviate_migration.runs.checks import graph_of
from weaviate_migration.runs.jobs import CHANGE_SYNC, CUT_OVER, CUTOVER
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.readiness import refuse_unproven
from weaviate_migration.target.write import write_settings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord


class CutoverConfig(dg.Config):
    """What a run may choose."""

    timeout: float = Field(default=CUTOVER_SECONDS, ge=0, description="Seconds until the aliases have to be moved.")


def build_cutover_asset(
    mapping: Mapping, names: DagsterNames, partitions: int, proven_by: Sequence[dg.AssetsDefinition]
) -> dg.AssetsDefinition:
    """The asset `cutover`: runs when all collections are loaded and their blocking checks passed.

    Args:
        partitions: as many as `proven_by` has.
        proven_by: the assets and checks of the mapping; all that block must have passed, in whatever run.
    """
    graph = graph_of(proven_by)

    @dg.asset(
        key=names.asset(CUTOVER),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.CUTOVER),
        kinds={"weaviate"},
        owners=groups.OWNERS,
        tags=groups.stage("cutover"),
        deps=[names.asset(CHANGE_SYNC), *(names.asset(each.asset_name) for each in mapping.collections)],
        description=(
            "The switch: points each alias at this migration's collection. Refused unless every blocking check of "
            "every partition passed on what was materialized last, and while rows are in the quarantine, or objects "
            f"lack a vector: it says which, and the job `{names.of(CUT_OVER)}` switches once that is mended. Captured "
            "changes are applied and compared first. Each alias moves at once; collections of earlier migrations stay "
            "for going back. A switch that was broken off is completed."
        ),
    )
    @with_resources_of(names)
    def cutover(
        context: dg.AssetExecutionContext,
        config: CutoverConfig,
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
        models: dg.ResourceParam[OpenModels],
    ) -> dg.MaterializeResult[None]:
        prove = functools.partial(refuse_unproven, context.instance, names, graph, mapping)
        with alone_in(work_folder, context):
            record = work_folder.records.take_up(partitions)
            with bounded_for_cutover(config.timeout), weaviate.client(work_folder, batches) as client:
                if names.key_prefix:  # Others stand beside it.
                    refuse_names_of_others(client, work_folder, record.targets, record.source)
                settings = write_settings(batches, client)
                record = cut_over(client, work_folder, mapping, record, settings, models, prove, config.timeout)
        return dg.MaterializeResult(metadata=_metadata(record))

    return cutover


def _metadata(record: MigrationRecord) -> dict[str, dg.MetadataValue | str | float]:
    rows = [
        dg.TableRecord({"alias": alias, "now": now, "before": record.previous_aliases.get(alias) or ""})
        for alias, now in record.targets.items()
    ]
    journal = record.cutover
    measured = {"switch_seconds": journal.switch_seconds, "position": journal.position} if journal else {}
    return {
        "migration": record.id,
        **{name: value for name, value in measured.items() if value is not None},
        "aliases": dg.MetadataValue.table(rows),
    }
