"""How many objects each collection should have: counted in the snapshot, or in the source where it is followed."""

from collections import Counter
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.phases.dual_write.lag import known_standing
from weaviate_migration.source.connect import connect_to_read, readable_source, source_errors
from weaviate_migration.source.inspect import inspect_database, row_count
from weaviate_migration.source.rows import prepare_for_rows, rows_by_tenant
from weaviate_migration.work_folder.folder import WorkFolder, quarantined_by_tenant, quarantined_rows
from weaviate_migration.work_folder.record import MigrationRecord


@dataclass(frozen=True)
class RowCounts:
    """What should be there.

    Attributes:
        expected: by alias: rows of the table, without those in the quarantine.
        by_tenant: the same of each tenant, by the aliases of the collections that have tenants.
        unplaced: rows in the quarantine that are counted in `by_tenant`, since nothing tells their tenant, by alias.
        source: what was counted: `the snapshot` or `the source`.
        pending: by so many a count may be off: changes that are not applied yet.
        caution: why a difference may be none; '' where it is one.
    """

    expected: ReadOnlyMapping[str, int]
    by_tenant: ReadOnlyMapping[str, ReadOnlyMapping[str, int]]
    unplaced: ReadOnlyMapping[str, int]
    source: str
    pending: int = 0
    caution: str = ""


def counted_rows(mapping: Mapping, record: MigrationRecord, work_folder: WorkFolder) -> RowCounts:
    """Counts the rows of each mapped table.

    Raises:
        SourceNotUsableError: neither snapshot nor source can be opened.
        SourceError: the source is locked or damaged.
    """
    followed = known_standing(work_folder, record)
    if followed is None and (snapshot := work_folder.local_snapshot_if_any(record)) is not None:
        return _counted(snapshot, mapping, record, work_folder, "the snapshot")
    counted = _counted(record.source, mapping, record, work_folder, "the source")
    if followed is None:
        caution = "The source may have changed since: its changes are not followed, and the snapshot is gone."
        return replace(counted, caution=caution)
    return counted if followed.problem else replace(counted, pending=followed.changes)


def _counted(path: Path, mapping: Mapping, record: MigrationRecord, work_folder: WorkFolder, source: str) -> RowCounts:
    refused = quarantined_rows(work_folder, record)
    expected: dict[str, int] = {}
    by_tenant: dict[str, ReadOnlyMapping[str, int]] = {}
    unplaced: dict[str, int] = {}
    with readable_source(path, work_folder.scratch) as readable:
        database = inspect_database(readable, mapping)
        with source_errors(path), closing(connect_to_read(readable)) as connection:
            prepare_for_rows(connection, object_uuid, work_folder.ensure_scratch())
            for each in mapping.collections:
                table, alias = database.table_of(each), record.alias(each)
                expected[alias] = (row_count(connection, table) if table else 0) - refused.get(alias, 0)
                if each.tenant is not None:
                    rows = rows_by_tenant(connection, table, each.tenant) if table else Counter[str]()
                    placed = quarantined_by_tenant(work_folder, record, each)
                    by_tenant[alias], unplaced[alias] = rows - placed, refused.get(alias, 0) - placed.total()
    return RowCounts(expected, by_tenant, unplaced, source)
