"""Change capture: the log in the SQLite file of which rows have changed, and the triggers that write it.

A capture belongs to a work folder; several on one file do not know each other. All that it makes in the file begins
with `_weaviate_migration_<id>_`:

| name | what it is |
| --- | --- |
| `…changes` | the log, only ever appended to: position, table, kind, time (`julianday`), the key's values as they are |
| `…capture` | a row for each epoch: what was captured, and the schema of that time; the newest one counts |
| `…positions` | how far each migration is |
| `…<table's number>_insert` and so on | triggers |

Kinds: `I`, `U` and `D` for a row that a statement inserts, updates or deletes; `R` for one that it may have replaced;
`E` where an epoch begins. An entry never appears before one that was read: SQLite has one writer at a time. No position
is used twice as long as the newest entry stays, so that one is never pruned; AUTOINCREMENT would leave
`sqlite_sequence` behind.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from weaviate_migration.base.errors import CaptureError
from weaviate_migration.source.capture_triggers import LATE, TableTriggers
from weaviate_migration.source.connect import BUSY_TIMEOUT_SECONDS, write_transaction
from weaviate_migration.source.inspect import OWN_PREFIX, Table, quoted
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan
from weaviate_migration.source.wide_select import MOST_COLUMNS

# A table, and the columns that a change of a row is logged by.
Keyed = tuple[Table, tuple[str, ...]]

# What a statement lacks here, and not where the application executes it.
_OF_THE_APPLICATION = re.compile("(no such|unknown) (function|collation sequence|module|tokenizer): ")
# The columns that a copied change has beside the row's and its key's, see `ChangeLog.changed_rows`.
_OF_A_CHANGE = 3
_REPLACE = "Remove what is left with `weaviate-migration capture remove`, and install it again."


@dataclass(frozen=True)
class CapturedTable:
    """A table whose changes are logged.

    Attributes:
        key: the columns that identify a row, as the mapping has it, and the one that names its tenant.
        number: what the log calls the table with this key, in all epochs.
    """

    name: str
    key: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class Capture:
    """A capture as it was installed.

    Attributes:
        id: 8 hexadecimal digits.
        epoch: from 1; a new one begins wherever changes may have gone by unlogged.
    """

    id: str
    epoch: int
    tables: tuple[CapturedTable, ...]

    @property
    def changes(self) -> str:
        """The name of the log's table, unquoted."""
        return f"{_prefix(self.id)}changes"

    @property
    def positions(self) -> str:
        """The name of the table with the positions of migrations, unquoted."""
        return f"{_prefix(self.id)}positions"


def install_capture(
    source: Path,
    plan: MigrationPlan,
    capture_id: str,
    busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
    *,
    others: Sequence[MigrationPlan] = (),
) -> Capture:
    """Captures the changes of all tables of the plan that can be captured, from now on; all of it or nothing.

    What is there and is intact stays. Otherwise all triggers are made again and an epoch begins; positions go on.

    Args:
        others: of migrations that are followed by the same capture, and go on being so.

    Raises:
        ConfigurationError: the file, or its folder, may not be written to.
        CaptureError: the log is gone, or a table's triggers would make the application's own statements fail.
        SourceError: the file is locked for longer than the timeout, or damaged.
    """
    collections = chain.from_iterable(each.collections for each in (plan, *others))
    followed = (each for each in collections if each.table is not None and is_followed(each))
    # Each once, whichever collections need it; a table may be captured by several keys.
    tables = list({(table.name, key): (table, key) for each in followed for table, key in captured_by(each)}.values())
    with write_transaction(source, busy_timeout_seconds) as connection:
        present = _present(connection, capture_id)
        if present and _covers(present, tables) and not capture_damage(connection, present):
            return present
        return _begin_epoch(connection, capture_id, tables)


def remove_capture(source: Path, capture_id: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> list[str]:
    """Removes all that the capture made from the file, in one transaction, and returns the names of it.

    Raises:
        ConfigurationError: the file, or its folder, may not be written to.
        SourceError: the file is locked for longer than the timeout, or damaged.
    """
    with write_transaction(source, busy_timeout_seconds) as connection:
        triggers, tables = (_made(connection, capture_id, kind) for kind in ("trigger", "table"))
        _drop(connection, "TRIGGER", triggers)
        _drop(connection, "TABLE", tables)
    return triggers + tables


def read_capture(connection: sqlite3.Connection, capture_id: str) -> Capture | None:
    """The capture as the file, or a snapshot of it, has it; None if it is not there."""
    epochs = _epochs(capture_id)
    if epochs not in _made(connection, capture_id, "table"):
        return None
    newest = connection.execute(
        f"SELECT epoch, definition FROM {quoted(epochs)} ORDER BY epoch DESC LIMIT 1"
    ).fetchone()
    if newest is None:
        return None
    epoch, definition = newest
    return Capture(capture_id, epoch, tuple(_captured_tables(definition)))


def capture_damage(connection: sqlite3.Connection, capture: Capture) -> list[str]:
    """A sentence for everything that is not as the capture was installed: changes may have gone by unlogged."""
    statement = f"SELECT definition FROM {quoted(_epochs(capture.id))} WHERE epoch = ?"
    (definition,) = connection.execute(statement, (capture.epoch,)).fetchone()
    tables = json.loads(definition)["tables"]
    of_tables = [sentence for each in tables for sentence in _table_damage(connection, capture, each)]
    return [*_log_damage(connection, capture), *of_tables]


def last_position(connection: sqlite3.Connection, capture: Capture) -> int:
    """The position of the newest entry; 0 where somebody has emptied the log."""
    (position,) = connection.execute(f"SELECT coalesce(max(position), 0) FROM {quoted(capture.changes)}").fetchone()
    return int(position)


def log_extent(connection: sqlite3.Connection, capture: Capture) -> tuple[int, int]:
    """How many entries the log has, and the position of the newest; (0, 0) where the log is gone."""
    if capture.changes not in _made(connection, capture.id, "table"):
        return 0, 0
    (entries,) = connection.execute(f"SELECT count(*) FROM {quoted(capture.changes)}").fetchone()
    return int(entries), last_position(connection, capture)


def captured_by(plan: CollectionPlan) -> list[Keyed]:
    """What a collection is followed by: the table that its key comes from, and those that a statement joins to it."""
    if plan.table is None:
        return []
    if plan.joins is None or plan.joins.main is None:
        return [(plan.table, plan.logged_key)]
    return [(plan.joins.main, plan.joins.key), *((link.table, link.key) for link in plan.joins.links)]


def is_followed(plan: CollectionPlan) -> bool:
    """Whether the changes of a collection's rows can be followed; where there is no table, there are none."""
    return _why_not(plan) is None


def can_be_copied(plan: CollectionPlan) -> bool:
    """Whether rows of a collection fit into a temporary table, as all that are read from a source in use have to."""
    return _copied_columns(plan) <= MOST_COLUMNS


def uncaptured_tables(plan: MigrationPlan) -> list[str]:
    """A sentence for each collection whose changes cannot be followed; one that is no whole table is named itself."""
    reasons = ((each, _why_not(each)) for each in plan.collections)
    return [f"changes of {_shown(each)} are not followed: {reason}" for each, reason in reasons if reason]


def captures_in(connection: sqlite3.Connection) -> list[str]:
    """The ids of all captures in the file, those of other work folders too."""
    pattern = f"{OWN_PREFIX}{'[0-9a-f]' * 8}_capture"
    statement = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ? ORDER BY rowid"
    names = connection.execute(statement, (pattern,)).fetchall()
    return [name.removeprefix(OWN_PREFIX).removesuffix("_capture") for (name,) in names]


def _why_not(plan: CollectionPlan) -> str | None:
    """Why the changes of a collection's rows cannot be followed; None where they can, or where there is no table."""
    if plan.table is None:
        return None
    if plan.joins is None and plan.table.is_view:
        return "it is a view"
    if plan.table.is_virtual:
        return "SQLite has no triggers on virtual tables"
    if plan.uses_rowid:
        return "it has no key; if columns identify a row, name them in `key`"
    if plan.joins is not None and plan.joins.reason:
        return plan.joins.reason
    if not can_be_copied(plan):
        more = _copied_columns(plan) - MOST_COLUMNS
        return f"{more} columns of it are more than SQLite takes; leave as many out with `omit`"
    return None


def _copied_columns(plan: CollectionPlan) -> int:
    return _OF_A_CHANGE + len(plan.key) + len(plan.columns)


def _shown(plan: CollectionPlan) -> str:
    return plan.table.name if plan.table is not None and plan.mapping.is_whole_table else plan.mapping.name


def _prefix(capture_id: str) -> str:
    return f"{OWN_PREFIX}{capture_id}_"


def _epochs(capture_id: str) -> str:
    return f"{_prefix(capture_id)}capture"


def _made(connection: sqlite3.Connection, capture_id: str, kind: str) -> list[str]:
    """The names of everything of a kind that the capture made."""
    prefix = _prefix(capture_id)
    statement = "SELECT name FROM sqlite_schema WHERE type = ? AND substr(name, 1, ?) = ? ORDER BY rowid"
    return [name for (name,) in connection.execute(statement, (kind, len(prefix), prefix)).fetchall()]


def _drop(connection: sqlite3.Connection, kind: str, names: list[str]) -> None:
    for name in names:
        connection.execute(f"DROP {kind} {quoted(name)}")


def _present(connection: sqlite3.Connection, capture_id: str) -> Capture | None:
    """The capture that is there; raises CaptureError where only a part of it is."""
    present = read_capture(connection, capture_id)
    left = _made(connection, capture_id, "table")
    lost = list(_log_damage(connection, present)) if present else left
    if lost:
        raise CaptureError(f"Capture {capture_id} has lost its log, or the record of it.", _REPLACE)
    return present


def _covers(capture: Capture, tables: list[Keyed]) -> bool:
    return {(each.name, each.key) for each in capture.tables} == {(table.name, key) for table, key in tables}


def _begin_epoch(connection: sqlite3.Connection, capture_id: str, tables: list[Keyed]) -> Capture:
    _drop(connection, "TRIGGER", _made(connection, capture_id, "trigger"))
    earlier = _earlier_epochs(connection, capture_id)
    capture = Capture(capture_id, len(earlier) + 1, tuple(_numbered(earlier, tables)))
    _make_tables(connection, capture, earlier)
    with _keeping_statements_valid(connection, [table for table, _ in tables]):
        definition = [
            _make_triggers(connection, capture, table, captured)
            for (table, _), captured in zip(tables, capture.tables, strict=True)
        ]
    written = json.dumps({"tables": definition})
    connection.execute(f"INSERT INTO {quoted(_epochs(capture_id))} VALUES (?, ?)", (capture.epoch, written))
    connection.execute(f"INSERT INTO {quoted(capture.changes)} (kind, at) VALUES ('E', julianday('now'))")
    return capture


def _earlier_epochs(connection: sqlite3.Connection, capture_id: str) -> list[tuple[int, str]]:
    """Number and definition of each epoch so far."""
    if _epochs(capture_id) not in _made(connection, capture_id, "table"):
        return []
    return connection.execute(f"SELECT epoch, definition FROM {quoted(_epochs(capture_id))}").fetchall()


def _numbered(earlier: list[tuple[int, str]], tables: list[Keyed]) -> Iterator[CapturedTable]:
    """Each table with its number: that of an earlier epoch, if it had the same key, or else a new one."""
    known = {(each.name, each.key): each.number for _, text in earlier for each in _captured_tables(text)}
    for table, key in tables:
        number = known.setdefault((table.name, key), max(known.values(), default=0) + 1)
        yield CapturedTable(table.name, key, number)


def _captured_tables(definition: str) -> Iterator[CapturedTable]:
    for each in json.loads(definition)["tables"]:
        yield CapturedTable(each["name"], tuple(each["key"]), each["number"])


def _make_tables(connection: sqlite3.Connection, capture: Capture, earlier: list[tuple[int, str]]) -> None:
    """Makes the capture's own tables, or widens the log; the epochs' table is made again, see `_is_rebuilt`."""
    keys = [f"key_{at}" for at in range(max((len(each.key) for each in capture.tables), default=1))]
    changes, positions, epochs = map(quoted, (capture.changes, capture.positions, _epochs(capture.id)))
    if earlier:
        for key in keys[_log_width(connection, capture) :]:
            connection.execute(f"ALTER TABLE {changes} ADD COLUMN {key}")
        connection.execute(f"DROP TABLE {epochs}")
    else:
        connection.execute(
            f"CREATE TABLE {changes} "
            f"(position INTEGER PRIMARY KEY, table_number INTEGER, kind TEXT, at REAL, {', '.join(keys)})"
        )
        connection.execute(
            f"CREATE TABLE {positions} (migration TEXT PRIMARY KEY, epoch INTEGER, position INTEGER, snapshot INTEGER)"
        )
    connection.execute(f"CREATE TABLE {epochs} (epoch INTEGER PRIMARY KEY, definition TEXT)")
    connection.executemany(f"INSERT INTO {epochs} VALUES (?, ?)", earlier)


def _log_width(connection: sqlite3.Connection, capture: Capture) -> int:
    """How many columns the log has for keys."""
    statement = "SELECT count(*) FROM pragma_table_info(?) WHERE name GLOB 'key_*'"
    (width,) = connection.execute(statement, (capture.changes,)).fetchone()
    return int(width)


def _make_triggers(
    connection: sqlite3.Connection, capture: Capture, table: Table, captured: CapturedTable
) -> dict[str, Any]:
    """Makes a table's triggers, and returns what its part of the epoch's definition says."""
    writer = TableTriggers(connection, table, captured.key, captured.number, capture.changes, _prefix(capture.id))
    triggers = writer.statements()
    for statement in triggers.values():
        connection.execute(statement)
    return {**asdict(captured), "schema": _schema(connection, table.name), "triggers": triggers}


@contextmanager
def _keeping_statements_valid(connection: sqlite3.Connection, tables: list[Table]) -> Iterator[None]:
    """Raises CaptureError where a statement of the application's would fail because of what was made inside."""
    statements = [
        statement for each in tables for statement in _statements(each) if _compile_error(connection, statement) is None
    ]
    yield
    for statement in statements:
        if error := _compile_error(connection, statement):
            raise CaptureError(
                f"Capture would make the application's statements fail, such as {statement}: {error}.",
                "Nothing was changed. Leave the table out of the mapping to migrate the others live.",
            )


def _statements(table: Table) -> Iterator[str]:
    """One statement for each event on a table."""
    name = quoted(table.name)
    column = next(quoted(each.name) for each in table.columns if not each.generated)
    yield f"INSERT INTO {name} DEFAULT VALUES"
    yield f"UPDATE {name} SET {column} = {column}"
    yield f"DELETE FROM {name}"


def _compile_error(connection: sqlite3.Connection, statement: str) -> sqlite3.Error | None:
    """Why a statement would fail; what only the application's connections have, does not lack there."""
    try:
        connection.execute(f"EXPLAIN {statement}").fetchall()
    except sqlite3.Error as error:
        return None if _OF_THE_APPLICATION.match(str(error)) else error
    return None


def _schema(connection: sqlite3.Connection, table: str) -> dict[str, str | None]:
    """The SQL of the table and of its unique indexes, by their names."""
    statement = """
SELECT name, sql FROM sqlite_schema WHERE name = :table
UNION ALL
SELECT name, (SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = indexes.name)
FROM pragma_index_list(:table) AS indexes WHERE "unique"
"""
    return dict(connection.execute(statement, {"table": table}).fetchall())


def _log_damage(connection: sqlite3.Connection, capture: Capture) -> Iterator[str]:
    made = _made(connection, capture.id, "table")
    for name in (capture.changes, capture.positions):
        if name not in made:
            yield f"table `{name}` is gone"
    if capture.changes in made and not last_position(connection, capture):
        yield f"table `{capture.changes}` was emptied"


def _table_damage(connection: sqlite3.Connection, capture: Capture, installed: dict[str, Any]) -> Iterator[str]:
    table = f"table `{installed['name']}`"
    schema = _schema(connection, installed["name"])
    if installed["name"] not in schema:
        yield f"{table} was dropped or renamed"
        return
    if schema != installed["schema"]:
        yield f"{table} was altered: its columns, constraints or unique indexes are not what they were"
    elif _is_newer(connection, installed["name"], _epochs(capture.id)):
        yield f"{table} was dropped and made again"
    for name, sql in installed["triggers"].items():
        found = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        if found is None:
            yield f"{table} has lost its trigger `{name}`"
        elif found[0] != sql:
            yield f"trigger `{name}` of {table} was changed"
        elif name.endswith(LATE):
            yield from (f"{table} has a new trigger, `{newer}`" for newer in _triggers_before(connection, name))


def _is_newer(connection: sqlite3.Connection, name: str, other: str) -> bool:
    """Whether a table was made after another one; VACUUM keeps their order."""
    statement = (
        "SELECT (SELECT rowid FROM sqlite_schema WHERE name = ?) > (SELECT rowid FROM sqlite_schema WHERE name = ?)"
    )
    (newer,) = connection.execute(statement, (name, other)).fetchone()
    return bool(newer)


def _triggers_before(connection: sqlite3.Connection, trigger: str) -> list[str]:
    """The application's triggers on the same table that SQLite runs first: the later ones.

    An AFTER trigger of theirs that breaks the statement off would keep a change from the log.
    """
    statement = """
SELECT theirs.name FROM sqlite_schema AS theirs JOIN sqlite_schema AS ours ON theirs.tbl_name = ours.tbl_name
WHERE ours.name = ? AND theirs.type = 'trigger' AND theirs.rowid > ours.rowid AND substr(theirs.name, 1, ?) <> ?
"""
    found = connection.execute(statement, (trigger, len(OWN_PREFIX), OWN_PREFIX)).fetchall()
    return [name for (name,) in found]
