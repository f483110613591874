"""Objects that went to Weaviate without a vector that we make: its model was away, and the mapping has rows not wait.

There may be as many as objects, they are asked for one by one, and any process may be killed at any time. A note is on
disk before its object is sent, and goes when the vector is confirmed: what a kill leaves in between is filled once
more, which is harmless.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as db

from weaviate_migration.base.database import upsert
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.state_tables import pending_vectors

LackingVector = tuple[str, str]
"""An object's address, and the name of the vector that it lacks."""

_PAGE = 1_000
_COLUMNS = pending_vectors.c
_IN_ORDER = (_COLUMNS.address, _COLUMNS.vector)


class PendingVectors:
    """The vectors that objects of one collection lack.

    Args:
        collection: the collection's versioned name.
    """

    def __init__(self, store: StateStore, collection: str) -> None:
        self._store = store
        self._collection = collection
        self._ours = _COLUMNS.collection == collection

    def add(self, lacking: Iterable[LackingVector]) -> None:
        """Notes objects that are about to be sent without a vector; one that is noted already stays so.

        Raises:
            StorageError: the disk is full, or may not be written to.
        """
        rows = [{"collection": self._collection, "address": address, "vector": vector} for address, vector in lacking]
        if rows:
            self._store.run(lambda connection: upsert(connection, pending_vectors, rows))

    def within(self, addresses: UuidRange) -> Iterator[LackingVector]:
        """What objects of a range of addresses lack, ascending; notes may be added and removed meanwhile."""
        low, high = (addresses.low or "", ""), addresses.high
        while page := self._page(low, high):
            yield from page
            low = page[-1]

    def has(self, address: str, vector: str) -> bool:
        """Whether an object lacks this vector."""
        noted = db.and_(self._ours, _COLUMNS.address == address, _COLUMNS.vector == vector)
        with self._store.reading() as connection:
            return connection.scalar(db.select(db.literal(1)).where(noted)) is not None

    @property
    def are_any(self) -> bool:
        """Whether any object lacks a vector."""
        with self._store.reading() as connection:
            return connection.scalar(db.select(db.literal(1)).where(self._ours).limit(1)) is not None

    def counts(self) -> dict[str, int]:
        """How many objects lack each vector; without those that none lacks."""
        counted = db.select(_COLUMNS.vector, db.func.count().label("objects")).where(self._ours)
        with self._store.reading() as connection:
            rows = connection.execute(counted.group_by(_COLUMNS.vector).order_by(_COLUMNS.vector)).all()
        return {row.vector: row.objects for row in rows}

    def remove(self, addresses: Iterable[str]) -> None:
        """Forgets objects that have their vectors now, or are gone; raises as `add` does."""
        found = [{"gone": each} for each in addresses]
        if found and self.are_any:
            removed = pending_vectors.delete().where(self._ours, _COLUMNS.address == db.bindparam("gone"))
            self._store.run(lambda connection: connection.execute(removed, found))

    def discard(self) -> None:
        """Forgets all of the collection; raises as `add` does."""
        if self.are_any:
            self._store.run(lambda connection: connection.execute(pending_vectors.delete().where(self._ours)))

    def _page(self, after: LackingVector, high: str | None) -> list[LackingVector]:
        wanted = db.select(*_IN_ORDER).where(self._ours, db.tuple_(*_IN_ORDER) > db.tuple_(*map(db.literal, after)))
        if high is not None:
            wanted = wanted.where(_COLUMNS.address < high)
        with self._store.reading() as connection:
            rows = connection.execute(wanted.order_by(*_IN_ORDER).limit(_PAGE)).all()
        return [(row.address, row.vector) for row in rows]


def size_of_all(store: StateStore) -> int:
    """How many characters the notes of all collections have."""
    characters = db.func.length(_COLUMNS.collection + _COLUMNS.address + _COLUMNS.vector)
    with store.reading() as connection:
        return int(connection.scalar(db.select(db.func.coalesce(db.func.sum(characters), 0))) or 0)


def discard_all(store: StateStore) -> None:
    """Forgets the notes of all collections."""
    store.run(lambda connection: connection.execute(pending_vectors.delete()))


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes over what an earlier version has kept in a SQLite file `pending_vectors.sqlite`, and returns it."""
    path = folder / "pending_vectors.sqlite"
    if not path.is_file():
        return []
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'pending'").fetchone() is not None:
            names = connection.execute("SELECT DISTINCT collection FROM pending").fetchall()
            for (name,) in names:
                noted = connection.execute("SELECT address, vector FROM pending WHERE collection = ?", (name,))
                PendingVectors(store, name).add(noted)
    return [path, *(found for each in ("-wal", "-shm", "-journal") if (found := Path(f"{path}{each}")).exists())]
