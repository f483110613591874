"""Comparing column by column never says that something agrees which the comparison row by row does not agree with.

Objects are as REST returns them: the very bytes of an answer go through the reader of the pages.
"""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowColumns, RowLayout
from weaviate_migration.phases.validation.column_comparer import ColumnComparer
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.target.object_pages import ObjectColumns, PageReader
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE, ROWS, as_client_returns

BEGAN = "2026-11-22T09:30:15Z"
LAYOUT = RowLayout("notes", COLUMNS, ("id",))
BY_ROW = RowComparer(EVERY_TYPE, LAYOUT, BEGAN)
BY_COLUMN = ColumnComparer(EVERY_TYPE, LAYOUT, BEGAN)
READER = PageReader(EVERY_TYPE)
CONVERT = row_converter(EVERY_TYPE, COLUMNS, BEGAN)
DATES = {prop.name for prop in EVERY_TYPE.properties if prop.type in ("date", "date[]")}
NUMBERS = [prop.name for prop in EVERY_TYPE.properties if prop.type in ("number", "number[]")]

Row = tuple[SqlValue, ...]

# What Python, SQLite or people take for the same, next to each other.
ALIKE: list[SqlValue] = [
    *(None, "", b"", 0, 0.0, -0.0, "0", 1, 1.0, "1", b"1", 2**53, float(2**53), 2**53 + 1, "true", "null"),
    *("2026-01-02 03:04:05", "2026-01-02T03:04:05", "2026-01-02 03:04:05.000000", "2026-01-02 03:04:05.5"),
    *("2026-01-02 03:04:05.500000", "2026-01-02 03:04:05.500001", "2026-01-02 05:04:05+02:00", "2026-01-02"),
    *(1767322800, 1767322800.0, 1767322800.5, 1767322800000, "1767322800", 1767322800000001, 1767322800000001001),
    *("20260102T030405Z", "2026-01-02 03:04:05 UTC", "02/01/2026 03:04", "2/1/2026 03:04", "12.5", "12.50", 12.5, 1250),
    *("t", "true", "f", "N", "-0.0", "0.0"),
    *("[]", "[1]", "[1.0]", "[1, 0]", "[1,0]", "[true]", "[true, false]", "[0.0]", "[-0.0]", "[0]", "[1.5, -0.0]"),
    *('["2026-01-02 03:04:05"]', '["2026-01-02T03:04:05"]', '["2026-01-02 03:04:05.5"]'),
    *("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000A", bytes(15) + b"\x0a"),
    *("00000000-0000-4000-8000-00000000000b", "0000000000004000800000000000000a", b"a", b"a\0"),
    *('["a"]', '["a" ]', '["a", "b"]', '{"a": "x", "b": ["y"]}', '{"a": "x"}', "untitled", "nobody", "none"),
]
NEAR_ROWS = st.tuples(st.sampled_from(["key", "7", 7, 7.0]), *[st.sampled_from(ALIKE)] * (len(COLUMNS) - 1))
PARTS = [*(prop.name for prop in EVERY_TYPE.properties), "metadata", "original_id", "source_columns"]


def row_of(values: Row) -> ExtractRow:
    return ExtractRow(object_uuid("notes", values[:1]), values[:1], values)


def columns_of(rows: Sequence[ExtractRow]) -> RowColumns:
    columns = [list(each) for each in zip(*(row.values for row in rows), strict=True)]
    return RowColumns([row.uuid for row in rows], [columns[0]], columns)


def draft_of(values: Row) -> ObjectDraft:
    return CONVERT(row_of(values).uuid or "", key_text(values[:1]), values)


def with_parts_of(draft: ObjectDraft, other: ObjectDraft, parts: set[str]) -> ObjectDraft:
    """An object that says in these parts what another one says."""
    properties = deepcopy(draft.properties)
    for name in parts & set(properties["metadata"]):
        properties["metadata"][name] = other.properties["metadata"][name]
    for name in parts - set(properties["metadata"]):
        properties.pop(name, None)
        if name in other.properties:
            properties[name] = other.properties[name]
    return draft._replace(properties=properties)


def answer_of(drafts: Sequence[ObjectDraft]) -> bytes:
    """An answer of REST: no sign of a zero, no point in whole numbers, no zeros at the end of a fraction."""
    objects = [{"class": "Note_1", "id": each.uuid, "properties": as_rest_returns(each)} for each in drafts]
    return json.dumps({"deprecations": None, "objects": objects, "totalResults": len(objects)}).encode()


def as_rest_returns(draft: ObjectDraft) -> dict[str, Any]:
    returned = dict(draft.properties)
    for name in DATES & set(returned):
        returned[name] = each_of(returned[name], date_of_rest)
    for name in set(NUMBERS) & set(returned):
        returned[name] = each_of(returned[name], number_of_rest)
    return returned


def each_of(value: Any, shown: Callable[[Any], Any]) -> Any:
    return list(map(shown, value)) if isinstance(value, list) else shown(value)


def date_of_rest(date: str) -> str:
    seconds, point, fraction = date.removesuffix("Z").partition(".")
    return f"{seconds}{point}{fraction.rstrip('0')}".removesuffix(".") + "Z"


def number_of_rest(number: float) -> float:
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def read(drafts: Sequence[ObjectDraft]) -> ObjectColumns:
    """The page, with what comes over gRPC where a number is zero."""
    page = READER.read(answer_of(drafts))
    assert page is not None
    zeros = [
        name
        for name in NUMBERS
        if any(each == 0 or (isinstance(each, list) and 0 in each) for each in page.properties[name])
    ]
    exact = {name: [each.properties.get(name) for each in drafts] for name in zeros}
    return replace(page, properties={**page.properties, **exact})


def row_by_row(row: ExtractRow, draft: ObjectDraft) -> bool:
    properties = as_client_returns(EVERY_TYPE, draft)
    stored = StoredObject(draft.uuid, properties, {})
    rebuilt = BY_ROW.rebuild(properties)
    return not BY_ROW.disagreements(row, stored, rebuilt) and BY_ROW.uuid_follows(stored, rebuilt)


@given(st.lists(ROWS | NEAR_ROWS, min_size=1, max_size=4))
def test_rows_and_their_objects_agree(values: list[Row]) -> None:
    rows = sorted({row.uuid: row for row in map(row_of, values) if row.uuid}.values(), key=lambda row: row.uuid or "")
    if rows:
        assert BY_COLUMN.agree(columns_of(rows), read([draft_of(row.values) for row in rows]))


@given(st.lists(ROWS, min_size=1, max_size=3), st.data())
def test_what_is_kept_of_no_column_is_not_taken_for_equal(values: list[Row], data: st.DataObject) -> None:
    rows = sorted({row.uuid: row for row in map(row_of, values) if row.uuid}.values(), key=lambda row: row.uuid or "")
    if rows:
        drafts = [draft_of(row.values) for row in rows]
        at = data.draw(st.integers(0, len(drafts) - 1))
        properties = deepcopy(drafts[at].properties)
        held = json.loads(properties["metadata"]["source_columns"])
        properties["metadata"]["source_columns"] = json.dumps(
            held | {"no column of it": data.draw(st.sampled_from([None, 1, "x"]))}
        )
        drafts[at] = drafts[at]._replace(properties=properties)
        assert not BY_COLUMN.agree(columns_of(rows), read(drafts))
        assert not row_by_row(rows[at], drafts[at])


@given(NEAR_ROWS | ROWS, NEAR_ROWS | ROWS, st.sets(st.sampled_from(PARTS), min_size=1))
def test_what_says_something_else_is_never_taken_for_equal(one: Row, other: Row, parts: set[str]) -> None:
    row = row_of(one)
    damaged = with_parts_of(draft_of(one), draft_of(other), parts)
    if row.uuid and BY_COLUMN.agree(columns_of([row]), read([damaged])):
        assert row_by_row(row, damaged)


@given(NEAR_ROWS, st.integers(0, len(COLUMNS) - 1), st.sampled_from(ALIKE))
def test_a_row_is_never_taken_for_one_that_is_like_it(values: Row, position: int, value: SqlValue) -> None:
    row = row_of((*values[:position], value, *values[position + 1 :]))
    draft = draft_of(values)._replace(uuid=row.uuid or "")
    if row.uuid:
        assert BY_COLUMN.agree(columns_of([row]), read([draft])) <= row_by_row(row, draft)


@pytest.mark.parametrize("uuids", [[], ["a"], ["b", "a"], ["a", "a"]])
def test_other_objects_than_the_rows_do_not_agree(uuids: list[str]) -> None:
    draft = draft_of(("key", *[None] * (len(COLUMNS) - 1)))
    rows = columns_of([row_of(("key", *[None] * (len(COLUMNS) - 1)))] * len(uuids or ["a"]))
    assert not BY_COLUMN.agree(rows, replace(read([draft] * len(uuids)), uuids=uuids))


@pytest.mark.parametrize(
    "odd", [{"stranger": 1}, {"size": "7"}, {"size": True}, {"body": 7}, {"metadata": {"more": 1}}]
)
def test_pages_that_no_mapping_makes_are_not_read(odd: dict[str, Any]) -> None:
    draft = draft_of(("key", *[None] * (len(COLUMNS) - 1)))
    assert READER.read(answer_of([draft._replace(properties={**draft.properties, **odd})])) is None
