"""One Weaviate collection for each table: its objects are what the rows of the extract say, and nothing else."""

from typing import Any

import dagster as dg

from weaviate_migration.assets import phases
from weaviate_migration.extract.partitions import covering_range, partition_range
from weaviate_migration.load import LoadTally, PartitionLoad
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.partitions import PARTITIONS
from weaviate_migration.progress import ProgressFile
from weaviate_migration.resources import BatchSettings, WeaviateServer
from weaviate_migration.since_snapshot import collection_changes
from weaviate_migration.sync import RowApplier
from weaviate_migration.work_folder import WorkFolder


def build_collection_asset(mapping: Mapping, collection: CollectionMapping) -> dg.AssetsDefinition:
    """The asset of one collection: `Message` becomes `message`."""

    @dg.asset(
        name=collection.asset_name,
        partitions_def=PARTITIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"extract": dg.AssetIn(collection.extract_name)},
        deps=["weaviate_schema"],
        group_name=phases.HISTORY,
        kinds={"weaviate"},
        owners=phases.OWNERS,
        metadata={"dagster/column_schema": _column_schema(collection), "table": collection.table},
        description=(
            f"{collection.description} One object for each row of table `{collection.table}`. Materializing a "
            "partition writes its rows and removes whatever else its range of UUIDs holds; rows that Weaviate refuses "
            "are in the quarantine, with reasons. Rows that changed since the snapshot are written as they are now."
        ).strip(),
    )
    def objects(
        context: dg.AssetExecutionContext,
        extract: Any,
        weaviate: WeaviateServer,
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> None:
        record = work_folder.records.current()
        name = record.collection(collection)
        rows = sum(each.count_rows() for each in extract.values())
        bounds = record.bounds[collection.table]
        whole = covering_range(bounds, list(extract))
        with (
            weaviate.client(work_folder) as client,
            work_folder.quarantine(record, collection) as quarantine,
            collection_changes(work_folder, record, mapping, collection) as since,
            since.held(whole) as changes,
        ):
            settings = batches.write_settings(client)
            tallies = PartitionLoad(
                collection=client.collections.use(name),
                extracts=extract,
                ranges={partition: partition_range(bounds, partition) for partition in extract},
                mapping=collection,
                migration_timestamp=record.timestamp,
                settings=settings,
                quarantine=quarantine,
                progress=ProgressFile(work_folder.progress, record.alias(collection), rows),
                changes=changes,
            ).run()
            if changes.rows is not None and since.plan is not None:
                RowApplier(client, record, since.plan, settings, quarantine).apply(changes.rows)
        for partition, tally in tallies.items():
            context.add_asset_metadata(_tally_metadata(tally, name), partition_key=partition)

    return objects


def _tally_metadata(tally: LoadTally, name: str) -> dict[str, Any]:
    return {
        "dagster/partition_row_count": tally.written,
        "rows": tally.rows,
        "changed_since_snapshot": tally.changed,
        "refused": tally.refused,
        "sent_again": tally.retried,
        "removed": tally.removed,
        "batches": tally.batches,
        "objects_per_second": round(tally.written / tally.seconds, 1) if tally.seconds else 0.0,
        "collection": name,
    }


def _column_schema(collection: CollectionMapping) -> dg.TableSchema:
    columns = [
        dg.TableColumn(prop.name, type=prop.type, description=prop.description or f"From column `{prop.column}`.")
        for prop in collection.properties
    ]
    provenance = dg.TableColumn(
        collection.provenance, type="object", description="Origin, and what no other property holds exactly."
    )
    return dg.TableSchema([*columns, provenance])
