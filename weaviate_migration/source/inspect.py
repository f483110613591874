"""What a SQLite database holds: its tables and views, their columns and keys, and how many rows.

SQLAlchemy's inspector names tables and views. It parses declared types and leaves out how a table is stored, so these
come from SQLite's own pragmas.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, inspect
from sqlalchemy.exc import OperationalError

from weaviate_migration.base.errors import SourceError
from weaviate_migration.mapping.models import folded
from weaviate_migration.source.connect import BUSY_TIMEOUT_SECONDS, connect_read_only, source_errors

# Everything that this project creates in a SQLite file begins so; none of it is the application's.
OWN_PREFIX = "_weaviate_migration_"

# https://www.sqlite.org/lang_createtable.html#rowid
_ROWID_ALIASES = ("rowid", "_rowid_", "oid")
# Columns of a virtual table that are only for its queries (`hidden` of PRAGMA table_xinfo); 2 and 3 are generated ones.
_HIDDEN = 1


@dataclass(frozen=True)
class Column:
    """One column; `declared_type` is as written, empty if nothing is. A generated one is read like any other."""

    name: str
    declared_type: str
    generated: bool


@dataclass(frozen=True)
class Table:
    """One table, virtual table or view.

    Attributes:
        columns: in their order; none for a view that SQLite cannot resolve, such as one of a table that is gone.
        primary_key: the declared key's columns, in the key's order; empty if none is declared.
        rowid: a name for the rowid that no column takes; None if all are taken, WITHOUT ROWID, and for views.
        is_view: whether it has no rows of its own.
        is_virtual: whether a module keeps its rows, such as FTS5.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    rowid: str | None
    is_view: bool
    is_virtual: bool = False

    def column(self, name: str) -> Column | None:
        """The column of that name, as SQLite finds it: in any case."""
        return next((column for column in self.columns if folded(column.name) == folded(name)), None)


@dataclass(frozen=True)
class Database:
    """What a file holds of the application's: without SQLite's own tables, shadow tables and this project's."""

    path: Path
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table | None:
        """The table or view of that name, as SQLite finds it: in any case."""
        return next((table for table in self.tables if folded(table.name) == folded(name)), None)


def inspect_database(path: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Database:
    """Reads tables and views of a database, by name.

    Args:
        path: a snapshot, or what `readable_source` gave.
        busy_timeout_seconds: how long to wait for another program's lock.

    Raises:
        SourceNotUsableError: it is no database.
        SourceError: it is locked or damaged.
    """
    engine = create_engine(
        "sqlite://", creator=lambda: connect_read_only(path, busy_timeout_seconds), poolclass=NullPool
    )
    with source_errors(path, busy_timeout_seconds), engine.connect() as connection:
        return Database(path, tuple(_tables(connection)))


def quoted(identifier: str) -> str:
    """An identifier as SQLite wants it in a statement, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'


def row_count(connection: sqlite3.Connection, table: Table) -> int:
    """How many rows a table or view has.

    Raises:
        SourceError: it cannot be read: damaged, or made with a function or module that only the application has.
    """
    try:
        (count,) = connection.execute(f"SELECT count(*) FROM {quoted(table.name)}").fetchone()
    except sqlite3.Error as error:
        raise SourceError(f"the rows of {table.name} cannot be counted: {error}") from error
    return int(count)


def _tables(connection: Connection) -> Iterable[Table]:
    inspector = inspect(connection)
    views = set(inspector.get_view_names())
    stored = {name: (kind, without_rowid) for name, kind, without_rowid in _table_list(connection)}
    for name in sorted({*inspector.get_table_names(), *views}):
        kind, without_rowid = stored[name]
        if kind == "shadow" or folded(name).startswith(OWN_PREFIX):
            continue
        has_rowid = name not in views and not without_rowid
        yield _inspected_table(connection, name, kind, has_rowid=has_rowid)


def _table_list(connection: Connection) -> Iterable[tuple[str, str, bool]]:
    """Name, kind (table, view, virtual, shadow) and whether it is WITHOUT ROWID."""
    rows = connection.exec_driver_sql("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'")
    return [(name, kind, bool(without_rowid)) for name, kind, without_rowid in rows]


def _inspected_table(connection: Connection, name: str, kind: str, *, has_rowid: bool) -> Table:
    is_view = kind == "view"
    columns = _columns(connection, name, is_view)
    key = sorted((position, column.name) for column, position in columns if position)
    taken = {folded(column.name) for column, _ in columns}
    free = [alias for alias in _ROWID_ALIASES if alias not in taken]
    return Table(
        name=name,
        columns=tuple(column for column, _ in columns),
        primary_key=tuple(column for _, column in key),
        rowid=free[0] if has_rowid and free else None,
        is_view=is_view,
        is_virtual=kind == "virtual",
    )


def _columns(connection: Connection, table: str, is_view: bool) -> list[tuple[Column, int]]:
    """Each column with its position in the primary key, from 1; 0 if it is not in it."""
    statement = "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> ?"
    try:
        rows = connection.exec_driver_sql(statement, (table, _HIDDEN)).all()
    except OperationalError:
        if is_view:
            return []
        raise
    return [(Column(name, declared, generated=hidden != 0), position) for name, declared, position, hidden in rows]
