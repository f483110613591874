"""The change log of a capture, read from the file in use: short transactions, changed rows as they are now.

With a rollback journal the application cannot commit while a statement reads. So what a reader needs is copied into a
temporary table within one transaction, and read from there afterwards, however long that takes.
"""

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from weaviate_migration.base.errors import CaptureError, SourceReplacedError
from weaviate_migration.source.capture import (
    Capture,
    capture_damage,
    captured_by,
    last_position,
    read_capture,
)
from weaviate_migration.source.changed_rows import ChangedRows, all_rows_sql, changed_rows_sql
from weaviate_migration.source.connect import (
    BUSY_TIMEOUT_SECONDS,
    closed_after_error,
    connect_to_read,
    connect_to_write,
    file_in_use,
    primary_code,
    source_errors,
)
from weaviate_migration.source.inspect import OWN_PREFIX, quoted
from weaviate_migration.source.log_position import log_entry
from weaviate_migration.source.lookups import find_concerned
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.source.rows import (
    ObjectUuid,
    prepare_for_rows,
)

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

# Entries of one captured table; the parameters are those of `changed_rows`.
_IN_BOUNDS = "position > :after AND position <= :through AND table_number = :number"
# A name that no table of the application's has: statements of the mapping stand beside it.
_CONCERNED = f"temp.{OWN_PREFIX}concerned"


class LogLimits(Protocol):
    """How much of the log is kept of what is applied."""

    @property
    def keep_changes(self) -> int:
        """So many entries at most."""

    @property
    def keep_hours(self) -> float:
        """And none that is older."""


class Lag(NamedTuple):
    """How far something is behind the log: entries, and the age of the oldest of them in seconds."""

    changes: int
    seconds: float


class CopiesTooLargeError(Exception):
    """What was to be copied within one transaction takes more room than it may: copy less at once."""


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
            with closed_after_error(self._connection):
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
        return log_entry(self._connection, self._known, position)

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
                self._connection.execute(f"INSERT INTO temp.{name} {changed_rows_sql(plan, entries)}", bounds)
        return self._indexed(name, plan, before)

    def all_rows(self, plan: CollectionPlan) -> ChangedRows:
        """Copies all rows as they are now, as if each had just changed; inside `reading`."""
        before, name = self._copied_bytes(), self._copy_of(plan)
        statement = f"INSERT INTO temp.{name} {all_rows_sql(plan)}"
        self._connection.execute(statement, {"position": self.last_position()})
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


def _identity(path: Path) -> tuple[int, int]:
    status = file_in_use(path)
    return status.st_dev, status.st_ino
