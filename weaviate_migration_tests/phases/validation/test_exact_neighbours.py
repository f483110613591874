"""Exact neighbours, against distances that are written out here by their definitions."""

import math
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.vector_mapping import Distance
from weaviate_migration.phases.validation.exact_neighbours import ExactNeighbours

COUNT = 3
# Numbers of few different sizes: there are vectors that are as near as others, equal ones, and zeros.
VECTORS = st.lists(st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=2), min_size=1, max_size=12)
Vector = Sequence[float]


def cosine(one: Vector, other: Vector) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return 1 - sum(map(float.__mul__, one, other)) / lengths if lengths else 1.0


DISTANCES: dict[str, Callable[[Vector, Vector], float]] = {
    "cosine": cosine,
    "dot": lambda one, other: -sum(map(float.__mul__, one, other)),
    "l2-squared": lambda one, other: math.dist(one, other) ** 2,
    "hamming": lambda one, other: float(sum(map(float.__ne__, one, other))),
    "manhattan": lambda one, other: sum(abs(a - b) for a, b in zip(one, other, strict=True)),
}


def nearest_of(distance: str, query: Vector, vectors: list[Vector]) -> list[str]:
    """The addresses of the nearest, which are the vectors' positions; of those as near, the first."""
    order = sorted(range(len(vectors)), key=lambda at: round(DISTANCES[distance](query, vectors[at]), 9))
    return list(map(str, order[:COUNT]))


def measured(
    distance: Distance, queries: list[Vector], vectors: list[Vector], found: list[list[str]], group: int = 5
) -> tuple[int, int]:
    exact = ExactNeighbours(np.array(queries, dtype=np.float64), distance, COUNT, found)
    for start in range(0, len(vectors), group):
        part = vectors[start : start + group]
        exact.add([str(start + at) for at in range(len(part))], np.array(part, dtype=np.float64))
    return exact.counts()


@given(st.sampled_from(get_args(Distance)), VECTORS, VECTORS, st.integers(1, 5))
def test_the_nearest_are_found_in_any_groups(
    distance: Distance, queries: list[Vector], vectors: list[Vector], group: int
) -> None:
    wanted = [nearest_of(distance, query, vectors) for query in queries]
    expected = len(queries) * min(COUNT, len(vectors))
    assert measured(distance, queries, vectors, wanted, group) == (expected, expected)
    assert measured(distance, queries, vectors, [[] for _ in queries], group) == (0, expected)


@given(st.sampled_from(get_args(Distance)), VECTORS, VECTORS, st.data())
def test_what_is_farther_than_the_nearest_does_not_count(
    distance: Distance, queries: list[Vector], vectors: list[Vector], data: st.DataObject
) -> None:
    far = []
    for query in queries:
        measure = DISTANCES[distance]
        farthest = max(measure(query, vectors[int(each)]) for each in nearest_of(distance, query, vectors))
        beyond = [str(at) for at, each in enumerate(vectors) if measure(query, each) > farthest + 1e-3]
        far.append(data.draw(st.lists(st.sampled_from(beyond), unique=True)) if beyond else [])
    assert measured(distance, queries, vectors, far)[0] == 0


@pytest.mark.parametrize("distance", get_args(Distance))
def test_of_vectors_that_are_equal_any_will_do(distance: Distance) -> None:
    vectors: list[Vector] = [*[[1.0, 2.0]] * 9, [-5.0, -7.0]]
    assert measured(distance, [[1.0, 2.0]], vectors, [["2", "7", "8"]]) == (3, 3)
    found = measured(distance, [[1.0, 2.0]], vectors, [["2", "7", "9"]])
    assert found == (2, 3)
    assert [type(each) for each in found] == [int, int], "Dagster stores no numbers of numpy's"


def test_what_the_rows_do_not_have_does_not_count() -> None:
    assert measured("cosine", [[1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [["0", "gone", "1"]]) == (2, 2)


def test_what_nobody_knows_the_vector_of_takes_a_place() -> None:
    """It may be as near as any: a search that gives it, and then the nearest of the others, has found all."""
    vectors: list[Vector] = [[1.0, each / 10] for each in range(6)]
    assert measured("l2-squared", [[1.0, 0.0]], vectors, [["0", "unknown", "1"]]) == (2, 2)
    assert measured("l2-squared", [[1.0, 0.0]], vectors, [["0", "unknown", "2"]]) == (1, 2)
    assert measured("l2-squared", [[1.0, 0.0]], vectors, [["unknown", "unseen", "unheard"]]) == (0, 0)
