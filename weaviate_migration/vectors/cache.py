"""What models have made already: one SQLite file, by model and text, so that no text is paid for twice.

Many processes read and write it at once. SQLite's write-ahead log wants all of them on one machine; to another machine
the file is copied while nobody writes. A rowid table with a unique key takes 17 times as many rows a second as one
whose rows lie in the order of their keys, and half of its room (measured: 48,700 and 2,800).
"""

import hashlib
import os
import secrets
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from weaviate_migration.base.errors import EmbeddingError, StorageError, VectorCacheError
from weaviate_migration.base.permissions import FILE, make_folder, owner_only
from weaviate_migration.base.storage import storage_error, storage_errors

Vector = NDArray[np.float32]

# "wmvc" as a number: SQLite keeps it in the file's head.
_APPLICATION_ID = 0x776D7663
_FORMAT = 1
_BUSY_SECONDS = 60.0
# What the oldest SQLite takes in one statement is 999 parameters.
_KEYS_AT_ONCE = 900
_FLOAT32 = np.dtype("<f4")

_SCHEMA = """
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL, checksum INTEGER NOT NULL
);
CREATE TABLE models (digest TEXT PRIMARY KEY, length INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE claims (key BLOB PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE calls (command TEXT PRIMARY KEY, made INTEGER NOT NULL) WITHOUT ROWID;
"""


class VectorCache:
    """The vectors that a file keeps; threads may share one, and each process opens its own.

    Args:
        path: of the file. It is made, with its folder, when something is first written; both are for their owner alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner = _Owner(path, secrets.token_hex(8))

    def make(self) -> None:
        """Makes the file where there is none, and opens it: what it cannot be used for, shows before it is needed.

        Raises:
            StorageError: it cannot be made or written.
            VectorCacheError: it is damaged, or no file of ours.
        """
        with self._writing():
            pass

    def read(self, digest: str, texts: Sequence[str]) -> list[Vector | None]:
        """The vector of each text, None where there is none; where there is no file, nothing is made.

        Args:
            digest: of the model that made them.

        Raises:
            StorageError: the file cannot be read, or is locked.
            VectorCacheError: it is damaged, or no file of ours.
        """
        if self._connection is None and not self.path.exists():
            return [None] * len(texts)
        keys = [_key(digest, text) for text in texts]
        with self._errors(), self._lock:
            statement = "SELECT key, vector, checksum FROM vectors WHERE key IN ({})"
            kept = list(_of_keys(self._opened(), statement, keys))
        found = {key: self._numbers(vector, checksum) for key, vector, checksum in kept}
        return list(map(found.get, keys))

    def write(self, digest: str, texts: Sequence[str], vectors: Iterable[Vector]) -> list[Vector]:
        """Keeps them; returns what is kept for each text: of two that were made of the same one, the first stays.

        A service does not answer the same text with the same bits each time; so what is written to Weaviate is what is
        returned here.

        Raises:
            EmbeddingError: the model has made vectors of another length before; then none of these is kept.
            StorageError: the file cannot be written.
            VectorCacheError: it is damaged, or no file of ours.
        """
        keys = [_key(digest, text) for text in texts]
        given = [np.ascontiguousarray(each, dtype=_FLOAT32) for each in vectors]
        blobs = [vector.tobytes() for vector in given]
        rows = [(key, blob, zlib.crc32(blob)) for key, blob in zip(keys, blobs, strict=True)]
        with self._writing() as connection:
            self._refuse_other_lengths(connection, digest, {len(vector) for vector in given})
            insert = "INSERT OR IGNORE INTO vectors (key, vector, checksum) VALUES (?, ?, ?)"
            kept = connection.executemany(insert, rows).rowcount
            _release(connection, keys)
        if kept == len(rows):
            return given
        return [each for each in self.read(digest, texts) if each is not None]

    @contextmanager
    def claimed(self, digest: str, texts: Sequence[str]) -> Iterator[list[str]]:
        """Those of the texts that have no vector and that nobody else is making: until the block's end they are ours.

        What a process has claimed that was killed is free again.

        Raises:
            StorageError: the file cannot be written.
            VectorCacheError: it is damaged, or no file of ours.
        """
        text_of = {_key(digest, text): text for text in texts}
        with self._writing() as connection:
            there = {key for (key,) in _of_keys(connection, "SELECT key FROM vectors WHERE key IN ({})", text_of)}
            owners = dict(_of_keys(connection, "SELECT key, owner FROM claims WHERE key IN ({})", text_of))
            living = {owner for owner in set(owners.values()) if self._owner.lives(owner)}
            ours = [key for key in text_of if key not in there and owners.get(key) not in living]
            self._owner.live()
            claims = [(key, self._owner.name) for key in ours]
            connection.executemany("INSERT OR REPLACE INTO claims (key, owner) VALUES (?, ?)", claims)
        try:
            yield [text_of[key] for key in ours]
        except BaseException:
            with suppress(StorageError, VectorCacheError):  # The block's own error is the one to tell.
                self._give_back(ours)
            raise

    def count_call(self, command: str, most: int) -> bool:
        """Counts a call that a command is about to make, over all of its processes; False: it has made as many already.

        Args:
            command: whatever tells one command, or run, from all others.
            most: calls that it may make.
        """
        with self._writing() as connection:
            connection.execute("INSERT OR IGNORE INTO calls (command, made) VALUES (?, 0)", [command])
            taken = "UPDATE calls SET made = made + 1 WHERE command = ? AND made < ?"
            return connection.execute(taken, [command, most]).rowcount == 1

    def close(self) -> None:
        """Closes the file; it is opened again when it is needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._owner.close()

    def _numbers(self, kept: object, checksum: object) -> Vector:
        """A vector as it was kept: what the disk, or somebody, has altered of it is never written to Weaviate."""
        if not isinstance(kept, bytes) or zlib.crc32(kept) != checksum:
            raise _broken(self.path, "a vector in it is none that was kept")
        return np.frombuffer(kept, dtype=_FLOAT32)

    def _refuse_other_lengths(self, connection: sqlite3.Connection, digest: str, lengths: Iterable[int]) -> None:
        for length in lengths:
            connection.execute("INSERT OR IGNORE INTO models (digest, length) VALUES (?, ?)", [digest, length])
            (before,) = connection.execute("SELECT length FROM models WHERE digest = ?", [digest]).fetchone()
            if before != length:
                raise EmbeddingError(
                    f"the model gave {length:,} numbers for a text, and not {before:,} as for those in {self.path}",
                    "It has changed under its name: have it make vectors as before, or name another `model`, or its "
                    "`dimensions`, in the mapping.",
                )

    def _give_back(self, keys: Sequence[bytes]) -> None:
        with self._writing() as connection:
            _release(connection, keys)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which no other process writes beside."""
        with self._errors(), self._lock:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _told(error, self.path) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                with storage_errors(self.path):
                    make_folder(self.path.parent)
                    # SQLite makes the files beside it as this one is.
                    os.close(owner_only(str(self.path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC))
            except OSError as error:  # A folder, or a path through a file: what no disk is to blame for.
                raise _broken(self.path, error.strerror or str(error)) from error
            self._connection = _open(self.path)
        return self._connection


class _Owner:
    """Who has claimed a text: a name that is locked while its process lives, and the kernel gives up after that."""

    def __init__(self, cache: Path, name: str) -> None:
        self._cache = cache
        self.name = name
        self._lock = self._lock_of(name)

    def live(self) -> None:
        if not self._lock.is_locked:
            with storage_errors(self._cache):
                self._lock.acquire()

    def lives(self, other: str) -> bool:
        """Whether the process of this owner, or another one, does; of one that was killed nothing is left."""
        if other == self.name:
            return True
        lock = self._lock_of(other)
        try:
            with storage_errors(self._cache), lock:
                Path(lock.lock_file).unlink(missing_ok=True)
        except Timeout:
            return True
        return False

    def close(self) -> None:
        if self._lock.is_locked:
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def _lock_of(self, name: str) -> FileLock:
        path = self._cache.with_name(f"{self._cache.name}-{name}.lock")
        return FileLock(path, blocking=False, mode=FILE, thread_local=False)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _is_made(connection, path)  # What is not ours is refused before anything of it is altered.
        _turn_on_log(connection)
        # A killed process loses nothing; a power cut may take the last moment before it, and never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        if not _is_made(connection, path):
            _make(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_busy(error: BaseException) -> bool:
    return _primary_code(error) == sqlite3.SQLITE_BUSY


# SQLite does not wait here by itself: of two processes that make a file at once, one may be refused.
@retry(
    retry=retry_if_exception(_is_busy), wait=wait_random(0.01, 0.1), stop=stop_after_delay(_BUSY_SECONDS), reraise=True
)
def _turn_on_log(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")


def _is_made(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file has our tables; one that has none at all is new."""
    # In this order: another process may make the file in between, all of it in one transaction.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id == 0 and not tables:
        return False
    if application_id != _APPLICATION_ID:
        raise VectorCacheError(
            f"{path} is no file of made vectors: it has other tables.", "Name another file with --vector-cache."
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != _FORMAT:
        raise VectorCacheError(
            f"{path} was made by another version: its format is {version}, this version reads {_FORMAT}.",
            "Name another file with --vector-cache.",
        )
    return True


def _make(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_FORMAT}")


def _key(digest: str, text: str) -> bytes:
    """What stands for a text of a model; texts of SQLite may hold what UTF-8 does not."""
    return hashlib.sha256(f"{digest}\0{text}".encode("utf-8", "surrogatepass")).digest()


def _of_keys(connection: sqlite3.Connection, statement: str, keys: Iterable[bytes]) -> Iterator[tuple[Any, ...]]:
    """The rows of some keys, as the statement gives them."""
    listed = list(keys)
    for first in range(0, len(listed), _KEYS_AT_ONCE):
        some = listed[first : first + _KEYS_AT_ONCE]
        yield from connection.execute(statement.format(",".join("?" * len(some))), some)


def _release(connection: sqlite3.Connection, keys: Iterable[bytes]) -> None:
    connection.executemany("DELETE FROM claims WHERE key = ?", [(key,) for key in keys])


def _primary_code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _told(error: sqlite3.Error, path: Path) -> StorageError | VectorCacheError:
    match _primary_code(error):
        case sqlite3.SQLITE_BUSY:
            told = f"{path} is locked by another program for more than {_BUSY_SECONDS:.0f} s."
            return StorageError(told, "End that program, or name another file with --vector-cache.")
        case sqlite3.SQLITE_NOTADB:
            return _broken(path, "it is no SQLite database")
        case _:
            return storage_error(error, path) or _broken(path, str(error))


def _broken(path: Path, why: str) -> VectorCacheError:
    return VectorCacheError(
        f"{path}, the file of made vectors, cannot be used: {why}.",
        "Put a copy of it back, or name another file with --vector-cache; what is missing there is made again.",
    )
