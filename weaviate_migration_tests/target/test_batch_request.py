"""The messages that we make are those that weaviate-client makes, for any object."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from weaviate.collections.batch.grpc_batch import _BatchGRPC
from weaviate.collections.classes.batch import _BatchObject
from weaviate.proto.v1 import batch_pb2
from weaviate.util import _ServerVersion

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.row_to_object import ObjectDraft, row_converter
from weaviate_migration.target.batch_request import fill_object
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE, ROWS

UUID = "00000000-0000-4000-8000-000000000001"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
INTS = st.integers(-(2**63), 2**63 - 1)
REALS = st.floats(allow_nan=False)
SCALARS = TEXTS | INTS | REALS | st.booleans() | st.none() | st.sampled_from(["", "\0", "ñ🎉", -0.0, 2**63 - 1])
LISTS = st.lists(TEXTS) | st.lists(INTS) | st.lists(REALS) | st.lists(st.booleans())
NAMES = TEXTS.filter(lambda name: name not in ("id", "vector"))
PROPERTIES = st.recursive(
    st.dictionaries(NAMES, SCALARS | LISTS, max_size=8),
    lambda nested: st.dictionaries(NAMES, SCALARS | LISTS | nested, max_size=4),
    max_leaves=4,
)
VECTORS = st.dictionaries(TEXTS, st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=9), max_size=3)


def made_by_client(draft: ObjectDraft) -> batch_pb2.BatchObject:
    client = _BatchGRPC(_ServerVersion(1, 39, 0), None, None)
    return client.grpc_object(
        _BatchObject(
            collection="Note",
            vector=dict(draft.vectors) or None,
            uuid=draft.uuid,
            properties=draft.properties,
            tenant=None,
            references=None,
            index=0,
        )
    )


def assert_same(draft: ObjectDraft) -> None:
    ours, clients = batch_pb2.BatchObject(), made_by_client(draft)
    fill_object(ours, "Note", draft)
    assert ours == clients
    # Equal messages may differ in the sign of a zero; their bytes, in a fixed order, may not.
    assert ours.SerializeToString(deterministic=True) == clients.SerializeToString(deterministic=True)


@given(ROWS)
def test_a_row_becomes_the_message_that_the_client_makes(row: tuple[Any, ...]) -> None:
    convert = row_converter(EVERY_TYPE, COLUMNS, "2026-11-22T09:30:15Z")
    assert_same(convert(UUID, "key", row))


@given(PROPERTIES, VECTORS)
def test_any_properties_and_vectors_become_the_message_that_the_client_makes(
    properties: dict[str, Any], vectors: dict[str, list[float]]
) -> None:
    assert_same(ObjectDraft(UUID, "key", properties, vectors))


@pytest.mark.parametrize("name", ["id", "vector"])
def test_names_that_the_client_refuses_cannot_be_in_a_mapping(name: str) -> None:
    size = {"name": "size", "column": "size", "type": "int"}
    for mapped in ({"properties": [size | {"name": name}]}, {"properties": [size], "provenance": name}):
        with pytest.raises(ValidationError, match=f"`{name}` is reserved by Weaviate"):
            CollectionMapping.model_validate({"name": "Note", "table": "notes", **mapped})


@pytest.mark.parametrize("value", ["\ud800", ["a", None], ["a", "\ud800"], [1, "a"], [1.5, "a"], b"blob", [b"blob"]])
def test_what_cannot_be_sent_is_an_error(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        fill_object(batch_pb2.BatchObject(), "Note", ObjectDraft(UUID, "key", {"body": value}))
