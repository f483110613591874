"""How many objects each collection should have: counted in the snapshot, or in the source where it is followed."""

from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.dual_write.lag import known_standing
from weaviate_migration.source.connect import connect_to_read, readable_source, source_errors
from weaviate_migration.source.inspect import inspect_database, row_count
from weaviate_migration.work_folder.folder import WorkFolder, quarantined_rows
from weaviate_migration.work_folder.record import MigrationRecord


@dataclass(frozen=True)
class RowCounts:
    """What should be there.

    Attributes:
        expected: by alias: rows of the table, without those in the quarantine.
        source: what was counted: `the snapshot` or `the source`.
        pending: by so many a count may be off: changes that are not applied yet.
        caution: why a difference may be none; '' where it is one.
    """

    expected: ReadOnlyMapping[str, int]
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
    snapshot = record.snapshot.path if record.snapshot is not None else None
    if followed is None and snapshot is not None and snapshot.is_file():
        return RowCounts(_expected(snapshot, mapping, record, work_folder), "the snapshot")
    expected = _expected(record.source, mapping, record, work_folder)
    if followed is None or followed.problem:
        caution = "The source may have changed since: its changes are not followed, and the snapshot is gone."
        return RowCounts(expected, "the source", caution=caution if followed is None else "")
    return RowCounts(expected, "the source", pending=followed.changes)


def _expected(
    path: Path, mapping: Mapping, record: MigrationRecord, work_folder: WorkFolder
) -> ReadOnlyMapping[str, int]:
    refused = quarantined_rows(work_folder, record)
    with readable_source(path, work_folder.scratch) as readable:
        database = inspect_database(readable, mapping)
        with source_errors(path), closing(connect_to_read(readable)) as connection:
            found = {}
            for each in mapping.collections:
                table, alias = database.rows_of(each), record.alias(each)
                found[alias] = (row_count(connection, table) if table else 0) - refused.get(alias, 0)
    return found
