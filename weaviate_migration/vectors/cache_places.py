"""Where made vectors are kept: a SQLite file of this machine, or a PostgreSQL database that several share."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as db
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from weaviate_migration.base.errors import VectorCacheError
from weaviate_migration.base.postgres_database import PostgresDatabase
from weaviate_migration.base.sqlite_connections import SqliteConnections
from weaviate_migration.base.sqlite_database import SqliteDatabase
from weaviate_migration.vectors.cache_owners import FileOwners, Owners, ServerOwners
from weaviate_migration.vectors.cache_tables import (
    OF_FILE,
    OF_SERVER,
    CacheTables,
    prepare_file,
    prepare_server,
    refuse_other_file,
)

Result = TypeVar("Result")

# Who writes waits for all others who do. A machine that is gone in the middle keeps them no longer than this.
_ALONE = db.text(
    f"SET LOCAL idle_in_transaction_session_timeout = '10s'; LOCK TABLE {OF_SERVER.claims} IN EXCLUSIVE MODE"
)


class CachePlace(Protocol):
    """One place.

    Attributes:
        told: for messages.
        tables: that it has.
        owners: of what is made right now.
    """

    told: str
    tables: CacheTables
    owners: Owners

    @property
    def is_made(self) -> bool:
        """Whether anything may be there; to read it makes nothing where not."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for reading."""

    def alone(self, work: Callable[[Connection], Result]) -> Result:
        """Does something in a transaction, which no other process writes beside.

        A power cut may take the last moment before it, and never what was there.
        """

    def broken(self, why: str) -> VectorCacheError:
        """What to say of a cache that cannot be used."""

    def close(self) -> None:
        """Closes it; it is opened again when it is needed."""


def cache_place(named: Path | str) -> CachePlace:
    """The place of a cache; nothing is made.

    Args:
        named: a file, or the URL of a PostgreSQL database.

    Raises:
        ConfigurationError: what connects to PostgreSQL is not installed.
    """
    return FilePlace(named) if isinstance(named, Path) else ServerPlace(named)


def bytes_on_server(url: str) -> int:
    """What the made vectors take in a PostgreSQL database; nothing is made.

    Raises:
        ConfigurationError: what connects to it is not installed.
        StateNotUsableError, StateConnectionError: the server cannot be used, or has gone away.
    """
    server = _server(url, lambda _: None)
    sizes = [db.func.coalesce(db.func.pg_total_relation_size(db.func.to_regclass(name)), 0) for name in OF_SERVER.names]
    with closing(server), server.reading() as connection:
        return sum(connection.execute(db.select(*sizes)).one())


def _server(url: str, prepare: Callable[[Connection], object]) -> PostgresDatabase:
    return PostgresDatabase(url, prepare, "the made vectors", "--vector-cache")


class FilePlace:
    """A SQLite file: it is made, with its folder, when something is first written; both are for their owner alone."""

    tables = OF_FILE

    def __init__(self, path: Path) -> None:
        self._path = path
        self.told = str(path)
        self._connections = SqliteConnections(1, prepare_file, refuse_other_file)
        self._database = SqliteDatabase(path, self._connections, self.broken)
        self.owners: Owners = FileOwners(path)

    @property
    def is_made(self) -> bool:
        """See `CachePlace`."""
        return self._path.exists()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `CachePlace`."""
        with self._telling(), self._database.reading() as connection:
            yield connection

    def alone(self, work: Callable[[Connection], Result]) -> Result:
        """See `CachePlace`."""
        with self._telling():
            return self._database.run(work, durable=False)

    def broken(self, why: str) -> VectorCacheError:
        """See `CachePlace`."""
        return VectorCacheError(
            f"{self.told}, the file of made vectors, cannot be used: {why}.",
            "Put a copy of it back, or name another file with --vector-cache; what is missing there is made again.",
        )

    def close(self) -> None:
        """See `CachePlace`."""
        self._connections.close()
        self.owners.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """A folder, or a path through a file: what no disk is to blame for."""
        try:
            yield
        except OSError as error:
            raise self.broken(error.strerror or str(error)) from error
        except DBAPIError as error:
            why = os.strerror(errno.EISDIR) if self._path.is_dir() else str(error.orig)
            raise self.broken(why) from error


class ServerPlace:
    """Tables of a PostgreSQL database; they are made when it is first asked."""

    tables = OF_SERVER
    is_made = True

    def __init__(self, url: str) -> None:
        self._server = _server(url, prepare_server)
        self.told = self._server.told_url
        self.owners: Owners = ServerOwners(self._server)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `CachePlace`."""
        with self._server.reading() as connection:
            yield connection

    def alone(self, work: Callable[[Connection], Result]) -> Result:
        """See `CachePlace`."""

        def locked(connection: Connection) -> Result:
            connection.execute(_ALONE)
            return work(connection)

        return self._server.run(locked, durable=False)

    def broken(self, why: str) -> VectorCacheError:
        """See `CachePlace`."""
        return VectorCacheError(
            f"The made vectors in {self.told} cannot be used: {why}.",
            "Put a copy of them back, or name another database with --vector-cache; what is missing is made again.",
        )

    def close(self) -> None:
        """See `CachePlace`."""
        self.owners.close()
        self._server.close()
