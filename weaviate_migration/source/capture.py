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
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weaviate_migration.errors import CaptureError
from weaviate_migration.source.capture_triggers import CapturedTable, captured_by_triggers
from weaviate_migration.source.connect import BUSY_TIMEOUT_SECONDS, write_transaction
from weaviate_migration.source.inspect import OWN_PREFIX, quoted
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan


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

    @property
    def epochs(self) -> str:
        """The name of the table with the epochs, unquoted."""
        return f"{_prefix(self.id)}capture"


def install_capture(
    source: Path, plan: MigrationPlan, capture_id: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
) -> Capture:
    """Captures the changes of all tables of the plan that can be captured, from now on; all of it or nothing.

    What is there and is intact stays. Otherwise all triggers are made anew and an epoch begins; positions go on.

    Raises:
        ConfigurationError: the file, or its folder, may not be written to.
        CaptureError: the log itself is gone.
        SourceError: the file is locked for longer than the timeout, or damaged.
    """
    with write_transaction(source, busy_timeout_seconds) as connection:
        present = read_capture(connection, capture_id)
        wanted = {each.table.name: each.key for each in _capturable(plan) if each.table}
        covered = {each.name: each.key for each in present.tables} if present else None
        if present and covered == wanted and not capture_damage(connection, present):
            return present
        return _begin_epoch(connection, plan, capture_id, present)


def remove_capture(source: Path, capture_id: str, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> list[str]:
    """Removes all that the capture made from the file, in one transaction, and returns the names of it.

    Raises:
        ConfigurationError: the file, or its folder, may not be written to.
        SourceError: the file is locked for longer than the timeout, or damaged.
    """
    with write_transaction(source, busy_timeout_seconds) as connection:
        made = [(kind, name) for kind, name, _ in _made(connection, capture_id) if kind in ("trigger", "table")]
        # Triggers first: they name the log.
        for kind, name in sorted(made, reverse=True):
            connection.execute(f"DROP {kind} {quoted(name)}")
    return [name for _, name in made]


def read_capture(connection: sqlite3.Connection, capture_id: str) -> Capture | None:
    """The capture as the file, or a snapshot of it, has it; None if it is not there."""
    epochs = Capture(capture_id, 0, ()).epochs
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (epochs,)).fetchone():
        return None
    newest = f"SELECT epoch, definition FROM {quoted(epochs)} ORDER BY epoch DESC LIMIT 1"
    epoch, definition = connection.execute(newest).fetchone()
    tables = json.loads(definition)["tables"]
    return Capture(
        capture_id, epoch, tuple(CapturedTable(each["name"], tuple(each["key"]), each["number"]) for each in tables)
    )


def capture_damage(connection: sqlite3.Connection, capture: Capture) -> list[str]:
    """A sentence for everything that is not as the capture was installed: changes may have gone by unlogged."""
    statement = f"SELECT definition FROM {quoted(capture.epochs)} WHERE epoch = ?"
    (definition,) = connection.execute(statement, (capture.epoch,)).fetchone()
    return [sentence for each in json.loads(definition)["tables"] for sentence in _damage(connection, each)]


def last_position(connection: sqlite3.Connection, capture: Capture) -> int:
    """The position of the newest entry."""
    (position,) = connection.execute(f"SELECT max(position) FROM {quoted(capture.changes)}").fetchone()
    return int(position)


def _prefix(capture_id: str) -> str:
    return f"{OWN_PREFIX}{capture_id}_"


def _capturable(plan: MigrationPlan) -> list[CollectionPlan]:
    return [each for each in plan.collections if each.table and not each.table.is_view and not each.uses_rowid]


def _made(connection: sqlite3.Connection, capture_id: str) -> list[tuple[str, str, str]]:
    """Type, name and SQL of everything that the capture made."""
    prefix = _prefix(capture_id)
    statement = "SELECT type, name, sql FROM sqlite_schema WHERE substr(name, 1, ?) = ? ORDER BY rowid"
    return connection.execute(statement, (len(prefix), prefix)).fetchall()


def _begin_epoch(
    connection: sqlite3.Connection, plan: MigrationPlan, capture_id: str, before: Capture | None
) -> Capture:
    for kind, name, _ in _made(connection, capture_id):
        if kind == "trigger":
            connection.execute(f"DROP TRIGGER {quoted(name)}")
    collections = _capturable(plan)
    tables = tuple(
        CapturedTable(each.table.name, each.key, number) for number, each in enumerate(collections, 1) if each.table
    )
    capture = Capture(capture_id, before.epoch + 1 if before else 1, tables)
    width = max((len(each.key) for each in tables), default=1)
    keys = ", ".join(f"key_{at}" for at in range(width))
    if before is None:
        connection.execute(
            f"CREATE TABLE {quoted(capture.changes)} "
            f"(position INTEGER PRIMARY KEY, table_number INTEGER, kind TEXT, at REAL, {keys})"
        )
        connection.execute(f"CREATE TABLE {quoted(capture.epochs)} (epoch INTEGER PRIMARY KEY, definition TEXT)")
        connection.execute(
            f"CREATE TABLE {quoted(capture.positions)} "
            "(migration TEXT PRIMARY KEY, epoch INTEGER, position INTEGER, snapshot INTEGER)"
        )
    definition = []
    for each, captured in zip(collections, tables, strict=True):
        assert each.table is not None
        triggers = captured_by_triggers(connection, each.table, captured, capture.changes, _prefix(capture_id))
        for sql in triggers.values():
            connection.execute(sql)
        definition.append({**asdict(captured), "schema": _schema(connection, captured.name), "triggers": triggers})
    connection.execute(
        f"INSERT INTO {quoted(capture.epochs)} VALUES (?, ?)", (capture.epoch, json.dumps({"tables": definition}))
    )
    connection.execute(f"INSERT INTO {quoted(capture.changes)} (kind, at) VALUES ('E', julianday('now'))")
    return capture


def _schema(connection: sqlite3.Connection, table: str) -> dict[str, str | None]:
    """The SQL of the table and of its unique indexes, by their names."""
    statement = """
SELECT name, sql FROM sqlite_schema WHERE name = :table
UNION ALL
SELECT name, (SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = indexes.name)
FROM pragma_index_list(:table) AS indexes WHERE "unique"
"""
    return dict(connection.execute(statement, {"table": table}).fetchall())


def _damage(connection: sqlite3.Connection, installed: dict[str, Any]) -> Iterator[str]:
    name = installed["name"]
    schema = _schema(connection, name)
    if name not in schema:
        yield f"table `{name}` is gone: it was dropped or renamed"
        return
    if schema != installed["schema"]:
        yield f"table `{name}` was altered"
    for trigger, sql in installed["triggers"].items():
        found = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (trigger,)).fetchone()
        if found != (sql,):
            yield f"table `{name}` has lost the trigger {trigger}" if found is None else f"{trigger} was changed"


__all__ = [
    "Capture",
    "CaptureError",
    "CapturedTable",
    "capture_damage",
    "install_capture",
    "last_position",
    "read_capture",
    "remove_capture",
]
