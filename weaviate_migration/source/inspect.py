"""What a SQLite database holds: its tables and views, their columns and keys, and how many rows.

SQLAlchemy's inspector names tables and views. It parses declared types and leaves out how a table is stored, so these
come from SQLite's own pragmas.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, inspect
from sqlalchemy.exc import DBAPIError

from weaviate_migration.base.errors import SourceError
from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.models import Mapping as WholeMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.parents import Affinity, affinity_of
from weaviate_migration.mapping.property_mapping import TenantMapping
from weaviate_migration.mapping.values import sql_literal
from weaviate_migration.source.collations import column_collations, missing_collations
from weaviate_migration.source.connect import (
    BUSY_TIMEOUT_SECONDS,
    connect_read_only,
    connect_to_read,
    end_if_interrupted,
    primary_code,
    source_errors,
)
from weaviate_migration.source.sql_tokens import without_double_quotes

# Everything that this project creates in a SQLite file begins so; none of it is the application's.
OWN_PREFIX = "_weaviate_migration_"

# https://www.sqlite.org/lang_createtable.html#rowid
_ROWID_ALIASES = ("rowid", "_rowid_", "oid")
# What SQLite answers where it lacks a module, tokenizer or function, and what a module says of its own tables.
OF_THE_TABLE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT)
# `hidden` of PRAGMA table_xinfo: columns of a virtual table that are only for its queries; generated columns that are
# computed whenever they are read. 3 are generated ones that are stored.
_HIDDEN, _COMPUTED = 1, 2
# An integer as SQLite writes it.
_INTEGER = re.compile("0|-?[1-9][0-9]*").fullmatch


@dataclass(frozen=True)
class Column:
    """One column; `declared_type` is as written, empty if nothing is. A generated one is read like any other.

    Attributes:
        unreadable: why SQLite cannot read it here, in its words: no such function; '' if it can.
        missing_collation: the collation of it that only the application has: here, its texts compare by their bytes.
        computed_by: the collation that only the application has and that it is computed by: here, by bytes instead.
        is_any: whether it is of type ANY in a STRICT table: it keeps every value as it is.
    """

    name: str
    declared_type: str
    generated: bool
    unreadable: str = ""
    missing_collation: str = ""
    computed_by: str = ""
    is_any: bool = False

    @property
    def affinity(self) -> Affinity:
        """What SQLite brings values to that are put into it, or compared with it."""
        return "BLOB" if self.is_any else affinity_of(self.declared_type)


@dataclass(frozen=True)
class Table:
    """One table, virtual table or view.

    Attributes:
        columns: in their order; none for a view that SQLite cannot resolve, such as one of a table that is gone.
        primary_key: the declared key's columns, in the key's order; empty if none is declared.
        rowid: a name for the rowid that no column takes; None if all are taken, WITHOUT ROWID, and for views.
        is_view: whether it has no rows of its own, as what a statement gives.
        is_virtual: whether a module keeps its rows, such as FTS5.
        unreadable: why SQLite cannot read it here, in its words; '' if it can. The table has no columns then: its
            module, its tokenizer, or a function of the view only the application has, or something of it is gone.
        computed_by: the collation that a view, statement or condition needs and only the application has: here, it
            compares by bytes.
        select: the statement that gives the rows; '' if they are stored, or a view of the file gives them.
        where: the condition that picks them from the table's; '' if all of its rows are meant.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    rowid: str | None
    is_view: bool
    is_virtual: bool = False
    unreadable: str = ""
    computed_by: str = ""
    select: str = ""
    where: str = ""

    @cached_property
    def from_sql(self) -> str:
        """What stands in FROM where its rows are read: its name, or a subquery, which SQLite flattens where it can."""
        # A comment may end at the line's end only.
        rows = f"({self.select}\n)" if self.select else quoted(self.name)
        if not self.where:
            return rows
        # `*` has no rowid.
        rowid = f"{quoted(self.rowid)} AS {quoted(self.rowid)}, " if self.rowid else ""
        return f"(SELECT {rowid}* FROM {rows} WHERE ({self.where}\n))"

    def column(self, name: str) -> Column | None:
        """The column of that name, as SQLite finds it: in any case."""
        return self._by_name.get(folded(name))

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {folded(column.name): column for column in self.columns}


@dataclass(frozen=True)
class Database:
    """What a file holds of the application's: without SQLite's own tables, shadow tables and this project's.

    Attributes:
        parts: the rows of those collections that are no whole table, by the collections' names.
    """

    path: Path
    tables: tuple[Table, ...]
    parts: Mapping[str, Table] = field(default_factory=dict)

    def table(self, name: str) -> Table | None:
        """The table or view of that name, as SQLite finds it: in any case."""
        return next((table for table in self.tables if folded(table.name) == folded(name)), None)

    def table_of(self, collection: CollectionMapping) -> Table | None:
        """What a collection is made from, of the mapping that was inspected too; None if the file lacks it."""
        return self.table(collection.table) if collection.is_whole_table else self.parts.get(collection.name)


def inspect_database(
    path: Path, mapping: WholeMapping | None = None, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
) -> Database:
    """Reads tables and views of a database, by name.

    Args:
        path: a snapshot, or what `readable_source` gave.
        mapping: its statements and conditions are looked at, too; None: nobody asks for the rows of a collection.
        busy_timeout_seconds: how long to wait for another program's lock.

    Raises:
        SourceNotUsableError: it is no database.
        SourceError: it is locked or damaged.
    """
    engine = create_engine("sqlite://", creator=lambda: connect_to_read(path, busy_timeout_seconds), poolclass=NullPool)
    with (
        source_errors(path, busy_timeout_seconds),
        closing(connect_read_only(path, busy_timeout_seconds)) as plain,
        engine.connect() as connection,
    ):
        missing = frozenset(map(folded, missing_collations(plain)))
        found = Database(path, tuple(_tables(connection, missing)))
        parts = dict(_parts(connection, found, mapping.collections)) if mapping is not None else {}
        if not missing:
            return replace(found, parts=parts)
        return Database(
            path,
            tuple(_told_what_computes(plain, each) for each in found.tables),
            {name: _told_what_computes(plain, each) for name, each in parts.items()},
        )


def quoted(identifier: str) -> str:
    """An identifier as SQLite wants it in a statement, whatever characters it has."""
    return '"' + identifier.replace('"', '""') + '"'


def row_count(connection: sqlite3.Connection, table: Table) -> int:
    """How many rows a table or view has.

    Raises:
        SourceError: it cannot be read: damaged, or made with a function or module that only the application has.
    """
    try:
        (count,) = connection.execute(f"SELECT count(*) FROM {table.from_sql}").fetchone()
    except sqlite3.Error as error:
        end_if_interrupted(error)
        raise SourceError(f"the rows of {table.name} cannot be counted: {error}") from error
    return int(count)


def _tables(connection: Connection, missing: frozenset[str]) -> Iterable[Table]:
    inspector = inspect(connection)
    views = set(inspector.get_view_names())
    stored = {name: (kind, without_rowid) for name, kind, without_rowid in _table_list(connection)}
    for name in sorted({*inspector.get_table_names(), *views}):
        kind, without_rowid = stored[name]
        if kind == "shadow" or folded(name).startswith(OWN_PREFIX):
            continue
        has_rowid = name not in views and not without_rowid
        yield _inspected_table(connection, name, kind, missing, has_rowid=has_rowid)


def _table_list(connection: Connection) -> Iterable[tuple[str, str, bool]]:
    """Name, kind (table, view, virtual, shadow) and whether it is WITHOUT ROWID."""
    rows = connection.exec_driver_sql("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'")
    return [(name, kind, bool(without_rowid)) for name, kind, without_rowid in rows]


def _inspected_table(
    connection: Connection, name: str, kind: str, missing: frozenset[str], *, has_rowid: bool
) -> Table:
    is_view, is_virtual = kind == "view", kind == "virtual"
    if reason := _why_unreadable(connection, name, kind):
        return Table(name, (), (), None, is_view, is_virtual, reason)
    columns = _columns(connection, name, _collations(connection, name, missing))
    key = sorted((position, column.name) for column, position in columns if position)
    taken = {folded(column.name) for column, _ in columns}
    free = [alias for alias in _ROWID_ALIASES if alias not in taken]
    return Table(
        name=name,
        columns=tuple(column for column, _ in columns),
        primary_key=tuple(column for _, column in key),
        rowid=free[0] if has_rowid and free else None,
        is_view=is_view,
        is_virtual=is_virtual,
    )


def _parts(
    connection: Connection, database: Database, collections: Iterable[CollectionMapping]
) -> Iterable[tuple[str, Table]]:
    """The rows of each collection that is no whole table, by its name; without those whose table the file lacks."""
    for each in collections:
        table = database.table(each.table)
        if each.select is not None:
            table = _selected(connection, table.name if table else each.table, without_double_quotes(each.select))
        if table is not None and (condition := _condition(each)):
            table = replace(table, where=condition)
            table = replace(table, unreadable=table.unreadable or _unreadable_rows(connection, table))
        if table is not None and not each.is_whole_table:
            yield each.name, table


def _condition(collection: CollectionMapping) -> str:
    """What a row of the table fulfils where the collection takes it; '' if it takes all."""
    own = collection.where and without_double_quotes(collection.where)
    both = [each for each in (own, collection.tenant and _of_one_tenant(collection.tenant)) if each]
    return both[0] if len(both) == 1 else " AND ".join(f"({each}\n)" for each in both)


def _of_one_tenant(tenant: TenantMapping) -> str:
    """A condition for the rows of the one tenant that is meant; '' if all are. An index of the column serves."""
    if tenant.only is None:
        return ""
    column, text = quoted(tenant.column), sql_literal(tenant.only)
    if tenant.only == tenant.of_null:
        return f"{column} IS NULL"
    alike = f"{text}, {tenant.only}" if _INTEGER(tenant.only) else text  # 7 and '7' are one tenant.
    return (
        f"{column} COLLATE BINARY IN ({alike}) AND typeof({column}) IN ('integer', 'text') "
        f"AND CAST({column} AS TEXT) = {text} COLLATE BINARY"
    )


def _selected(connection: Connection, name: str, select: str) -> Table:
    """What a statement gives, inspected as the view that it would be."""
    found = Table(name, (), (), None, is_view=True, select=select)
    if reason := _unreadable_rows(connection, found):
        return replace(found, unreadable=reason)
    view = f"{OWN_PREFIX}select"
    connection.exec_driver_sql(f"CREATE TEMP VIEW {view} AS {select}")
    columns = _columns(connection, view, {})
    connection.exec_driver_sql(f"DROP VIEW temp.{view}")
    return replace(found, columns=tuple(column for column, _ in columns))


def _unreadable_rows(connection: Connection, table: Table) -> str:
    """Why SQLite cannot give the rows of a statement or condition; '' if it can."""
    return _refused(connection, f"SELECT 1 FROM {table.from_sql} LIMIT 0")


def _columns(connection: Connection, table: str, collations: Mapping[str, str]) -> list[tuple[Column, int]]:
    """Each column with its position in the primary key, from 1; 0 if it is not in it."""
    statement = "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> ?"
    rows = connection.exec_driver_sql(statement, (table, _HIDDEN)).all()
    strict = connection.exec_driver_sql("SELECT strict FROM pragma_table_list(?)", (table,)).scalar()
    return [
        (
            Column(
                name,
                declared,
                generated=hidden != 0,
                unreadable=_refused(connection, f"SELECT {quoted(name)} FROM {quoted(table)} LIMIT 0")
                if hidden == _COMPUTED
                else "",
                missing_collation=collations.get(folded(name), ""),
                is_any=bool(strict) and folded(declared) == "any",
            ),
            position,
        )
        for name, declared, position, hidden in rows
    ]


def _collations(connection: Connection, table: str, missing: frozenset[str]) -> Mapping[str, str]:
    """The missing collations of a table's columns, by the columns' names, folded."""
    if not missing:
        return {}
    statement = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? AND sql LIKE '%collate%'"
    found = connection.exec_driver_sql(statement, (table,)).scalars()
    named = (pair for sql in found for pair in column_collations(sql).items())
    return {column: collation for column, collation in named if folded(collation) in missing}


def _told_what_computes(plain: sqlite3.Connection, table: Table) -> Table:
    """The table, with the missing collations that it needs if it is a view, or that its generated columns need.

    A view needs one that it only passes on, too: SQLite does not tell whether it compares by it.

    Args:
        plain: a connection without stand-ins for collations.
    """
    if table.is_view:
        return replace(table, computed_by=_lacking(plain, f"SELECT * FROM {table.from_sql} LIMIT 0"))
    picked_by = _lacking(plain, f"SELECT 1 FROM {table.from_sql} LIMIT 0") if table.where else ""
    columns = tuple(_told_what_computes_it(plain, table, each) for each in table.columns)
    return replace(table, columns=columns, computed_by=picked_by)


def _told_what_computes_it(plain: sqlite3.Connection, table: Table, column: Column) -> Column:
    if not column.generated:
        return column
    # An index may need a collation of its own that the column does not.
    statement = f"SELECT {quoted(column.name)} FROM {quoted(table.name)} NOT INDEXED LIMIT 0"
    return replace(column, computed_by=_lacking(plain, statement))


def _lacking(connection: sqlite3.Connection, statement: str) -> str:
    """The collation that a statement needs and a connection lacks; '' where it lacks nothing, or something else."""
    try:
        connection.execute(statement).close()
    except sqlite3.OperationalError as error:
        if primary_code(error) not in OF_THE_TABLE:
            raise
        return str(error).partition("no such collation sequence: ")[2]
    return ""


def _why_unreadable(connection: Connection, table: str, kind: str) -> str:
    """Why nothing of a view or virtual table can be read; a module is asked for a row: some say only then."""
    rows = {"view": 0, "virtual": 1}.get(kind)
    return "" if rows is None else _refused(connection, f"SELECT 1 FROM {quoted(table)} LIMIT {rows}")


def _refused(connection: Connection, statement: str) -> str:
    """Why SQLite cannot execute a statement in this file: what only the application has, or what is gone; '' if it can.

    What a module says of its own tables may be the code of a damaged file, though nothing else is.
    """
    try:
        connection.exec_driver_sql(statement).all()
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error) or primary_code(error.orig) not in OF_THE_TABLE:
            raise
        return str(error.orig)
    return ""
