import json
from typing import Any

import pytest
from hypothesis import given

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.object_to_row import object_to_row
from weaviate_migration.mapping.row_to_object import key_text, row_converter
from weaviate_migration.mapping.values import MAX_EXACT_INT, SqlValue, is_utf8
from weaviate_migration.phases.validation.row_comparer import same_value
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE, ROWS, as_client_returns

BEGAN = "2026-11-22T09:30:15Z"
UUID = "00000000-0000-4000-8000-000000000001"


def properties_of(mapping: CollectionMapping, **row: SqlValue) -> dict[str, Any]:
    return row_converter(mapping, tuple(row), BEGAN)(UUID, "1", tuple(row.values())).properties


def mapped(*properties: PropertyMapping) -> CollectionMapping:
    return CollectionMapping(name="Note", table="notes", properties=properties)


def kept(properties: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(properties["metadata"]["source_columns"])
    return found


@given(ROWS)
def test_every_row_comes_back_with_the_same_classes_and_bytes(row: tuple[SqlValue, ...]) -> None:
    draft = row_converter(EVERY_TYPE, COLUMNS, BEGAN)(UUID, "key", row)
    rebuilt = object_to_row(EVERY_TYPE, COLUMNS, as_client_returns(EVERY_TYPE, draft))
    assert all(map(same_value, row, rebuilt)), (row, rebuilt)


@given(ROWS)
def test_properties_are_only_what_weaviate_takes_and_holds_exactly(row: tuple[SqlValue, ...]) -> None:
    properties = row_converter(EVERY_TYPE, COLUMNS, BEGAN)(UUID, "key", row).properties
    for prop in EVERY_TYPE.properties:
        value = properties.get(prop.name)
        match prop.type:
            case _ if prop.name not in properties:
                continue
            case "text" | "date" | "uuid" | "blob":
                assert isinstance(value, str)
                assert is_utf8(value)
            case "text[]" | "date[]":
                assert isinstance(value, list)
                assert all(isinstance(each, str) and is_utf8(each) for each in value)
            case "int[]":
                assert isinstance(value, list)
                assert all(type(each) is int and abs(each) <= MAX_EXACT_INT for each in value)
            case "number[]":
                assert isinstance(value, list)
                assert all(type(each) is float and each - each == 0 for each in value)
            case "boolean[]":
                assert isinstance(value, list)
                assert all(type(each) is bool for each in value)
            case "int":
                assert type(value) is int
                assert abs(value) <= MAX_EXACT_INT
            case "number":
                assert type(value) is float
                assert value - value == 0
            case "boolean":
                assert type(value) is bool
    assert is_utf8(properties["metadata"]["source_columns"])


def test_what_a_default_replaced_is_kept() -> None:
    title = PropertyMapping(name="title", column="title", index="words", default="untitled", default_for_empty=True)
    assert properties_of(mapped(title), title=None)["title"] == "untitled"
    assert kept(properties_of(mapped(title), title=None)) == {"title": None}
    assert kept(properties_of(mapped(title), title="")) == {"title": ""}
    assert kept(properties_of(mapped(title), title="a")) == {}


def test_a_default_stands_in_for_a_column_that_the_file_lacks() -> None:
    owner = PropertyMapping(name="owner", column="owner", index="whole", default="unknown")
    found = properties_of(mapped(owner), other=1)
    assert found["owner"] == "unknown"
    assert kept(found) == {"other": 1}


def test_provenance_says_where_the_object_is_from() -> None:
    found = properties_of(mapped(PropertyMapping(name="n", column="n", type="int")), n=1)
    assert found == {
        "n": 1,
        "metadata": {
            "migrated_from_sqlite": True,
            "original_id": "1",
            "migration_timestamp": BEGAN,
            "source_columns": "{}",
        },
    }


def test_names_of_columns_ignore_case_as_sqlite_does_and_no_further() -> None:
    mapping = mapped(PropertyMapping(name="a", column="Ä", index="whole"))
    columns = ("ä", "Ä")
    found = row_converter(mapping, columns, BEGAN)(UUID, "1", ("small", "large")).properties
    assert found["a"] == "large"
    assert kept(found) == {"ä": "small"}
    assert object_to_row(mapping, columns, found) == ("small", "large")


@pytest.mark.parametrize("value", ["foo", "2026-01-01 00:00:00", "2026-01-01", 5, None])
def test_two_properties_of_one_column_agree_on_which_holds_it(value: SqlValue) -> None:
    as_date = PropertyMapping(name="at", column="c", type="date")
    as_text = PropertyMapping(name="shown", column="c", index="words")
    for mapping in (mapped(as_date, as_text), mapped(as_text, as_date)):
        draft = row_converter(mapping, ("c",), BEGAN)(UUID, "1", (value,))
        assert object_to_row(mapping, ("c",), as_client_returns(mapping, draft)) == (value,)
    assert kept(properties_of(mapped(as_text, as_date), c="foo")) == {}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("a b",), "a b"),
        ((7,), "7"),
        ((1.5,), "(1.5)"),
        ((float("inf"),), "(9e999)"),
        ((float("-inf"),), "(-9e999)"),
        ((b"\xff",), "(X'FF')"),
        ((b"\xff".decode("utf-8", "surrogateescape"),), "(CAST(X'FF' AS TEXT))"),
        (("it's", 1), "('it''s', 1)"),
        ((None,), "(NULL)"),
        ((7, None), "(7, NULL)"),
    ],
)
def test_keys_as_people_see_them(key: tuple[SqlValue, ...], text: str) -> None:
    assert key_text(key) == text
