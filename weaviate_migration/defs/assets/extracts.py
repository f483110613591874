"""One extract for each table: its rows as Parquet, in ranges of the objects' addresses."""

import logging
from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import BatchSettings
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.phases.history.extract.partitions import PartitionStream, PartitionStreams
from weaviate_migration.phases.history.extract.scan import scan_snapshot
from weaviate_migration.runs.checks.markdown import escaped
from weaviate_migration.runs.jobs import SQLITE_SNAPSHOT
from weaviate_migration.runs.names import EXTRACT_STORAGE, DagsterNames
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)


def build_extract_asset(
    mapping: Mapping, names: DagsterNames, partitions: int, collection: CollectionMapping
) -> dg.AssetsDefinition:
    """The extract of one table, named `<table>_extract`."""

    @dg.asset(
        key=names.asset(collection.extract_name),
        partitions_def=groups.partitioned(partitions),
        backfill_policy=groups.ONE_RUN,
        io_manager_key=names.of(EXTRACT_STORAGE),
        group_name=names.group(groups.HISTORY),
        kinds={"sqlite", "parquet"},
        owners=groups.OWNERS,
        tags=groups.stage("extract"),
        deps=[names.asset(SQLITE_SNAPSHOT)],
        description=(
            f"Rows of {escaped(collection.made_from)} in the snapshot, every value exactly, as Parquet sorted by the "
            "UUIDs of their objects. A partition is a range of UUIDs; the table is scanned once for a whole run."
        ),
    )
    @with_resources_of(names)
    def extract(
        context: dg.AssetExecutionContext, batches: BatchSettings, work_folder: dg.ResourceParam[WorkFolder]
    ) -> PartitionStreams:
        logger.info("reading and sorting %s", collection.made_from)
        record = work_folder.records.take_up(partitions)
        snapshot, scratch = work_folder.local_snapshot(record), work_folder.ensure_scratch()
        streams = scan_snapshot(
            snapshot, record, mapping, collection, context.partition_keys, batches.sort_memory_mb, scratch
        )
        return PartitionStreams(_with_row_count(stream, context) for stream in streams)

    return extract


def _with_row_count(stream: PartitionStream, context: dg.AssetExecutionContext) -> PartitionStream:
    """The same stream; when it has been read to its end, its rows are put on the partition's materialization."""

    def batches() -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in stream.batches:
            rows += batch.num_rows
            yield batch
        context.add_asset_metadata({"dagster/partition_row_count": rows}, partition_key=stream.partition)

    return PartitionStream(stream.partition, pa.RecordBatchReader.from_batches(stream.batches.schema, batches()))
