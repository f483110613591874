"""What models have made already, by model and text, so that no text is paid for twice.

It is one SQLite file, or tables in a PostgreSQL database. Many processes read and write either at once. SQLite's
write-ahead log wants all of them on one machine; to another machine the file is copied while nobody writes.
"""

import hashlib
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as db
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from weaviate_migration.base.errors import EmbeddingError, MigrationError
from weaviate_migration.vectors.cache_places import cache_place
from weaviate_migration.vectors.cache_tables import CacheTables

Vector = NDArray[np.float32]

# What the oldest SQLite takes in one statement is 999 parameters.
_PARAMETERS_AT_ONCE = 900
_FLOAT32 = np.dtype("<f4")


class VectorCache:
    """The vectors that are kept in one place; threads may share one, and each process opens its own.

    What its methods raise, whichever is called:

    - StorageError: the file cannot be read or written, or is locked.
    - StateNotUsableError, StateConnectionError: the server cannot be used, or has gone away.
    - VectorCacheError: it is damaged, or none of ours.

    Args:
        named: a file, or the URL of a PostgreSQL database. What is not there is made when something is first written.

    Raises:
        ConfigurationError: what connects to PostgreSQL is not installed.
    """

    def __init__(self, named: Path | str) -> None:
        self.named = named
        self._place = cache_place(named)
        self._statements = _Statements(self._place.tables)
        self._claiming = threading.Lock()
        self._claimed = set[bytes]()
        self._lengths = dict[str, int]()

    def make(self) -> None:
        """Makes it where there is none, and opens it: what it cannot be used for, shows before it is needed."""
        self._place.alone(lambda _: None)

    def read(self, digest: str, texts: Sequence[str]) -> list[Vector | None]:
        """The vector of each text, None where there is none; where there is no file, nothing is made.

        Args:
            digest: of the model that made them.
        """
        if not self._place.is_made:
            return [None] * len(texts)
        keys = [_key(digest, text) for text in texts]
        with self._place.reading() as connection:
            kept = _found(connection, self._statements.read, keys)
        found = {bytes(key): self._numbers(vector, checksum) for key, vector, checksum in kept}
        return list(map(found.get, keys))

    def write(self, digest: str, texts: Sequence[str], vectors: Iterable[Vector]) -> list[Vector]:
        """Keeps them; returns what is kept for each text: of two that were made of the same one, the first stays.

        A service does not answer the same text with the same bits each time; so what is written to Weaviate is what is
        returned here.

        Raises:
            EmbeddingError: the model has made vectors of another length before; then none of these is kept.
        """
        keys = [_key(digest, text) for text in texts]
        given = [np.ascontiguousarray(each, dtype=_FLOAT32) for each in vectors]
        blobs = [vector.tobytes() for vector in given]
        rows = [(key, blob, zlib.crc32(blob)) for key, blob in zip(keys, blobs, strict=True)]
        lengths = {len(vector) for vector in given}

        def keep(connection: Connection) -> int:
            for length in lengths - {self._lengths.get(digest)}:
                self._refuse_another_length(connection, digest, length)
            kept = _carried_out(connection, self._statements.keep, rows)
            self._release(connection, keys)
            return kept

        kept = self._place.alone(keep)
        self._lengths.update((digest, length) for length in lengths)
        if kept == len(rows):
            return given
        return [each for each in self.read(digest, texts) if each is not None]

    @contextmanager
    def claimed(self, digest: str, texts: Sequence[str]) -> Iterator[list[str]]:
        """Those of the texts that have no vector and that nobody else is making: until the block's end they are ours.

        What a process has claimed that was killed is free again.
        """
        text_of = {_key(digest, text): text for text in texts}
        with self._claiming:
            ours = self._place.alone(lambda connection: self._claim(connection, list(text_of)))
            self._claimed.update(ours)
        try:
            yield [text_of[key] for key in ours]
        except BaseException:
            with suppress(MigrationError):  # The block's own error is the one to tell.
                self._place.alone(lambda connection: self._release(connection, ours))
            raise
        finally:
            self._claimed.difference_update(ours)

    def count_call(self, command: str, most: int) -> bool:
        """Counts a call that a command is about to make, over all of its processes; False: it has made as many already.

        Args:
            command: whatever tells one command, or run, from all others.
            most: calls that it may make.
        """

        def count(connection: Connection) -> bool:
            _carried_out(connection, self._statements.begin_to_count, [(command, 0)])
            return connection.execute(self._statements.count, {"of": command, "most": most}).rowcount == 1

        return self._place.alone(count)

    def close(self) -> None:
        """Closes it; it is opened again when it is needed."""
        self._place.close()

    def _numbers(self, kept: object, checksum: object) -> Vector:
        """A vector as it was kept: what the disk, or somebody, has altered of it is never written to Weaviate."""
        if not isinstance(kept, bytes | memoryview) or zlib.crc32(kept) != checksum:
            raise self._place.broken("a vector in it is none that was kept")
        return np.frombuffer(kept, dtype=_FLOAT32)

    def _refuse_another_length(self, connection: Connection, digest: str, length: int) -> None:
        _carried_out(connection, self._statements.note_length, [(digest, length)])
        before = connection.scalar(self._statements.length, {"of": digest})
        if before != length:
            raise EmbeddingError(
                f"the model gave {length:,} numbers for a text, and not {before:,} as for those in {self._place.told}",
                "It has changed under its name: have it make vectors as before, or name another `model`, or its "
                "`dimensions`, in the mapping.",
            )

    def _claim(self, connection: Connection, keys: Sequence[bytes]) -> list[bytes]:
        there = {bytes(key) for (key,) in _found(connection, self._statements.there, keys)}
        owners = {bytes(key): owner for key, owner in _found(connection, self._statements.owners, keys)}
        own, living = self._place.owners.name, self._place.owners.living(connection, set(owners.values()))
        # What has the own name and is not known here is left of a claim that was not heard of, or not given back.
        held = {key for key, owner in owners.items() if owner in living and (owner != own or key in self._claimed)}
        ours = [key for key in keys if key not in there and key not in held]
        self._release(connection, [key for key in ours if key in owners])
        _carried_out(connection, self._statements.claim, [(key, own) for key in ours])
        return ours

    def _release(self, connection: Connection, keys: Sequence[bytes]) -> None:
        _carried_out(connection, self._statements.release, [(key,) for key in keys])


class _Statements:
    """What is asked of the tables, as both databases take it; rows come in the place of {}."""

    def __init__(self, tables: CacheTables) -> None:
        vectors, models, claims, calls = tables.vectors, tables.models, tables.claims, tables.calls
        self.read = f"SELECT key, vector, checksum FROM {vectors} WHERE key IN ({{}})"
        self.there = f"SELECT key FROM {vectors} WHERE key IN ({{}})"
        self.keep = f"INSERT INTO {vectors} (key, vector, checksum) VALUES {{}} ON CONFLICT DO NOTHING"
        self.owners = f"SELECT key, owner FROM {claims} WHERE key IN ({{}})"
        self.claim = f"INSERT INTO {claims} (key, owner) VALUES {{}}"
        self.release = f"DELETE FROM {claims} WHERE key IN ({{}})"
        self.note_length = f"INSERT INTO {models} (digest, length) VALUES {{}} ON CONFLICT DO NOTHING"
        self.length = db.select(models.c.length).where(models.c.digest == db.bindparam("of"))
        self.begin_to_count = f"INSERT INTO {calls} (command, made) VALUES {{}} ON CONFLICT DO NOTHING"
        self.count = (
            calls.update()
            .where(calls.c.command == db.bindparam("of"), calls.c.made < db.bindparam("most"))
            .values(made=calls.c.made + 1)
        )


def _key(digest: str, text: str) -> bytes:
    """What stands for a text of a model; texts of SQLite may hold what UTF-8 does not."""
    return hashlib.sha256(f"{digest}\0{text}".encode("utf-8", "surrogatepass")).digest()


def _found(connection: Connection, statement: str, keys: Iterable[bytes]) -> list[Any]:
    """What a question for some keys finds."""
    return [row for result in _results(connection, statement, [(key,) for key in keys]) for row in result]


def _carried_out(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """How many rows a statement has written, or removed."""
    if rows and _is_sqlite(connection):  # It takes them one by one faster than many in one statement (measured).
        return connection.exec_driver_sql(statement.format(_marks(connection, rows[:1])), list(rows)).rowcount
    return sum(result.rowcount for result in _results(connection, statement, rows))


def _results(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[db.CursorResult[Any]]:
    """What comes of a statement, for as many rows at once as it takes.

    As the driver takes it: SQLAlchemy's own lists of parameters took as long as all the rest (measured).
    """
    at_once = _PARAMETERS_AT_ONCE // len(rows[0]) if rows else 1
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        yield connection.exec_driver_sql(statement.format(_marks(connection, some)), tuple(chain.from_iterable(some)))


def _marks(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> str:
    mark = "?" if _is_sqlite(connection) else "%s"
    return ",".join([f"({','.join([mark] * len(rows[0]))})"] * len(rows))


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"
