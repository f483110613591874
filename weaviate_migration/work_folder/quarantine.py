"""Rows that are not in Weaviate, each with key, reason and payload: one JSON Lines file for a collection's partition.

The files are `quarantine/<collection>.<partition>.jsonl` in the storage, and the store has an index of their rows: how
many there are, and which, is told without a payload. A file is written again whenever its partition is loaded or its
rows are tried again, and is gone when nothing of it is refused any more.

The storage may be slow, so nobody waits for it who writes to the store. A file is in its place before its rows get into
the index, and they leave the index before the file goes: a file of which the index says nothing counts for nothing,
whoever was killed in between, and the next one takes its place. Rows that a killed try has left in the index, though it
had written their objects, are found to be gone by the next try.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import sqlalchemy as db
from sqlalchemy.engine import Connection
from upath import UPath

from weaviate_migration.base.bundles import bundled
from weaviate_migration.base.errors import ErrorCategory
from weaviate_migration.base.storage import storage_errors
from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.state_tables import quarantined_rows
from weaviate_migration.work_folder.storage import files_in, remove, storage_asked, writing_whole

FOLDER = "quarantine"

# Of the index in memory; a reason may be long.
_ROWS_AT_ONCE = 1_000
_BYTES_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that is not in Weaviate.

    Attributes:
        key: the row's key as people see it.
        uuid: the address its object would have; None where its key has a NULL.
        reason: why it was refused.
        payload: the properties that were refused, or the row's columns where it did not become an object.
        category: `refused` by the server, or `conversion`: it did not become an object, or not one that can be sent.
    """

    key: str
    uuid: str | None
    reason: str
    payload: dict[str, Any]
    category: ErrorCategory = "refused"


@dataclass(frozen=True, slots=True)
class IndexedRow:
    """What the index says of a quarantined row: all but its payload."""

    partition: str
    key: str
    uuid: str | None
    reason: str
    category: ErrorCategory


@dataclass(frozen=True)
class _Draft:
    """What is about to take the place of a partition's file, once its context ends."""

    context: ExitStack
    file: BinaryIO


class _GivenUpError(Exception):
    """Ends the context of a draft that nobody wants."""


class Quarantine:
    """The quarantined rows of one collection.

    Args:
        store: has the index.
        folder: `quarantine` in the storage.
        collection: the collection's versioned name.
        scratch: the folder, which is there, for drafts of what is uploaded; None: the one for temporary files.
    """

    def __init__(self, store: StateStore, folder: UPath, collection: str, scratch: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._collection = collection
        self._scratch = scratch
        self._drafts: dict[str, _Draft] = {}

    def __enter__(self) -> "Quarantine":
        return self

    def __exit__(self, *_: object) -> None:
        for partition in list(self._drafts):
            self.finish(partition)

    def clear(self, partition: str) -> None:
        """Forgets what was refused of a partition: it is about to be loaded again."""
        self._give_up_draft(partition)
        if self._has(partition):
            self._forget(partition)

    def finish(self, partition: str) -> None:
        """Keeps what was added of a partition, in the place of what was there; raises as `add` does."""
        if (draft := self._drafts.pop(partition, None)) is None:
            return
        with ExitStack() as reading:
            with draft.context:  # At its end the file is in its place.
                with storage_errors(path := Path(draft.file.name)):
                    draft.file.flush()
                # Open, it can be read, whatever becomes of this name.
                written = reading.enter_context(path.open("rb"))
            with self._store.transaction() as connection:
                connection.execute(quarantined_rows.delete().where(self._of(partition)))
                _write_index(connection, self._collection, partition, _rows_in(written))

    def add(self, partition: str, row: QuarantinedRow) -> None:
        """Writes down one row.

        Raises:
            StorageError: the disk is full, or may not be written to.
        """
        line = json.dumps(asdict(row), ensure_ascii=False) + "\n"
        if partition not in self._drafts:
            context = ExitStack()
            file = context.enter_context(writing_whole(self._path(partition), self._scratch))
            self._drafts[partition] = _Draft(context, file)
        with storage_errors(Path(self._path(partition).path), len(line)):
            # What UTF-8 cannot encode, a lone surrogate, gets a backslash: it becomes an escape of JSON.
            self._drafts[partition].file.write(line.encode("utf-8", "backslashreplace"))

    @contextmanager
    def replacing(self, partition: str, keep: Callable[[QuarantinedRow], bool] = lambda _: False) -> Iterator[None]:
        """What is added inside takes the place of the partition's rows at the end, in one step; not after an error.

        Args:
            keep: whether a row of before stays.
        """
        try:
            for row in self.rows_of(partition):
                if keep(row):
                    self.add(partition, row)
            yield
        except BaseException:
            self._give_up_draft(partition)
            raise
        if partition in self._drafts:
            self.finish(partition)
        else:
            self._forget(partition)

    def count_by_tenant(self) -> Counter[str]:
        """How many there are of each tenant, without those whose key has a NULL; '' is for those without a tenant."""
        counted = db.select(quarantined_rows.c.tenant, db.func.count()).group_by(quarantined_rows.c.tenant)
        with self._store.reading() as connection:
            found = connection.execute(counted.where(self._of(), quarantined_rows.c.uuid.is_not(None))).all()
        return Counter({tenant or "": rows for tenant, rows in found})

    def partitions(self) -> list[str]:
        """The partitions with quarantined rows, in their order."""
        column = quarantined_rows.c.partition
        with self._store.reading() as connection:
            found = connection.scalars(db.select(column).where(self._of()).distinct().order_by(column)).all()
        return list(found)

    def index(self) -> Iterator[IndexedRow]:
        """Every quarantined row without its payload, in the order of the partitions; a bundle of them in memory."""
        table = quarantined_rows.c
        wanted = db.select(quarantined_rows).where(self._of()).order_by(table.partition, table.number)
        after: db.ColumnElement[bool] = db.true()
        while True:
            with self._store.reading() as connection:
                rows = connection.execute(wanted.where(after).limit(_ROWS_AT_ONCE)).all()
            for row in rows:
                yield IndexedRow(row.partition, row.key, row.uuid, row.reason, cast(ErrorCategory, row.category))
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = db.tuple_(table.partition, table.number) > (rows[-1].partition, rows[-1].number)

    def rows_of(self, partition: str) -> Iterator[QuarantinedRow]:
        """The quarantined rows of one partition; none where it is being loaded again meanwhile."""
        path = self._path(partition)
        if self._has(partition):
            with suppress(FileNotFoundError), storage_asked(path), path.open("rb") as file:
                yield from _rows_in(file)

    def rows(self) -> Iterator[tuple[str, QuarantinedRow]]:
        """Every quarantined row with its partition, in the order of the partitions."""
        for partition in self.partitions():
            for row in self.rows_of(partition):
                yield partition, row

    def discard(self) -> None:
        """Forgets all rows of the collection, and removes its files."""
        self._remove_from_index()
        for path in self.files():
            remove(path)

    def files(self) -> list[UPath]:
        """The collection's files that are there, also those that somebody who was killed has left."""
        return [each for each in files_in(self._folder) if each.name.startswith(f"{self._collection}.")]

    def _forget(self, partition: str) -> None:
        self._remove_from_index(partition)
        remove(self._path(partition))

    def _remove_from_index(self, partition: str | None = None) -> None:
        removed = quarantined_rows.delete().where(self._of(partition))
        self._store.run(lambda connection: connection.execute(removed))

    def _has(self, partition: str) -> bool:
        with self._store.reading() as connection:
            return connection.scalar(db.select(db.literal(1)).where(self._of(partition)).limit(1)) is not None

    def _give_up_draft(self, partition: str) -> None:
        if (draft := self._drafts.pop(partition, None)) is not None:
            with suppress(_GivenUpError), draft.context:
                raise _GivenUpError

    def _path(self, partition: str) -> UPath:
        return self._folder / f"{self._collection}.{partition}.jsonl"

    def _of(self, partition: str | None = None) -> db.ColumnElement[bool]:
        of_collection = quarantined_rows.c.collection == self._collection
        return of_collection if partition is None else of_collection & (quarantined_rows.c.partition == partition)


def quarantined_counts(store: StateStore, collections: Iterable[str]) -> Mapping[str, int]:
    """How many quarantined rows collections have, by their versioned names; without those that have none."""
    column = quarantined_rows.c.collection
    counted = db.select(column, db.func.count()).where(column.in_(list(collections))).group_by(column)
    with store.reading() as connection:
        found = connection.execute(counted).all()
    return {collection: rows for collection, rows in found}  # noqa: C416 - rows of the database, not pairs


def take_over(work_dir: Path, store: StateStore) -> list[Path]:
    """Makes the index of what an older version has in its files; these stay as they are."""
    with store.transaction() as connection:
        for path in sorted((work_dir / FOLDER).glob("*.jsonl")):
            collection, partition = path.stem.rsplit(".", 1)
            where = (quarantined_rows.c.collection == collection) & (quarantined_rows.c.partition == partition)
            connection.execute(quarantined_rows.delete().where(where))
            with path.open("rb") as file:
                _write_index(connection, collection, partition, _rows_in(file))
    return []


def _rows_in(file: Iterable[bytes]) -> Iterator[QuarantinedRow]:
    for line in file:
        # A line without its end was being written when a process of an older version was killed.
        if line.endswith(b"\n"):
            yield QuarantinedRow(**json.loads(line))


def _write_index(connection: Connection, collection: str, partition: str, rows: Iterable[QuarantinedRow]) -> None:
    entries = (
        {
            "collection": collection,
            "partition": partition,
            "number": number,
            "uuid": row.uuid,
            "tenant": split_address(row.uuid)[0] if row.uuid is not None else None,
            "key": _storable(row.key),
            "reason": _storable(row.reason),
            "category": row.category,
        }
        for number, row in enumerate(rows)
    )
    for bundle in bundled(entries, _size_of, _ROWS_AT_ONCE, _BYTES_AT_ONCE):
        connection.execute(quarantined_rows.insert(), bundle)


def _size_of(entry: Mapping[str, Any]) -> int:
    return len(entry["key"]) + len(entry["reason"])


def _storable(text: str) -> str:
    """What a database takes as text: neither NUL nor a lone surrogate; both are shown as escapes."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
