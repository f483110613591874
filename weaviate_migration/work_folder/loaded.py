"""Which partitions of a collection are loaded in whole, and from which snapshot: resuming skips them."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from weaviate_migration.work_folder.load_tally import LoadTally, tally_from
from weaviate_migration.work_folder.partition_values import LOADED, PartitionValues
from weaviate_migration.work_folder.state_store import StateStore

# How often the tally of a partition that is under way is written down.
SECONDS_BETWEEN_WRITES = 2.0


@dataclass(frozen=True, slots=True)
class _Load:
    """The last load of a partition.

    Attributes:
        fingerprint: of what was loaded.
        whole: whether all of it is in Weaviate.
    """

    fingerprint: str
    whole: bool
    tally: LoadTally


class LoadedPartitions:
    """The partitions of one collection: of each its tally, and whether all of it is in Weaviate.

    Args:
        collection: the collection's versioned name.
        fingerprint: of what is loaded; a partition that was loaded from something else is not loaded.
    """

    def __init__(self, store: StateStore, collection: str, fingerprint: str) -> None:
        self._values = PartitionValues(store, LOADED, collection, _encoded, _decoded)
        self._fingerprint = fingerprint
        self._written_at = float("-inf")

    def tallies(self, partitions: Iterable[str]) -> dict[str, LoadTally]:
        """What became of the rows of those of these partitions that are loaded."""
        wanted = set(partitions)
        return {
            partition: load.tally
            for partition, load in self._values.all().items()
            if partition in wanted and load.whole and load.fingerprint == self._fingerprint
        }

    def measured(self) -> dict[str, LoadTally]:
        """What was measured of each partition's last load, whether it is at its end or not, by partition."""
        return {partition: load.tally for partition, load in self._values.all().items()}

    def begin(self, partitions: Iterable[str]) -> None:
        """These partitions are about to be loaded: nothing is measured of them yet."""
        self._values.remove(partitions)

    def note_under_way(self, partition: str, tally: LoadTally) -> None:
        """What is measured so far of a partition; written down every two seconds."""
        if time.monotonic() - self._written_at >= SECONDS_BETWEEN_WRITES:
            self._values.write(partition, _Load(self._fingerprint, False, tally))
            self._written_at = time.monotonic()

    def note(self, partition: str, tally: LoadTally) -> None:
        """All of a partition is in Weaviate. One with refused rows is not loaded: they may not be refused next time."""
        self._values.write(partition, _Load(self._fingerprint, not tally.refused, tally))

    def forget(self, partitions: Iterable[str]) -> None:
        """These partitions are not what they should be, or are gone."""
        gone = set(partitions)
        loads = {partition: load for partition, load in self._values.all().items() if partition in gone}
        self._values.write_all(
            {each: replace(load, fingerprint=self._fingerprint, whole=False) for each, load in loads.items()}
        )


def _encoded(load: _Load) -> dict[str, Any]:
    return {"from": load.fingerprint, "whole": load.whole, "tally": asdict(load.tally)}


def _decoded(stored: Mapping[str, Any]) -> _Load:
    """Of one without a word on it, all is loaded: earlier versions wrote it then only."""
    return _Load(stored["from"], stored.get("whole", True), tally_from(stored["tally"]))
