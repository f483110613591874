"""The store of what a migration knows: rows of one database.

It is `state.sqlite` in the work folder, or a PostgreSQL database that several machines share. A document is the JSON of
one value, in its owner's name: a migration, a mapping, a collection with its partitions.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as db
from sqlalchemy.engine import Connection

from weaviate_migration.base.database import Database, Databases, upsert
from weaviate_migration.base.postgres_database import PostgresDatabase
from weaviate_migration.work_folder.state_schema.opening import prepare
from weaviate_migration.work_folder.state_tables import documents

FILE_NAME = "state.sqlite"

_databases = Databases(prepare)


class StateStore:
    """One store; a value that is cheap to make: what is opened stays open for all of a process.

    Args:
        database: with the tables of `state_tables.py`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def of(cls, work_dir: Path, state_url: str = "") -> "StateStore":
        """The store of a work folder; nothing is made.

        Args:
            state_url: of a PostgreSQL database that has it; '': it is in the folder.

        Raises:
            ConfigurationError: what connects to PostgreSQL is not installed.
        """
        return cls(_databases.at(state_url)) if state_url else cls.at(work_dir / FILE_NAME)

    @classmethod
    def at(cls, path: Path) -> "StateStore":
        """The store in a SQLite file; nothing is made."""
        return cls(_databases.file(path))

    @property
    def server(self) -> PostgresDatabase | None:
        """The server that other machines see too, for connections of one's own; None: it is a file of this machine."""
        return self._database.server

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """All that is written inside, or nothing of it; see `Database.transaction`."""
        return self._database.transaction(durable=durable)

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for reading; see `Database.reading`."""
        return self._database.reading()

    def run(self, work: Callable[[Connection], object], *, durable: bool = True) -> None:
        """Does something in a transaction; see `Database.run`."""
        self._database.run(work, durable=durable)

    def room_for(self, content: str) -> AbstractContextManager[None]:
        """There is room for a document at the end of the block, so that what is done inside can be written down.

        Raises:
            StorageError: there is none; nothing inside was done.
        """
        return self._database.room_for(len(content.encode("utf-8", "backslashreplace")))

    def read(self, kind: str, owner: str, part: str = "") -> str | None:
        """The content of a document; None where there is none."""
        wanted = db.select(documents.c.content).where(_of(kind, owner, part))
        with self.reading() as connection:
            content: str | None = connection.scalar(wanted)
        return content

    def all(self, kind: str, owner: str | None = None) -> dict[tuple[str, str], str]:
        """The contents of all documents of a kind, by owner and part, in their order.

        Args:
            owner: of one alone.
        """
        wanted = db.select(documents.c.owner, documents.c.part, documents.c.content).where(_of(kind, owner))
        with self.reading() as connection:
            rows = connection.execute(wanted.order_by(documents.c.owner, documents.c.part)).all()
        return {(row.owner, row.part): row.content for row in rows}

    def parts(self, kind: str, owner: str) -> dict[str, datetime]:
        """The parts of an owner that have a document, in their order, each with when it was written, in UTC."""
        wanted = db.select(documents.c.part, documents.c.written_at).where(_of(kind, owner))
        with self.reading() as connection:
            rows = connection.execute(wanted.order_by(documents.c.part)).all()
        return {row.part: row.written_at for row in rows}

    def write(self, kind: str, owner: str, content: str, part: str = "", *, durable: bool = True) -> None:
        """Writes a document, in place of the one that is there.

        Args:
            content: JSON; what UTF-8 cannot encode, a lone surrogate, becomes an escape of JSON.
            durable: a power cut keeps it. False is for what shows how something goes, and for what can be found out
                again.

        Raises:
            StorageError: the disk is full, or this user may not write there.
        """
        row = Document(kind, owner, part, content).row
        self.run(lambda connection: upsert(connection, documents, [row]), durable=durable)

    def write_all(self, written: "list[Document]", *, durable: bool = True) -> None:
        """Writes several documents as `write` does, all of them or none."""
        rows = [each.row for each in written]
        self.run(lambda connection: upsert(connection, documents, rows), durable=durable)

    def remove(self, kind: str, owner: str | None = None, part: str | None = None, *, durable: bool = True) -> None:
        """Removes documents, if they are there: of a kind, of an owner, or one."""
        removed = documents.delete().where(_of(kind, owner, part))
        self.run(lambda connection: connection.execute(removed), durable=durable)

    def remove_parts(self, kind: str, owner: str, parts: Iterable[str], *, durable: bool = True) -> None:
        """Removes the documents of some parts of an owner, if they are there."""
        removed = documents.delete().where(_of(kind, owner), documents.c.part.in_(list(parts)))
        self.run(lambda connection: connection.execute(removed), durable=durable)

    def size(self, kind: str) -> int:
        """How many characters all documents of a kind have."""
        wanted = db.select(db.func.coalesce(db.func.sum(db.func.length(documents.c.content)), 0))
        with self.reading() as connection:
            return int(connection.scalar(wanted.where(_of(kind))) or 0)


@dataclass(frozen=True)
class Document:
    """A value in its owner's name; `StateStore.write` says what is what."""

    kind: str
    owner: str
    part: str
    content: str

    @property
    def row(self) -> dict[str, object]:
        """As the table has it, written now."""
        return {
            "kind": self.kind,
            "owner": self.owner,
            "part": self.part,
            "content": self.content.encode("utf-8", "backslashreplace").decode(),
            "written_at": datetime.now(UTC),
        }


def close_stores() -> None:
    """Closes the stores that this process has open; they are opened again when they are needed."""
    _databases.close()


def _of(kind: str, owner: str | None = None, part: str | None = None) -> db.ColumnElement[bool]:
    given = {documents.c.kind: kind, documents.c.owner: owner, documents.c.part: part}
    return db.and_(*(column == value for column, value in given.items() if value is not None))
