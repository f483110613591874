"""Finds and opens the source database, so that nothing can be written to it, and says what is in the way if not.

While the source may be in use, not one byte of it is read but through SQLite: POSIX drops all locks that a process has
on a file as soon as it closes any descriptor of it, those of other connections in the process too
(https://www.sqlite.org/howtocorrupt.html, section 2.2).
"""

import math
import os
import shutil
import sqlite3
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from weaviate_migration.base.errors import (
    ConfigurationError,
    MigrationError,
    SourceAwayError,
    SourceBusyError,
    SourceError,
    SourceNotUsableError,
    SourceStorageError,
    StorageError,
)
from weaviate_migration.base.permissions import make_folder
from weaviate_migration.base.storage import MAKE_ROOM, free_bytes, is_writable, is_write_failure, room_text
from weaviate_migration.source.collations import stand_in_for_collations

BUSY_TIMEOUT_SECONDS = 30.0
# SQLite does about as many in some hundredths of a second.
_OPCODES_BETWEEN_LOOKS = 1_000_000

# Drivers of SQLAlchemy URLs that read plain SQLite files; not pysqlcipher, whose files are encrypted.
_DRIVERS = ("sqlite", "sqlite+pysqlite", "sqlite+aiosqlite")
_URL_HINT = "Give a path, sqlite:///relative.db or sqlite:////absolute.db."

RECOVER_HINT = "Save what can be read with `sqlite3 FILE .recover | sqlite3 NEW`, and migrate the new file."
_PATH_HINT = "Check the path of the source. Where the file was moved, a symbolic link in its old place leads to it."
_EMPTY_HINT = "Check that this is the application's database. Where it was cut off, put a backup in its place."
_RIGHTS_HINT = "Give this user the right to read the file and, in WAL mode, to write to its folder."
NO_ROOM_HINT = "Make room there, or name a work folder on another disk."
_LOCK_HINT = "Stop that program, or try again when it is idle."

# Of 8 bits a byte: random bytes have 7.95 in 4,096 bytes and 7.6 in 512, source code and tables under 6.
_RANDOM_BITS_PER_BYTE = 7.2
_HEAD_BYTES = 4096


def sqlite_path(url: str) -> Path:
    """The file that a SQLAlchemy URL or a plain path names; it need not exist.

    Args:
        url: a path, or a URL with the scheme sqlite, sqlite+pysqlite or sqlite+aiosqlite. Options after `?` are for
            the application's own connections, and are ignored.

    Raises:
        ConfigurationError: it names no file: another scheme, a database in memory, a `file:` URI.
    """
    if "://" not in url and not url.startswith("sqlite:"):
        return _file(url)
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError("the source is no URL that SQLAlchemy understands", _URL_HINT) from None
    if parsed.drivername not in _DRIVERS:
        # The URL itself is not shown: it may hold a password.
        raise ConfigurationError(f"the source must be a SQLite file, not {parsed.drivername}", _URL_HINT)
    if parsed.host:
        raise ConfigurationError(f"{url}: a slash is missing: SQLite has no host", _URL_HINT)
    return _file(parsed.database or "")


def _file(name: str) -> Path:
    if name in ("", ":memory:") or name.startswith("file:"):
        shown = {"": "nothing", ":memory:": "a database in memory"}.get(name, f"the URI {name}")
        raise ConfigurationError(f"the source must be a SQLite file, not {shown}", _URL_HINT)
    return Path(name)


def connect_read_only(path: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    """Opens a database so that SQLite itself refuses every write; each statement is its own transaction.

    In WAL mode SQLite makes the `-wal` and `-shm` files, if they are missing, and leaves them when it closes: only
    a connection that may write can remove them, as the application's next one will.

    Args:
        path: what `readable_source` gave.
        busy_timeout_seconds: how long a statement waits for another program's lock.

    Raises:
        sqlite3.Error: as SQLite says; `source_errors` maps it.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    return _heeding_ctrl_c(sqlite3.connect(address, uri=True, timeout=busy_timeout_seconds, isolation_level=None))


def _heeding_ctrl_c(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Without it Ctrl-C waits for the statement's end, and a mapping's own may have none; see `source_errors`."""
    connection.set_progress_handler(lambda: 0, _OPCODES_BETWEEN_LOOKS)
    return connection


def connect_to_read(path: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    """What `connect_read_only` gives, for reading rows: collations that only the application has are stood in for.

    Raises:
        sqlite3.Error: as SQLite says; `source_errors` maps it.
    """
    return _with_stand_ins(connect_read_only(path, busy_timeout_seconds))


def connect_to_snapshot(path: Path) -> sqlite3.Connection:
    """Opens a finished snapshot to read its rows; it never changes, so SQLite takes no locks and looks for no journal.

    Raises:
        sqlite3.Error: as SQLite says; `source_errors` maps it.
    """
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return _with_stand_ins(_heeding_ctrl_c(sqlite3.connect(address, uri=True, isolation_level=None)))


def _with_stand_ins(connection: sqlite3.Connection) -> sqlite3.Connection:
    with closed_after_error(connection):
        stand_in_for_collations(connection)
    return connection


@contextmanager
def closed_after_error(connection: sqlite3.Connection) -> Iterator[None]:
    """For what has to be done with a new connection before its owner can close it."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def made_on_disk(path: Path, *statements: str) -> sqlite3.Connection:
    """A new file for what is too much for memory while something is read. It ends with its process: nothing is synced.

    Args:
        path: there is no such file.
        statements: what is made in it.

    Raises:
        StorageError: there is no room for it.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    with source_errors(path), closed_after_error(connection):
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", *statements):
            connection.execute(statement)
    return connection


@contextmanager
def write_transaction(path: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Iterator[sqlite3.Connection]:
    """A connection inside a transaction that may write; committed at the end, rolled back after an error.

    Args:
        path: the source's own file: a copy is of no use.
        busy_timeout_seconds: how long to wait for another program's lock.

    Raises:
        ConfigurationError: no such file, no database, or it may not be written to.
        SourceError: locked for longer than the timeout, damaged, disk full.
    """
    _usable_file(path)
    with (
        source_errors(path, busy_timeout_seconds),
        closing(connect_to_write(path, busy_timeout_seconds)) as connection,
        _refusing_unwritable(path),
    ):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            yield connection


def require_writable(path: Path) -> None:
    """Tries whether the source may be written to, as removing what was made in it needs; changes nothing.

    Raises:
        ConfigurationError: it may not.
        SourceError: what `write_transaction` raises.
    """
    with write_transaction(path) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        # With a rollback journal, only a write needs the folder.
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("ROLLBACK")


def connect_to_write(path: Path, busy_timeout_seconds: float) -> sqlite3.Connection:
    """Opens a database that is there, as `connect_read_only` does, so that it may be written to."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=busy_timeout_seconds, isolation_level=None
    )


@contextmanager
def _refusing_unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if primary_code(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise
        raise ConfigurationError(
            f"{path}: cannot be written to: {error}",
            "Give this user the right to write to the file and to its folder.",
        ) from error


@contextmanager
def readable_source(path: Path, scratch: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Iterator[Path]:
    """Gives the path to read the source from: its own, or that of a copy which lives as long as the context.

    Two states cannot be read without writing beside the file: a WAL in a folder where no `-shm` can be made (opened as
    `immutable`, it would lose what is in the WAL, silently), and a transaction that a crash left in the journal.
    Then file, WAL and journal are copied, and SQLite recovers the copy.

    Args:
        path: the source's file.
        scratch: a folder for the copy; made if needed.
        busy_timeout_seconds: how long to wait for another program's lock.

    Raises:
        SourceNotUsableError: no such file, no regular file, no permission, empty, encrypted, or no database.
        SourceError: locked for longer than the timeout, damaged, no space for the copy, or changed while copied.
    """
    _usable_file(path)
    with source_errors(path, busy_timeout_seconds):
        in_place = _opens_in_place(path, busy_timeout_seconds)
    if in_place:
        yield path
        return
    with _folder_for_copy(scratch) as folder:
        copy = _copy_with_journals(path.resolve(), folder)
        with source_errors(path, busy_timeout_seconds), closing(sqlite3.connect(copy)) as connection:
            _read_something(connection)  # Recovers the copy.
        yield copy


@contextmanager
def source_errors(
    path: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS, scratch: Path | None = None
) -> Iterator[None]:
    """Maps what SQLite raises inside, by itself or through SQLAlchemy, to errors that name the source's file.

    Args:
        scratch: the folder for what is sorted on disk, where the file itself is only read.

    Raises:
        SourceNotUsableError: not a database, or it cannot be opened.
        StorageError: the disk of the file, or of the scratch folder, is full.
        SourceError: anything else: locked, damaged, failing disk.
        KeyboardInterrupt: Ctrl-C has ended a statement.
    """
    try:
        yield
    except sqlite3.Error as error:
        end_if_interrupted(error)
        raise _mapped(error, path, busy_timeout_seconds, scratch) from error
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        end_if_interrupted(error.orig)
        raise _mapped(error.orig, path, busy_timeout_seconds, scratch) from error


def end_if_interrupted(error: sqlite3.Error) -> None:
    """Raises KeyboardInterrupt where Ctrl-C has ended a statement: for who takes its failure for one of the data."""
    if primary_code(error) == sqlite3.SQLITE_INTERRUPT:
        raise KeyboardInterrupt from error


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, of which the extended ones keep the low byte; 0 if sqlite3 raised it itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def require_space(folder: Path, needed_bytes: int, what: str) -> None:
    """Raises SourceStorageError, with needed and free bytes, if the folder's disk has less free than that."""
    free = free_bytes(folder)
    if free < needed_bytes:
        raise SourceStorageError(
            f"{what} needs {needed_bytes:,} bytes in {folder}, and only {free:,} are free",
            NO_ROOM_HINT,
        )


def _mapped(error: sqlite3.Error, path: Path, busy_timeout_seconds: float, scratch: Path | None) -> MigrationError:
    if is_write_failure(error) and scratch is not None:
        return StorageError(
            f"what is sorted or copied of {path} cannot be written to {scratch}: {error}: {room_text(scratch)}",
            MAKE_ROOM,
        )
    if is_write_failure(error):
        return SourceStorageError(f"{path}: cannot be written: {error}: {room_text(path)}", MAKE_ROOM)
    match primary_code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            waited = f"is locked by another program, for longer than {busy_timeout_seconds:g} s"
            return SourceBusyError(f"{path}: {waited}", _LOCK_HINT)
        case sqlite3.SQLITE_CORRUPT:
            return SourceError(f"{path}: is damaged: {error}", RECOVER_HINT)
        case sqlite3.SQLITE_NOTADB:
            return _no_database(path)
        case sqlite3.SQLITE_READONLY:
            return SourceNotUsableError(f"{path}: cannot be written to: {error}", _RIGHTS_HINT)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return SourceNotUsableError(f"{path}: cannot be opened: {error}", _RIGHTS_HINT)
        case _:
            return SourceError(f"{path}: SQLite failed: {error}")


def file_in_use(path: Path) -> os.stat_result:
    """What the system says of the file of a migration.

    Raises:
        SourceAwayError: it is not there, no regular file, not to be read, or empty, though a migration has read it.
    """
    try:
        return _usable_file(path)
    except SourceNotUsableError as error:
        raise SourceAwayError(error.message, error.hint) from error


def _usable_file(path: Path) -> os.stat_result:
    """What the system says of a file that may be the source, as far as it can be known without opening it.

    Raises:
        SourceNotUsableError: it is not there, no regular file, not to be read, or empty.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise SourceNotUsableError(f"{path}: {error.strerror}", _PATH_HINT) from None
    if not stat.S_ISREG(status.st_mode):
        kind, hint = ("a folder", "Name the file in it.") if path.is_dir() else ("no regular file", "Name a file.")
        raise SourceNotUsableError(f"{path}: is {kind}", hint)
    if not os.access(path, os.R_OK):
        raise SourceNotUsableError(f"{path}: Permission denied", "Give this user the right to read it.")
    if status.st_size == 0:
        raise SourceNotUsableError(f"{path}: is empty", _EMPTY_HINT)
    return status


def _no_database(path: Path) -> SourceNotUsableError:
    # SQLite has refused the file, so no connection can hold a lock on it that closing it here would drop.
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if _bits_per_byte(head) > _RANDOM_BITS_PER_BYTE:
        return SourceNotUsableError(
            f"{path}: is no SQLite file: its bytes look encrypted or compressed",
            "A database of SQLCipher or SEE must be decrypted into a plain file first.",
        )
    return SourceNotUsableError(f"{path}: is no SQLite file", "Check that this is the application's database.")


def _bits_per_byte(data: bytes) -> float:
    """Shannon entropy: 0 for equal bytes, 8 at most."""
    return -sum(n / len(data) * math.log2(n / len(data)) for n in Counter(data).values())


def _opens_in_place(path: Path, busy_timeout_seconds: float) -> bool:
    """Whether SQLite can read the file without writing beside it; raises sqlite3.Error for any other hindrance."""
    try:
        with closing(connect_read_only(path, busy_timeout_seconds)) as connection:
            _read_something(connection)
    except sqlite3.OperationalError as error:
        if primary_code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return False
        # A `-shm` that cannot be made for want of room is an I/O error to SQLite, if it is not told as a full disk.
        is_full = primary_code(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL) and not is_writable(path.parent)
        if not is_full:
            raise
        return False
    return True


def _read_something(connection: sqlite3.Connection) -> None:
    """Makes SQLite take its locks and read the first page; it does neither on connecting."""
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()


@contextmanager
def _folder_for_copy(scratch: Path) -> Iterator[Path]:
    try:
        make_folder(scratch)
        folder = TemporaryDirectory(dir=scratch, prefix="source_copy_")
    except OSError as error:
        raise SourceError(f"the work folder {scratch} cannot be written to: {error.strerror}") from error
    with folder as name:
        yield Path(name)


def _copy_with_journals(source: Path, folder: Path) -> Path:
    """Copies the file and what is beside it; `source` is resolved: SQLite keeps journals beside the real file."""
    parts = [Path(f"{source}{suffix}") for suffix in ("", "-wal", "-journal")]
    before = [_state(part) for part in parts]
    require_space(folder, sum(state[0] for state in before if state), f"a copy of {source}")
    try:
        for part, state in zip(parts, before, strict=True):
            if state:
                shutil.copyfile(part, folder / part.name)
        after = [_state(part) for part in parts]
    except OSError as error:
        raise SourceError(f"{source}: cannot be copied to {folder}: {error.strerror}") from error
    if before != after:
        raise SourceError(f"{source}: was written to while it was copied", "Try again.")
    return folder / source.name


def _state(part: Path) -> tuple[int, int] | None:
    """Size in bytes and time of change in ns, None if there is no such file."""
    try:
        status = part.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
