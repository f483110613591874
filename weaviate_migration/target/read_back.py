"""Reads objects back: in the order of their addresses through the cursor, or by their addresses.

The address of an object in a collection without tenants is its UUID.
"""

import logging
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

from weaviate.classes.query import Filter, QueryReference
from weaviate.collections import Collection
from weaviate.exceptions import WeaviateBaseError, WeaviateQueryError

from weaviate_migration.base.bundles import bundled
from weaviate_migration.base.errors import TargetError, UnusableAnswerError
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import UuidRange, address
from weaviate_migration.mapping.row_to_object import Vectors
from weaviate_migration.target.calls import carrying
from weaviate_migration.target.failures import is_too_large, target_error, target_errors
from weaviate_migration.target.replicas import brought_back
from weaviate_migration.target.tenants import Tenants, parts_of_objects, parts_of_range

try:
    from weaviate_migration.target import search_reply
except ImportError:  # The client's stubs are not where they were.
    search_reply = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

# Pages of the cursor: at 5,000 objects a page the server is the limit (20,000/s; with 100 it is 8,400/s).
PAGE = 5_000
# What a page of whole objects may hold, by the size of the rows: it exists some three times while it is unpacked.
PAGE_BYTES = 8 * 1024 * 1024
# Objects that are asked for by a list of UUIDs at once, at most.
OBJECTS_PER_REQUEST = 200
# Of those that are only asked for: the server refuses more than 10,000 at once (QUERY_MAXIMUM_RESULTS).
UUIDS_PER_REQUEST = 1_000
# Pages of so few objects are of large ones: read by their UUIDs, none comes that the range does not have.
_FEW = 16

# How much more memory a row's page takes with its vectors in it: Python makes an object of 24 bytes of each float32.
FACTOR_FOR_VECTORS = 4
# No row tells how long a vector is that is made: as long as the longest that models commonly make, 24 bytes a number.
_BYTES_OF_MADE_VECTOR = 24 * 3_072
_Page = list[Any]
_Item = TypeVar("_Item")
# A function of the collection or one of its tenants, the UUID to begin after, and how many objects are wanted.
_Fetch = Callable[[Collection[Any, Any], str | None, int], _Page]


class StoredObject(NamedTuple):
    """An object as Weaviate returns it: its address, properties by name (None: absent), vectors by name.

    Attributes:
        references: by name the UUIDs of the objects that each leads to; of objects that are not there, none.
    """

    uuid: str
    properties: dict[str, Any]
    vectors: Vectors
    references: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def uuids_in_range(
    collection: Collection[Any, Any], uuid_range: UuidRange, page: int = PAGE, *, tenants: Tenants = None
) -> Iterator[str]:
    """The addresses of all objects of the range, ascending.

    Args:
        page: objects that are looked at at once: the server reads the whole of each, whatever it is asked for.
        tenants: the collection's.
    """

    @target_errors("reading UUIDs")
    def fetch(objects: Collection[Any, Any], after: str | None, limit: int) -> _Page:
        return objects.query.fetch_objects(limit=limit, after=after, return_properties=[]).objects

    return (of_object for of_object, _ in _walk(collection, tenants, fetch, uuid_range, page))


class _Wanted(NamedTuple):
    """What is wanted of objects beside their other properties."""

    vectors: Sequence[str]
    blobs: Sequence[str]
    references: Sequence[str]


def objects_in_range(
    collection: Collection[Any, Any],
    uuid_range: UuidRange,
    page: int = PAGE,
    *,
    vectors: Sequence[str] = (),
    blobs: Sequence[str] = (),
    properties: Sequence[str] | None = None,
    references: Sequence[str] = (),
    tenants: Tenants = None,
) -> Iterator[StoredObject]:
    """All objects of the range with their properties, ascending by address, a page of them in memory.

    Args:
        blobs: the names of those that are wanted beside the other properties: the server returns no blob otherwise.
        properties: the names of those that are wanted; None for all but blobs.
        page: objects in a page at most; a page that is larger than a message of the server's is asked for by halves.
        references: the names of those that are wanted too.
        tenants: the collection's.
        vectors: the names of those that are wanted too.
    """

    wanted = _Wanted(vectors, blobs, references)

    if page <= _FEW and properties is None:
        found_uuids = uuids_in_range(collection, uuid_range, page, tenants=tenants)
        return _objects_by_few(collection, found_uuids, page, vectors, blobs, references)

    @target_errors("reading objects")
    @carrying(PAGE_BYTES)
    def fetch(objects: Collection[Any, Any], after: str | None, limit: int) -> _Page:
        try:
            return _page_of_objects(objects, after, limit, wanted, properties)
        except WeaviateQueryError as error:
            if not is_too_large(error):
                raise
            if limit == 1:
                (one,) = objects.query.fetch_objects(limit=1, after=after, return_properties=[]).objects
                raise _too_large(error, objects, str(one.uuid)) from error
        first = fetch(objects, after, limit // 2)
        if len(first) < limit // 2:
            return first
        return [*first, *fetch(objects, str(first[-1].uuid), limit - limit // 2)]

    found = _walk(collection, tenants, fetch, uuid_range, page)
    return (StoredObject(of_object, each.properties, _vectors(each), _references(each)) for of_object, each in found)


def _page_of_objects(
    objects: Collection[Any, Any],
    after: str | None,
    limit: int,
    wanted: _Wanted,
    properties: Sequence[str] | None = None,
) -> _Page:
    """The first objects that come after a UUID."""
    found: _Page = objects.query.fetch_objects(
        limit=limit,
        after=after,
        include_vector=list(wanted.vectors),
        return_properties=None if properties is None else list(properties),
        return_references=_wanted_references(wanted.references),
    ).objects
    if wanted.blobs:
        named = objects.query.fetch_objects(limit=limit, after=after, return_properties=list(wanted.blobs)).objects
        held = {each.uuid: each.properties for each in named}
        for each in found:
            each.properties.update(held.get(each.uuid, {}))
    return found


def _objects_by_few(
    collection: Collection[Any, Any],
    uuids: Iterator[str],
    page: int,
    vectors: Sequence[str],
    blobs: Sequence[str],
    references: Sequence[str],
) -> Iterator[StoredObject]:
    """The objects of these addresses, as far as they are still there, in this order."""
    while group := list(islice(uuids, page)):
        found = objects_by_uuid(collection, group, vectors=vectors, blobs=blobs, references=references)
        for uuid in group:
            if uuid in found:
                yield found.pop(uuid)


def mapped_objects_in_range(
    collection: Collection[Any, Any],
    mapping: CollectionMapping,
    uuid_range: UuidRange,
    page: int = PAGE,
    *,
    tenants: Tenants = None,
) -> Iterator[StoredObject]:
    """All objects of the range, ascending by address, each with all that the mapping makes of a row."""
    return objects_in_range(
        collection,
        uuid_range,
        page,
        vectors=mapping.expected_vectors,
        blobs=mapping.blobs,
        references=list(mapping.references),
        tenants=tenants,
    )


def _walk(
    collection: Collection[Any, Any], tenants: Tenants, fetch: _Fetch, uuid_range: UuidRange, page: int
) -> Iterator[tuple[str, Any]]:
    """The objects of the range with their addresses: one tenant after the other, where the collection has tenants."""
    for part in parts_of_range(collection, uuid_range, tenants):
        for uuid, each in _walk_part(partial(fetch, part.objects), part.within, page):
            yield address(part.tenant, uuid), each


def _walk_part(
    fetch: Callable[[str | None, int], _Page], uuid_range: UuidRange, page: int
) -> Iterator[tuple[str, Any]]:
    """The objects of the range with their UUIDs.

    The cursor walks objects in the order of their UUIDs and starts after any UUID, stored or not (measured on 1.39.0).
    It skips the very UUID that it starts after: a range without lower bound starts without one.

    Raises:
        UnusableAnswerError: the server gives no order, in which the walk would have no end.
    """
    after = uuid_before(uuid_range.low) if uuid_range.low is not None else None
    while True:
        began_after = after
        found = fetch(began_after, page)
        for each in found:
            after = str(each.uuid)
            if uuid_range.high is not None and after >= uuid_range.high:
                return
            yield after, each
        if len(found) < page:
            return
        if began_after is not None and after is not None and after <= began_after:
            raise UnusableAnswerError(f"reading objects: the server gives {after} as the last one after {began_after}")


def page_for(objects: int, size: int = 0) -> int:
    """The size of equal pages that hold so many objects and the one after them: nothing is fetched in vain.

    Args:
        size: bytes of all these objects, where they are fetched whole.
    """
    pages = max(-(-(objects + 1) // PAGE), -(-size // PAGE_BYTES))
    return -(-(objects + 1) // pages)


def page_of(mapping: CollectionMapping, objects: int, size: int) -> int:
    """As `page_for`, of objects whose rows have so many bytes, each with all that the mapping makes of a row."""
    made = len(mapping.expected_vectors) - len(mapping.column_vectors)
    whole = size * (FACTOR_FOR_VECTORS if mapping.column_vectors else 1) + objects * made * _BYTES_OF_MADE_VECTOR
    return page_for(objects, whole)


def any_object_in_range(collection: Collection[Any, Any], uuid_range: UuidRange, *, tenants: Tenants = None) -> bool:
    """Whether the range holds an object at all."""
    return next(uuids_in_range(collection, uuid_range, page=1, tenants=tenants), None) is not None


def asked_together(items: Iterable[_Item], size_of: Callable[[_Item], int]) -> Iterator[list[_Item]]:
    """Items whose objects are asked for at once: by number and by size, so that they fit into memory and a message.

    Args:
        size_of: about how many bytes an item's object takes.
    """
    return bundled(items, size_of, OBJECTS_PER_REQUEST, PAGE_BYTES)


def _by_halves(
    collection: Collection[Any, Any], uuids: Sequence[str], ask: Callable[[Sequence[str]], Iterable[_Item]]
) -> Iterator[_Item]:
    """What a call about these UUIDs gives; by halves where its answer is larger than a message.

    Raises:
        TargetTooLargeError: the answer about a single object is.
    """
    try:
        found = list(ask(uuids))
    except WeaviateQueryError as error:
        if not is_too_large(error):
            raise
        if len(uuids) == 1:
            raise _too_large(error, collection, uuids[0]) from error
    else:
        yield from found
        return
    middle = len(uuids) // 2
    yield from _by_halves(collection, uuids[:middle], ask)
    yield from _by_halves(collection, uuids[middle:], ask)


def _too_large(error: WeaviateBaseError, collection: Collection[Any, Any], uuid: str) -> TargetError:
    return target_error(error, f"reading object {uuid} of {collection.name}")


@target_errors("reading objects")
@carrying(PAGE_BYTES)
def objects_by_uuid(
    collection: Collection[Any, Any],
    uuids: Sequence[str],
    *,
    vectors: Sequence[str] = (),
    blobs: Sequence[str] = (),
    references: Sequence[str] = (),
) -> dict[str, StoredObject]:
    """These objects by address, with these of their vectors, blobs and references; those that are not there are not."""
    wanted = _Wanted(vectors, blobs, references)
    found = _found_by_uuid(collection, uuids, wanted)
    if back := brought_back(collection, [each for each in uuids if each not in found]):
        found |= _found_by_uuid(collection, back, wanted)
        found |= _found_by_cursor(collection, [each for each in back if each not in found], wanted)
    return found


def _found_by_cursor(
    collection: Collection[Any, Any], uuids: Sequence[str], wanted: _Wanted
) -> dict[str, StoredObject]:
    """These objects, in the order of UUIDs and not by the index: a node that is killed while it writes loses entries.

    An object that other replicas have in whole never gets them back there: nothing of it differs (1.39.0).
    """
    found: dict[str, StoredObject] = {}
    for tenant, objects, of_tenant in parts_of_objects(collection, uuids):
        for uuid in of_tenant:
            of_object = address(tenant, uuid)
            logger.warning("%s: the index of a node that was killed lacks %s", collection.name, of_object)
            for each in _page_of_objects(objects, uuid_before(uuid), 1, wanted):
                if str(each.uuid) == uuid:
                    found[of_object] = StoredObject(of_object, each.properties, _vectors(each), _references(each))
    return found


def _found_by_uuid(collection: Collection[Any, Any], uuids: Sequence[str], wanted: _Wanted) -> dict[str, StoredObject]:
    """As `objects_by_uuid`, of what the node that is asked has itself."""
    vectors, blobs, references = wanted
    has_answer = search_reply is not None and search_reply.has_connection(collection)
    find = search_reply.found_objects if has_answer else _found_by_client
    found: dict[str, StoredObject] = {}
    for tenant, objects, of_tenant in parts_of_objects(collection, uuids):
        ask = partial(_by_halves, objects, of_tenant)
        for uuid, properties, own_vectors in ask(partial(find, objects, vectors=vectors)):
            of_object = address(tenant, uuid)
            found[of_object] = StoredObject(of_object, properties, own_vectors)
        for uuid, named in ask(partial(_named_properties, objects, names=blobs)) if blobs else ():
            if (stored := found.get(address(tenant, uuid))) is not None:
                stored.properties.update(named)
        for uuid, leading in ask(partial(_named_references, objects, names=references)) if references else ():
            if (stored := found.get(address(tenant, uuid))) is not None:
                found[stored.uuid] = stored._replace(references=leading)
    return found


def mapped_objects_by_uuid(
    collection: Collection[Any, Any], mapping: CollectionMapping, uuids: Sequence[str]
) -> dict[str, StoredObject]:
    """These objects by address, as far as they are there, each with all that the mapping makes of a row."""
    return objects_by_uuid(
        collection,
        uuids,
        vectors=mapping.expected_vectors,
        blobs=mapping.blobs,
        references=list(mapping.references),
    )


def _named_references(
    collection: Collection[Any, Any], uuids: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
    """UUID and these references of each of these objects that is there."""
    found = collection.query.fetch_objects(
        filters=Filter.by_id().contains_any(list(uuids)),
        limit=len(uuids),
        return_properties=[],
        return_references=_wanted_references(names),
    )
    for each in found.objects:
        yield str(each.uuid), _references(each)


def _wanted_references(names: Sequence[str]) -> list[QueryReference] | None:
    return [QueryReference(link_on=name, return_properties=[]) for name in names] or None


def _references(found: Any) -> Mapping[str, tuple[str, ...]]:
    """An object's references: the client gives the objects that they lead to."""
    return {name: tuple(str(to.uuid) for to in each.objects) for name, each in (found.references or {}).items()}


def _named_properties(
    collection: Collection[Any, Any], uuids: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """UUID and these properties of each of these objects that is there."""
    wanted = Filter.by_id().contains_any(list(uuids))
    found = collection.query.fetch_objects(filters=wanted, limit=len(uuids), return_properties=list(names))
    for each in found.objects:
        yield str(each.uuid), dict(each.properties)


def _found_by_client(
    collection: Collection[Any, Any], uuids: Sequence[str], vectors: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any], Vectors]]:
    """What `search_reply.found_objects` gives, from the client's own objects."""
    wanted = Filter.by_id().contains_any(list(uuids))
    found = collection.query.fetch_objects(filters=wanted, limit=len(uuids), include_vector=list(vectors))
    for each in found.objects:
        yield str(each.uuid), dict(each.properties), _vectors(each)


@target_errors("reading vectors")
@carrying(PAGE_BYTES)
def vector_bytes_after(
    collection: Collection[Any, Any], after: str | None, limit: int, names: Sequence[str]
) -> list[tuple[str, Mapping[str, bytes]]] | None:
    """UUID and these vectors of the first objects of a collection, or of one of its tenants, that come after a UUID.

    As the bytes of float32s, little-endian: without an object of Python for each number.

    Returns:
        As many as there are, up to the limit, in the order of their UUIDs; None where that is more than a message.
    """
    has_answer = search_reply is not None and search_reply.has_connection(collection)
    find = search_reply.found_vectors if has_answer else _vectors_by_client
    try:
        return find(collection, after, limit, names)
    except WeaviateQueryError as error:
        if not is_too_large(error):
            raise
        return None


def _vectors_by_client(
    collection: Collection[Any, Any], after: str | None, limit: int, names: Sequence[str]
) -> list[tuple[str, Mapping[str, bytes]]]:
    """What `search_reply.found_vectors` gives, from the client's own objects."""
    found = collection.query.fetch_objects(
        limit=limit, after=after, return_properties=[], include_vector=list(names)
    ).objects
    return [
        (str(each.uuid), {name: struct.pack(f"<{len(own)}f", *own) for name, own in _vectors(each).items()})
        for each in found
    ]


@target_errors("reading vectors")
def vectors_by_uuid(collection: Collection[Any, Any], uuids: Sequence[str], names: Sequence[str]) -> dict[str, Vectors]:
    """The vectors of these names of these objects, by address; objects that are not there are left out."""

    def ask(objects: Collection[Any, Any], some: Sequence[str]) -> _Page:
        return objects.query.fetch_objects(
            filters=Filter.by_id().contains_any(some),
            limit=len(some),
            return_properties=[],
            include_vector=list(names),
        ).objects

    return {
        address(tenant, str(each.uuid)): _vectors(each)
        for tenant, objects, of_tenant in parts_of_objects(collection, uuids)
        for each in _by_halves(objects, of_tenant, partial(ask, objects))
    }


def _vectors(found: Any) -> Vectors:
    """An object's vectors; the client's type has multi-vectors too, which no mapping makes."""
    return cast(Vectors, found.vector)


@target_errors("reading UUIDs")
def uuids_present(collection: Collection[Any, Any], uuids: Sequence[str]) -> set[str]:
    """Those of these addresses that the collection has an object of."""
    found = _uuids_found(collection, uuids)
    return found.union(brought_back(collection, [each for each in uuids if each not in found]))


def _uuids_found(collection: Collection[Any, Any], uuids: Sequence[str]) -> set[str]:
    """As `uuids_present`, of what the node that is asked has itself."""
    return {
        address(tenant, str(each.uuid))
        for tenant, objects, of_tenant in parts_of_objects(collection, uuids)
        for some in bundled(of_tenant, len, UUIDS_PER_REQUEST, PAGE_BYTES)
        for each in objects.query.fetch_objects(
            filters=Filter.by_id().contains_any(some), limit=len(some), return_properties=[]
        ).objects
    }


def uuid_before(uuid: str) -> str | None:
    """The UUID just before this one, for a cursor that is to start at it; None before the first."""
    number = UUID(uuid).int
    return str(UUID(int=number - 1)) if number else None


def uuid_after(uuid: str) -> str | None:
    """The UUID just after this one, for a range that is to end with it; None after the last."""
    number = UUID(uuid).int + 1
    return str(UUID(int=number)) if number < 1 << 128 else None
