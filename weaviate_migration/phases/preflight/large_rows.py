"""Rows that are too large for the memory that a migration may take: they are named before anything is moved."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import OPTIONS, largest_row_bytes, memory_for_row_mb
from weaviate_migration.base.texts import counted, size_text
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import Table, quoted
from weaviate_migration.source.plan import CollectionPlan, planned_source
from weaviate_migration.source.rows import SqlValue, decoded_text
from weaviate_migration.source.snapshot import look_at

_SHOWN = 3


@dataclass(frozen=True)
class _LargeRow:
    key: tuple[SqlValue, ...]
    bytes: int


def refuse_large_rows(path: Path, mapping: Mapping, scratch: Path, memory_limit_mb: int) -> None:
    """Looks for rows that cannot be moved within the limit; no row leaves SQLite for it.

    A file that is smaller than such a row is not read.

    Args:
        scratch: a folder for a copy, where the file cannot be read in place.

    Raises:
        ConfigurationError: there are some; the largest are named, and how much memory they need.
        SourceError: the file is locked or damaged.
    """
    most = largest_row_bytes(memory_limit_mb)
    with (
        planned_source(path, mapping, scratch) as (database, plan),
        source_errors(path),
        closing(connect_to_read(database.path)) as connection,
    ):
        if look_at(connection, in_place=False).bytes <= most:
            return
        connection.text_factory = decoded_text
        for each in plan.collections:
            if each.table is None:
                continue
            rows = connection.execute(_large_rows_sql(each, each.table), (most,))
            if found := [_LargeRow(tuple(key), size) for size, *key in rows]:
                raise _refusal(each, found, memory_limit_mb)


def _refusal(plan: CollectionPlan, found: Sequence[_LargeRow], memory_limit_mb: int) -> ConfigurationError:
    named = ", ".join(f"{key_text(each.key)} ({size_text(each.bytes)})" for each in found[:_SHOWN])
    option = OPTIONS["memory_limit_mb"]
    return ConfigurationError(
        f"{plan.mapping.rows_of}: {counted(len(found), 'row')} too large for {option} {memory_limit_mb}: {named}",
        f"Give {option} {memory_for_row_mb(found[0].bytes)} or more, or leave out the column: `omit` in the mapping.",
    )


def _large_rows_sql(plan: CollectionPlan, table: Table) -> str:
    """A statement for bytes and key of each row of more bytes than its parameter, the largest first."""
    size = _sum_sql([_bytes_sql(quoted(column)) for column in plan.columns])
    key = ", ".join(quoted(column) for column in plan.key)
    return f"SELECT {size}, {key} FROM {table.from_sql} WHERE {size} > ? ORDER BY 1 DESC"


def _bytes_sql(column: str) -> str:
    """The bytes of a text or blob; of a blob SQLite knows them without reading it."""
    return (
        f"CASE typeof({column}) WHEN 'text' THEN length(CAST({column} AS BLOB)) WHEN 'blob' THEN length({column}) "
        "ELSE 0 END"
    )


def _sum_sql(terms: Sequence[str]) -> str:
    """Their sum, by halves: SQLite takes no expression that is nested more than 1,000 deep."""
    if len(terms) <= 1:
        return "".join(terms) or "0"
    middle = len(terms) // 2
    return f"({_sum_sql(terms[:middle])} + {_sum_sql(terms[middle:])})"
