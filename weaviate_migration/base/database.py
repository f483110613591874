"""Databases of ours, whatever keeps them: a SQLite file on this machine, or a PostgreSQL server that several share.

A database is named by its URL, and is opened once for each process: what is opened never passes a fork.
"""

import atexit
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as db
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from weaviate_migration.base.errors import StorageError
from weaviate_migration.base.postgres_database import PostgresDatabase
from weaviate_migration.base.sqlite_connections import SqliteConnections
from weaviate_migration.base.sqlite_database import SqliteDatabase

Result = TypeVar("Result")

# A process works with one; tests, and programs that follow several migrations, with a few.
_FILES_KEPT_OPEN = 4
_KEEPS = "the state of the migrations"


class Database(Protocol):
    """What whoever reads and writes rows knows of where they are."""

    @property
    def server(self) -> PostgresDatabase | None:
        """The server, which other machines see too; None: it is a file of this machine."""

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """A transaction for writing, committed at the end, or taken back after an error.

        Within another one of the same thread it is that one, which alone commits. Nobody waits in it for others.

        Args:
            durable: a power cut keeps it once it has ended. False is for what can be found out again.

        Raises:
            StorageError: the disk is full, or this user may not write to the file; or another program locks it.
            StateNotUsableError, StateConnectionError: the server cannot be used, or has gone away.
        """

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for reading; each statement reads what is there at its moment. Makes nothing.

        It raises what `transaction` does, but for a disk that is full or may not be written to.
        """

    def run(self, work: Callable[[Connection], Result], *, durable: bool = True) -> Result:
        """Does something in a transaction, and again from its beginning where a server was away for a moment."""

    def room_for(self, size: int) -> AbstractContextManager[None]:
        """Room for so many bytes is there at the end of the block, whoever writes meanwhile.

        Raises:
            StorageError: it is not there now; nothing inside was done.
        """


class Databases:
    """The databases of one kind of tables, those of the migrations' state.

    Args:
        prepare: called with a connection that was just opened, outside of a transaction: makes tables, or refuses.
    """

    def __init__(self, prepare: Callable[[Connection], object]) -> None:
        self._prepare = prepare
        self._files = SqliteConnections(_FILES_KEPT_OPEN, prepare)
        self._servers: dict[str, PostgresDatabase] = {}
        atexit.register(self.close)

    def file(self, path: Path) -> Database:
        """The SQLite file of this path; it is made with what is first written to it."""
        return SqliteDatabase(path, self._files, partial(_damaged, path))

    def at(self, url: str) -> Database:
        """The PostgreSQL database of this URL.

        Raises:
            ConfigurationError: what connects to it is not installed.
        """
        if url not in self._servers:
            self._servers[url] = PostgresDatabase(url, self._prepare, _KEEPS, "--state-url")
        return self._servers[url]

    def close(self) -> None:
        """Closes what is open; it is opened again when it is needed."""
        self._files.close()
        for each in self._servers.values():
            each.close()
        self._servers.clear()


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(
        f"{path}, which keeps {_KEEPS}, is damaged: {why}.",
        "Put a copy of it back; or take another --work-dir, and begin again.",
    )


def upsert(connection: Connection, table: db.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows, each in place of the one with the same primary key."""
    if not rows:
        return
    connection.execute(_upsert(table, connection.dialect.name, tuple(rows[0])), rows)


@cache  # Making the statement takes longer than carrying it out.
def _upsert(table: db.Table, dialect: str, columns: tuple[str, ...]) -> db.Insert:
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    keys = list(table.primary_key.columns)
    values = {name: insert.excluded[name] for name in columns if name not in table.primary_key.columns}
    if not values:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(index_elements=keys, set_=values)
