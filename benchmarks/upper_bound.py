"""The upper bound: the very objects that `migrate` writes, prepared in memory, sent by threads of `insert_many`."""

import gc
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from weaviate.classes.data import DataObject
from weaviate.collections import Collection

from benchmarks.measurement import MeasuredCommandError, Measurement, Server, cpu_seconds
from weaviate_migration.mapping import CollectionMapping, read_mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.row_to_object import key_text, row_converter
from weaviate_migration.target.schema import Origin, ensure_collection

THREADS = 4
COLLECTION = "UpperBound"

_Objects = list[DataObject[Any, Any]]


class UpperBound:
    """Sends the rows of a table, and does nothing else meanwhile.

    Args:
        mapping: of its collection.
        vectors: those that a model makes of its rows, in the order of the keys; None where it makes none.
    """

    def __init__(
        self,
        server: Server,
        source: Path,
        mapping: CollectionMapping,
        batch_size: int,
        vectors: NDArray[np.float32] | None = None,
    ) -> None:
        self._server = server
        self._mapping = mapping
        self._batches = _batches(_objects(source, self._mapping, vectors), batch_size)
        # So many objects would be walked by each full collection of garbage while they are sent.
        gc.freeze()

    def measure(self) -> Measurement:
        """The seconds of sending; the collection is made before, and gone afterwards."""
        ensure_collection(self._server.client, COLLECTION, self._mapping, Origin(COLLECTION, "", ""))
        collection = self._server.client.collections.use(COLLECTION)
        with ThreadPoolExecutor(THREADS) as pool:
            began, cpu_before = time.monotonic(), cpu_seconds(self._server)
            errors = sum(pool.map(lambda batch: _send(collection, batch), self._batches))
            seconds, cpu = time.monotonic() - began, cpu_seconds(self._server) - cpu_before
        self._server.clear()
        if errors:
            raise MeasuredCommandError(f"The upper bound had {errors} objects refused.")
        return Measurement(seconds, cpu)


def _send(collection: Collection[Any, Any], batch: _Objects) -> int:
    return len(collection.data.insert_many(batch).errors)


def _batches(objects: _Objects, size: int) -> list[_Objects]:
    return [objects[start : start + size] for start in range(0, len(objects), size)]


def messages_mapping() -> CollectionMapping:
    """Of the preset."""
    return next(each for each in read_mapping(None).collections if each.table == "messages")


def _objects(source: Path, mapping: CollectionMapping, vectors: NDArray[np.float32] | None) -> _Objects:
    """In the order of their UUIDs, as the migration sends them."""
    with closing(sqlite3.connect(source)) as connection:
        cursor = connection.execute(f"SELECT * FROM {mapping.table} ORDER BY id")
        columns = [each[0] for each in cursor.description]
        convert = row_converter(mapping, columns, "2026-01-01T00:00:00Z")
        made = repeat({}) if vectors is None else ({mapping.vectors[0].name: each.tolist()} for each in vectors)
        position = columns.index("id")
        return [_object(convert, mapping.table, row, position, more) for row, more in zip(cursor, made, strict=False)]


def _object(
    convert: Any, table: str, row: Sequence[Any], position: int, made: dict[str, list[float]]
) -> DataObject[Any, Any]:
    key = (row[position],)
    draft = convert(object_uuid(table, key), key_text(key), row)
    return DataObject(draft.properties, draft.uuid, {**draft.vectors, **made})
