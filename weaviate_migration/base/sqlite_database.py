"""A SQLite file of ours: for its owner alone, with a log beside it: who reads and who writes never wait for another.

All that use it are on one machine: SQLite's log wants shared memory.
"""

import atexit
import functools
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy as db
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from weaviate_migration.base.atomic_file import sync_to_disk
from weaviate_migration.base.errors import MigrationError, StorageError
from weaviate_migration.base.permissions import make_folder, owner_only
from weaviate_migration.base.sqlite_connections import BUSY_TIMEOUT_SECONDS, SqliteConnections
from weaviate_migration.base.storage import is_writable, storage_errors

Result = TypeVar("Result")
Fingerprint = tuple[tuple[int, int] | None, ...]

# What SQLite writes beside a row itself: pages of its tables and indexes, each whole, with a frame around it.
_BESIDE_A_ROW_BYTES = 128 * 1024
_IN_MEMORY = "sqlite://"
# A copy is torn where somebody writes meanwhile: then it is made again.
_MOST_COPIES = 10


class SqliteDatabase:
    """One file.

    Args:
        path: of the file; it is made, with its folder, when something is first written.
        connections: that keep it open.
        damaged: makes the error of a file that is damaged, from what SQLite says of it.
    """

    server = None

    def __init__(self, path: Path, connections: SqliteConnections, damaged: Callable[[str], MigrationError]) -> None:
        self._path = path
        self._damaged = damaged
        self._url = _url(path)
        self._connections = connections

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """See `Database`; it waits for another process that writes."""
        with _told(self._path, self._damaged):
            self._make()
            begin = _begin_durably if durable else _begin
            with self._connections.transaction(self._url, begin) as connection:
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `Database`; what cannot be opened where it is, is read from a copy."""
        with _told(self._path, self._damaged), self._connections.transaction(self._url_to_read()) as connection:
            yield connection

    def run(self, work: Callable[[Connection], Result], *, durable: bool = True) -> Result:
        """See `Database`; a file is never away for a moment."""
        with self.transaction(durable=durable) as connection:
            return work(connection)

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:
        """See `Database`; the room is a file, which goes at the end."""
        reserve = self._path.with_name(f".{self._path.name}.{os.getpid()}.reserve")
        self._make()
        try:
            with storage_errors(self._path, size), open(reserve, "wb", opener=owner_only) as file:
                file.write(bytes(2 * size + _BESIDE_A_ROW_BYTES))
                file.flush()
                os.fsync(file.fileno())
            yield
        finally:
            reserve.unlink(missing_ok=True)

    def _make(self) -> None:
        """Makes the file for its owner alone; SQLite makes those beside it as this one is.

        One that is there is not opened: closing it would give up the locks that SQLite has on it in this process.
        """
        if self._connections.is_open(self._url):
            return
        with storage_errors(self._path):
            make_folder(self._path.parent)
            with suppress(FileExistsError):
                os.close(owner_only(str(self._path), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
                sync_to_disk(self._path.parent)

    def _url_to_read(self) -> str:
        """Of the file itself; of a copy, where it cannot be opened; of nothing in memory, where it is not there."""
        if self._connections.is_open(self._url):
            return self._url
        if not self._path.exists():
            return _IN_MEMORY
        return self._url if is_writable(self._path.parent) else _url(copied(self._path))


@dataclass(frozen=True)
class _Copy:
    path: Path
    of: Fingerprint


_copies: dict[Path, _Copy] = {}


def put_aside(file: Path, name: str) -> None:
    """Gives a database's file another name in its folder, with what SQLite has left beside it.

    Raises:
        StorageError: the folder cannot be written to.
    """
    with storage_errors(file):
        file.replace(file.with_name(name))
        for rest in ("-wal", "-shm"):  # Of somebody who has it open still.
            with suppress(FileNotFoundError):
                file.with_name(f"{file.name}{rest}").replace(file.with_name(f"{name}{rest}"))
        sync_to_disk(file.parent)


def copied(path: Path) -> Path:
    """A copy of a SQLite file, of what is in its log too; it stays until the file has changed, or this process ends.

    SQLite needs files beside its own to read it, which a disk that is full or read-only does not take.

    Raises:
        StorageError: it cannot be written, in the system's folder for temporary files.
    """
    for _ in range(_MOST_COPIES):
        now = _fingerprint(path)
        if (known := _copies.get(path)) is not None and known.of == now:
            return known.path
        made = _Copy(_folder_of_process(os.getpid()) / f"{secrets.token_hex(8)}.sqlite", now)
        with storage_errors(made.path):
            for part, copy in zip(_parts(path), _parts(made.path), strict=True):
                with suppress(FileNotFoundError, NotADirectoryError):
                    shutil.copyfile(part, copy)
        if _fingerprint(path) == now:
            _copies[path] = made
    raise StorageError(f"{path} cannot be read: others write to it all the time.", "Try again.")


@functools.cache
def _folder_of_process(process: int) -> Path:
    """Where copies are; it goes with the process, and a fork's goes with the fork."""
    folder = Path(tempfile.mkdtemp(prefix="weaviate_migration_"))
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _parts(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(f"{path.name}-wal")


def _fingerprint(path: Path) -> Fingerprint:
    return tuple(_changed(each) for each in _parts(path))


def _changed(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_mtime_ns, found.st_size


def _url(path: Path) -> str:
    return db.URL.create("sqlite", database=str(path)).render_as_string()


def _begin(connection: Connection) -> None:
    _begin_with(connection, "NORMAL")


def _begin_durably(connection: Connection) -> None:
    _begin_with(connection, "FULL")


def _begin_with(connection: Connection, synchronous: str) -> None:
    """Begins to write at once: a transaction that read first would fail where another process wrote meanwhile."""
    if connection.info.get("synchronous") != synchronous:
        connection.exec_driver_sql(f"PRAGMA synchronous={synchronous}")
        connection.info["synchronous"] = synchronous
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _told(path: Path, damaged: Callable[[str], MigrationError]) -> Iterator[None]:
    """Says what SQLite says of a file that is damaged, or locked for too long."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise StorageError(
                f"{path} is locked by another program for more than {BUSY_TIMEOUT_SECONDS} s.", "End that program."
            ) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise damaged(str(error.orig)) from error
        raise
