import json
import math
import struct
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping, VectorMapping
from weaviate_migration.mapping.object_to_row import object_to_row
from weaviate_migration.mapping.row_to_object import NO_VECTORS, ObjectDraft, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import VectorBytes
from weaviate_migration.mapping.vectors import VectorReader, vector_reader
from weaviate_migration_tests.strategies import FLOAT32S, LARGEST_FLOAT32

BEGAN = "2026-11-22T09:30:15Z"
NOTES = CollectionMapping(
    name="Note",
    table="notes",
    properties=(PropertyMapping(name="listed", column="listed", index="stored"),),
    vectors=(VectorMapping(name="one", column="BLOB"), VectorMapping(name="two", column="listed")),
)
PLAIN = VectorMapping(name="v", column="c")
READ = vector_reader(PLAIN)


def blob(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


@given(st.lists(FLOAT32S, min_size=1))
def test_a_vector_comes_back_bit_for_bit_from_a_blob_and_from_json(numbers: list[float]) -> None:
    for value in (blob(*numbers), json.dumps(numbers)):
        found = READ(value)
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
    found = READ(text)
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
    assert READ(value) is None


def of_form(form: str, length: int | None = None) -> VectorReader:
    return vector_reader(VectorMapping.model_validate({"name": "v", "column": "c", "bytes": form, "length": length}))


@pytest.mark.parametrize(
    ("form", "value", "vector"),
    [
        ("float32", blob(0.5, -0.0), [0.5, -0.0]),
        ("float64", struct.pack("<2d", 0.1, -0.0), [0.10000000149011612, -0.0]),
        ("float64", struct.pack("<d", 3.4028235677973362e38), [LARGEST_FLOAT32]),
        ("float16", struct.pack("<4e", 0.5, -0.0, 65504, 6e-8), [0.5, -0.0, 65504.0, 2**-24]),
        ("int8", bytes([0, 1, 127, 128, 255]), [0.0, 1.0, 127.0, -128.0, -1.0]),
        ("json", "[1, 0.5]", [1.0, 0.5]),
        ("json", b"[1, 0.5]", [1.0, 0.5]),
        ("base64", "AAAAPwAAAIA=", [0.5, -0.0]),
        ("base64", b"AAAAPwAAAIA=", [0.5, -0.0]),
    ],
)
def test_a_vector_in_the_form_that_the_mapping_names(form: str, value: SqlValue, vector: list[float]) -> None:
    found = of_form(form)(value)
    assert found is not None
    assert list(map(float.hex, found)) == list(map(float.hex, vector))
    assert of_form(form, len(vector))(value) == found
    assert of_form(form, len(vector) + 1)(value) is None


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("float32", "[1]"),
        ("float32", "AAAAPw=="),
        ("float64", blob(1)),
        ("float64", struct.pack("<d", 1e39)),
        ("float64", struct.pack("<2d", 1, math.nan)),
        ("float16", b"\0"),
        ("float16", struct.pack("<e", math.inf)),
        ("int8", "[1]"),
        ("int8", b""),
        ("json", blob(1)),
        ("json", b"[1, \xff]"),
        ("json", 1),
        ("base64", "AAAAPw"),
        ("base64", "AAAA Pw=="),
        ("base64", "AAAA"),
        ("base64", "ä==="),
        ("base64", ""),
        ("base64", blob(math.nan)),
        *((form, None) for form in get_args(VectorBytes)),
    ],
)
def test_what_is_no_vector_in_the_form_that_the_mapping_names(form: str, value: SqlValue) -> None:
    assert of_form(form)(value) is None


def test_one_column_makes_a_vector_of_each_length() -> None:
    by_length = [VectorMapping(name=f"of{length}", column="blob", length=length) for length in (1, 2)]
    parted = NOTES.model_copy(update={"vectors": tuple(by_length)})
    convert = row_converter(parted, ("blob", "listed"), BEGAN)
    assert convert("", "", (blob(1), None)).vectors == {"of1": [1.0]}
    assert convert("", "", (blob(1, 2), None)).vectors == {"of2": [1.0, 2.0]}
    assert convert("", "", (blob(1, 2, 3), None)).vectors == {}


def test_a_row_is_told_by_its_vectors_and_properties() -> None:
    columns, row = ("blob", "listed"), (blob(1, 2), "[1, 2, 3]")
    draft = row_converter(NOTES, columns, BEGAN)("", "", row)
    assert draft.vectors == {"one": [1.0, 2.0], "two": [1.0, 2.0, 3.0]}
    assert kept_of(draft) == {}
    assert object_to_row(NOTES, columns, draft.properties, draft.vectors) == row


def kept_of(draft: ObjectDraft) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(draft.properties["metadata"]["source_columns"])
    return kept


def carried(*vectors: VectorMapping) -> CollectionMapping:
    return NOTES.model_copy(update={"vectors": vectors})


@pytest.mark.parametrize(
    ("form", "value", "is_kept"),
    [
        *((form, blob(0.1, -0.0, 1e-45, LARGEST_FLOAT32), False) for form in (None, "float32")),
        ("float64", struct.pack("<3d", 0.5, -0.0, 1.401298464324817e-45), False),
        ("float64", struct.pack("<2d", 0.5, 0.1), True),
        ("float16", struct.pack("<4e", 0.5, -0.0, 65504, 6e-8), False),
        ("int8", bytes([0, 1, 127, 128, 255]), False),
        ("base64", "AAAAPwAAAIA=", False),
        # The same vector, but another class of SQLite's, and a spelling whose last bits are not zeros.
        ("base64", b"AAAAPwAAAIA=", True),
        ("base64", "AAAAPx==", True),
        ("json", "[0.5]", True),
        (None, "[0.5]", True),
        *((form, value, True) for form in (None, "float32") for value in (None, b"", b"\0", 7, 0.5, "text")),
        *(("float32", blob(0.5, odd), True) for odd in (math.nan, math.inf, -math.inf)),
        ("float16", struct.pack("<e", math.nan), True),
    ],
)
def test_a_column_is_kept_where_its_vector_does_not_give_it_back(
    form: VectorBytes | None, value: SqlValue, is_kept: bool
) -> None:
    mapping = carried(VectorMapping(name="v", column="BLOB", bytes=form))
    draft = row_converter(mapping, ("blob",), BEGAN)("", "", (value,))
    assert set(kept_of(draft)) == ({"blob"} if is_kept else set())
    assert object_to_row(mapping, ("blob",), draft.properties, draft.vectors) == (value,)


def test_a_vector_of_another_length_is_kept() -> None:
    mapping = carried(
        VectorMapping(name="of2", column="blob", length=2), VectorMapping(name="of3", column="blob", length=3)
    )
    for numbers, is_kept in (((1, 2), False), ((1, 2, 3), False), ((1, 2, 3, 4), True)):
        draft = row_converter(mapping, ("blob",), BEGAN)("", "", (blob(*numbers),))
        assert bool(kept_of(draft)) == is_kept
        assert object_to_row(mapping, ("blob",), draft.properties, draft.vectors) == (blob(*numbers),)


FORMS = st.sampled_from([None, *get_args(VectorBytes)])


@given(
    st.lists(st.tuples(FORMS, st.sampled_from([None, 1, 2, 4])), min_size=2, max_size=3),
    st.sampled_from(
        [blob(1, -0.0, 3, 1e-45), struct.pack("<2d", 0.1, 0.2), struct.pack("<2d", 0.5, -0.0), b"AACAPwAAAEA="]
    )
    | st.binary(max_size=16),
)
@example([("float64", None), ("float32", None)], struct.pack("<2d", 0.1, 0.2))
def test_of_several_vectors_of_a_column_the_one_that_tells_it_decides(
    forms: list[tuple[VectorBytes | None, int | None]], value: bytes
) -> None:
    """One that gives back the value does not help where another is asked for it."""
    vectors = [
        VectorMapping(name=f"v{at}", column="blob", bytes=form, length=length)
        for at, (form, length) in enumerate(forms)
    ]
    mapping = carried(*vectors)
    draft = row_converter(mapping, ("blob",), BEGAN)("", "", (value,))
    stored = {name: struct.unpack(f"<{len(each)}f", blob(*each)) for name, each in draft.vectors.items()}
    assert object_to_row(mapping, ("blob",), draft.properties, stored) == (value,)


def test_a_column_that_a_property_holds_is_told_by_that() -> None:
    mapping = NOTES.model_copy(
        update={
            "properties": (PropertyMapping(name="bytes", column="blob", type="blob"),),
            "vectors": (VectorMapping(name="v", column="blob"),),
        }
    )
    draft = row_converter(mapping, ("blob",), BEGAN)("", "", (blob(1),))
    assert kept_of(draft) == {}
    assert object_to_row(mapping, ("blob",), draft.properties, {"v": [2.0]}) == (blob(1),)


def test_what_an_older_version_kept_beside_the_vector_is_still_what_counts() -> None:
    draft = row_converter(carried(), ("blob",), BEGAN)("", "", (blob(1),))
    assert set(kept_of(draft)) == {"blob"}
    assert object_to_row(NOTES, ("blob",), draft.properties, {"one": [1.0]}) == (blob(1),)
    assert object_to_row(NOTES, ("blob",), draft.properties) == (blob(1),)


@pytest.mark.parametrize(("form", "number"), [("int8", 300.0), ("float16", 1e6)])
def test_a_vector_that_no_value_makes_tells_no_row(form: VectorBytes, number: float) -> None:
    mapping = carried(VectorMapping(name="v", column="blob", bytes=form))
    draft = row_converter(mapping, ("blob",), BEGAN)("", "", (b"\1\1",))
    with pytest.raises(ValueError, match="beyond the column's"):
        object_to_row(mapping, ("blob",), draft.properties, {"v": [number]})


def test_a_row_without_vectors() -> None:
    assert row_converter(NOTES, ("blob", "listed"), BEGAN)("", "", (b"", None)).vectors == {}
    assert row_converter(NOTES, ("other",), BEGAN)("", "", (blob(1),)).vectors == {}
    without = NOTES.model_copy(update={"vectors": (VectorMapping(name="own"),)})
    assert row_converter(without, ("blob",), BEGAN)("", "", (blob(1),)).vectors is NO_VECTORS
    assert ObjectDraft("", "", {}).vectors is NO_VECTORS
