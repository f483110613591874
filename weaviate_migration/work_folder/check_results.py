"""What the checks of a collection said last: it is read without Dagster.

Dagster's storage stays what decides: a cutover and the report of the checks read the evaluations there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from weaviate_migration.work_folder.partition_values import PartitionValues, ValuesInFiles
from weaviate_migration.work_folder.state_store import StateStore

# Stands for a partition where something is said of the whole collection.
WHOLE = "whole"
_KIND = "check_results"


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What a check said.

    Attributes:
        outcome: `passed`, `warned` (it failed, and is a warning only) or `failed`.
    """

    check: str
    outcome: str


class CheckResults:
    """The verdicts on one collection: of each partition, and of the whole.

    Args:
        collection: the collection's versioned name.
    """

    def __init__(self, store: StateStore, collection: str) -> None:
        # One value for each verdict, so that none has to be read before another is written.
        self._values = PartitionValues(store, _KIND, collection, asdict, lambda stored: CheckVerdict(**stored))

    def note(self, verdicts: Sequence[CheckVerdict], partition: str | None) -> None:
        """Keeps these, in place of what their checks said before."""
        self._values.write_all({f"{partition or WHOLE} {each.check}": each for each in verdicts})

    def all(self) -> Iterator[CheckVerdict]:
        """All that are there, those of the partitions first."""
        yield from self._values.all().values()


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes over what an earlier version has kept in files, with all verdicts on a partition in each; returns these."""
    files = ValuesInFiles(folder / _KIND)
    for collection, partition, stored in files.all():
        CheckResults(store, collection).note([CheckVerdict(**each) for each in stored], partition)
    return files.paths
