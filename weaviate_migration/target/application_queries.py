"""Queries as the application makes them: by words, by vector, by both, and with filters."""

import functools
import operator
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weaviate.classes.query import BM25Operator, Filter
from weaviate.collections import Collection
from weaviate.collections.classes.filters import _Filters

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.queries import Query
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.tenants import of_tenant


@dataclass(frozen=True)
class FoundObjects:
    """The UUIDs of the first objects that were found, the best first, and how long that took."""

    uuids: tuple[str, ...]
    seconds: float


@target_errors("asking a query of the application")
def first_found(
    collection: Collection[Any, Any],
    mapping: CollectionMapping,
    query: Query,
    vector: Sequence[float] | None = None,
    near_object: str | None = None,
) -> FoundObjects:
    """The first k objects that a query finds.

    Args:
        vector: of the query's text, or its own; None: where it needs none, or the server makes it.
        near_object: for a query by key the UUID of that row's object.

    Raises:
        TargetError: Weaviate refuses it.
    """
    objects = of_tenant(collection, query.tenant_in(mapping)).query
    conditions = _filters(mapping, query)
    shared: dict[str, Any] = {"limit": query.k, "filters": conditions, "return_properties": []}
    words: dict[str, Any] = {"query_properties": list(query.properties) or None}
    enough = BM25Operator.and_() if query.operator == "and" else BM25Operator.or_(minimum_match=1)
    target = query.vector_in(mapping).name if query.is_by_vector else None
    began = time.monotonic()
    match query.kind:
        case "bm25":
            found = objects.bm25(query.bm25, operator=enough, **words, **shared)
        case "hybrid":
            found = objects.hybrid(
                query.hybrid,
                alpha=query.alpha,
                vector=None if vector is None else list(vector),
                target_vector=target,
                bm25_operator=enough,
                **words,
                **shared,
            )
        case "near_key":
            assert near_object is not None, "a query by key names a row"
            found = objects.near_object(near_object, target_vector=target, **shared)
        case "filters":
            found = objects.fetch_objects(**shared)
        case _ if vector is not None:
            found = objects.near_vector(list(vector), target_vector=target, **shared)
        case _:
            assert query.near_text is not None, "nothing else is left"
            found = objects.near_text(query.near_text, target_vector=target, **shared)
    return FoundObjects(tuple(str(each.uuid) for each in found.objects), time.monotonic() - began)


def _filters(mapping: CollectionMapping, query: Query) -> _Filters | None:
    """All of its conditions; None where it has none."""
    types = {each.name: each.type for each in (*mapping.properties, *mapping.parent_properties)}
    conditions = [
        getattr(Filter.by_property(name), method)(_as_held(value, types[name]))
        for name, condition in query.filters.items()
        for method, value in condition.operators.items()
    ]
    return functools.reduce(operator.and_, conditions) if conditions else None


def _as_held(value: Any, of_type: str) -> Any:
    """The value as Weaviate compares it: a whole number is another type to it than the same as a number."""
    if isinstance(value, tuple):
        return [_as_held(each, of_type) for each in value]
    return float(value) if of_type.startswith("number") and isinstance(value, int) else value
