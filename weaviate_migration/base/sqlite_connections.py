"""Connections to SQLite files that stay open: opening and closing one for each statement is what costs the time."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as db
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from weaviate_migration.base.storage import storage_errors

# How long a write waits for one of another process.
BUSY_TIMEOUT_SECONDS = 60


class _Open(NamedTuple):
    connection: Connection
    path: Path
    # The file that was opened.
    identity: tuple[int, int] | None


class SqliteConnections:
    """One connection for each of a few SQLite files, kept open from one transaction to the next.

    The threads of a process share them, one at a time. A connection never passes a fork: all are closed before it, and
    opened again where they are needed. SQLite's locks belong to a process; a child that had inherited a connection
    would think that it holds them.
    """

    def __init__(
        self,
        most: int,
        prepare: Callable[[Connection], object] = lambda _: None,
        look: Callable[[Connection], object] = lambda _: None,
    ) -> None:
        """Opens nothing yet.

        Args:
            most: so many files stay open; the one that was not used for longest is closed for another one.
            prepare: called with each connection when it has been opened.
            look: called before that, and before anything of the file is altered: to refuse it.
        """
        self.lock = threading.RLock()
        self._most = most
        self._prepare = prepare
        self._look = look
        self._open: dict[str, _Open] = {}
        with _registry_lock:
            _registry.add(self)

    def is_open(self, url: str) -> bool:
        """Whether the file that the URL names now is open."""
        with self.lock:
            found = self._open.get(url)
            return found is not None and _identity(found.path) == found.identity

    @contextmanager
    def transaction(self, url: str, begin: Callable[[Connection], object] = lambda _: None) -> Iterator[Connection]:
        """A connection to the file, in a transaction that is committed at the end, or taken back after an error.

        Within a transaction of the same thread on the same file it is the same one, and the outer one commits.

        Args:
            begin: called with the connection before anything else; not within another transaction.

        Raises:
            StorageError: the disk is full, or the file cannot be opened or written to.
            sqlalchemy.exc.OperationalError: another process writes for too long.
        """
        with self.lock, storage_errors(_file_of(url)):
            connection = self._connection(url)
            if connection.in_transaction():
                yield connection
                return
            with connection.begin():
                begin(connection)
                yield connection

    def close(self) -> None:
        """Closes all; the next transaction opens its file again."""
        with self.lock:
            for url in list(self._open):
                self._close(url)

    def _connection(self, url: str) -> Connection:
        found = self._open.get(url)
        if found is not None and _identity(found.path) == found.identity:
            self._open[url] = self._open.pop(url)  # The newest is the last.
            return found.connection
        if found is not None:
            # Somebody has removed the file, or put another one in its place.
            self._close(url)
        idle = [other for other, each in self._open.items() if not each.connection.in_transaction()]
        for other in idle[: max(0, len(self._open) - self._most + 1)]:
            self._close(other)
        return self._opened(url)

    def _opened(self, url: str) -> Connection:
        # Threads take turns, so SQLite's own check of them is in the way.
        arguments = {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
        connection = db.create_engine(url, poolclass=NullPool, connect_args=arguments).connect()
        try:
            self._look(connection)
            connection.commit()
            # Before there are tables: otherwise each statement that makes one is synced by itself, twice.
            _turn_on_log(connection)
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            connection.commit()
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        path = _file_of(url)
        self._open[url] = _Open(connection, path, _identity(path))
        return connection

    def _close(self, url: str) -> None:
        self._open.pop(url).connection.close()


@cache  # It is asked for with each transaction.
def _file_of(url: str) -> Path:
    return Path(db.make_url(url).database or "")


def _is_locked(error: BaseException) -> bool:
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_BUSY


# SQLite does not wait here by itself: of two processes that make a file at once, one is refused.
@retry(
    retry=retry_if_exception(_is_locked),
    wait=wait_random(0.01, 0.1),
    stop=stop_after_delay(BUSY_TIMEOUT_SECONDS),
    reraise=True,
)
def _turn_on_log(connection: Connection) -> None:
    # A profiler may keep what a call leaves behind; as long as the answer is open, SQLite commits nothing.
    connection.exec_driver_sql("PRAGMA journal_mode=WAL").close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names now: its device and inode, None if there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


_registry: "weakref.WeakSet[SqliteConnections]" = weakref.WeakSet()
_registry_lock = threading.RLock()
_locked_for_fork: list[SqliteConnections] = []


def _before_fork() -> None:
    """Closes all connections of this process; no thread opens one again before the fork is over."""
    _registry_lock.acquire()
    for each in list(_registry):
        each.lock.acquire()
        _locked_for_fork.append(each)
        each.close()


def _after_fork() -> None:
    while _locked_for_fork:
        _locked_for_fork.pop().lock.release()
    _registry_lock.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
