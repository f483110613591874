"""Objects as messages of Weaviate's gRPC interface, and one call that sends them.

weaviate-client makes the same messages from objects of its own, and a row costs 77 us of CPU to send then instead of 28
(batches of 100, messages of 45 words, measured in one run). They are made with its public stubs (`weaviate.proto.v1`)
and go over its own connection: with its TLS, key or token, limits and timeouts.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from weaviate.collections import Collection
from weaviate.proto.v1 import base_pb2, batch_pb2

from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target.failures import Rejection, not_encodable

_Properties = batch_pb2.BatchObject.Properties | base_pb2.ObjectPropertiesValue


def fill_object(message: batch_pb2.BatchObject, collection_name: str, draft: ObjectDraft) -> None:
    """Makes an empty message that of one object, as weaviate-client makes it for `insert_many`: each has its tenant.

    Raises:
        ValueError: a value that cannot be sent: a lone surrogate, a number beyond its type.
        TypeError: a value of a type that no property has, or lists of several types.
    """
    tenant, uuid = split_address(draft.uuid)
    message.collection, message.uuid, message.tenant = collection_name, uuid, tenant or ""
    _fill(message.properties, draft.properties)
    for name, vector in draft.vectors.items():
        message.vectors.add(
            name=name,
            vector_bytes=struct.pack(f"<{len(vector)}f", *vector),
            type=base_pb2.Vectors.VECTOR_TYPE_SINGLE_FP32,
        )
    for name, to_uuid in draft.references.items():
        message.properties.single_target_ref_props.add(prop_name=name, uuids=[to_uuid])


def level_in_message(collection: Collection[Any, Any]) -> "base_pb2.ConsistencyLevel | None":
    """How many replicas take part in what is asked of a collection's objects, as messages say it."""
    level = collection.consistency_level
    return base_pb2.ConsistencyLevel.Value(f"CONSISTENCY_LEVEL_{level.value}") if level is not None else None


def has_connection(collection: Collection[Any, Any]) -> bool:
    """Whether a collection has the connection that `send_objects` uses: a private part of the client."""
    connection = getattr(collection, "_connection", None)
    return hasattr(connection, "grpc_batch_objects") and hasattr(connection, "timeout_config")


def send_objects(collection: Collection[Any, Any], drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
    """Sends objects in one call, or none while one cannot be sent; returns why single ones were not taken, by index.

    Raises:
        WeaviateBaseError: the call failed, as `insert_many` says it.
    """
    request, rejected = _encoded(collection, drafts)
    if rejected:
        return rejected
    # A private attribute: the client has no public way to send messages that were made already.
    connection = collection._connection
    errors = connection.grpc_batch_objects(request, connection.timeout_config.insert, max_retries=0)
    return {index: Rejection(reason) for index, reason in errors.items()}


def _encoded(
    collection: Collection[Any, Any], drafts: Sequence[ObjectDraft]
) -> tuple[batch_pb2.BatchObjectsRequest, dict[int, Rejection]]:
    """The request for these objects, and why some of them cannot be sent, by index.

    Each message is filled where it stands: making it first and copying it costs 3 us more (measured).
    """
    request = batch_pb2.BatchObjectsRequest(consistency_level=level_in_message(collection))
    rejected: dict[int, Rejection] = {}
    for index, draft in enumerate(drafts):
        try:
            fill_object(request.objects.add(), collection.name, draft)
        except (ValueError, TypeError, OverflowError, struct.error) as error:
            rejected[index] = not_encodable(error)
    return request, rejected


def _fill(message: _Properties, properties: Mapping[str, Any]) -> None:
    fields = message.non_ref_properties.fields
    # There even where no field follows, as the client makes it.
    message.non_ref_properties.SetInParent()
    for name, value in properties.items():
        if isinstance(value, str):
            fields[name].string_value = value
        elif isinstance(value, bool):
            fields[name].bool_value = value
        elif isinstance(value, int | float):
            fields[name].number_value = value
        elif value is None:
            fields[name].null_value = 0
        elif isinstance(value, dict):
            _fill(message.object_properties.add(prop_name=name).value, value)
        elif isinstance(value, list):
            _add_list(message, name, value)
        else:
            raise TypeError(f"property {name} holds {type(value).__name__}, which no property has")


def _add_list(message: _Properties, name: str, values: list[Any]) -> None:
    """A list has the type of its first value; protobuf refuses any other in it."""
    if not values:
        message.empty_list_props.append(name)
    elif isinstance(values[0], str):
        message.text_array_properties.add(prop_name=name, values=values)
    elif isinstance(values[0], bool):
        message.boolean_array_properties.add(prop_name=name, values=values)
    elif isinstance(values[0], int):
        message.int_array_properties.add(prop_name=name, values=values)
    elif isinstance(values[0], float):
        packed = _packed_doubles(name, values)
        message.number_array_properties.add(prop_name=name, values_bytes=packed)
    else:
        raise TypeError(f"property {name} holds a list of {type(values[0]).__name__}, which no property has")


def _packed_doubles(name: str, values: list[Any]) -> bytes:
    try:
        return struct.pack(f"<{len(values)}d", *values)
    except struct.error as error:
        raise TypeError(f"property {name} holds a list of numbers and something else: {error}") from error
