"""Recall: how many of a vector's nearest neighbours a search finds, measured against all vectors of the rows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from weaviate.collections import Collection

from weaviate_migration.base.bundles import bundled
from weaviate_migration.base.errors import TargetError, TransientTargetError
from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.history.extract.storage_classes import BATCH_SIZE, ExtractRow, size_of
from weaviate_migration.phases.validation.exact_neighbours import ExactNeighbours
from weaviate_migration.phases.validation.meaning_of_vectors import numbers_of
from weaviate_migration.phases.validation.search import SEARCHED_TENANTS, is_searchable
from weaviate_migration.target.query import nearest_objects

# Of each vector so many queries, and of each so many neighbours: recall@10.
QUERIES = 100
NEIGHBOURS = 10
# Wanted where the mapping does not say it: of the indexes that were measured on 1.39.0 (20,000 vectors of 384 numbers)
# none finds less than 0.96.
WANTED_RECALL = 0.9
# An index that lacks vectors finds less; one that is not ready yet found 0.286.
BROKEN_RECALL = 0.5
_GROUP = 1_000

VectorsOf = Callable[[VectorMapping, Sequence[ExtractRow]], Sequence[bytes | None]]
"""The vectors of rows, as the bytes of little-endian float32s; None for a row that has none, or whose nobody knows."""


class _Query(NamedTuple):
    """A vector that is searched for, and what was found."""

    address: str
    float32s: bytes
    found: list[str]


@dataclass(frozen=True)
class VectorRecall:
    """What searches for the neighbours of one vector found.

    Attributes:
        name: the vector's.
        queries: that were made.
        nearest: the nearest neighbours of all of them, by exact distances: ten for each, if there are so many.
        found: of these, those that were found.
        wanted: the share of them that is to be found.
        is_named: whether the mapping says so.
        refusals: what Weaviate said where it refused to search.
    """

    name: str
    queries: int
    nearest: int
    found: int
    wanted: float
    is_named: bool
    refusals: tuple[str, ...] = ()

    @property
    def recall(self) -> float:
        """The share of the nearest that was found; 1 where there is nothing to find."""
        return self.found / self.nearest if self.nearest else 1.0

    @property
    def passed(self) -> bool:
        """Whether as many were found as are wanted."""
        return not self.refusals and self.recall >= self.wanted

    @property
    def is_final(self) -> bool:
        """Whether other searches would not say more: enough was found, or Weaviate has refused to search."""
        return self.passed or bool(self.refusals)

    @property
    def is_broken(self) -> bool:
        """Whether it is no matter of taste: the mapping wants more, or the index cannot have all vectors."""
        return not self.passed and (self.is_named or bool(self.refusals) or self.recall < BROKEN_RECALL)

    def to_text(self) -> str:
        """What was found, in short."""
        if self.refusals:
            return f"{self.name}: {self.refusals[0]}"
        if not self.queries:
            return f"{self.name}: no sampled row has one"
        wanted = "" if self.passed else f", wanted are {self.wanted:g}"
        return f"{self.name}: recall@{NEIGHBOURS} {self.recall:.3f} of {self.queries} queries{wanted}"


@dataclass(frozen=True)
class RecallComparison:
    """What was found of all vectors of a collection.

    Attributes:
        waiting: vectors that still waited for their index; then nothing was searched for.
    """

    vectors: tuple[VectorRecall, ...]
    waiting: int = 0

    @property
    def passed(self) -> bool:
        """Whether as many neighbours were found of each as are wanted."""
        return not self.waiting and all(each.passed for each in self.vectors)

    @property
    def is_broken(self) -> bool:
        """Whether readers must not be switched to such an index."""
        return any(each.is_broken for each in self.vectors)

    def to_text(self) -> str:
        """One sentence for people."""
        if self.waiting:
            return (
                f"Not measured: Weaviate still indexes {self.waiting:,} vectors, and finds few until then. "
                "Execute the check again."
            )
        told = "; ".join(each.to_text() for each in self.vectors)
        if self.passed:
            return f"{told}."
        return (
            f"{told}. An index with more `ef` or `ef_construction`, or another quantizer, finds more; `recall` in the "
            "mapping says how much is wanted."
        )


def measure_recall(
    vector: VectorMapping,
    collection: Collection[Any, Any],
    drawn: Iterable[ExtractRow],
    rows: Iterable[ExtractRow],
    vectors_of: VectorsOf,
) -> VectorRecall:
    """Searches for what is near the vectors of some rows, and measures the vectors of all rows.

    Where the collection has tenants, each search is in that of its row: of the first `SEARCHED_TENANTS`.

    Args:
        drawn: rows whose vectors are searched for, `QUERIES` of them at most.
        rows: all that are objects.
        vectors_of: gives the vectors of rows; it is asked for some at once.

    Raises:
        TransientTargetError: the server did not take part any more.
    """
    queries, refusals = list[_Query](), list[str]()
    for address, float32s in _queries(vector, drawn, vectors_of):
        try:
            near = nearest_objects(collection, vector.name, numbers_of(float32s), address, NEIGHBOURS)
            queries.append(_Query(address, float32s, near))
        except TransientTargetError:
            raise
        except TargetError as error:
            refusals.append(error.message)
    found, nearest = _measured(vector, queries, rows, vectors_of)
    wanted = WANTED_RECALL if vector.recall is None else vector.recall
    return VectorRecall(
        vector.name, len(queries), nearest, found, wanted, vector.recall is not None, tuple(dict.fromkeys(refusals))
    )


def _queries(vector: VectorMapping, drawn: Iterable[ExtractRow], vectors_of: VectorsOf) -> list[tuple[str, bytes]]:
    """Addresses and vectors of rows that can be searched for, of so many tenants at most."""
    rows = list(drawn)
    tenants: set[str | None] = set()
    found = list[tuple[str, bytes]]()
    for row, float32s in zip(rows, vectors_of(vector, rows), strict=True):
        if row.uuid is None or float32s is None or not is_searchable(numbers_of(float32s)):
            continue
        tenant = split_address(row.uuid)[0]
        if tenant in tenants or len(tenants) < SEARCHED_TENANTS:
            tenants.add(tenant)
            found.append((row.uuid, float32s))
    return found


def _measured(
    vector: VectorMapping, queries: Sequence[_Query], rows: Iterable[ExtractRow], vectors_of: VectorsOf
) -> tuple[int, int]:
    """How many of the nearest were found, and how many there are, over all tenants and lengths of vectors."""
    by_place: defaultdict[tuple[str | None, int], list[_Query]] = defaultdict(list)
    for each in queries:
        by_place[_place(each.address, each.float32s)].append(each)
    measured = {
        place: ExactNeighbours(
            _matrix([each.float32s for each in some]), vector.distance, NEIGHBOURS, [each.found for each in some]
        )
        for place, some in by_place.items()
    }
    for group in bundled(rows if measured else (), size_of, _GROUP, BATCH_SIZE):
        parts: defaultdict[tuple[str | None, int], list[tuple[str, bytes]]] = defaultdict(list)
        for row, float32s in zip(group, vectors_of(vector, group), strict=True):
            if row.uuid is not None and float32s is not None:
                parts[_place(row.uuid, float32s)].append((row.uuid, float32s))
        for place in parts.keys() & measured.keys():
            addresses, vectors = zip(*parts[place], strict=True)
            measured[place].add(addresses, _matrix(vectors))
    counts = [each.counts() for each in measured.values()]
    return sum(found for found, _ in counts), sum(nearest for _, nearest in counts)


def _place(address: str, float32s: bytes) -> tuple[str | None, int]:
    """Where a search finds a vector: its tenant, and its length."""
    return split_address(address)[0], len(float32s)


def _matrix(vectors: Sequence[bytes]) -> Any:
    return np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), -1).astype(np.float64)
