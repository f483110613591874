"""Rows of any number of columns: SQLite gives 2,000 of a statement at most, and a table alone may have so many.

More are read by several statements side by side, each with a part of the columns, in the same order.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from weaviate_migration.source.inspect import Table, quoted

# https://www.sqlite.org/limits.html, 2 and 6. Of columns a build may have another limit: the connection says which.
MOST_COLUMNS = 2_000
MOST_ARGUMENTS = 127

Row = tuple[Any, ...]


class WideSelect:
    """Reads a SELECT, as a cursor does; while several statements are open, they see one moment.

    Args:
        lead: what each row begins with; several statements have to agree on it.
        columns: the expressions that follow; after the first ones the lead comes again with each further statement.
        rest: of the statement, from FROM on; in an order that puts no two rows in one place, where `is_wide`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        lead: str,
        columns: Sequence[str],
        rest: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
    ) -> None:
        self._connection = connection
        room = connection.getlimit(sqlite3.SQLITE_LIMIT_COLUMN) - 1
        parts = [columns[at : at + room] for at in range(0, len(columns), room)] or [()]
        self._begun = len(parts) > 1 and not connection.in_transaction
        if self._begun:
            connection.execute("BEGIN")
        self._cursors = [connection.execute(f"SELECT {', '.join([lead, *part])} {rest}", parameters) for part in parts]

    def __enter__(self) -> "WideSelect":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Row]:
        if len(self._cursors) == 1:
            return iter(self._cursors[0])
        return (_joined(parts) for parts in zip(*self._cursors, strict=True))

    def fetchmany(self, rows: int) -> list[Row]:
        """The next rows, at most so many; none at the end."""
        first, *others = [cursor.fetchmany(rows) for cursor in self._cursors]
        return [_joined(parts) for parts in zip(first, *others, strict=True)] if others else first

    def close(self) -> None:
        """Ends all statements; where the connection was closed before, that has ended them."""
        with suppress(sqlite3.ProgrammingError):
            for cursor in self._cursors:
                cursor.close()
            if self._begun:
                self._connection.execute("COMMIT")


def is_wide(connection: sqlite3.Connection, columns: int) -> bool:
    """Whether so many columns, and a lead, are too many for one statement."""
    return columns >= connection.getlimit(sqlite3.SQLITE_LIMIT_COLUMN)


def order_of_rows(table: Table) -> list[str]:
    """Expressions that put each row of a table in a place of its own; none where it has nothing of the kind."""
    return [quoted(table.rowid)] if table.rowid else [quoted(column) for column in table.primary_key]


def _joined(parts: Sequence[Row]) -> Row:
    lead = parts[0][0]
    assert all(part[0] == lead for part in parts), "the statements read in another order each"
    return (lead, *chain.from_iterable(part[1:] for part in parts))
