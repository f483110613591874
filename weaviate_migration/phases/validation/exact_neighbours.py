"""The exact nearest neighbours of some vectors among many: measured one by one, as no index does."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from weaviate_migration.mapping.vector_mapping import Distance

_Numbers = NDArray[np.float64]
# A function of many vectors and one or more queries: the distance of each vector, by query.
_Measure = Callable[[_Numbers, _Numbers], _Numbers]

# Weaviate measures in float32: so much of a distance, or of what it is computed from, may be rounded away.
_ROUNDED = 1e-5


class ExactNeighbours:
    """Measures vectors, a group at a time, and keeps how far the nearest are from each query.

    Args:
        queries: a row for each.
        distance: as Weaviate measures.
        count: how many of the nearest are looked at.
        found: for each query the addresses that a search has found.
    """

    def __init__(self, queries: _Numbers, distance: Distance, count: int, found: Sequence[Sequence[str]]) -> None:
        self._prepare = _normalized if distance == "cosine" else _as_they_are
        self._measure = _MEASURES[distance]
        self._queries = self._prepare(queries)
        self._is_product = distance in ("dot", "l2-squared")
        self._nearest = np.full((len(queries), count), np.inf)
        self._found_by: dict[str, list[int]] = {}
        for query, addresses in enumerate(found):
            for each in addresses:
                self._found_by.setdefault(each, []).append(query)
        self._found: list[list[float]] = [[] for _ in queries]
        self._found_counts = list(map(len, found))

    def add(self, addresses: Sequence[str], vectors: _Numbers) -> None:
        """Measures a group of vectors, a row for each address."""
        distances = self._measure(self._prepare(vectors), self._queries)
        both = np.concatenate([self._nearest, distances], axis=1)
        self._nearest = np.partition(both, self._nearest.shape[1] - 1, axis=1)[:, : self._nearest.shape[1]]
        for position, each in enumerate(addresses):
            for query in self._found_by.get(each, ()):
                self._found[query].append(float(distances[query, position]))

    def counts(self) -> tuple[int, int]:
        """How many of the nearest were found, and how many there are, over all queries.

        Of vectors that are as near, any will do: a search may give each of them. What it found and was not measured,
        since nobody knows its vector, has taken the place of one of them.
        """
        found = nearest = 0
        for query, (all_nearest, distances) in enumerate(zip(self._nearest, self._found, strict=True)):
            places = max(0, len(all_nearest) - (self._found_counts[query] - len(distances)))
            own = np.sort(all_nearest[np.isfinite(all_nearest)])[:places]
            nearest += len(own)
            if len(own):
                farthest = float(own.max())
                rounded = _ROUNDED * abs(farthest)
                if self._is_product:
                    rounded += _ROUNDED * float(self._queries[query] @ self._queries[query])
                else:
                    rounded += _ROUNDED
                found += min(len(own), sum(each <= farthest + rounded for each in distances))
        return found, nearest


def _as_they_are(vectors: _Numbers) -> _Numbers:
    return vectors


def _normalized(vectors: _Numbers) -> _Numbers:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: _Numbers = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found


def _cosine(vectors: _Numbers, queries: _Numbers) -> _Numbers:
    found: _Numbers = 1 - queries @ vectors.T
    return found


def _dot(vectors: _Numbers, queries: _Numbers) -> _Numbers:
    found: _Numbers = -(queries @ vectors.T)
    return found


def _l2_squared(vectors: _Numbers, queries: _Numbers) -> _Numbers:
    squares = (queries**2).sum(axis=1)[:, None] + (vectors**2).sum(axis=1)[None, :]
    found: _Numbers = squares - 2 * queries @ vectors.T
    return found


def _hamming(vectors: _Numbers, queries: _Numbers) -> _Numbers:
    return np.stack([(vectors != query).sum(axis=1) for query in queries]).astype(np.float64)


def _manhattan(vectors: _Numbers, queries: _Numbers) -> _Numbers:
    return np.stack([np.abs(vectors - query).sum(axis=1) for query in queries])


_MEASURES: dict[str, _Measure] = {
    "cosine": _cosine,
    "dot": _dot,
    "l2-squared": _l2_squared,
    "hamming": _hamming,
    "manhattan": _manhattan,
}
