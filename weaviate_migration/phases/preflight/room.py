"""What the rows of a table take in the work folder: as an extract, and on disk while they are sorted for it.

Both are extrapolated from a sample, of which an extract is made: how far rows can be compressed is not known otherwise.
"""

import io
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean

from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.scan import row_layout
from weaviate_migration.phases.history.extract.storage import parquet_writer
from weaviate_migration.phases.history.extract.storage_classes import encode, extract_schema
from weaviate_migration.phases.preflight.source_side import Source
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import row_count
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.source.rows import KeyedRow, has_large_rows, sample_stretches

SAMPLE_ROWS = 2_000
# What SQLite's sorter writes of a row besides its values: the address, and lengths.
_SORTED_ROW = 40
_BEGINNING = 64 * 1024


@dataclass(frozen=True)
class TableRoom:
    """Bytes on disk.

    Attributes:
        extracts: the files of all partitions.
        sorting: beside them, until they are all written.
    """

    extracts: int = 0
    sorting: int = 0


def table_room(source: Source, plan: CollectionPlan, partitions: int, sort_memory_mb: int, scratch: Path) -> TableRoom:
    """What the rows of one table take.

    Args:
        partitions: into how many files the extract is cut.
        sort_memory_mb: what is sorted in memory.
        scratch: a folder for what SQLite puts on disk meanwhile.

    Raises:
        SourceError: the file is locked or damaged.
    """
    if plan.table is None:
        return TableRoom()
    with source_errors(source.path), closing(connect_to_read(source.readable)) as connection:
        rows = row_count(connection, plan.table)
    means, sample = list[float](), list[KeyedRow]()
    for stretch in sample_stretches(source.readable, plan, object_uuid, scratch, SAMPLE_ROWS):
        if stretch:
            # Where rows are large, fewer of them are in the sample: each stretch counts as much as any other.
            means.append(fmean(map(_sorted_bytes, stretch)))
            sample += map(_cut, stretch)
    whole = round(rows * fmean(means)) if means else 0
    empty, full = _extract_bytes(plan, []), _extract_bytes(plan, sample)
    share = (full - empty) / max(1, sum(map(_sorted_bytes, sample)))
    sorting = rows * _SORTED_ROW if has_large_rows(plan.table, lambda: rows, source.look.bytes) else whole
    return TableRoom(
        extracts=round(whole * share) + partitions * empty,
        sorting=sorting if sorting > sort_memory_mb * 1024 * 1024 else 0,
    )


def _cut(row: KeyedRow) -> KeyedRow:
    """The row with the beginnings of its values: they tell how far the rest can be compressed."""
    address, key, values = row
    return address, key, tuple(each[:_BEGINNING] if isinstance(each, (str, bytes)) else each for each in values)


def _extract_bytes(plan: CollectionPlan, rows: Sequence[KeyedRow]) -> int:
    schema = extract_schema(row_layout(plan), rows)
    file = io.BytesIO()
    with parquet_writer(file, schema) as writer:
        writer.write_batch(encode(rows, schema))
    return file.tell()


def _sorted_bytes(row: KeyedRow) -> int:
    """What SQLite's sorter writes of a row: its key, too, which is also among its values."""
    _, key, values = row
    return _SORTED_ROW + sum(map(_value_bytes, chain(key, values)))


def _value_bytes(value: SqlValue) -> int:
    """https://www.sqlite.org/fileformat2.html#record_format, with the byte in front that says what follows."""
    match value:
        case None | 0 | 1:
            return 1
        case str():
            return 2 + (len(value) if value.isascii() else len(value.encode(errors="surrogateescape")))
        case bytes():
            return 2 + len(value)
        case float():
            return 9
        case _:
            return 2 + value.bit_length() // 8
