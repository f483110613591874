"""Takes a consistent, checked and hashed copy of a database in use: the backup, and what every extract reads."""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.atomic_file import sync_to_disk
from weaviate_migration.base.errors import ConfigurationError, SourceError, SourceStorageError
from weaviate_migration.base.permissions import FILE, make_folder
from weaviate_migration.base.storage import is_write_failure
from weaviate_migration.source.connect import (
    BUSY_TIMEOUT_SECONDS,
    NO_ROOM_HINT,
    RECOVER_HINT,
    connect_read_only,
    connect_to_snapshot,
    readable_source,
    require_space,
    source_errors,
)
from weaviate_migration.source.integrity import check_integrity

# How long writers of a rollback-journal database wait for the backup: 7.5 s were measured for 1.6 GB on two cores.
PAUSE_SECONDS_PER_GB = 5.0
# A pause that an application with a busy timeout of 5 s, the default of many drivers, gets over without an error.
UNASKED_PAUSE_SECONDS = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Snapshot:
    """A finished snapshot.

    Attributes:
        path: a single self-contained file, without WAL or journal beside it.
        sha256: of the file, in hex.
        bytes: the file's size.
        seconds: how long it took, with checking and hashing.
        journal_mode: the source's, `wal` or `delete` (any rollback journal).
        pause_estimate_seconds: how long the application's writers waited at most, estimated beforehand; 0 with a WAL.
        remarks: what SQLite's check says of rows that are not as their table declares, as a sentence; '' for nothing.
    """

    path: Path
    sha256: str
    bytes: int
    seconds: float
    journal_mode: str
    pause_estimate_seconds: float
    remarks: str = ""


@dataclass(frozen=True)
class SourceLook:
    """What a database says of itself.

    Attributes:
        journal_mode: `wal` or `delete` (any rollback journal).
        bytes: its size, with what is in the WAL.
        pause_seconds: how long the application's writers would wait for a snapshot, about; 0 with a WAL.
    """

    journal_mode: str
    bytes: int
    pause_seconds: float


def take_snapshot(
    source: Path,
    destination: Path,
    *,
    allow_pause: bool,
    say: Say,
    scratch: Path,
    busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
) -> Snapshot:
    """Copies a database, while others write to it, with all that was committed when the copying began.

    Args:
        source: the database; never written to.
        destination: the snapshot's path; one that is there is replaced when the new one is finished and sound.
        allow_pause: whether writers of a rollback-journal database may wait longer than `UNASKED_PAUSE_SECONDS`.
        say: is told, before anything is done, how long writers will wait.
        scratch: a folder for a copy of the source, where it cannot be read in place (see `readable_source`).
        busy_timeout_seconds: how long to wait for another program's exclusive lock.

    Raises:
        ConfigurationError: the pause would be too long and is not allowed, or source and destination are one file.
        SourceNotUsableError: the source is no database.
        SourceStorageError: no disk space.
        SourceError: locked, damaged. No file is left at the destination, unless one was there before.
    """
    started = time.monotonic()
    with (
        readable_source(source, scratch, busy_timeout_seconds) as readable,
        source_errors(source, busy_timeout_seconds),
        closing(connect_read_only(readable, busy_timeout_seconds)) as connection,
    ):
        look = look_at(connection, in_place=readable == source)
        _agree_on_pause(source, look.pause_seconds, allow_pause, say)
        _refuse_to_replace(source, destination)
        with _finished_or_removed(destination, look.bytes) as partial:
            _back_up(connection, partial)
            connection.close()  # Frees the writers: the rest needs no lock on the source.
            remarks = _finish(partial, source, say)
            digest = _sha256(partial)
    return Snapshot(
        path=destination,
        sha256=digest,
        bytes=destination.stat().st_size,
        seconds=time.monotonic() - started,
        journal_mode=look.journal_mode,
        pause_estimate_seconds=look.pause_seconds,
        remarks=remarks,
    )


def open_snapshot(path: Path) -> sqlite3.Connection:
    """Opens a finished snapshot for reading; it never changes, so SQLite takes no locks and looks for no journal.

    Raises:
        SourceNotUsableError: there is no such file, or it is no database.
    """
    with source_errors(path):
        return connect_to_snapshot(path)


def look_at(connection: sqlite3.Connection, *, in_place: bool) -> SourceLook:
    """What can be told without reading the tables.

    Args:
        in_place: whether the source's own file is read: nobody waits while a private copy is.
    """
    (journal_mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    size = int(page_bytes) * int(pages)
    waits = journal_mode != "wal" and in_place
    return SourceLook(str(journal_mode), size, size / 1e9 * PAUSE_SECONDS_PER_GB if waits else 0.0)


def _refuse_to_replace(source: Path, destination: Path) -> None:
    if destination.exists() and destination.samefile(source):
        raise ConfigurationError(f"{destination}: the snapshot cannot replace the source itself")


def _agree_on_pause(source: Path, pause: float, allow_pause: bool, say: Say) -> None:
    """Says how long writers will wait, if they will, and refuses a long pause that nobody allowed."""
    if not pause:
        return
    message = f"{source} has a rollback journal: its writers wait about {max(pause, 0.1):.1f} s for the snapshot"
    if pause > UNASKED_PAUSE_SECONDS and not allow_pause:
        raise ConfigurationError(
            message, "Allow it with `--allow-pause`, or switch the database to WAL mode, where nobody waits."
        )
    say(message)


@contextmanager
def _finished_or_removed(destination: Path, size: int) -> Iterator[Path]:
    """Gives a path to write to, beside the destination; it takes the destination's place if nothing is raised.

    The name is always the same, so that what a killed process left is overwritten and not kept beside it.
    """
    partial = destination.with_name(destination.name + ".partial")
    try:
        make_folder(destination.parent)
        require_space(destination.parent, size, "the snapshot")
        _remove(partial)
        # It holds all of the application's data, whoever may read the folder.
        partial.touch(mode=FILE, exist_ok=False)
        yield partial
        sync_to_disk(partial)
        partial.replace(destination)
        sync_to_disk(destination.parent)
    except sqlite3.Error as error:
        if not is_write_failure(error):  # The source is only read.
            raise
        raise _not_written(destination, size, str(error)) from error
    except OSError as error:
        raise _not_written(destination, size, str(error.strerror)) from error
    finally:
        _remove(partial)


def _not_written(destination: Path, size: int, reason: str) -> SourceStorageError:
    return SourceStorageError(
        f"the snapshot {destination} cannot be written: {reason}; it needs {size:,} bytes",
        NO_ROOM_HINT,
    )


def _remove(partial: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        with suppress(OSError):  # Where nothing can be removed nothing can be made either, and that is reported.
            Path(f"{partial}{suffix}").unlink()


def _back_up(connection: sqlite3.Connection, partial: Path) -> None:
    """SQLite's online backup, in one step: stepwise it starts again with each write, and never ends under a writer."""
    # The lock is taken before: sqlite3's backup would wait for it without end, whatever the busy timeout.
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    with closing(sqlite3.connect(partial)) as target:
        target.execute("PRAGMA synchronous = OFF")  # It is synced as a whole, before it gets its name.
        connection.backup(target, pages=-1)


def _finish(partial: Path, source: Path, say: Say) -> str:
    """Makes the copy self-contained, checks it, and returns what is to be said of its rows."""
    with closing(sqlite3.connect(partial, isolation_level=None)) as connection:
        found = check_integrity(connection)
        if not found.damage:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = DELETE")  # The copy of a WAL database wants a WAL, too.
    if found.damage:
        shown = "; ".join(found.damage)
        raise SourceError(f"{source}: is damaged; `PRAGMA integrity_check` says: {shown}", RECOVER_HINT)
    for reason in found.unchecked:  # Indexes may use functions and collations that only the application has.
        say(f"{source}: cannot be checked for damage: {reason}")
    return found.remark_text()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
