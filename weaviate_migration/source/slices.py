"""Rows of a table in use, slice by slice: each is fetched in whole before anyone looks at it.

With a rollback journal nobody can commit while a statement reads. A slice takes some tens of milliseconds, and between
two slices the application goes on. So the slices are not of one moment: what must be is read from a snapshot.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from weaviate_migration.source.inspect import Table, quoted
from weaviate_migration.source.rows import SqlValue, text_length
from weaviate_migration.source.wide_select import WideSelect, is_wide, order_of_rows

# A slice holds at most so many rows, and about so much text and blob at most, unless one chunk alone has more. A chunk
# is one row at first and after long ones: so many rows of 50 MB at once would be too many for any memory.
SLICE_ROWS = 20_000
SLICE_LENGTH = 8 * 1024 * 1024
_CHUNK_ROWS = 64
_CHUNK_LENGTH = 1024 * 1024

# As in rows.py, but called for each text of the file: this one is C all the way.
_decode = partial(str, encoding="utf-8", errors="surrogateescape")


class Slice(NamedTuple):
    """Some rows of a table, column by column.

    Attributes:
        rowids: of the rows; empty for a table without.
        columns: for each column that was asked for its values.
        computed: for each expression that was asked for its values.
        longest: no row has more characters of text and bytes of blobs than this; most have far less.
    """

    rowids: Sequence[SqlValue]
    columns: Sequence[Sequence[SqlValue]]
    computed: Sequence[Sequence[SqlValue]]
    longest: int


def table_slices(
    connection: sqlite3.Connection,
    table: Table,
    columns: Sequence[str],
    expressions: Sequence[str] = (),
    joins: str = "",
) -> Iterator[Slice]:
    """Reads a table once, in the order of its rowids.

    A view or a table WITHOUT ROWID is read by one statement, which stays open until the last slice was taken.

    Args:
        connection: made for this; text that is not UTF-8 comes with its bytes as surrogate escapes.
        columns: the names of those to read.
        expressions: SQL; the table is called `t` in them.
        joins: SQL; what else the expressions use. It must give each row of the table once.
    """
    connection.text_factory = _decode
    read = [*(f"t.{quoted(name)}" for name in columns), *expressions]
    rows_of = f"FROM {table.from_sql} AS t {joins}"
    split = len(columns)
    if table.rowid is None:
        order = order_of_rows(table) if is_wide(connection, len(read)) else []
        in_order = f"ORDER BY {', '.join(f't.{column}' for column in order)}" if order else ""
        with WideSelect(connection, "NULL", read, f"{rows_of} {in_order}") as rows:
            while fetched := _fetched(rows, 1 + len(read)):
                _, *found = fetched[0]
                yield Slice((), found[:split], found[split:], fetched[1])
        return
    rowid = f"t.{quoted(table.rowid)}"
    where = ""
    last: tuple[SqlValue, ...] = ()
    while True:
        rest = f"{rows_of} {where} ORDER BY {rowid} LIMIT {SLICE_ROWS}"
        try:
            with _without_large_values(connection), WideSelect(connection, rowid, read, rest, last) as rows:
                fetched = _fetched(rows, 1 + len(read))
        except sqlite3.DataError:
            with WideSelect(connection, rowid, read, rest, last) as rows:
                fetched = _fetched(rows, 1 + len(read), chunk_rows=1)
        if not fetched:
            return
        rowids, *found = fetched[0]
        yield Slice(rowids, found[:split], found[split:], fetched[1])
        where, last = f"WHERE {rowid} > ?", (rowids[-1],)


@contextmanager
def _without_large_values(connection: sqlite3.Connection) -> Iterator[None]:
    """SQLite refuses to read a value that is longer than a chunk is to be: no chunk is far too long then.

    Raises:
        sqlite3.DataError: there is such a value.
    """
    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _CHUNK_LENGTH)
    try:
        yield
    finally:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def _fetched(cursor: WideSelect, width: int, chunk_rows: int = _CHUNK_ROWS) -> tuple[list[list[SqlValue]], int] | None:
    """The next rows, of so many columns, within the limits of a slice, by columns, and `longest`; None at the end."""
    columns: list[list[SqlValue]] = [[] for _ in range(width)]
    length = longest = 0
    rows = 1
    while len(columns[0]) < SLICE_ROWS and length < SLICE_LENGTH and (chunk := cursor.fetchmany(rows)):
        chunk_length = 0
        for column, values in zip(columns, zip(*chunk, strict=True), strict=True):
            column += values
            chunk_length += text_length(values)
        length += chunk_length
        longest = max(longest, chunk_length)
        rows = min(2 * rows, chunk_rows) if chunk_length < _CHUNK_LENGTH else 1
    return (columns, longest) if columns[0] else None
