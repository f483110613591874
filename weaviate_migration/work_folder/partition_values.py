"""A value for each partition of a collection, in the store of the state."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from weaviate_migration.work_folder.state_store import Document, StateStore

Value = TypeVar("Value")

LOADED, EMBEDDED, COMPARISONS = KINDS = ("loaded", "embedded", "comparisons")


class PartitionValues(Generic[Value]):
    """What is kept of each partition: one value, as JSON.

    A power cut may take what was written last: each of them can be made again, and for 40 tables they are 2,416.

    Args:
        kind: of the values.
        collection: the collection's versioned name.
        encode: what JSON can hold of a value.
        decode: the value again.
    """

    def __init__(
        self,
        store: StateStore,
        kind: str,
        collection: str,
        encode: Callable[[Value], Any],
        decode: Callable[[Any], Value],
    ) -> None:
        self._store = store
        self._kind = kind
        self._collection = collection
        self._encode = encode
        self._decode = decode

    def all(self) -> dict[str, Value]:
        """The values of all partitions that have one, in the order of the partitions."""
        found = self._store.all(self._kind, self._collection)
        return {partition: self._decode(json.loads(content)) for (_, partition), content in found.items()}

    def write(self, partition: str, value: Value) -> None:
        """Keeps a value, in place of an older one."""
        self.write_all({partition: value})

    def write_all(self, values: Mapping[str, Value]) -> None:
        """Keeps the values of several partitions: all of them or none."""
        written = [
            Document(self._kind, self._collection, partition, _json(self._encode(value)))
            for partition, value in values.items()
        ]
        self._store.write_all(written, durable=False)

    def written_at(self) -> list[datetime]:
        """When each of them was written, in UTC."""
        return list(self._store.parts(self._kind, self._collection).values())

    def remove(self, partitions: Iterable[str]) -> None:
        """Removes the values of these partitions, if there are any."""
        self._store.remove_parts(self._kind, self._collection, partitions, durable=False)

    def remove_all(self) -> None:
        """Removes the values of all partitions."""
        self._store.remove(self._kind, self._collection, durable=False)


class ValuesInFiles:
    """What an earlier version has kept: a file `<collection>.<partition>.json` for each value.

    Args:
        folder: of the files; it may not be there.

    Attributes:
        paths: of all files.
    """

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.glob("*.*.json"))

    def all(self) -> Iterator[tuple[str, str, Any]]:
        """Each collection and partition, with what JSON holds of its value.

        What a power cut has left of a file is as if it were not there: the partition is loaded, compared or checked
        again.
        """
        for path in self.paths:
            collection, partition = path.stem.rsplit(".", 1)
            with suppress(ValueError):
                yield collection, partition, json.loads(path.read_text(encoding="utf-8"))


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes over the values of each kind that an earlier version has kept in files, and returns these."""
    taken = []
    for kind in KINDS:
        files = ValuesInFiles(folder / kind)
        store.write_all(
            [Document(kind, collection, partition, _json(value)) for collection, partition, value in files.all()]
        )
        taken += files.paths
    return taken


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
