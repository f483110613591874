"""The change log of a capture, read from the file in use: short transactions, changed rows as they are now.

With a rollback journal the application cannot commit while a statement reads. So what a reader needs is copied into a
temporary table within one transaction, and read from there afterwards, however long that takes.
"""

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet

from pydantic import BaseModel, ConfigDict

from weaviate_migration.base.errors import CaptureError, SourceReplacedError
from weaviate_migration.mapping.validated_model import later
from weaviate_migration.source.capture import (
    Capture,
    capture_damage,
    captured_by,
    last_position,
    read_capture,
)
from weaviate_migration.source.connect import (
    BUSY_TIMEOUT_SECONDS,
    connect_to_read,
    connect_to_write,
    file_in_use,
    primary_code,
    source_errors,
)
from weaviate_migration.source.inspect import OWN_PREFIX, Table, quoted
from weaviate_migration.source.lookups import find_concerned
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.source.rows import (
    ObjectUuid,
    SqlValue,
    address_sql,
    compared_sql,
    decoded_text,
    prepare_for_rows,
    tenant_sql,
    text_literal,
    value_sql,
)
from weaviate_migration.source.snapshot import open_snapshot

INSTALL_HINT = (
    "`weaviate-migration capture install` mends it; then `weaviate-migration verify --repair` mends what was missed."
)
PRUNED_HINT = (
    "`weaviate-migration verify` takes a new snapshot (in Dagster's UI: the job `verify_live`); --keep-changes and "
    "--keep-hours of `sync` say how long the log is kept."
)
# Days of SQLite's julianday to seconds.
_DAY_SECONDS = 86_400.0
# The most that SQLite takes, https://www.sqlite.org/limits.html, 9.
_MOST_PAGES = 1_073_741_823

# Entries of one captured table, and rows between two addresses; the parameters are those of `changed_rows`.
_IN_BOUNDS = "position > :after AND position <= :through AND table_number = :number"
_WITHIN = "(:low IS NULL OR log.uuid >= :low) AND (:high IS NULL OR log.uuid < :high OR log.uuid IS NULL)"
# Names that no table of the application's has: statements of the mapping stand beside them.
_FOLDED, _LOG = f"{OWN_PREFIX}folded", f"{OWN_PREFIX}log"
_CONCERNED = f"temp.{OWN_PREFIX}concerned"


class LogLimits(Protocol):
    """How much of the log is kept of what is applied."""

    @property
    def keep_changes(self) -> int:
        """So many entries at most."""

    @property
    def keep_hours(self) -> float:
        """And none that is older."""


class ChangedRow(NamedTuple):
    """A key that was logged, and its row as it is now.

    Attributes:
        uuid: the address of the row's object; None where a part of the key is NULL.
        values: of the plan's columns; None where no row has the key now, or the one that does is another tenant's.
        position: of the newest entry about it.
    """

    uuid: str | None
    key: tuple[SqlValue, ...]
    values: tuple[SqlValue, ...] | None
    position: int


class Lag(NamedTuple):
    """How far something is behind the log: entries, and the age of the oldest of them in seconds."""

    changes: int
    seconds: float


class CopiesTooLargeError(Exception):
    """What was to be copied within one transaction takes more room than it may: copy less at once."""


class ChangedRows:
    """Changed rows of one table, copied: the file goes on changing, these do not.

    Args:
        connection: that has the copy, as a temporary table.
        plan: what the rows are.

    Attributes:
        bytes: that the copy takes on disk.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, plan: CollectionPlan, bytes: int) -> None:
        self._connection = connection
        self._name = name
        self._plan = plan
        self.bytes = bytes
        self._under_way = WeakSet[sqlite3.Cursor]()

    def rows(self, low: str | None = None, high: str | None = None) -> Iterator[ChangedRow]:
        """Rows ascending by address, those without one first; keys that several rows have stand side by side.

        Args:
            low: leave out the addresses before this one, and rows without one.
            high: leave out this address and those after it.
        """
        split = 3 + len(self._plan.key)
        for row in self._read("*", low, high):
            yield ChangedRow(row[0], row[3:split], row[split:] if row[1] else None, row[2])

    def uuids(self, low: str | None = None, high: str | None = None) -> Iterator[str]:
        """Their addresses, ascending, each once; limits as of `rows`."""
        return (uuid for (uuid,) in self._read("DISTINCT uuid", low, high) if uuid is not None)

    def has(self, uuid: str | None, after: int = 0) -> bool:
        """Whether the row of this address was logged after a position."""
        statement = f"SELECT EXISTS (SELECT 1 FROM temp.{self._name} WHERE uuid = ? AND position > ?)"
        return bool(self._connection.execute(statement, (uuid, after)).fetchone()[0])

    def __len__(self) -> int:
        (found,) = self._connection.execute(f"SELECT count(*) FROM temp.{self._name}").fetchone()
        return int(found)

    def _read(self, what: str, low: str | None, high: str | None) -> sqlite3.Cursor:
        # Nobody waits while a copy is read: SQLite locks only what a statement uses.
        where = {
            (False, False): "",
            (True, False): "WHERE uuid >= :low",
            (False, True): "WHERE uuid < :high OR uuid IS NULL",
            (True, True): "WHERE uuid >= :low AND uuid < :high",
        }[low is not None, high is not None]
        statement = f"SELECT {what} FROM temp.{self._name} {where} ORDER BY uuid"
        reading = self._connection.execute(statement, {"low": low, "high": high})
        self._under_way.add(reading)
        return reading

    def close(self) -> None:
        """Gives the copy up, also where an error has left somebody in the middle of it: SQLite would call it locked."""
        for reading in self._under_way:
            reading.close()
        self._connection.execute(f"DROP TABLE temp.{self._name}")


class ChangeLog:
    """Reads the change log of one capture; made for one thread.

    Args:
        source: the file in use.
        capture_id: of the capture.
        object_uuid: gives the UUID of a table's row from its key.
        scratch: a folder for copies that do not fit into memory.
        busy_timeout_seconds: how long to wait for another program's lock.

    Raises:
        CaptureError: the file has no such capture.
        SourceError: the file cannot be read.
    """

    def __init__(
        self,
        source: Path,
        capture_id: str,
        object_uuid: ObjectUuid,
        scratch: Path,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
    ) -> None:
        self.source = source
        self._capture_id = capture_id
        self._busy_timeout = busy_timeout_seconds
        self._scratch = scratch
        # A statement of the mapping would take a table of another name for one of the application's.
        self._names = (f"{OWN_PREFIX}changed_{number}" for number in itertools.count())
        self._capture: Capture | None = None
        self._schema_version: int | None = None
        self._data_version: int | None = None
        with source_errors(source, busy_timeout_seconds):
            self._file = _identity(source)
            self._connection = connect_to_read(source, busy_timeout_seconds)
            prepare_for_rows(self._connection, object_uuid, scratch)

    def close(self) -> None:
        """Closes the connection; copies are gone."""
        self._connection.close()

    def __enter__(self) -> "ChangeLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_another_file(self) -> bool:
        """Whether the path leads to another file by now, such as one restored from a backup: open the log again.

        Raises:
            SourceAwayError: it leads to none, or to one that is empty.
        """
        return _identity(self.source) != self._file

    def has_changed(self) -> bool:
        """Whether anything was committed to the file since this was asked last; at first, yes."""
        with source_errors(self.source, self._busy_timeout):
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        before, self._data_version = self._data_version, version
        return bool(version != before)

    @contextmanager
    def reading(self, most_copied: int | None = None) -> Iterator[Capture]:
        """One read transaction: all that is read inside is of one moment.

        Args:
            most_copied: bytes that the copies made inside may take on disk together; None: as many as there are.

        Raises:
            SourceReplacedError: the path leads to another file by now: what is read here, nobody writes any more.
            SourceAwayError: the path leads to none, or to one that is empty.
            CaptureError: the capture is gone, or a captured table is not as it was when capture was installed.
            CopiesTooLargeError: they take more, or there is not so much room; nothing of them is left.
        """
        if self.is_another_file:
            raise SourceReplacedError(
                f"{self.source}: another file has taken its place since it was opened.",
                "The same command once more reads the file that is there now.",
            )
        with self._transaction(most_copied) as capture:
            yield capture

    @contextmanager
    def _transaction(self, most_copied: int | None = None) -> Iterator[Capture]:
        with source_errors(self.source, self._busy_timeout, self._scratch), self._room_for_copies(most_copied):
            self._connection.execute("BEGIN")
            with self._connection:  # Committed, for the sake of the copies; after an error rolled back.
                yield self._intact_capture()

    @contextmanager
    def _room_for_copies(self, most_bytes: int | None) -> Iterator[None]:
        """SQLite itself says when it is used up, in the middle of a statement: nobody need know the rows before."""
        if most_bytes is None:
            yield
            return
        self._limit_copies((self._copied_bytes() + most_bytes) // self._temporary("page_size"))
        try:
            yield
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_FULL:
                raise
            raise CopiesTooLargeError from error
        finally:
            self._limit_copies(_MOST_PAGES)

    def _limit_copies(self, pages: int) -> None:
        self._connection.execute(f"PRAGMA temp.max_page_count = {pages}")

    def _copied_bytes(self) -> int:
        """What all copies that are there take on disk."""
        pages = self._temporary("page_count") - self._temporary("freelist_count")
        return pages * self._temporary("page_size")

    def _temporary(self, pragma: str) -> int:
        return int(self._connection.execute(f"PRAGMA temp.{pragma}").fetchone()[0])

    def last_position(self) -> int:
        """The newest position; inside `reading`."""
        return last_position(self._connection, self._known)

    def entry(self, position: int) -> str | None:
        """What the log says at a position, so that it can be told from another entry there; inside `reading`."""
        return _entry(self._connection, self._known, position)

    def last_entry(self) -> tuple[int, str | None]:
        """The newest position and what the log says there, in the file that was opened, whatever is in its place now.

        Raises:
            CaptureError: capture was removed from it, or is damaged.
            SourceError: it cannot be read any more.
        """
        with self._transaction():
            position = self.last_position()
            return position, self.entry(position)

    def lag(self, applied: int) -> Lag:
        """How far behind a copy is that has the log applied up to a position; inside `reading`."""
        statement = (
            f"SELECT count(*), (julianday('now') - min(at)) * {_DAY_SECONDS} FROM {quoted(self._known.changes)} "
            "WHERE position > ? AND table_number IS NOT NULL"
        )
        changes, seconds = self._connection.execute(statement, (applied,)).fetchone()
        return Lag(changes, max(0.0, seconds or 0.0))

    def outlived(self, keep: LogLimits, among: int) -> int:
        """The position before which entries are beyond the limits, as far as so many of the oldest tell; in `reading`.

        What comes after an entry that stays, stays too: a log with a gap would not be one.
        """
        changes = quoted(self._known.changes)
        oldest = self._connection.execute(
            f"SELECT position, (julianday('now') - at) * 24 > ? FROM {changes} ORDER BY position LIMIT ?",
            (keep.keep_hours, among + 1),
        ).fetchall()
        by_number = self.last_position() - keep.keep_changes + 1
        outlived = (position for position, is_old in oldest if not (is_old or position < by_number))
        return next(outlived, oldest[-1][0] if oldest else 0)

    def applied_in_file(self, migration: str) -> int | None:
        """The applied position that the file itself has of a migration; inside `reading`."""
        statement = f"SELECT position FROM {quoted(self._known.positions)} WHERE migration = ?"
        found = self._connection.execute(statement, (migration,)).fetchone()
        return int(found[0]) if found else None

    def changed_rows(
        self, plan: CollectionPlan, after: int, through: int, low: str | None = None, high: str | None = None
    ) -> ChangedRows:
        """Copies the rows whose keys were logged in `(after, through]`, as they are now; inside `reading`.

        Args:
            plan: the table, its key and the columns to read; one that is not captured has no changes.
            low: leave out the addresses before this one, and keys without one.
            high: leave out this address and those after it.

        Raises:
            CaptureError: the log does not reach back so far any more.
        """
        self._refuse_pruned(after)
        before, name = self._copied_bytes(), self._copy_of(plan)
        numbers = self._captured(plan)
        if numbers:
            bounds = {"number": numbers[0], "after": after, "through": through, "low": low, "high": high}
            with self._entries(plan, numbers, bounds) as entries:
                self._connection.execute(f"INSERT INTO temp.{name} {_changed_sql(plan, entries)}", bounds)
        return self._indexed(name, plan, before)

    def all_rows(self, plan: CollectionPlan) -> ChangedRows:
        """Copies all rows as they are now, as if each had just changed; inside `reading`."""
        assert plan.table is not None, "planned without a table: there is nothing to read"
        before, name = self._copied_bytes(), self._copy_of(plan)
        keys = [f"own.{quoted(column)}" for column in plan.key]
        uuid = address_sql(plan, tenant_sql(plan, lambda column: f"own.{quoted(column)}"), keys)
        read = [value_sql(plan.table, column, f"own.{quoted(column)}") for column in (*plan.key, *plan.columns)]
        rows = f"SELECT {', '.join([uuid, '1', ':position', *read])} FROM {_from_sql(plan.table)} AS own"
        self._connection.execute(f"INSERT INTO temp.{name} {rows}", {"position": self.last_position()})
        return self._indexed(name, plan, before)

    def _indexed(self, name: str, plan: CollectionPlan, bytes_before: int) -> ChangedRows:
        self._connection.execute(f"CREATE INDEX temp.{name}_uuid ON {name} (uuid)")
        return ChangedRows(self._connection, name, plan, self._copied_bytes() - bytes_before)

    def first_position(self) -> int:
        """The oldest position; inside `reading`."""
        (first,) = self._connection.execute(f"SELECT min(position) FROM {quoted(self._known.changes)}").fetchone()
        return int(first or 0)

    def _refuse_pruned(self, after: int) -> None:
        """Raises CaptureError where entries after a position are gone."""
        if (first := self.first_position()) > after + 1:
            raise CaptureError(
                f"{self.source}: its change log begins at position {first:,}, and what has changed since position "
                f"{after:,} is needed, where a snapshot was taken: the log was pruned in between",
                PRUNED_HINT,
            )

    def _copy_of(self, plan: CollectionPlan) -> str:
        """Makes a temporary table for rows, and returns its name."""
        name = next(self._names)
        keys = [f"key_{number}" for number, _ in enumerate(plan.key)]
        columns = ["uuid", "present", "position", *keys, *(f"value_{number}" for number, _ in enumerate(plan.columns))]
        # Without declared types: each value keeps its storage class.
        self._connection.execute(f"CREATE TEMP TABLE {name} ({', '.join(columns)})")
        return name

    @property
    def _known(self) -> Capture:
        assert self._capture is not None, "asked outside of `reading`"
        return self._capture

    def _captured(self, plan: CollectionPlan) -> list[int]:
        """The numbers of what a collection is followed by, its own table's first; none unless all of it is captured."""
        known = {(each.name, each.key): each.number for each in self._known.tables}
        numbers = [known.get((table.name, key)) for table, key in captured_by(plan)]
        return [each for each in numbers if each is not None] if None not in numbers else []

    @contextmanager
    def _entries(self, plan: CollectionPlan, numbers: Sequence[int], bounds: dict[str, Any]) -> Iterator[str]:
        """What stands in FROM where logged keys of a collection are read, in the columns of the log."""
        own = f"{quoted(self._known.changes)} WHERE {_IN_BOUNDS}"
        if plan.joins is None or not plan.joins.links:
            yield own
            return
        columns = ", ".join([*(f"key_{number}" for number, _ in enumerate(plan.joins.key)), "position"])
        self._connection.execute(f"CREATE TABLE {_CONCERNED} ({columns})")
        try:
            self._connection.execute(f"INSERT INTO {_CONCERNED} SELECT {columns} FROM {own}", bounds)
            for link, number in zip(plan.joins.links, numbers[1:], strict=True):
                keys = ", ".join(f"key_{at}" for at, _ in enumerate(link.key))
                logged = f"SELECT {keys}, max(position) FROM {own} GROUP BY {keys}"
                find_concerned(self._connection, plan.joins, link, logged, {**bounds, "number": number}, _CONCERNED)
            yield _CONCERNED
        finally:
            # SQLite has done so already where an error has ended the transaction.
            self._connection.execute(f"DROP TABLE IF EXISTS {_CONCERNED}")

    def _intact_capture(self) -> Capture:
        """The capture; looked at again whenever the schema of the file was changed."""
        (version,) = self._connection.execute("PRAGMA schema_version").fetchone()
        if self._capture is not None and version == self._schema_version:
            return self._capture
        capture = read_capture(self._connection, self._capture_id)
        if capture is None:
            raise CaptureError(
                f"{self.source}: has no change capture of this work folder (any more): was it restored, or replaced?",
                INSTALL_HINT,
            )
        if damage := capture_damage(self._connection, capture):
            raise CaptureError(f"{self.source}: changes may be missed: {'; '.join(damage)}", INSTALL_HINT)
        self._capture, self._schema_version = capture, version
        return capture


def _changed_sql(plan: CollectionPlan, entries: str) -> str:
    """Each key among entries of the log, once, with its row, its address and its newest position.

    Of a collection with tenants, each key once in each tenant that it had: the row, as it is now, is in one of them.
    Where the rows of one tenant alone are meant, what was logged of others is nobody's.

    Args:
        entries: what stands in FROM, to read them.
    """
    assert plan.table is not None, "planned without a table: it has no changes"
    logged_as = {column: f"key_{number}" for number, column in enumerate(plan.logged_key)}
    keys = [logged_as[column] for column in plan.key]
    tenant = tenant_sql(plan, logged_as.__getitem__)
    tenants = [f"{tenant} AS tenant"] if tenant else []
    told_apart = [*keys, *(f"typeof({key})" for key in keys), *([tenant] if tenant else [])]  # 1 and 1.0 are two keys.
    folded = (
        f"SELECT {', '.join([*keys, *tenants])}, max(position) AS position FROM {entries} "
        f"GROUP BY {', '.join(told_apart)}"
    )
    own = [compared_sql(plan.table, column, f"own.{quoted(column)}") for column in plan.key]
    same = " AND ".join(_same_key(column, f"log.{key}") for column, key in zip(own, keys, strict=True))
    if tenant:
        same += f" AND {tenant_sql(plan, lambda column: f'own.{quoted(column)}')} = log.tenant"
    values = [value_sql(plan.table, column, f"own.{quoted(column)}") for column in plan.columns]
    uuid = address_sql(plan, "tenant" if tenant else "", keys)
    only = plan.mapping.tenant.only_name if plan.mapping.tenant is not None else None
    meant = f" WHERE tenant = {text_literal(only)}" if only is not None else ""
    logged = ["log.uuid", f"{own[0]} IS NOT NULL", "log.position", *(f"log.{key}" for key in keys)]
    # Materialized: SQLite would else ask for the UUID of each entry, not of each key, and again for each condition.
    return (
        f"WITH {_FOLDED} AS MATERIALIZED ({folded}), "
        f"{_LOG} AS MATERIALIZED (SELECT *, {uuid} AS uuid FROM {_FOLDED}{meant}) "
        + (_joined_rows_sql if plan.table.select else _rows_sql)(plan.table, logged, values, same)
    )


def _rows_sql(table: Table, logged: Sequence[str], values: Sequence[str], same: str) -> str:
    """Each logged key with its row, if there is one."""
    return (
        f"SELECT {', '.join([*logged, *values])} FROM {_LOG} AS log LEFT JOIN {_from_sql(table)} AS own ON {same} "
        f"WHERE {_WITHIN}"
    )


def _joined_rows_sql(table: Table, logged: Sequence[str], values: Sequence[str], same: str) -> str:
    """The same of a statement that joins: SQLite flattens no join into the right side of a LEFT JOIN (3.40).

    It would compute all rows of the statement. CROSS JOIN keeps it from beginning with the statement's tables.
    """
    uuid, _, *rest = logged
    none = ["NULL"] * len(values)
    return (
        f"SELECT {', '.join([uuid, '1', *rest, *values])} FROM {_LOG} AS log CROSS JOIN {table.from_sql} AS own "
        f"ON {same} WHERE {_WITHIN} UNION ALL SELECT {', '.join([uuid, '0', *rest, *none])} FROM {_LOG} AS log "
        f"WHERE {_WITHIN} AND NOT EXISTS (SELECT 1 FROM {table.from_sql} AS own WHERE {same})"
    )


def _from_sql(table: Table) -> str:
    """What stands in FROM: a table of the file's, whatever temporary ones there are."""
    return table.from_sql if table.select or table.where else f"main.{table.from_sql}"


def _same_key(column: str, key: str) -> str:
    """Whether a column holds just this key. The column's index serves; its collation may call other values equal."""
    return (
        f"{column} = {key} AND typeof({column}) = typeof({key}) "
        f"AND (typeof({key}) <> 'text' OR CAST({column} AS BLOB) = CAST({key} AS BLOB))"
    )


class LogPosition(BaseModel):
    """A position in the change log of a capture.

    Attributes:
        capture: the capture's id.
        epoch: of the capture; a later one begins where changes may have been missed.
        entry: what the log says at the position: another text there is another history.
        seen: up to here Weaviate may hold what was logged later, and `seen_entry` what the log says there; 0 where
            nothing beyond the position was seen.
    """

    model_config = ConfigDict(frozen=True)

    capture: str
    epoch: int
    position: int
    entry: str | None
    seen: int = later(0)
    seen_entry: str | None = later(None)

    def seeing(self, position: int, entry: str | None) -> "LogPosition":
        """The same, and that entries up to this position were seen."""
        is_known = position <= max(self.seen, self.position)
        return self if is_known else self.model_copy(update={"seen": position, "seen_entry": entry})

    def moved_to(self, position: int, entry: str | None) -> "LogPosition":
        """Applied up to this position; what was seen beyond it still was."""
        reached = self.model_copy(update={"position": position, "entry": entry})
        return reached if self.seen > position else reached.model_copy(update={"seen": 0, "seen_entry": None})


def log_end(snapshot: Path, capture_id: str) -> LogPosition | None:
    """Where the change log in a snapshot ends: what was changed later is in the log of the live file, after that.

    Returns:
        None where the snapshot has no such capture.
    """
    with source_errors(snapshot), closing(open_snapshot(snapshot)) as connection:
        connection.text_factory = decoded_text
        capture = read_capture(connection, capture_id)
        if capture is None:
            return None
        position = last_position(connection, capture)
        entry = _entry(connection, capture, position)
        return LogPosition(capture=capture.id, epoch=capture.epoch, position=position, entry=entry)


def write_positions(
    source: Path, capture: Capture, positions: dict[str, tuple[int, int, int]], prune_before: int, limit: int
) -> bool:
    """Writes into the file how far migrations are applied, and prunes the log; gives up at once where it is locked.

    The application must not wait: the lock is held for one small write, without a sync of the disk in WAL mode, and
    without a checkpoint.

    Args:
        positions: for each migration epoch, applied position and position of its snapshot; others are forgotten.
        prune_before: entries before this position are needed by nobody; the newest entry stays all the same.
        limit: entries to prune at most.

    Returns:
        Whether all was done: it was written, and nothing is left to prune.
    """
    table = quoted(capture.positions)
    with source_errors(source):
        connection = connect_to_write(source, 0.0)
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode == "wal":
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                f"DELETE FROM {table} WHERE migration NOT IN ({', '.join('?' * len(positions))})", [*positions]
            )
            for migration, (epoch, position, snapshot) in positions.items():
                connection.execute(
                    f"INSERT OR REPLACE INTO {table} (migration, epoch, position, snapshot) VALUES (?, ?, ?, ?)",
                    (migration, epoch, position, snapshot),
                )
            changes = quoted(capture.changes)
            unneeded = (
                f"SELECT position FROM {changes} WHERE position < min(?, (SELECT max(position) FROM {changes})) "
                "ORDER BY position LIMIT ?"
            )
            connection.execute(f"DELETE FROM {changes} WHERE position IN ({unneeded})", (prune_before, limit))
            left = connection.execute(unneeded, (prune_before, 1)).fetchone()
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if primary_code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            return False
        finally:
            connection.close()
    return left is None


def _entry(connection: sqlite3.Connection, capture: Capture, position: int) -> str | None:
    found = connection.execute(f"SELECT * FROM {quoted(capture.changes)} WHERE position = ?", (position,)).fetchone()
    if found is None:
        return None
    told = list(found)
    while told[-1] is None:  # A later epoch with a wider key gives the log more columns.
        told.pop()
    return repr(told)


def _identity(path: Path) -> tuple[int, int]:
    status = file_in_use(path)
    return status.st_dev, status.st_ino
