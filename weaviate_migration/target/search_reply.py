"""Objects by their UUIDs, and vectors of many objects, taken out of the messages of Weaviate's gRPC interface.

weaviate-client asks the same, and takes longer to read the answer: it parses dates by a format, and asks each value for
one type after the other. The request is made with its public stubs (`weaviate.proto.v1`) and goes over its own
connection: with its TLS, key or token, retries and timeouts.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from weaviate.collections import Collection
from weaviate.proto.v1 import base_pb2, properties_pb2, search_get_pb2

from weaviate_migration.mapping.row_to_object import Vectors
from weaviate_migration.target.batch_request import level_in_message

VectorBytes = Mapping[str, bytes]
"""An object's vectors by name, as little-endian float32s: what Weaviate sends."""


def has_connection(collection: Collection[Any, Any]) -> bool:
    """Whether a collection has the connection that `found_objects` uses: a private part of the client."""
    return hasattr(getattr(collection, "_connection", None), "grpc_search")


def found_objects(
    collection: Collection[Any, Any], uuids: Sequence[str], vectors: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any], Vectors]]:
    """UUID, properties and these vectors of each of these objects that is there.

    A value of a type that no mapping makes is returned as a text about it.

    Raises:
        WeaviateBaseError: the call failed, as the client says it.
    """
    request = search_get_pb2.SearchRequest(
        collection=collection.name,
        tenant=collection.tenant or "",
        consistency_level=level_in_message(collection),
        limit=len(uuids),
        filters=base_pb2.Filters(
            operator=base_pb2.Filters.OPERATOR_CONTAINS_ANY,
            target=base_pb2.FilterTarget(property="_id"),
            value_text_array=base_pb2.TextArray(values=uuids),
        ),
        properties=search_get_pb2.PropertiesRequest(return_all_nonref_properties=True),
        metadata=search_get_pb2.MetadataRequest(uuid=True, vectors=vectors),
        uses_123_api=True,
        uses_125_api=True,
        uses_127_api=True,
    )
    # A private attribute: the client has no public way to an answer as it came.
    for each in collection._connection.grpc_search(request).results:
        yield each.metadata.id, _values(each.properties.non_ref_props), _vectors(each.metadata.vectors)


def found_vectors(
    collection: Collection[Any, Any], after: str | None, limit: int, vectors: Sequence[str]
) -> list[tuple[str, VectorBytes]]:
    """UUID and these vectors of the first objects that come after a UUID, so many at most, in the cursor's order.

    Raises:
        WeaviateBaseError: the call failed, as the client says it.
    """
    request = search_get_pb2.SearchRequest(
        collection=collection.name,
        tenant=collection.tenant or "",
        consistency_level=level_in_message(collection),
        limit=limit,
        after=after or "",
        metadata=search_get_pb2.MetadataRequest(uuid=True, vectors=vectors),
        properties=search_get_pb2.PropertiesRequest(),
        uses_123_api=True,
        uses_125_api=True,
        uses_127_api=True,
    )
    # A private attribute: the client has no public way to an answer as it came.
    found = collection._connection.grpc_search(request).results
    return [(each.metadata.id, {own.name: own.vector_bytes for own in each.metadata.vectors}) for each in found]


def _values(properties: properties_pb2.Properties) -> dict[str, Any]:
    return {name: _value(value) for name, value in properties.fields.items()}


def _value(value: properties_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    return _READERS.get(kind, str)(value)


def _moment(date: str) -> datetime:
    """A date as the client returns it: with a time zone, in microseconds; one in the year 0 as the first of all."""
    try:
        return datetime.fromisoformat(date)
    except ValueError:
        return datetime.min


def _unpacked(code: str, data: bytes) -> list[Any]:
    """Numbers of eight bytes each."""
    return list(struct.unpack(f"<{len(data) // 8}{code}", data))


def _list(value: properties_pb2.Value) -> Any:
    found = value.list_value
    kind = found.WhichOneof("kind")
    return kind and _LIST_READERS.get(kind, str)(found)


_READERS: Mapping[str, Callable[[properties_pb2.Value], Any]] = {
    "text_value": lambda value: value.text_value,
    "int_value": lambda value: value.int_value,
    "number_value": lambda value: value.number_value,
    "bool_value": lambda value: value.bool_value,
    "date_value": lambda value: _moment(value.date_value),
    "uuid_value": lambda value: UUID(value.uuid_value),
    "list_value": _list,
    "object_value": lambda value: _values(value.object_value),
}

_LIST_READERS: Mapping[str, Callable[[properties_pb2.ListValue], list[Any]]] = {
    "text_values": lambda found: list(found.text_values.values),
    "int_values": lambda found: _unpacked("q", found.int_values.values),
    "number_values": lambda found: _unpacked("d", found.number_values.values),
    "bool_values": lambda found: list(found.bool_values.values),
    "date_values": lambda found: list(map(_moment, found.date_values.values)),
}


def _vectors(vectors: Sequence[base_pb2.Vectors]) -> Vectors:
    return {each.name: list(struct.unpack(f"<{len(each.vector_bytes) // 4}f", each.vector_bytes)) for each in vectors}
