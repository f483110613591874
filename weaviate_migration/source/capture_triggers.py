"""The triggers that log the key of each row that a statement changes, in the statement's own transaction.

They are BEFORE triggers: one of the application's that breaks a statement off (RAISE, a conflict under OR FAIL) keeps
what was done of the row, but would keep an AFTER trigger from logging it. Only a key that SQLite itself gives, an
INTEGER PRIMARY KEY, is not known before the row is there.

REPLACE removes rows without firing a DELETE trigger, unless `recursive_triggers` is on: whoever holds a unique value of
the new row is looked up and logged as well. A key that is logged and was not changed does no harm: the current row is
read for it. One that is not logged is lost.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from weaviate_migration.source.inspect import Table, quoted


@dataclass(frozen=True)
class CapturedTable:
    """A table whose changes are logged.

    Attributes:
        key: the columns that identify a row, as the mapping has it.
        number: what the log calls the table by; never given to another table or key.
    """

    name: str
    key: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class _Unique:
    """What no two rows may have alike: a condition on the table's row that holds for those that NEW would replace.

    Attributes:
        covers_key: whether such a row has the very key of NEW, which is logged anyway.
    """

    holds: str
    covers_key: bool


@dataclass(frozen=True)
class _Index:
    """A unique index: its columns with their collations."""

    name: str
    origin: str
    partial: bool
    terms: tuple[tuple[str | None, str], ...]


def captured_by_triggers(
    connection: sqlite3.Connection, table: Table, captured: CapturedTable, log: str, prefix: str
) -> dict[str, str]:
    """The statements that make the triggers of a table, by the triggers' names.

    Args:
        connection: to the file, for what its pragmas say of the table.
        table: the table as it was inspected.
        captured: key and number.
        log: the name of the log's table.
        prefix: what the names begin with.
    """
    return _TriggerWriter(connection, table, captured, log, prefix).statements()


class _TriggerWriter:
    def __init__(
        self, connection: sqlite3.Connection, table: Table, captured: CapturedTable, log: str, prefix: str
    ) -> None:
        self._table = table
        self._captured = captured
        self._log = log
        self._prefix = f"{prefix}{captured.number}_"
        self._indexes = list(_unique_indexes(connection, table.name))
        self._key_is_given_by_sqlite = self._rowid_alias() in captured.key

    def statements(self) -> dict[str, str]:
        events = {
            "insert": ("BEFORE INSERT", list(self._on_insert())),
            "inserted": ("AFTER INSERT", [self._entry("I", "NEW")] if self._key_is_given_by_sqlite else []),
            "update": ("BEFORE UPDATE", list(self._on_update())),
            "delete": ("BEFORE DELETE", [self._entry("D", "OLD")]),
        }
        return {
            self._prefix + name: self._trigger(self._prefix + name, event, body)
            for name, (event, body) in events.items()
            if body
        }

    def _trigger(self, name: str, event: str, body: list[str]) -> str:
        statements = "\n".join(f"  {each};" for each in body)
        return f"CREATE TRIGGER {quoted(name)} {event} ON {quoted(self._table.name)} BEGIN\n{statements}\nEND"

    def _on_insert(self) -> Iterator[str]:
        if not self._key_is_given_by_sqlite:
            yield self._entry("I", "NEW")
        yield from (self._replaced(unique.holds) for unique in self._uniques())

    def _on_update(self) -> Iterator[str]:
        yield self._entry("U", "NEW")
        yield f"{self._entry_of('U', 'OLD')} WHERE {self._key_differs()}"
        itself = " AND ".join(self._identity())
        for unique in self._uniques():
            yield self._replaced(f"{unique.holds} AND NOT ({itself})" if itself else unique.holds)

    def _entry(self, kind: str, row: str) -> str:
        return self._entry_of(kind, row)

    def _entry_of(self, kind: str, row: str) -> str:
        return f"{self._into_log()} SELECT {self._values(kind, f'{row}.')}"

    def _replaced(self, condition: str) -> str:
        return f"{self._into_log()} SELECT {self._values('R', '')} FROM {quoted(self._table.name)} WHERE {condition}"

    def _into_log(self) -> str:
        columns = ", ".join(f"key_{at}" for at in range(len(self._captured.key)))
        return f"INSERT INTO {quoted(self._log)} (table_number, kind, at, {columns})"

    def _values(self, kind: str, row: str) -> str:
        key = ", ".join(f"{row}{quoted(column)}" for column in self._captured.key)
        return f"{self._captured.number}, '{kind}', julianday('now'), {key}"

    def _key_differs(self) -> str:
        return " OR ".join(
            f"OLD.{column} IS NOT NEW.{column} COLLATE BINARY OR typeof(OLD.{column}) <> typeof(NEW.{column})"
            for column in map(quoted, self._captured.key)
        )

    def _rowid_alias(self) -> str | None:
        """The column that is the rowid by another name: it has no index of its own."""
        table = self._table
        has_index = any(index.origin == "pk" for index in self._indexes)
        return table.primary_key[0] if len(table.primary_key) == 1 and not has_index else None

    def _rowid(self) -> str | None:
        alias = self._rowid_alias()
        return self._table.rowid or (quoted(alias) if alias else None)

    def _identity(self) -> list[str]:
        """Conditions that hold for the row OLD alone."""
        if rowid := self._rowid():
            return [f"{rowid} = OLD.{rowid}"]
        primary = next((index for index in self._indexes if index.origin == "pk"), None)
        return [f"{_collated(name, collation)} IS OLD.{quoted(name)}" for name, collation in _columns(primary)]

    def _uniques(self) -> Iterator[_Unique]:
        if rowid := self._rowid():
            yield _Unique(f"{rowid} = NEW.{rowid}", covers_key=False)
        for index in self._indexes:
            columns = _columns(index)
            if len(columns) == len(index.terms) and not index.partial:
                yield _Unique(
                    " AND ".join(f"{_collated(name, collation)} = NEW.{quoted(name)}" for name, collation in columns),
                    covers_key=False,
                )


def _collated(column: str, collation: str) -> str:
    return f"{quoted(column)} COLLATE {quoted(collation)}"


def _columns(index: _Index | None) -> list[tuple[str, str]]:
    return [(name, collation) for name, collation in index.terms if name is not None] if index else []


def _unique_indexes(connection: sqlite3.Connection, table: str) -> Iterator[_Index]:
    statement = 'SELECT name, origin, partial FROM pragma_index_list(?) WHERE "unique" ORDER BY name'
    for name, origin, partial in connection.execute(statement, (table,)).fetchall():
        terms = connection.execute(
            "SELECT name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", (name,)
        ).fetchall()
        yield _Index(name, origin, bool(partial), tuple((column, collation) for column, collation in terms))
