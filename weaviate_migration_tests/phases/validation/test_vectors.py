import json
import struct
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping, VectorMapping, vectors
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.object_to_row import object_to_row
from weaviate_migration.mapping.row_to_object import ObjectDraft, Vectors, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import VectorBytes
from weaviate_migration.mapping.vectors import vector_reader
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowColumns, RowLayout
from weaviate_migration.phases.validation.column_comparer import ColumnComparer
from weaviate_migration.phases.validation.meaning_of_vectors import same_vector, vector_meant
from weaviate_migration.phases.validation.row_comparer import RowComparer, same_value
from weaviate_migration.target.object_pages import ObjectColumns, PageReader
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration_tests.strategies import FLOAT32S, JSON_VALUES, SQL_VALUES, as_client_returns

BEGAN = "2026-11-22T09:30:15Z"
UUID = "00000000-0000-4000-8000-000000000001"
NOTES = CollectionMapping(
    name="Note",
    table="notes",
    properties=(PropertyMapping(name="noteId", column="id", index="whole"),),
    vectors=(
        VectorMapping(name="own"),
        VectorMapping(name="made", column="DATA"),
        VectorMapping(name="gone", column="missing"),
    ),
)
COLUMNS = ("id", "data")
LAYOUT = RowLayout("notes", COLUMNS, ("id",))
COMPARER = RowComparer(NOTES, LAYOUT, BEGAN)

PLAIN = VectorMapping(name="v", column="c")
READ = vector_reader(PLAIN)


def blob(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


BITS = st.integers(0, 2**32 - 1)
ANY_VECTOR = st.builds(
    lambda form, length: VectorMapping(name="v", column="c", bytes=form, length=length),
    st.sampled_from([None, *get_args(VectorBytes)]),
    st.sampled_from([None, None, 1, 2, 3]),
)
VECTOR_LIKE: st.SearchStrategy[SqlValue] = st.one_of(
    SQL_VALUES,
    st.lists(FLOAT32S, max_size=5).map(lambda numbers: blob(*numbers)),
    st.lists(BITS, max_size=5).map(lambda bits: struct.pack(f"<{len(bits)}I", *bits)),
    st.lists(st.floats() | st.integers(), max_size=5).map(json.dumps),
    st.lists(JSON_VALUES, max_size=3).map(json.dumps),
    st.lists(st.floats() | st.floats(width=32), max_size=4).map(
        lambda numbers: struct.pack(f"<{len(numbers)}d", *numbers)
    ),
    st.lists(st.floats(width=16), max_size=4).map(lambda numbers: struct.pack(f"<{len(numbers)}e", *numbers)),
    st.binary(max_size=12),
    (st.lists(FLOAT32S, max_size=3).map(lambda numbers: blob(*numbers)) | st.binary(max_size=12)).map(b64encode),
    st.lists(st.floats(), max_size=3).map(lambda numbers: json.dumps(numbers).encode()),
    st.text("AZaz09+/=-_ \n", max_size=12),
).flatmap(
    lambda value: st.just(value) | st.just(value.decode() if isinstance(value, bytes) and value.isascii() else value)
)


@given(VECTOR_LIKE)
def test_the_conversion_and_its_judge_agree_on_any_value(value: SqlValue) -> None:
    assert same_vector(vector_meant(PLAIN, value), READ(value))


@given(ANY_VECTOR, VECTOR_LIKE)
def test_the_conversion_and_its_judge_agree_in_any_form(vector: VectorMapping, value: SqlValue) -> None:
    assert same_vector(vector_meant(vector, value), vector_reader(vector)(value))


def carried(vector: VectorMapping) -> CollectionMapping:
    """The vector's column is one of the notes', and no property holds it."""
    return NOTES.model_copy(update={"vectors": (vector.model_copy(update={"column": "data"}),)})


def page_of(mapping: CollectionMapping, drafts: Sequence[ObjectDraft]) -> ObjectColumns:
    """These objects as the page of an answer, with the bytes of their vectors."""
    objects = [{"id": each.uuid, "properties": each.properties} for each in drafts]
    page = PageReader(mapping).read(json.dumps({"objects": objects}).encode())
    assert page is not None
    vectors = {
        name: [blob(*each.vectors[name]) if name in each.vectors else None for each in drafts]
        for name in mapping.column_vectors
    }
    return replace(page, vectors=vectors)


def agree(mapping: CollectionMapping, values: Sequence[SqlValue], drafts: Sequence[ObjectDraft]) -> bool:
    comparer = ColumnComparer(mapping, LAYOUT, BEGAN)
    uuids: list[str | None] = [each.uuid for each in drafts]
    keys: list[SqlValue] = [each.key for each in drafts]
    return comparer.agree(RowColumns(uuids, [keys], [keys, list(values)]), page_of(mapping, drafts))


def drafts_of(mapping: CollectionMapping, values: Sequence[SqlValue]) -> list[ObjectDraft]:
    """An object for each value, ascending by address."""
    addressed = sorted((object_uuid("notes", (key,)) or "", key) for key in map(str, range(len(values))))
    convert = row_converter(mapping, COLUMNS, BEGAN)
    return [convert(uuid, key, (key, value)) for (uuid, key), value in zip(addressed, values, strict=True)]


@given(ANY_VECTOR, st.lists(VECTOR_LIKE, min_size=1, max_size=5))
def test_rows_are_rebuilt_from_their_vectors_one_by_one_and_as_a_page(
    vector: VectorMapping, values: list[SqlValue]
) -> None:
    mapping = carried(vector)
    drafts = drafts_of(mapping, values)
    for value, draft in zip(values, drafts, strict=True):
        properties = as_client_returns(mapping, draft)
        assert same_value(object_to_row(mapping, COLUMNS, properties, draft.vectors)[1], value)
    assert agree(mapping, values, drafts)


@given(ANY_VECTOR, st.lists(VECTOR_LIKE, min_size=1, max_size=5), st.data())
def test_a_page_with_another_vector_does_not_agree(
    vector: VectorMapping, values: list[SqlValue], data: st.DataObject
) -> None:
    """One bit of a number, a number more or less, no vector, or one where none belongs."""
    mapping = carried(vector)
    drafts = drafts_of(mapping, values)
    at = data.draw(st.integers(0, len(drafts) - 1))
    other: Vectors = {"v": [1.0]}
    if (sound := drafts[at].vectors.get("v")) is not None:
        bits = bytearray(blob(*sound))
        bit = data.draw(st.integers(0, 8 * len(bits) - 1))
        bits[bit // 8] ^= 1 << bit % 8
        flipped = struct.unpack(f"<{len(sound)}f", bits)
        other = data.draw(st.sampled_from([{}, {"v": flipped}, {"v": [*sound, 0.0]}, {"v": sound[1:]}]))
    drafts[at] = drafts[at]._replace(vectors=other)
    assert not agree(mapping, values, drafts)


def test_a_column_that_is_dropped_though_its_vector_does_not_tell_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversion is made wrong on purpose: of doubles, float32s tell the beginnings only."""
    mapping, doubles = carried(VectorMapping(name="v", column="data", bytes="float64")), struct.pack("<2d", 0.1, 0.2)
    monkeypatch.setitem(vectors._JUDGES, "float64", lambda *_: True)
    (draft,) = drafts_of(mapping, [doubles])
    assert json.loads(draft.properties["metadata"]["source_columns"]) == {}
    assert not agree(mapping, [doubles], [draft])
    comparer = RowComparer(mapping, LAYOUT, BEGAN)
    stored = StoredObject(draft.uuid, as_client_returns(mapping, draft), draft.vectors)
    row = ExtractRow(draft.uuid, (draft.key,), (draft.key, doubles))
    rebuilt = comparer.rebuild(stored.properties, stored.vectors)
    assert [each.property for each in comparer.disagreements(row, stored, rebuilt)] == ["metadata.source_columns.data"]


@given(st.lists(FLOAT32S, min_size=1, max_size=5), st.data())
def test_one_flipped_bit_is_found(numbers: list[float], data: st.DataObject) -> None:
    sound = blob(*numbers)
    bit = data.draw(st.integers(0, 8 * len(sound) - 1))
    flipped = bytearray(sound)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not same_vector(vector_meant(PLAIN, sound), struct.unpack(f"<{len(numbers)}f", flipped))
    assert same_vector(vector_meant(PLAIN, sound), struct.unpack(f"<{len(numbers)}f", sound))


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (blob(1, 2), [1.0, 2.0, 3.0]),
        (blob(1, 2), [2.0, 1.0]),
        (blob(3, 4), [0.6, 0.8]),
        (blob(0.0), [-0.0]),
        (blob(1e-45), [0.0]),
        (blob(1), None),
        ("[1]", [2.0]),
        ("[0.1]", [0.125]),
        (b"", [1.0]),
        (None, [0.0]),
        ("[1e39]", [float("inf")]),
        ("[1, true]", [1.0, 1.0]),
        (blob(float("inf")), [float("inf")]),
    ],
)
def test_another_vector_does_not_agree(value: SqlValue, wrong: list[float] | None) -> None:
    assert not same_vector(vector_meant(PLAIN, value), wrong)


def differing(value: SqlValue, vectors: Vectors) -> list[tuple[str, Any, Any]]:
    row = ("key", value)
    properties = as_client_returns(NOTES, row_converter(NOTES, COLUMNS, BEGAN)(UUID, "key", row))
    stored = StoredObject(UUID, properties, vectors)
    found = COMPARER.disagreements(ExtractRow(UUID, ("key",), row), stored, row)
    assert {each.kind for each in found} <= {"altered"}
    return [(each.property, each.expected, each.found) for each in found]


def test_an_object_with_another_vector_is_altered() -> None:
    assert differing(blob(1, 2), {"made": [1.0, 2.0], "own": [7.0]}) == []
    assert differing(blob(1, 2), {"made": [1.0, 2.5]}) == [("vector made", [1.0, 2.0], [1.0, 2.5])]
    assert differing("[1]", {"own": [1.0]}) == [("vector made", [1.0], None)]
    assert differing("no vector", {"made": [1.0]}) == [("vector made", None, [1.0])]


def test_a_column_that_the_file_lacks_makes_no_vector() -> None:
    assert differing(None, {}) == []
    assert differing(None, {"gone": [1.0]}) == [("vector gone", None, [1.0])]
