"""From a snapshot's table to the streams of its partitions: one scan, sorted by address."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.phases.history.extract.partitions import (
    PartitionStream,
    covering_range,
    cut_into_partitions,
    partition_bounds,
)
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, plan_migration
from weaviate_migration.source.rows import TableReader
from weaviate_migration.work_folder.record import MigrationRecord


def table_bounds(
    snapshot: Path, plan: CollectionPlan, partitions: int, sort_memory_mb: int, scratch: Path
) -> tuple[str, ...]:
    """The addresses between so many partitions of a table: its quantiles, so that the partitions are balanced."""
    has_tenants = plan.tenant is not None
    if plan.table is None:
        return partition_bounds([], partitions, has_tenants=has_tenants)
    with TableReader(snapshot, plan, object_uuid, sort_memory_mb, scratch) as reader:
        return partition_bounds(reader.address_quantiles(partitions), partitions, has_tenants=has_tenants)


def scan_snapshot(
    snapshot: Path,
    record: MigrationRecord,
    mapping: Mapping,
    collection: CollectionMapping,
    partitions: Sequence[str],
    sort_memory_mb: int,
    scratch: Path,
) -> Iterator[PartitionStream]:
    """What `scan_partitions` gives of a collection's table in the migration's snapshot."""
    plan = plan_migration(mapping, inspect_database(snapshot, mapping)).of(collection)
    return scan_partitions(snapshot, plan, record.bounds[collection.rows_of], partitions, sort_memory_mb, scratch)


def scan_partitions(
    snapshot: Path,
    plan: CollectionPlan,
    bounds: Sequence[str],
    partitions: Sequence[str],
    sort_memory_mb: int,
    scratch: Path,
) -> Iterator[PartitionStream]:
    """The rows of these contiguous partitions, each partition as a stream of record batches, sorted by address.

    Args:
        partitions: their keys, ascending: the table is scanned once for all of them.
        sort_memory_mb: how much SQLite's sorter may hold before it goes to disk.
        scratch: the folder for what it puts there.
    """
    layout = row_layout(plan)
    if plan.table is None:
        yield from cut_into_partitions([], layout, bounds, partitions)
        return
    wanted = covering_range(bounds, partitions)
    with TableReader(snapshot, plan, object_uuid, sort_memory_mb, scratch) as reader:
        yield from cut_into_partitions(reader.rows(wanted.low, wanted.high), layout, bounds, partitions)


def row_layout(plan: CollectionPlan) -> RowLayout:
    """What the extract's columns are: those of the plan, the key's among them or the rowid beside them, and parents."""
    name = plan.table.name if plan.table else plan.mapping.table
    return RowLayout(name, plan.columns, () if plan.uses_rowid else plan.key, plan.parents)
