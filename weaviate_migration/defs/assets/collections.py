"""One Weaviate collection for each table: its objects are what the rows of the extract say, and nothing else."""

from typing import Any

import dagster as dg
from pydantic import Field

from weaviate_migration.base.texts import as_code
from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import BatchSettings, TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.mapping.relation_groups import needed_before
from weaviate_migration.phases.dual_write.collection_load import load_collection
from weaviate_migration.runs.checks.markdown import escaped
from weaviate_migration.runs.jobs import WEAVIATE_SCHEMA
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.target.write import write_settings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import LoadTally


class LoadConfig(dg.Config):
    """How a run loads."""

    resume: bool = Field(
        default=False,
        description="Leave out the partitions that are in Weaviate already, in whole, from the snapshot of now.",
    )
    side_by_side: bool = Field(
        default=False,
        description="Other runs load other partitions of the collection at the same time: keep others from these only.",
    )


def build_collection_asset(
    mapping: WholeMapping, names: DagsterNames, partitions: int, collection: CollectionMapping
) -> dg.AssetsDefinition:
    """The asset of one collection: `Message` becomes `message`."""

    @dg.asset(
        key=names.asset(collection.asset_name),
        partitions_def=groups.partitioned(partitions),
        backfill_policy=groups.ONE_RUN,
        ins={"extract": dg.AssetIn(names.asset(collection.extract_name))},
        deps=[
            names.asset(WEAVIATE_SCHEMA),
            *([names.asset(collection.vectors_name)] if collection.made_vectors else []),
            *(
                dg.AssetDep(names.asset(each.asset_name), partition_mapping=dg.AllPartitionMapping())
                for each in needed_before(mapping, collection)
            ),
        ],
        group_name=names.group(groups.HISTORY),
        kinds={"weaviate"},
        owners=groups.OWNERS,
        tags=groups.stage("collection"),
        metadata={"dagster/column_schema": _column_schema(collection), "table": collection.table},
        description=(
            f"{escaped(collection.description)} One object for each row of {escaped(collection.made_from)}"
            f"{_in_tenants(collection)}. Materializing a partition writes its rows and removes whatever else its range "
            "of UUIDs holds; rows that Weaviate refuses are in the quarantine, with reasons. Rows that changed "
            "since the snapshot are written as they are now."
        ).strip(),
    )
    @with_resources_of(names)
    def collection_objects(
        context: dg.AssetExecutionContext,
        config: LoadConfig,
        extract: Any,
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
        models: dg.ResourceParam[OpenModels],
    ) -> None:
        record = work_folder.records.take_up()
        with weaviate.client(work_folder, batches) as client:
            settings = write_settings(batches, client)
            done = load_collection(
                *(client, work_folder, record, mapping, collection, extract, settings, models),
                resume=config.resume,
                side_by_side=config.side_by_side,
            )
        for partition, tally in {**done.tallies, **done.loaded_before}.items():
            metadata = _tally_metadata(tally, record.collection(collection))
            metadata["loaded_before"] = partition in done.loaded_before
            context.add_asset_metadata(metadata, partition_key=partition)

    return collection_objects


def _tally_metadata(tally: LoadTally, name: str) -> dict[str, Any]:
    """Numbers, so that Dagster plots them over time; the same ones are metrics and part of the result."""
    return {
        # Rows that changed since the snapshot are in Weaviate as they are now.
        "dagster/partition_row_count": tally.written + tally.changed,
        "rows": tally.rows,
        "changed_since_snapshot": tally.changed,
        "converted": tally.converted,
        "refused": tally.refused,
        "refused_by_weaviate": tally.refused_by.get("refused", 0),
        "refused_in_conversion": tally.refused_by.get("conversion", 0),
        "sent_again": tally.retried,
        "removed": tally.removed,
        "batches": tally.batches,
        "batch_seconds_mean": round(tally.batch_seconds_mean, 4),
        "sent_bytes": tally.sent_bytes,
        "seconds": round(tally.seconds, 3),
        "objects_per_second": round(tally.rows_per_second, 1),
        "collection": name,
    }


def _in_tenants(collection: CollectionMapping) -> str:
    return "" if collection.tenant is None else f", in the tenant that its {escaped(collection.tenant.column)} names"


def _described(prop: PropertyMapping) -> str:
    return escaped(prop.description) or f"From column {as_code(prop.column)}."


def _column_schema(collection: CollectionMapping) -> dg.TableSchema:
    columns = [
        dg.TableColumn(prop.name, type=prop.type, description=_described(prop))
        for prop in (*collection.properties, *collection.parent_properties)
    ]
    columns += [
        dg.TableColumn(name, type=to, description=f"The cross-reference to the object of the parent, in {to}.")
        for name, to in collection.references.items()
    ]
    provenance = dg.TableColumn(
        collection.provenance, type="object", description="Origin, and what no other property holds exactly."
    )
    return dg.TableSchema([*columns, provenance])
