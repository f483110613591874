"""What the checks of a collection said last: small files, which are read without Dagster.

Dagster's storage stays what decides: a cutover and the report of the checks read the evaluations there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weaviate_migration.work_folder.partition_files import PartitionFiles

# Stands for a partition where something is said of the whole collection.
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What a check said.

    Attributes:
        outcome: `passed`, `warned` (it failed, and is a warning only) or `failed`.
    """

    check: str
    outcome: str


class CheckResults:
    """The verdicts on one collection: a file for each partition, and one for the whole.

    Args:
        folder: `check_results` in the work folder.
        collection: the collection's versioned name.
    """

    def __init__(self, folder: Path, collection: str) -> None:
        self._files = PartitionFiles(folder, collection, _encoded, _decoded)

    def note(self, verdicts: Sequence[CheckVerdict], partition: str | None) -> None:
        """Puts these on disk at once, in place of what their checks said before."""
        said = {each.check for each in verdicts}
        others = [each for each in self._files.read(partition or WHOLE) or [] if each.check not in said]
        self._files.write(partition or WHOLE, [*others, *verdicts])

    def all(self) -> Iterator[CheckVerdict]:
        """All that are there, those of the partitions first."""
        for verdicts in self._files.all().values():
            yield from verdicts


def _encoded(verdicts: list[CheckVerdict]) -> list[dict[str, str]]:
    return [asdict(each) for each in verdicts]


def _decoded(stored: list[dict[str, Any]]) -> list[CheckVerdict]:
    return [CheckVerdict(**each) for each in stored]
