"""The triggers that log the key of each row that a statement changes, in the statement's own transaction.

They come BEFORE the change: where a trigger of the application's breaks a statement off (RAISE, or a conflict under OR
FAIL), what was done of the row stays, and an AFTER trigger would not fire any more. Only a key of which SQLite gives a
part itself (an INTEGER PRIMARY KEY, a default, a generated column) is not known before and logged afterwards.

REPLACE removes rows without firing a DELETE trigger, unless `recursive_triggers` is on: so the rows that have a unique
value of the new one are looked up, by their index, and logged as well. A key that is logged though its row does not
change does no harm, since the current row is read for it; a key that is not logged is a lost change.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from weaviate_migration.source.inspect import Table, quoted
from weaviate_migration.source.rows import value_sql
from weaviate_migration.source.unique_indexes import IndexTerm, UniqueIndex, unique_indexes

# https://www.sqlite.org/datatype3.html, 3.1: the first that is found in the declared type counts.
_AFFINITIES = (("INT", "INTEGER"), ("CHAR|CLOB|TEXT", "TEXT"), ("BLOB", "BLOB"), ("REAL|FLOA|DOUB", "REAL"))
# A default that is a name by itself is a text, but for these: https://www.sqlite.org/syntax/column-constraint.html
_CONSTANTS = ("NULL", "TRUE", "FALSE", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP")
_NAME = re.compile(r"""(?:[A-Za-z_]|[^\x00-\x7f])(?:[\w$]|[^\x00-\x7f])*|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]""")

# So many conditions stand beside each other, as they always have: triggers that are there stay as they are.
_WITHOUT_HALVES = 200
# What the names of those triggers end with that log a key after the change.
LATE = ("_inserted", "_updated")


@dataclass(frozen=True)
class _Column:
    """A column of a captured table; `default` is the SQL of its default, '' without one."""

    name: str
    affinity: str
    not_null: bool
    default: str
    generated: bool

    @property
    def new(self) -> str:
        """The value that the new row will have: under REPLACE, a default takes the place of a NULL that may not be."""
        value = f"NEW.{quoted(self.name)}"
        return f"coalesce({value}, {self.default})" if self.not_null and self.default else value

    @property
    def new_with_affinity(self) -> str:
        """The same with the column's affinity, by which comparisons go; a value of another kind may be changed."""
        return self.new if self.affinity == "BLOB" else f"CAST({self.new} AS {self.affinity})"


class TableTriggers:
    """Writes the triggers of one table.

    Args:
        connection: to the file, for what its pragmas say of the table.
        table: the table as it was inspected.
        key: the columns that identify a row, and those whose earlier values are needed beside them.
        number: what the log calls the table.
        log: the name of the log's table.
        prefix: what the names of the triggers begin with.
    """

    def __init__(
        self, connection: sqlite3.Connection, table: Table, key: tuple[str, ...], number: int, log: str, prefix: str
    ) -> None:
        self._read = table
        self._table = quoted(table.name)
        self._key = key
        self._number = number
        self._log = quoted(log)
        self._prefix = f"{prefix}{number}_"
        self._columns = {column.name: column for column in _columns(connection, table.name)}
        self._indexes = unique_indexes(connection, table.name)
        self._primary_key = table.primary_key
        self._free_rowid = table.rowid

    def statements(self) -> dict[str, str]:
        """The statements that make the triggers, by the triggers' names."""
        bodies = {
            "insert": ("BEFORE INSERT", [*([] if self._new_key_is_late else [self._inserted]), *self._replaced("")]),
            "inserted": ("AFTER INSERT", [self._inserted] if self._new_key_is_late else []),
            "update": ("BEFORE UPDATE", list(self._before_update())),
            "updated": ("AFTER UPDATE", [self._key_updated] if self._key_may_be_altered else []),
            "delete": ("BEFORE DELETE", [self._entry("D", "OLD")]),
        }
        return {self._prefix + name: self._trigger(name, event, body) for name, (event, body) in bodies.items() if body}

    def _trigger(self, name: str, event: str, entries: list[str]) -> str:
        """One statement for all entries: it is faster than one for each."""
        keys = ", ".join(f"key_{at}" for at in range(len(self._key)))
        selected = "\n  UNION ALL ".join(entries)
        return (
            f"CREATE TRIGGER {quoted(self._prefix + name)} {event} ON {self._table} BEGIN\n"
            f"  INSERT INTO {self._log} (table_number, kind, at, {keys})\n"
            f"  {selected};\nEND"
        )

    @property
    def _inserted(self) -> str:
        return self._entry("I", "NEW")

    def _before_update(self) -> Iterator[str]:
        yield self._entry("U", "OLD")
        if not self._key_may_be_altered:
            yield self._key_updated
        yield from self._replaced(f" AND NOT ({self._is_old_row})")

    @property
    def _key_updated(self) -> str:
        """The new key, where it is another one: another text or number, or as much in another storage class."""
        differs = _joined(
            "OR",
            [
                f"OLD.{column} IS NOT NEW.{column} COLLATE BINARY OR typeof(OLD.{column}) <> typeof(NEW.{column})"
                for column in map(quoted, self._key)
            ],
        )
        return f"{self._entry('U', 'NEW')} WHERE {differs}"

    def _replaced(self, condition: str) -> Iterator[str]:
        """An entry for each row that has a unique value of the new one."""
        for holds in self._unique_conditions():
            yield f"{self._entry('R')} FROM {self._table} WHERE {holds}{condition}"

    def _entry(self, kind: str, row: str = "") -> str:
        own = (value_sql(self._read, column, quoted(column)) for column in self._key)
        key = ", ".join(f"{row}.{quoted(column)}" for column in self._key) if row else ", ".join(own)
        return f"SELECT {self._number}, '{kind}', julianday('now'), {key}"

    @cached_property
    def _rowid_column(self) -> str | None:
        """The column that is the rowid: a key of one column without an index."""
        has_index = any(index.is_primary_key for index in self._indexes)
        return self._primary_key[0] if len(self._primary_key) == 1 and not has_index else None

    @cached_property
    def _rowid(self) -> str | None:
        """What the rowid can be called; None for a table WITHOUT ROWID, or where nobody can name it."""
        return quoted(self._rowid_column) if self._rowid_column else self._free_rowid

    @cached_property
    def _new_key_is_late(self) -> bool:
        return self._key_may_be_altered or self._rowid_column in self._key

    @cached_property
    def _key_may_be_altered(self) -> bool:
        """Whether a key that a statement gives may become another: a default's, or one computed from other columns."""
        return any(each.default or each.generated for each in self._key_columns())

    def _key_columns(self) -> list[_Column]:
        return [self._columns[name] for name in self._key]

    @property
    def _is_old_row(self) -> str:
        """What holds of no other row than OLD."""
        if self._rowid:
            return f"{self._rowid} = OLD.{self._rowid}"
        primary = [term for index in self._indexes if index.is_primary_key for term in index.terms]
        return _joined("AND", [f"{term.collated} IS OLD.{term.sql}" for term in primary]) if primary else "FALSE"

    def _unique_conditions(self) -> Iterator[str]:
        """For all that is unique what holds of the row that has it already, if there is one."""
        if self._rowid:
            yield f"{self._rowid} = NEW.{self._rowid}"
        for index in self._indexes:
            if self._new_key_is_late or not self._tells_the_key(index):
                yield self._has_new_terms(index)

    def _has_new_terms(self, index: UniqueIndex) -> str:
        terms = [f"{term.collated} {self._is_new(term)}" for term in index.terms]
        return _joined("AND", [*terms, *([f"({index.where})"] if index.where else [])])

    def _is_new(self, term: IndexTerm) -> str:
        if term.column is not None:
            return f"= {self._columns[term.column].new}"
        rows = (
            ", ".join(f"{value(each)} AS {quoted(each.name)}" for each in self._columns.values())
            for value in (attrgetter("new"), attrgetter("new_with_affinity"))
        )
        return f"IN ({', '.join(f'(SELECT {term.sql} FROM (SELECT {row}) AS {self._table})' for row in rows)})"

    def _tells_the_key(self, index: UniqueIndex) -> bool:
        """Whether rows that are alike in the index have the very same key, which is logged anyway.

        Equal texts are the same where they are compared by their bytes; numbers may be equal in two storage classes.
        """
        told = {term.column for term in index.terms if term.collation == "BINARY"}
        return all(each.name in told and each.affinity == "TEXT" for each in self._key_columns())


def _joined(operator: str, conditions: Sequence[str]) -> str:
    """All conditions, however many: beyond a few in halves, since SQLite takes expressions of a depth of 1,000."""
    if len(conditions) <= _WITHOUT_HALVES:
        return f" {operator} ".join(conditions)
    half = len(conditions) // 2
    return f"({_joined(operator, conditions[:half])}) {operator} ({_joined(operator, conditions[half:])})"


def _columns(connection: sqlite3.Connection, table: str) -> Iterator[_Column]:
    statement = 'SELECT name, type, "notnull", dflt_value, hidden FROM pragma_table_xinfo(?)'
    for name, declared, not_null, default, hidden in connection.execute(statement, (table,)).fetchall():
        yield _Column(name, _affinity(declared), bool(not_null), _default(default), generated=hidden != 0)


def _affinity(declared_type: str) -> str:
    if not declared_type:
        return "BLOB"
    found = (affinity for part, affinity in _AFFINITIES if re.search(part, declared_type, re.IGNORECASE))
    return next(found, "NUMERIC")


def _default(sql: str | None) -> str:
    """A default as an expression; what looks like the name of a column there is a text."""
    if sql is None:
        return ""
    if not _NAME.fullmatch(sql) or sql.upper() in _CONSTANTS:
        return f"({sql})"
    text = sql if sql[0] not in '"`[' else sql[1:-1].replace(sql[0] * 2, sql[0])
    return "'" + text.replace("'", "''") + "'"
