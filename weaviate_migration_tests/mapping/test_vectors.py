import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping, VectorMapping
from weaviate_migration.mapping.object_to_row import object_to_row
from weaviate_migration.mapping.row_to_object import NO_VECTORS, ObjectDraft, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vectors import vector_of
from weaviate_migration_tests.strategies import FLOAT32S, LARGEST_FLOAT32

BEGAN = "2026-11-22T09:30:15Z"
NOTES = CollectionMapping(
    name="Note",
    table="notes",
    properties=(PropertyMapping(name="listed", column="listed", index="stored"),),
    vectors=(VectorMapping(name="one", column="BLOB"), VectorMapping(name="two", column="listed")),
)


def blob(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


@given(st.lists(FLOAT32S, min_size=1))
def test_a_vector_comes_back_bit_for_bit_from_a_blob_and_from_json(numbers: list[float]) -> None:
    for value in (blob(*numbers), json.dumps(numbers)):
        found = vector_of(value)
        assert found is not None
        assert blob(*found) == blob(*numbers)


@pytest.mark.parametrize(
    ("text", "vector"),
    [
        ("[1, -0.0]", [1.0, -0.0]),
        (" [0.1]\n", [0.10000000149011612]),
        ("[1e-45, 1e-46]", [1.401298464324817e-45, 0.0]),
        # The last number that rounds to the largest float32, and not to infinity.
        ("[3.4028235677973362e38]", [LARGEST_FLOAT32]),
        (f"[{10**38}]", [struct.unpack("<f", struct.pack("<f", 1e38))[0]]),
    ],
)
def test_numbers_are_rounded_to_float32(text: str, vector: list[float]) -> None:
    found = vector_of(text)
    assert found is not None
    assert list(map(float.hex, found)) == list(map(float.hex, vector))


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            1,
            1.5,
            "",
            b"",
            "[]",
            "7",
            "null",
            "[1, null]",
            "[true]",
            '["1"]',
            "[[1]]",
            '{"a": 1}',
            "1, 2",
            "\udcff",
        ),
        *("[NaN]", "[Infinity]", "[1, -Infinity]", "[1e999]", "[3.4028235677973366e38]", f"[{10**39}]", f"[{10**400}]"),
        *(b"\x00", b"\x00\x00\x80\x3f\x00", blob(math.nan), blob(1, math.inf), blob(-math.inf), blob(1).hex()),
    ],
)
def test_what_is_no_vector(value: SqlValue) -> None:
    assert vector_of(value) is None


def test_a_row_keeps_what_its_vectors_are_made_from() -> None:
    columns, row = ("blob", "listed"), (blob(1, 2), "[1, 2, 3]")
    draft = row_converter(NOTES, columns, BEGAN)("", "", row)
    assert draft.vectors == {"one": [1.0, 2.0], "two": [1.0, 2.0, 3.0]}
    assert json.loads(draft.properties["metadata"]["source_columns"]).keys() == {"blob"}
    assert object_to_row(NOTES, columns, draft.properties) == row


def test_a_row_without_vectors() -> None:
    assert row_converter(NOTES, ("blob", "listed"), BEGAN)("", "", (b"", None)).vectors == {}
    assert row_converter(NOTES, ("other",), BEGAN)("", "", (blob(1),)).vectors == {}
    without = NOTES.model_copy(update={"vectors": (VectorMapping(name="own"),)})
    assert row_converter(without, ("blob",), BEGAN)("", "", (blob(1),)).vectors is NO_VECTORS
    assert ObjectDraft("", "", {}).vectors is NO_VECTORS
