"""Rows that are not in Weaviate, each with key, reason and payload: one JSON Lines file for a collection's partition.

The files are `quarantine/<collection>.<partition>.jsonl` in the work folder. A file is written anew whenever its
partition is loaded, and is gone when nothing of it is refused any more.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that is not in Weaviate.

    Attributes:
        key: the row's key as people see it.
        uuid: the UUID its object would have; None where its key has a NULL.
        reason: why it was refused.
        payload: the properties that were refused, or the row's columns where it did not become an object.
    """

    key: str
    uuid: str | None
    reason: str
    payload: dict[str, Any]


class Quarantine:
    """The quarantined rows of one collection.

    Args:
        folder: `quarantine` in the work folder.
        collection: the collection's versioned name.
    """

    def __init__(self, folder: Path, collection: str) -> None:
        self._folder = folder
        self._collection = collection
        self._files: dict[str, TextIO] = {}

    def __enter__(self) -> "Quarantine":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def clear(self, partition: str) -> None:
        """Forgets what was refused of a partition: it is about to be loaded again."""
        if partition in self._files:
            self._files.pop(partition).close()
        self._path(partition).unlink(missing_ok=True)

    def add(self, partition: str, row: QuarantinedRow) -> None:
        """Writes down one row."""
        if partition not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            # What UTF-8 cannot encode, a lone surrogate, gets a backslash and so becomes an escape of JSON.
            self._files[partition] = self._path(partition).open("w", encoding="utf-8", errors="backslashreplace")
        self._files[partition].write(json.dumps(asdict(row), ensure_ascii=False) + "\n")

    def rows(self) -> Iterator[tuple[str, QuarantinedRow]]:
        """Every quarantined row with its partition, in the order of the partitions."""
        for path in sorted(self._folder.glob(f"{self._collection}.*.jsonl")):
            with path.open(encoding="utf-8", newline="\n") as file:
                # A line without its end was being written when the process was killed: the partition is not loaded.
                for line in (each for each in file if each.endswith("\n")):
                    yield path.suffixes[-2].removeprefix("."), QuarantinedRow(**json.loads(line))

    def discard(self) -> None:
        """Removes all files of the collection."""
        for path in self._folder.glob(f"{self._collection}.*.jsonl"):
            path.unlink()

    def _path(self, partition: str) -> Path:
        return self._folder / f"{self._collection}.{partition}.jsonl"
