"""What it took to make the vectors of each partition: kept for status, metrics and result."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.work_folder.partition_values import EMBEDDED, PartitionValues
from weaviate_migration.work_folder.state_store import StateStore


def by_vector(partitions: Iterable[Mapping[str, VectorTally]]) -> dict[str, VectorTally]:
    """The sums of several partitions, by vector."""
    found: dict[str, VectorTally] = {}
    for each in partitions:
        for name, tally in each.items():
            found[name] = found[name] + tally if name in found else tally
    return found


class EmbeddedPartitions:
    """The partitions of one collection whose vectors were made, with a tally of each vector.

    Args:
        collection: the collection's versioned name.
    """

    def __init__(self, store: StateStore, collection: str) -> None:
        self._values = PartitionValues(store, EMBEDDED, collection, _encoded, _decoded)

    def note(self, partition: str, tallies: Mapping[str, VectorTally]) -> None:
        """Puts what was done for a partition in the place of what was done for it before."""
        self._values.write(partition, tallies)

    def totals(self) -> dict[str, VectorTally]:
        """What was done for all partitions, by vector."""
        return by_vector(self._values.all().values())


def _encoded(tallies: Mapping[str, VectorTally]) -> dict[str, Any]:
    return {name: asdict(tally) for name, tally in tallies.items()}


def _decoded(stored: Mapping[str, Any]) -> Mapping[str, VectorTally]:
    return {name: VectorTally(**fields) for name, fields in stored.items()}
