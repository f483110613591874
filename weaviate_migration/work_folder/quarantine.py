"""Rows that are not in Weaviate, each with key, reason and payload: one JSON Lines file for a collection's partition.

The files are `quarantine/<collection>.<partition>.jsonl` in the work folder. A file is written again whenever its
partition is loaded or its rows are tried again, and is gone when nothing of it is refused any more.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from weaviate_migration.base.atomic_file import replacing
from weaviate_migration.base.errors import ErrorCategory
from weaviate_migration.base.permissions import make_folder, owner_only
from weaviate_migration.base.storage import storage_errors
from weaviate_migration.work_folder.partition_files import PartitionPaths


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


class Quarantine:
    """The quarantined rows of one collection.

    Args:
        folder: `quarantine` in the work folder.
        collection: the collection's versioned name.
    """

    def __init__(self, folder: Path, collection: str) -> None:
        self._paths = PartitionPaths(folder, collection, "jsonl")
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> "Quarantine":
        return self

    def __exit__(self, *_: object) -> None:
        for partition in list(self._files):
            self._close(partition)

    def clear(self, partition: str) -> None:
        """Forgets what was refused of a partition: it is about to be loaded again."""
        if partition in self._files:
            self._close(partition)
        self._paths.remove(partition)

    def finish(self, partition: str) -> None:
        """Puts on disk what was added of a partition; raises as `add` does."""
        if partition in self._files:
            file = self._files[partition]
            with storage_errors(self._paths.path(partition)):
                file.flush()
                os.fsync(file.fileno())
            self._close(partition)

    def add(self, partition: str, row: QuarantinedRow) -> None:
        """Writes down one row.

        Raises:
            StorageError: the disk is full, or may not be written to.
        """
        path = self._paths.path(partition)
        line = json.dumps(asdict(row), ensure_ascii=False) + "\n"
        with storage_errors(path, len(line)):
            if partition not in self._files:
                make_folder(path.parent)
                self._files[partition] = open(path, "wb", opener=owner_only)  # noqa: SIM115
            # What UTF-8 cannot encode, a lone surrogate, gets a backslash: it becomes an escape of JSON.
            self._files[partition].write(line.encode("utf-8", "backslashreplace"))

    @contextmanager
    def replacing(self, partition: str, keep: Callable[[QuarantinedRow], bool] = lambda _: False) -> Iterator[None]:
        """What is added inside takes the place of the partition's rows at the end, in one step; not after an error.

        Args:
            keep: whether a row of before stays.
        """
        path = self._paths.path(partition)
        try:
            with replacing(path) as file:
                self._files[partition] = file
                for row in self.rows_of(partition):
                    if keep(row):
                        self.add(partition, row)
                yield
            if not path.stat().st_size:
                path.unlink()
        finally:
            self._files.pop(partition, None)

    def partitions(self) -> list[str]:
        """The partitions with quarantined rows, in their order."""
        return self._paths.partitions()

    def rows_of(self, partition: str) -> Iterator[QuarantinedRow]:
        """The quarantined rows of one partition; none where it is being loaded again meanwhile."""
        with suppress(FileNotFoundError), self._paths.path(partition).open(encoding="utf-8", newline="\n") as file:
            # A line without its end was being written when the process was killed: the partition is not loaded.
            for line in (each for each in file if each.endswith("\n")):
                yield QuarantinedRow(**json.loads(line))

    def rows(self) -> Iterator[tuple[str, QuarantinedRow]]:
        """Every quarantined row with its partition, in the order of the partitions."""
        for partition in self.partitions():
            for row in self.rows_of(partition):
                yield partition, row

    def _close(self, partition: str) -> None:
        with storage_errors(self._paths.path(partition)):
            self._files.pop(partition).close()

    def discard(self) -> None:
        """Removes all files of the collection."""
        self._paths.remove_all()
