"""The switch: readers reach the new collections by the names they know."""

import dagster as dg

from weaviate_migration.assets import phases
from weaviate_migration.cutover import switch_aliases
from weaviate_migration.mapping import Mapping
from weaviate_migration.resources import WeaviateServer
from weaviate_migration.work_folder import WorkFolder


def build_cutover_asset(mapping: Mapping) -> dg.AssetsDefinition:
    """The asset `cutover`: runs when all collections are loaded and their blocking checks passed."""

    @dg.asset(
        group_name=phases.CUTOVER,
        kinds={"weaviate"},
        owners=phases.OWNERS,
        deps=["change_sync", *(each.asset_name for each in mapping.collections)],
        description=(
            "Points each alias at this migration's collection. Refused while rows are in the quarantine. Each alias "
            "moves at once; collections of earlier migrations stay for going back."
        ),
    )
    def cutover(weaviate: WeaviateServer, work_folder: dg.ResourceParam[WorkFolder]) -> dg.MaterializeResult[None]:
        record = work_folder.records.current()
        with weaviate.client(work_folder) as client:
            record = switch_aliases(client, work_folder.records, record, work_folder.quarantine_folder)
        rows = [
            dg.TableRecord(
                {
                    "alias": record.alias(each),
                    "now": record.collection(each),
                    "before": record.previous_aliases.get(record.alias(each)) or "",
                }
            )
            for each in mapping.collections
        ]
        return dg.MaterializeResult(metadata={"aliases": dg.MetadataValue.table(rows), "migration": record.id})

    return cutover
