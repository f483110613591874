"""A file for each partition of a collection, `<folder>/<collection>.<partition>.<ending>`."""

from dataclasses import dataclass
from pathlib import Path


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
