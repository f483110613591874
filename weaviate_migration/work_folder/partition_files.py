"""A file for each partition of a collection, `<folder>/<collection>.<partition>.<ending>`: of rows, or of one value."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from weaviate_migration.base.atomic_file import replace_file

Value = TypeVar("Value")


@dataclass(frozen=True)
class PartitionPaths:
    """Where the files are.

    Attributes:
        folder: with the files of all collections.
        collection: the collection's versioned name.
        ending: of the files' names.
    """

    folder: Path
    collection: str
    ending: str

    def path(self, partition: str) -> Path:
        """The file of a partition, whether it is there or not."""
        return self.folder / f"{self.collection}.{partition}.{self.ending}"

    def partitions(self) -> list[str]:
        """The partitions whose files are there, in their order."""
        names = (path.name for path in self.folder.glob(f"{self.collection}.*.{self.ending}"))
        return sorted(name.removeprefix(f"{self.collection}.").removesuffix(f".{self.ending}") for name in names)

    def remove(self, partition: str) -> None:
        """Removes the file of a partition, if it is there."""
        self.path(partition).unlink(missing_ok=True)

    def remove_all(self) -> None:
        """Removes all files of the collection, also what an earlier version may have left half written."""
        for path in self.folder.glob(f"{self.collection}.*"):
            path.unlink(missing_ok=True)


class PartitionFiles(Generic[Value]):
    """A value for each partition, as JSON.

    The files are not synced to disk: for 40 tables they are 2,416, and each of them can be made again. What a power cut
    leaves of one is as if it were not there: its partition is loaded, compared or checked again.

    Args:
        folder: with the files of all collections; made with the first file.
        collection: the collection's versioned name.
        encode: what JSON can hold of a value.
        decode: the value again.
    """

    def __init__(
        self, folder: Path, collection: str, encode: Callable[[Value], Any], decode: Callable[[Any], Value]
    ) -> None:
        self._paths = PartitionPaths(folder, collection, "json")
        self._encode = encode
        self._decode = decode

    def read(self, partition: str) -> Value | None:
        """The value of a partition; None where there is none, or no more."""
        try:
            stored = json.loads(self._paths.path(partition).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return self._decode(stored)

    def all(self) -> dict[str, Value]:
        """The values of all partitions that have one, in the order of the partitions."""
        found = ((partition, self.read(partition)) for partition in self._paths.partitions())
        return {partition: value for partition, value in found if value is not None}

    def write(self, partition: str, value: Value) -> None:
        """Puts a value on disk, in place of an older one, all of it or not at all."""
        text = json.dumps(self._encode(value), ensure_ascii=False)
        # What UTF-8 cannot encode, a lone surrogate, gets a backslash and so becomes an escape of JSON.
        replace_file(self._paths.path(partition), text.encode("utf-8", "backslashreplace"), durable=False)

    def written_at(self) -> list[datetime]:
        """When each of them was written, in UTC."""
        paths = (self._paths.path(partition) for partition in self._paths.partitions())
        return [datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in paths]

    def remove(self, partition: str) -> None:
        """Removes the value of a partition, if there is one."""
        self._paths.remove(partition)

    def remove_all(self) -> None:
        """Removes the values of all partitions."""
        self._paths.remove_all()
