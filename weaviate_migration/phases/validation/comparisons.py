"""What the last full comparison of each partition found: one file for each, in the work folder.

The check `every_object` writes them; `verify` reads them for its report, `migrate` and `verify` for the certificate.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.phases.validation.differences import Difference
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord


class Comparisons:
    """The comparisons of one collection.

    Args:
        folder: `comparisons` in the work folder.
        collection: the collection's versioned name.
    """

    def __init__(self, folder: Path, collection: str) -> None:
        self._folder = folder
        self._collection = collection

    @classmethod
    def of(cls, work_folder: WorkFolder, record: MigrationRecord, mapping: CollectionMapping) -> "Comparisons":
        """What the last full comparisons of a collection found."""
        return cls(work_folder.folder / "comparisons", record.collection(mapping))

    def save(self, compared: PartitionComparison) -> None:
        """Puts one on disk, in place of an older one, all of it or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._collection}.{compared.partition}.json"
        temporary = path.with_suffix(".tmp")
        # What UTF-8 cannot encode, a lone surrogate, gets a backslash and so becomes an escape of JSON.
        text = json.dumps(asdict(compared), ensure_ascii=False)
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)

    def all(self) -> Iterator[PartitionComparison]:
        """All that are there, in the order of the partitions."""
        for path in sorted(self._folder.glob(f"{self._collection}.*.json")):
            found = json.loads(path.read_text(encoding="utf-8"))
            yield PartitionComparison(**found | {"differences": [Difference(**each) for each in found["differences"]]})

    def moments(self) -> Iterator[datetime]:
        """When each of them was done, in UTC."""
        for path in self._folder.glob(f"{self._collection}.*.json"):
            yield datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def discard(self) -> None:
        """Removes all."""
        for path in self._folder.glob(f"{self._collection}.*.json"):
            path.unlink()
