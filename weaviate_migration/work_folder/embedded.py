"""What it took to make the vectors of each partition: kept for status, metrics and result."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from weaviate_migration.work_folder.partition_files import PartitionFiles

_SUMMED = ("texts", "left_out", "hits", "misses", "calls", "tokens", "seconds", "money")


@dataclass(frozen=True, slots=True)
class VectorTally:
    """What became of the texts of one vector.

    Attributes:
        model: its name, for people.
        dimension: numbers in a vector; None where no vector was made yet that would tell.
        texts: that have a vector now.
        left_out: that have none, since the model was away.
        hits: of the texts, those that cost nothing: their vectors were in the cache, or they came twice.
        misses: of the texts, those that the model was asked for.
        calls: requests to the model.
        tokens: that it has counted; 0 where nobody counts them.
        seconds: that the calls took.
        money: what the tokens cost, in the currency of the price in the mapping; 0 where none is named.
    """

    model: str
    dimension: int | None = None
    texts: int = 0
    left_out: int = 0
    hits: int = 0
    misses: int = 0
    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0

    def __add__(self, other: "VectorTally") -> "VectorTally":
        """Both together: of several partitions, or of several vectors."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        return replace(self, dimension=self.dimension or other.dimension, **sums)

    def figures(self) -> dict[str, Any]:
        """As plain values, rounded for people."""
        return asdict(self) | {"seconds": round(self.seconds, 3), "money": round(self.money, 6)}


def by_vector(partitions: Iterable[Mapping[str, VectorTally]]) -> dict[str, VectorTally]:
    """The sums of several partitions, by vector."""
    found: dict[str, VectorTally] = {}
    for each in partitions:
        for name, tally in each.items():
            found[name] = found[name] + tally if name in found else tally
    return found


class EmbeddedPartitions:
    """The partitions of one collection whose vectors were made: a small file for each, with a tally of each vector.

    Args:
        folder: `embedded` in the work folder.
        collection: the collection's versioned name.
    """

    def __init__(self, folder: Path, collection: str) -> None:
        self._files = PartitionFiles(folder, collection, _encoded, _decoded)

    def note(self, partition: str, tallies: Mapping[str, VectorTally]) -> None:
        """Puts what was done for a partition in the place of what was done for it before."""
        self._files.write(partition, tallies)

    def totals(self) -> dict[str, VectorTally]:
        """What was done for all partitions, by vector."""
        return by_vector(self._files.all().values())


def _encoded(tallies: Mapping[str, VectorTally]) -> dict[str, Any]:
    return {name: asdict(tally) for name, tally in tallies.items()}


def _decoded(stored: Mapping[str, Any]) -> Mapping[str, VectorTally]:
    return {name: VectorTally(**fields) for name, fields in stored.items()}
