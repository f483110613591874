"""A full comparison, as the work folder has it after a run of the checks, and its certificate."""

from collections.abc import Sequence
from contextlib import closing

from upath import UPath

from weaviate_migration.base.settings import ConsistencyLevel
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.history.extract.storage import open_partition
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.validation.certificate import ComparedCollection, certificate, save_certificate
from weaviate_migration.phases.validation.partition_comparison import kept_comparisons
from weaviate_migration.source.connect import source_errors
from weaviate_migration.source.inspect import inspect_database, row_count
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.snapshot import open_snapshot
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord


def discard_comparisons(work_folder: WorkFolder, mapping: Mapping, record: MigrationRecord) -> None:
    """Before a run of the checks: what is there after it, the run has compared."""
    for each in mapping.collections:
        kept_comparisons(work_folder, record, each).remove_all()


def compared_collections(
    work_folder: WorkFolder, mapping: Mapping, record: MigrationRecord
) -> list[ComparedCollection]:
    """What was found of each collection; it has all of its partitions unless the run broke off, or was about some."""
    rows = _snapshot_rows(work_folder, record, mapping)
    found = []
    for each in mapping.collections:
        first = work_folder.extract_path(record, each.extract_name, record.partition_keys[0])
        layout = RowLayout.of_schema(open_partition(first).schema)
        found.append(
            ComparedCollection(
                alias=record.alias(each),
                collection=record.collection(each),
                table=layout.table,
                replicas=record.replicas.get(each.name, 1),
                snapshot_rows=rows.get(each.rows_of),
                columns=layout.columns,
                omitted=each.omit,
                partitions=list(kept_comparisons(work_folder, record, each).all().values()),
            )
        )
    return found


def is_whole(record: MigrationRecord, compared: Sequence[ComparedCollection]) -> bool:
    """Whether all partitions of all collections were compared."""
    return all(len(each.partitions) == record.partitions for each in compared)


def certify(
    work_folder: WorkFolder,
    mapping: Mapping,
    record: MigrationRecord,
    compared: Sequence[ComparedCollection],
    server_version: str,
    level: ConsistencyLevel,
) -> UPath:
    """Writes the certificate of a comparison that is whole, and returns its path.

    Args:
        compared: what `compared_collections` returned.
        server_version: of Weaviate.
        level: at which objects were read, where there are replicas.
    """
    moments = [
        moment for each in mapping.collections for moment in kept_comparisons(work_folder, record, each).written_at()
    ]
    document = certificate(record, compared, server_version, level, min(moments), max(moments))
    return save_certificate(work_folder, document)


def _snapshot_rows(work_folder: WorkFolder, record: MigrationRecord, mapping: Mapping) -> dict[str, int]:
    """For each mapped table the rows that the snapshot has, 0 where it lacks the table; none without a snapshot."""
    if (path := work_folder.local_snapshot_if_any(record)) is None:
        return {}
    plan = plan_migration(mapping, inspect_database(path, mapping))
    with source_errors(path), closing(open_snapshot(path)) as connection:
        return {
            each.mapping.rows_of: row_count(connection, each.table) if each.table else 0 for each in plan.collections
        }
