"""Which tables of a file become collections, by which key; and which are left out, each with the reason."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.texts import counted, suggestion
from weaviate_migration.mapping.names import folded
from weaviate_migration.phases.preflight.inference.bookkeeping import bookkeeping_reason
from weaviate_migration.phases.preflight.inference.module_tables import tables_of_modules
from weaviate_migration.phases.preflight.inference.names import spoken_words
from weaviate_migration.source.connect import end_if_interrupted, primary_code
from weaviate_migration.source.inspect import OF_THE_TABLE, OWN_PREFIX, Database, Table, quoted

# SQLite takes 2,000 columns in a result at most.
_ASKED_AT_ONCE = 500


@dataclass(frozen=True)
class Choice:
    """What a person chose.

    Attributes:
        tables: only these, views among them too; none: all tables.
        exclude: not these.
        views: all views, too.
        joins: which of them have a parent's columns beside their own: `chunks:documents`, see `joins.wanted_joins`.
    """

    tables: Sequence[str] = ()
    exclude: Sequence[str] = ()
    views: bool = False
    joins: Sequence[str] = ()


@dataclass(frozen=True)
class OmittedTable:
    """A table that is left out; `rows` is None where they cannot be counted."""

    table: str
    rows: int | None
    reason: str

    @property
    def told(self) -> str:
        """The reason, with the number of rows."""
        if self.rows is None:
            return self.reason
        return f"{self.reason} ({counted(self.rows, 'row')})"


@dataclass(frozen=True)
class ChosenTables:
    """The tables that become collections, each with the columns of its key, and those that are left out.

    Attributes:
        remarks: what is to be said of a table that no mapping can name.
    """

    keys: dict[Table, tuple[str, ...]]
    omitted: tuple[OmittedTable, ...]
    remarks: tuple[str, ...]


def choose_tables(connection: sqlite3.Connection, database: Database, choice: Choice) -> ChosenTables:
    """Parts the tables of a file; raises ConfigurationError where one was named that is not there."""
    _refuse_unknown(database, "--tables", choice.tables)
    _refuse_unknown(database, "--exclude", choice.exclude)
    reasons = tables_of_modules(connection, database.tables)
    keys: dict[Table, tuple[str, ...]] = {}
    for table in database.tables:
        if not table.name or (table.is_view and not choice.views and not _names(choice.tables, table)):
            continue
        reason = _why_not_chosen(table, choice, reasons.pop(table.name, None))
        key, reason = ((), reason) if reason else _key(connection, table)
        if key:
            keys[table] = key
        else:
            reasons[table.name] = reason
    omitted = (OmittedTable(name, row_count_or_none(connection, name), reasons[name]) for name in sorted(reasons))
    return ChosenTables(keys, tuple(omitted), tuple(_remarks(connection, database)))


def _remarks(connection: sqlite3.Connection, database: Database) -> Iterator[str]:
    if database.table("") is not None:
        rows = counted(row_count_or_none(connection, "") or 0, "row")
        yield (
            f"{rows} in the table whose name is empty: no mapping can name it. "
            '`ALTER TABLE "" RENAME TO …`, or say `unmapped: warn`'
        )


def row_count_or_none(connection: sqlite3.Connection, table: str) -> int | None:
    """How many rows a table has; None where SQLite cannot read it."""
    try:
        (count,) = connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()
    except sqlite3.Error as error:
        end_if_interrupted(error)
        if primary_code(error) not in OF_THE_TABLE:
            raise
        return None
    return int(count)


def _refuse_unknown(database: Database, option: str, names: Sequence[str]) -> None:
    for name in names:
        if database.table(name) is None:
            allowed = suggestion(name, [table.name for table in database.tables])
            raise ConfigurationError(f"{option}: there is no table `{name}` in {database.path}{allowed}")


def _names(names: Sequence[str], table: Table) -> bool:
    return folded(table.name) in map(folded, names)


def _why_not_chosen(table: Table, choice: Choice, kept: str | None) -> str:
    if _names(choice.exclude, table):
        return "named by --exclude"
    if choice.tables:
        return _told_by_sqlite(table.unreadable) if _names(choice.tables, table) else "not named by --tables"
    return _told_by_sqlite(table.unreadable) or kept or bookkeeping_reason(table) or ""


def _key(connection: sqlite3.Connection, table: Table) -> tuple[tuple[str, ...], str]:
    """The columns that tell the rows of a table apart, or why there are none."""
    declared = table.primary_key or ((table.rowid,) if table.rowid else ())
    if any(folded(column).startswith(OWN_PREFIX) for column in declared):
        return (), "its key has a name that only this project's own columns may have"
    if declared:
        return declared, ""
    try:
        found = next(_unique_columns(connection, table), None)
    except sqlite3.Error as error:  # A view may fail in any of its rows.
        end_if_interrupted(error)
        if primary_code(error) not in OF_THE_TABLE:
            raise
        return (), f"SQLite cannot read it: {error}"
    if found is None:
        kind = "view" if table.is_view else "table"
        return (), f"a {kind} in which no column has a value of its own for each row, and none is NULL"
    return (found,), ""


def _unique_columns(connection: sqlite3.Connection, table: Table) -> Iterator[str]:
    """The columns of which no two values are alike, and none NULL; first those that are called so."""
    names = sorted((column.name for column in table.columns if column.name), key=_not_called_key)
    for begin in range(0, len(names), _ASKED_AT_ONCE):
        asked = names[begin : begin + _ASKED_AT_ONCE]
        different = ", ".join(f"count(DISTINCT {quoted(name)})" for name in asked)
        rows, *counts = connection.execute(f"SELECT count(*), {different} FROM {quoted(table.name)}").fetchone()
        yield from (name for name, count in zip(asked, counts, strict=True) if count == rows)


def _not_called_key(column: str) -> int:
    """0 for `id`, 1 for `user_id`, 2 for anything else."""
    words = spoken_words(column)
    return 0 if words == ["id"] else 1 if words[-1:] == ["id"] else 2


def _told_by_sqlite(message: str) -> str:
    return f"only its application can read it: {message}" if message else ""
