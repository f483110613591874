"""Queries as readers make them: by word, by value, and how many there are."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

from weaviate import WeaviateClient
from weaviate.classes.query import BM25Operator, Filter, MetadataQuery
from weaviate.collections import Collection
from weaviate.exceptions import WeaviateUnsupportedFeatureError

from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.object_ids import address, split_address
from weaviate_migration.mapping.search_words import search_words
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.tenants import Tenants, of_tenant, parts_of_objects

# A filter on a text trims (measured on 1.39.0), so that it may find others beside the one that is looked for.
_NEIGHBOURS = 100
# How far from itself a vector may seem: 0 to 0.0000002, measured on 1.39.0 with the cosine distance. With `dot`, whose
# distance is the negative product, as a share of that product.
_NO_DISTANCE = 0.0001


@target_errors("searching by word")
def finds_by_word(collection: Collection[Any, Any], prop: str, word: str, of_object: str) -> bool:
    """Whether a BM25 search for the word in this property, filtered by the object's id, finds the object."""
    objects, uuid = _place(collection, of_object)
    found = objects.query.bm25(
        query=word, query_properties=[prop], filters=Filter.by_id().equal(uuid), limit=1, return_properties=[]
    )
    return [str(each.uuid) for each in found.objects] == [uuid]


@target_errors("searching by word")
def found_among(
    collection: Collection[Any, Any], prop: str, words: Sequence[str], addresses: Iterable[str]
) -> set[str]:
    """Those of these objects that BM25 searches for the words find in this property, one after the other.

    Word by word: with trigrams Weaviate takes a query as one string, and would want those across its blanks, too.
    """
    return {
        address(part.tenant, uuid)
        for part in parts_of_objects(collection, addresses)
        for uuid in _found(part.objects, prop, words, part.uuids)
    }


def _found(objects: Collection[Any, Any], prop: str, words: Sequence[str], uuids: list[str]) -> list[str]:
    for word in words:
        if not uuids:
            break
        found = objects.query.bm25(
            query=word,
            query_properties=[prop],
            operator=BM25Operator.and_(),
            filters=Filter.by_id().contains_any(uuids),
            limit=len(uuids),
            return_properties=[],
        )
        uuids = [str(each.uuid) for each in found.objects]
    return uuids


@target_errors("reading the words of an object")
def has_words(
    client: WeaviateClient, collection: Collection[Any, Any], prop: str, words: Sequence[str], of_object: str
) -> bool:
    """Whether an object's text has all that the server itself makes of these words; servers before 1.37 do not say."""
    objects, uuid = _place(collection, of_object)
    found = objects.query.fetch_object_by_id(uuid, return_properties=[prop])
    text = found.properties.get(prop) if found is not None else None
    if not isinstance(text, str):
        return False
    tokens = client.tokenization.for_property
    try:
        indexed = set(tokens(collection.name, prop, text).indexed)
        parts = [tokens(collection.name, prop, word).query for word in words]
    except WeaviateUnsupportedFeatureError:
        return False
    # Of a stop word nothing is left to be found.
    return all(each and indexed.issuperset(each) for each in parts)


@target_errors("filtering by a value")
def finds_by_value(collection: Collection[Any, Any], prop: str, value: Any, of_object: str) -> bool:
    """Whether a filter by this property's value finds at least the object."""
    objects, uuid = _place(collection, of_object)
    found = objects.query.fetch_objects(
        filters=Filter.by_property(prop).equal(value), limit=_NEIGHBOURS, return_properties=[]
    )
    return uuid in [str(each.uuid) for each in found.objects]


@target_errors("searching by vector")
def finds_by_vector(
    collection: Collection[Any, Any], mapping: VectorMapping, vector: Sequence[float], of_object: str
) -> bool:
    """Whether a search for what is near this vector, filtered by the object's id, finds the object at no distance.

    An object without a vector of this name is not found, filter or not.
    """
    objects, uuid = _place(collection, of_object)
    found = objects.query.near_vector(
        list(vector),
        target_vector=mapping.name,
        filters=Filter.by_id().equal(uuid),
        limit=1,
        return_metadata=MetadataQuery(distance=True),
        return_properties=[],
    )
    product = math.fsum(number * number for number in vector)
    expected, tolerance = (-product, product * _NO_DISTANCE) if mapping.distance == "dot" else (0.0, _NO_DISTANCE)
    near = [each for each in found.objects if abs((each.metadata.distance or 0.0) - expected) < tolerance]
    return [str(each.uuid) for each in near] == [uuid]


@target_errors("reading an object")
def any_vector(collection: Collection[Any, Any], name: str) -> list[float] | None:
    """A vector of this name that some object has; None where none of the first has one."""
    found = collection.query.fetch_objects(limit=_NEIGHBOURS, include_vector=[name], return_properties=[]).objects
    return next((cast(list[float], each.vector[name]) for each in found if each.vector.get(name)), None)


@target_errors("searching by vector")
def finds_near(collection: Collection[Any, Any], name: str, vector: Sequence[float]) -> bool:
    """Whether a search for what is near this vector finds anything."""
    found = collection.query.near_vector(list(vector), target_vector=name, limit=1, return_properties=[])
    return bool(found.objects)


@target_errors("searching by vector")
def nearest_objects(
    collection: Collection[Any, Any], name: str, vector: Sequence[float], beside: str, limit: int
) -> list[str]:
    """The addresses of so many objects whose vectors of this name are nearest, the nearest first.

    Args:
        beside: the address of an object: where the collection has tenants, its tenant is searched.
    """
    objects, _ = _place(collection, beside)
    found = objects.query.near_vector(list(vector), target_vector=name, limit=limit, return_properties=[])
    return [address(split_address(beside)[0], str(each.uuid)) for each in found.objects]


def _place(collection: Collection[Any, Any], of_object: str) -> tuple[Collection[Any, Any], str]:
    """Where to look for an object, from its address, and its UUID."""
    tenant, uuid = split_address(of_object)
    return of_tenant(collection, tenant), uuid


@target_errors("reading an object")
def any_word(collection: Collection[Any, Any], mapping: CollectionMapping) -> tuple[str, str] | None:
    """A searchable property, and a word by which some object is found in it; None where none has any."""
    searchable = [prop for prop in mapping.properties if prop.index == "words"]
    if not searchable:
        return None
    # One by one, and as a rule the first has a word: a hundred large ones would be more than a message.
    some = collection.query.fetch_objects(limit=_NEIGHBOURS, return_properties=[]).objects
    names = [prop.name for prop in searchable]
    found = (collection.query.fetch_object_by_id(each.uuid, return_properties=names) for each in some)
    texts = ((prop, each.properties.get(prop.name)) for each in found if each is not None for prop in searchable)
    words = (
        (prop.name, word) for prop, text in texts if isinstance(text, str) for word in search_words(text, prop, mapping)
    )
    return next(words, None)


@target_errors("searching by word")
def finds_word(collection: Collection[Any, Any], prop: str, word: str) -> bool:
    """Whether a BM25 search for the word in this property finds anything."""
    found = collection.query.bm25(query=word, query_properties=[prop], limit=1, return_properties=[])
    return bool(found.objects)


@target_errors("counting objects")
def count_objects(collection: Collection[Any, Any], tenants: Tenants = None) -> int:
    """How many objects the collection has, by its own aggregate.

    Args:
        tenants: the collection's, each of which is counted by itself (0.7 ms for each).
    """
    return _count(collection) if tenants is None else sum(counts_by_tenant(collection, tenants).values())


@target_errors("counting objects")
def counts_by_tenant(collection: Collection[Any, Any], tenants: Iterable[str]) -> dict[str, int]:
    """How many objects each of these tenants has."""
    return {tenant: _count(collection.with_tenant(tenant)) for tenant in tenants}


def _count(objects: Collection[Any, Any]) -> int:
    return objects.aggregate.over_all(total_count=True).total_count or 0
