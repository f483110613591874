"""Search: what was migrated is found by its words, by its key, by its vectors, and is counted."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from weaviate.collections import Collection

from weaviate_migration.base.errors import TargetError, TransientTargetError
from weaviate_migration.base.texts import counted
from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.mapping.search_words import search_words
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.validation.containment import Containment
from weaviate_migration.phases.validation.meaning import judge, text_of
from weaviate_migration.phases.validation.meaning_of_vectors import vector_meant
from weaviate_migration.phases.validation.settling import Settling
from weaviate_migration.target.query import (
    count_objects,
    counts_by_tenant,
    finds_by_value,
    finds_by_vector,
    finds_by_word,
)
from weaviate_migration.target.tenants import tenants_of

# Shorter and longer vectors have a cosine distance of 1 from themselves: squares leave float32 (measured on 1.39.0).
SHORTEST_VECTOR, LONGEST_VECTOR = 1e-15, 1e15
# Of properties whose values may be keys as they are; a date is another thing than the text or number that tells it.
_KEY_TYPES = ("text", "int", "number", "uuid")
# Where a collection has tenants, all of them are counted, and so many searched.
SEARCHED_TENANTS = 20
# What was looked for, and how that failed; None where it was found.
_Outcome = tuple[str, str | None]


class _Search(NamedTuple):
    """What is looked for, how it fails, and what asks the server."""

    name: str
    failure: str
    find: Callable[[], bool]


# What is to be searched, and the search that a row offers; None where it has nothing for it.
_Wanted = tuple[str, Callable[[ExtractRow], _Search | None]]


@dataclass(frozen=True)
class SearchComparison:
    """What searching showed.

    Attributes:
        searches: that were made, each with what it looked for: `content: cauliflower`.
        failures: what was not found, a sentence each.
        untried: searchable properties and vectors for which no sampled row has anything to search for.
        containments: how much of what SQLite's full-text search finds Weaviate finds, by property.
    """

    searches: tuple[str, ...]
    failures: tuple[str, ...]
    untried: tuple[str, ...]
    containments: tuple[Containment, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything was found, and as much of what SQLite finds as the mapping asks for."""
        return not self.is_at_fault and all(each.is_enough for each in self.containments)

    @property
    def is_at_fault(self) -> bool:
        """Whether something is not found that Weaviate has: otherwise, at most, it parts texts unlike SQLite."""
        return bool(self.failures) or any(each.lost for each in self.containments)

    def to_text(self) -> str:
        """One sentence for people."""
        untried = f" No sampled row has what to search for in {', '.join(self.untried)}." if self.untried else ""
        said = f"{len(self.searches)} searches found what they should."
        if self.failures:
            said = f"{len(self.failures)} of {len(self.searches)} searches failed: {'; '.join(self.failures)}."
        return f"{said}{untried}{''.join(map(_told, self.containments))}"


def _told(containment: Containment) -> str:
    lost = ", ".join(containment.lost)
    fault = f" A search for words that these objects have does not find them: {lost}." if lost else ""
    return f" {containment.to_text()}.{fault}"


def compare_search(
    mapping: CollectionMapping,
    layout: RowLayout,
    rows: Iterable[ExtractRow],
    collection: Collection[Any, Any],
    total: int | None,
    by_tenant: Mapping[str, int] | None = None,
    settling: Settling | None = None,
) -> SearchComparison:
    """Searches for what sampled rows say, each property and vector by the first row that has something for it.

    Where the collection has tenants, the same in each of the first `SEARCHED_TENANTS` that rows come from.

    Args:
        rows: that are objects, in any order; taken only until everything has its row.
        total: how many objects the collection has; None where not all of it was walked.
        by_tenant: how many each tenant has, where the collection has tenants.
        settling: asks again what finds too little; None: one of this call alone.
    """
    settling = settling or Settling()
    wanted = [*_wanted_words(mapping, layout, collection), *_wanted_vectors(mapping, layout, collection)]
    by_key = _wanted_key(mapping, layout, collection)
    searches = _offered(rows, [*wanted, *by_key], 1 if mapping.tenant is None else SEARCHED_TENANTS)
    names = [name for name, _ in (*wanted, *by_key)]
    outcomes = [
        _tried(collection, of_tenant[name], settling) for of_tenant in searches for name in names if name in of_tenant
    ]
    if total is not None and by_tenant is None:
        outcomes.append(_counted(collection, total, settling))
    elif total is not None and by_tenant is not None:
        outcomes.append(_counted_tenants(mapping, collection, by_tenant, settling))
    failures = tuple(failure for _, failure in outcomes if failure)
    untried = tuple(name for name, _ in wanted if not any(name in of_tenant for of_tenant in searches))
    return SearchComparison(tuple(search for search, _ in outcomes), failures, untried)


def _offered(rows: Iterable[ExtractRow], wanted: Sequence[_Wanted], most_tenants: int) -> list[dict[str, _Search]]:
    """For each tenant the searches that its rows offer, by name: the first of each; without tenants, all in one."""
    searches: dict[str | None, dict[str, _Search]] = {}
    for row in rows:
        tenant = split_address(row.uuid)[0] if row.uuid is not None else None
        if tenant not in searches and len(searches) == most_tenants:
            continue
        own = searches.setdefault(tenant, {})
        for name, search_of in wanted:
            if name not in own and (search := search_of(row)):
                own[name] = search if tenant is None else _in_tenant(search, tenant)
        if len(searches) == most_tenants and all(len(each) == len(wanted) for each in searches.values()):
            break
    return list(searches.values())


def _in_tenant(search: _Search, tenant: str) -> _Search:
    """The same, told with its tenant."""
    return search._replace(name=f"{tenant}, {search.name}", failure=f"in tenant {tenant}, {search.failure}")


def _wanted_words(mapping: CollectionMapping, layout: RowLayout, collection: Collection[Any, Any]) -> list[_Wanted]:
    """Searches by word: one for each property that can be searched."""
    position_of = _positions(layout)
    return [
        (prop.name, functools.partial(_by_word, collection, mapping, prop, position_of[folded(prop.column)]))
        for prop in mapping.properties
        if prop.index == "words" and folded(prop.column) in position_of
    ]


def _wanted_vectors(mapping: CollectionMapping, layout: RowLayout, collection: Collection[Any, Any]) -> list[_Wanted]:
    """Searches by vector: one for each that is made from a column."""
    position_of = _positions(layout)
    return [
        (f"vector {each.name}", functools.partial(_by_vector, collection, each, position_of[folded(each.column)]))
        for each in mapping.vectors
        if each.column is not None and folded(each.column) in position_of
    ]


def _wanted_key(mapping: CollectionMapping, layout: RowLayout, collection: Collection[Any, Any]) -> list[_Wanted]:
    """A filter by each property that holds the key: of one column, and filterable by what the key itself is."""
    key = [folded(name) for name in layout.key]
    return [
        (f"key as {prop.name}", functools.partial(_by_key, collection, prop))
        for prop in mapping.properties
        if [folded(prop.column)] == key and prop.json_key is None and prop.is_filterable and prop.type in _KEY_TYPES
    ]


def _positions(layout: RowLayout) -> dict[str, int]:
    return {folded(name): position for position, name in enumerate(layout.columns)}


def _by_word(
    collection: Collection[Any, Any], mapping: CollectionMapping, prop: PropertyMapping, position: int, row: ExtractRow
) -> _Search | None:
    words = search_words(text_of(prop, row.values[position]) or "", prop, mapping)
    if not words or row.uuid is None:
        return None
    word = max(words, key=len)
    failure = f"the word “{word}” in {prop.name} does not find {key_text(row.key)}"
    find = functools.partial(finds_by_word, collection, prop.name, word, row.uuid)
    return _Search(f"{prop.name}: {word}", failure, find)


def _by_vector(
    collection: Collection[Any, Any], mapping: VectorMapping, position: int, row: ExtractRow
) -> _Search | None:
    vector = vector_meant(mapping, row.values[position])
    if vector is None or row.uuid is None or not is_searchable(vector):
        return None
    failure = f"the vector {mapping.name} of {key_text(row.key)} does not find it"
    find = functools.partial(finds_by_vector, collection, mapping, vector, row.uuid)
    return _Search(f"vector {mapping.name}: {key_text(row.key)}", failure, find)


def is_searchable(vector: Sequence[float]) -> bool:
    """Whether a vector has a distance from others, however Weaviate measures."""
    return SHORTEST_VECTOR < math.hypot(*vector) < LONGEST_VECTOR


def _by_key(collection: Collection[Any, Any], prop: PropertyMapping, row: ExtractRow) -> _Search | None:
    value: SqlValue = row.key[0]
    if row.uuid is None or not judge(prop)(value, value):  # The property cannot hold the key itself.
        return None
    name = f"{prop.name} = {key_text(row.key)}"
    find = functools.partial(finds_by_value, collection, prop.name, value, row.uuid)
    return _Search(name, f"a filter {name} does not find it", find)


def _tried(collection: Collection[Any, Any], search: _Search, settling: Settling) -> _Outcome:
    """A search, and the failure if it found nothing, or if Weaviate refuses it: of what is not indexed, it does."""
    try:
        return search.name, None if settling.settled(collection, search.find, bool) else search.failure
    except TransientTargetError:
        raise
    except TargetError as error:
        return search.name, f"{search.failure} ({error.message})"


def _counted(collection: Collection[Any, Any], total: int, settling: Settling) -> _Outcome:
    """An aggregate asks all replicas: while one is going, Weaviate may count nothing at all (measured on 1.39.0)."""
    found = settling.settled(collection, lambda: count_objects(collection), lambda count: count == total)
    return "aggregate", None if found == total else f"an aggregate counts {found} objects, there should be {total}"


def _counted_tenants(
    mapping: CollectionMapping, collection: Collection[Any, Any], expected: Mapping[str, int], settling: Settling
) -> _Outcome:
    """Whether each tenant that is there, or should be, has as many objects as it should."""

    def wrong_of(found: Mapping[str, int]) -> list[str]:
        return [each for each in sorted({*found, *expected}) if found.get(each, 0) != expected.get(each, 0)]

    found = settling.settled(
        collection,
        lambda: counts_by_tenant(collection, tenants_of(collection, mapping) or ()),
        lambda counts: not wrong_of(counts),
    )
    name = f"aggregate of {counted(len(found), 'tenant')}"
    if not (wrong := wrong_of(found)):
        return name, None
    first, more = wrong[0], f" (and so on in {counted(len(wrong) - 1, 'tenant')} more)" if wrong[1:] else ""
    objects, there_should_be = found.get(first, 0), expected.get(first, 0)
    return name, f"an aggregate counts {objects} objects in tenant {first}, there should be {there_should_be}{more}"
