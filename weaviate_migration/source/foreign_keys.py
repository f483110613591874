"""The foreign keys that a table declares: which of its columns hold the key of a row of which table."""

import sqlite3
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class ForeignKey:
    """One foreign key.

    Attributes:
        columns: those that hold it, in its order.
        to_table: as it is written; there may be no such table.
        to_columns: as they are written; empty: those of the other table's primary key.
    """

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]


def foreign_keys(connection: sqlite3.Connection, table: str) -> list[ForeignKey]:
    """All foreign keys of a table, in the order of its declaration."""
    statement = 'SELECT id, "from", "table", "to" FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq'
    rows = connection.execute(statement, (table,)).fetchall()
    return [_foreign_key(list(parts)) for _, parts in groupby(rows, key=lambda row: row[0])]


def _foreign_key(parts: list[tuple[int, str, str, str | None]]) -> ForeignKey:
    return ForeignKey(
        columns=tuple(column for _, column, _, _ in parts),
        to_table=parts[0][2],
        to_columns=tuple(to_column for _, _, _, to_column in parts if to_column is not None),
    )
