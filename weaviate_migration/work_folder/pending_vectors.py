"""Objects that went to Weaviate without a vector that we make: its model was away, and the mapping has rows not wait.

They are rows of one SQLite file, `pending_vectors.sqlite` in the work folder: there may be as many as objects, they are
asked for one by one, and any process may be killed at any time. A note is on disk before its object is sent, and goes
when the vector is confirmed: what a kill leaves in between is filled once more, which is harmless.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from weaviate_migration.base.errors import StorageError
from weaviate_migration.base.permissions import FILE, make_folder
from weaviate_migration.base.storage import storage_errors
from weaviate_migration.mapping.object_ids import UuidRange

LackingVector = tuple[str, str]
"""An object's address, and the name of the vector that it lacks."""

_TABLE = """
CREATE TABLE IF NOT EXISTS pending (
    collection TEXT NOT NULL, address TEXT NOT NULL, vector TEXT NOT NULL, PRIMARY KEY (collection, address, vector)
) WITHOUT ROWID
"""
_PAGE = 1_000
# Another process writes for moments only.
_BUSY_SECONDS = 60.0


class PendingVectors:
    """The vectors that objects of one collection lack.

    Args:
        path: of the file, which is made with the first note.
        collection: the collection's versioned name.
    """

    def __init__(self, path: Path, collection: str) -> None:
        self._path = path
        self._collection = collection

    def add(self, lacking: Iterable[LackingVector]) -> None:
        """Notes objects that are about to be sent without a vector; one that is noted already stays so.

        Raises:
            StorageError: the disk is full, or may not be written to.
        """
        rows = [(self._collection, *each) for each in lacking]
        if rows:
            self._make()
            with self._opened() as connection:
                connection.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?, ?)", rows)

    def within(self, addresses: UuidRange) -> Iterator[LackingVector]:
        """What objects of a range of addresses lack, ascending; notes may be added and removed meanwhile."""
        low, high = (addresses.low or "", ""), addresses.high
        while page := self._page(low, high):
            yield from page
            low = page[-1]

    def has(self, address: str, vector: str) -> bool:
        """Whether an object lacks this vector."""
        if not self._path.exists():
            return False
        with self._opened() as connection:
            found = connection.execute(
                "SELECT 1 FROM pending WHERE collection = ? AND address = ? AND vector = ?",
                (self._collection, address, vector),
            )
            return found.fetchone() is not None

    def counts(self) -> dict[str, int]:
        """How many objects lack each vector; without those that none lacks."""
        if not self._path.exists():
            return {}
        with self._opened() as connection:
            return dict(
                connection.execute(
                    "SELECT vector, count(*) FROM pending WHERE collection = ? GROUP BY vector ORDER BY vector",
                    (self._collection,),
                ).fetchall()
            )

    def remove(self, addresses: Iterable[str]) -> None:
        """Forgets objects that have their vectors now, or are gone; raises as `add` does."""
        if self._path.exists():
            with self._opened() as connection:
                connection.executemany(
                    "DELETE FROM pending WHERE collection = ? AND address = ?",
                    [(self._collection, each) for each in addresses],
                )

    def discard(self) -> None:
        """Forgets all of the collection; raises as `add` does."""
        if self._path.exists():
            with self._opened() as connection:
                connection.execute("DELETE FROM pending WHERE collection = ?", (self._collection,))

    def _page(self, after: LackingVector, high: str | None) -> list[LackingVector]:
        if not self._path.exists():
            return []
        with self._opened() as connection:
            return connection.execute(
                "SELECT address, vector FROM pending WHERE collection = ? AND (address, vector) > (?, ?) "
                "AND (? IS NULL OR address < ?) ORDER BY address, vector LIMIT ?",
                (self._collection, *after, high, high, _PAGE),
            ).fetchall()

    def _make(self) -> None:
        """Makes the file, for its owner alone, before SQLite would make it as the umask says."""
        with storage_errors(self._path):
            make_folder(self._path.parent)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, FILE))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction, which is on disk afterwards."""
        with (
            _told(self._path),
            storage_errors(self._path),
            closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection,
            connection,
        ):
            connection.execute(_TABLE)  # A process that is killed before its first note leaves a file without it.
            yield connection


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Says what SQLite says of a file that is damaged, or locked for too long."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"{path}, where it is noted which objects lack vectors, cannot be used: {error}.",
            "End the program that has it open; or, where it is damaged, move it away: `weaviate-migration verify` "
            "names the objects that lack a vector.",
        ) from error
