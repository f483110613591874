"""Search: what was migrated is found by its words, by its key, by its vectors, and is counted."""

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.errors import TargetError, TransientTargetError
from weaviate_migration.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.models import folded
from weaviate_migration.target.query import count_objects, finds_by_value, finds_by_vector, finds_by_word
from weaviate_migration.transform.row_to_object import key_text
from weaviate_migration.transform.values import SqlValue
from weaviate_migration.verify.meaning import judge, text_of, vector_meant

# Weaviate finds no stopwords: no English one has so many letters (its preset `en`, server 1.39.0).
LETTERS = 6
# Shorter and longer vectors have a cosine distance of 1 from themselves: squares leave float32 (measured on 1.39.0).
SHORTEST_VECTOR, LONGEST_VECTOR = 1e-15, 1e15
# What was looked for, and how that failed; None where it was found.
_Outcome = tuple[str, str | None]

_WORDS = re.compile(r"[^\W_]+").findall


@dataclass(frozen=True)
class SearchComparison:
    """What searching showed.

    Attributes:
        searches: that were made, each with what it looked for: `content: cauliflower`.
        failures: what was not found, a sentence each.
        untried: searchable properties and vectors for which no sampled row has anything to search for.
    """

    searches: tuple[str, ...]
    failures: tuple[str, ...]
    untried: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was found."""
        return not self.failures

    def to_text(self) -> str:
        """One sentence for people."""
        untried = f" No sampled row has what to search for in {', '.join(self.untried)}." if self.untried else ""
        if self.failures:
            return f"{len(self.failures)} of {len(self.searches)} searches failed: {'; '.join(self.failures)}.{untried}"
        return f"{len(self.searches)} searches found what they should.{untried}"


def compare_search(
    mapping: CollectionMapping,
    layout: RowLayout,
    rows: Sequence[ExtractRow],
    collection: Collection[Any, Any],
    total: int | None,
) -> SearchComparison:
    """Searches for what sampled rows say.

    Args:
        rows: that are objects, in any order.
        total: how many objects the collection has; None where not all of it was walked.
    """
    outcomes: list[_Outcome] = []
    untried: list[str] = []
    position_of = {folded(name): position for position, name in enumerate(layout.columns)}
    for prop in mapping.properties:
        position = position_of.get(folded(prop.column))
        if prop.index == "words" and position is not None:
            drawn = next(_words_of(prop, position, rows), None)
            if drawn is None:
                untried.append(prop.name)
            else:
                outcomes.append(_by_word(collection, prop, *drawn))
    for name, column in mapping.column_vectors.items():
        position = position_of.get(folded(column))
        if position is not None:
            row_and_vector = next(_vectors_of(position, rows), None)
            if row_and_vector is None:
                untried.append(f"vector {name}")
            else:
                outcomes.append(_by_vector(collection, name, *row_and_vector))
    outcomes += _by_key(mapping, layout, rows, collection)
    if total is not None:
        outcomes.append(_counted(collection, total))
    failures = tuple(failure for _, failure in outcomes if failure)
    return SearchComparison(tuple(search for search, _ in outcomes), failures, tuple(untried))


def _words_of(prop: PropertyMapping, position: int, rows: Sequence[ExtractRow]) -> Iterator[tuple[ExtractRow, str]]:
    for row in rows:
        words = [word for word in _WORDS(text_of(prop, row.values[position]) or "") if len(word) >= LETTERS]
        if words and row.uuid:
            yield row, max(words, key=len)


def _by_word(collection: Collection[Any, Any], prop: PropertyMapping, row: ExtractRow, word: str) -> _Outcome:
    failure = f"the word “{word}” in {prop.name} does not find {key_text(row.key)}"
    return _tried(f"{prop.name}: {word}", failure, lambda: finds_by_word(collection, prop.name, word, row.uuid or ""))


def _tried(name: str, failure: str, search: Callable[[], bool]) -> _Outcome:
    """A search, and the failure if it found nothing, or if Weaviate refuses it: of what is not indexed, it does."""
    try:
        return name, None if search() else failure
    except TransientTargetError:
        raise
    except TargetError as error:
        return name, f"{failure} ({error.message})"


def _vectors_of(position: int, rows: Sequence[ExtractRow]) -> Iterator[tuple[ExtractRow, list[float]]]:
    for row in rows:
        vector = vector_meant(row.values[position])
        if vector is not None and row.uuid and SHORTEST_VECTOR < math.hypot(*vector) < LONGEST_VECTOR:
            yield row, vector


def _by_vector(collection: Collection[Any, Any], name: str, row: ExtractRow, vector: list[float]) -> _Outcome:
    failure = f"the vector {name} of {key_text(row.key)} does not find it"
    search = functools.partial(finds_by_vector, collection, name, vector, row.uuid or "")
    return _tried(f"vector {name}: {key_text(row.key)}", failure, search)


def _by_key(
    mapping: CollectionMapping, layout: RowLayout, rows: Sequence[ExtractRow], collection: Collection[Any, Any]
) -> Iterator[_Outcome]:
    """A filter by the property that holds the key, where there is one; of one column, exactly held and filterable."""
    key = [folded(name) for name in layout.key]
    for prop in mapping.properties:
        if [folded(prop.column)] != key or prop.json_key is not None or prop.index not in ("whole", None):
            continue
        for row in rows[:1]:
            value: SqlValue = row.key[0]
            if judge(prop)(value, value):  # The property can hold the key itself.
                search = functools.partial(finds_by_value, collection, prop.name, value, row.uuid or "")
                name = f"{prop.name} = {key_text(row.key)}"
                yield _tried(name, f"a filter {name} does not find it", search)


def _counted(collection: Collection[Any, Any], total: int) -> _Outcome:
    counted = count_objects(collection)
    return "aggregate", None if counted == total else f"an aggregate counts {counted} objects, there should be {total}"
