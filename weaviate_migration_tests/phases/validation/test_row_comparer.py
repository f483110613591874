import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.row_to_object import key_text, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.validation.row_comparer import RowComparer, same_value
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE, ROWS, as_client_returns

BEGAN = "2026-11-22T09:30:15Z"
UUID = "00000000-0000-4000-8000-000000000001"
LAYOUT = RowLayout("notes", COLUMNS, ("id",))
COMPARER = RowComparer(EVERY_TYPE, LAYOUT, BEGAN)
ROW: tuple[SqlValue, ...] = (
    "key-1",
    "text of the note",
    '["a", "b"]',
    7,
    0.5,
    1,
    "2026-01-02 03:04:05",
    '{"a": "member", "b": ["x"]}',
    "title",
    "owner",
    None,
    12,
    b"\x00\xff",
    2**60,
    1767322800.5,
    1767322800123,
    1767322800123456,
    1767322800123456000,
    789015600.25,
    "02/01/2026 03:04",
    "Fri, 02 Jan 2026 03:04:05.000006 AM +0000",
    "260102%",
    "t",
    "12.5",
    1250,
    "00000000-0000-4000-8000-00000000000a",
    "[1, 2]",
    "[0.5, 1.0]",
    "[true, false]",
    '["2026-01-02 03:04:05"]',
    b"\x00\xff",
)


def row_of(values: tuple[SqlValue, ...]) -> ExtractRow:
    return ExtractRow(UUID, (values[0],), values)


def object_of(values: tuple[SqlValue, ...]) -> dict[str, Any]:
    draft = row_converter(EVERY_TYPE, COLUMNS, BEGAN)("", key_text((values[0],)), values)
    return as_client_returns(EVERY_TYPE, draft)


def differing(values: tuple[SqlValue, ...], properties: dict[str, Any]) -> list[str]:
    found = COMPARER.disagreements(row_of(values), StoredObject(UUID, properties, {}), COMPARER.rebuild(properties))
    return [each.property for each in found]


@given(ROWS)
def test_a_row_and_its_object_do_not_differ(row: tuple[SqlValue, ...]) -> None:
    assert differing(row, object_of(row)) == []


ALTERED: dict[str, Callable[[Any], Any]] = {
    "noteId": lambda found: found + "x",
    "body": lambda found: found.upper(),
    "tags": lambda found: found[:-1],
    "size": lambda found: found + 1,
    "score": lambda found: -found,
    "done": lambda found: not found,
    "at": lambda found: found.replace(microsecond=1),
    "memberA": lambda found: found[::-1],
    "document": lambda found: found.replace(" ", ""),
    "membersB": lambda found: [*found, "y"],
    "title": lambda found: found + " ",
    "owner": lambda found: found.title(),
    "onlyMember": lambda _: "some",
    "twiceAsNumber": lambda found: found * 2,
    "since": lambda found: found.replace(microsecond=0),
    "sinceMs": lambda found: found.replace(microsecond=124_000),
    "sinceUs": lambda found: found.replace(microsecond=123_457),
    "sinceNs": lambda found: found.replace(microsecond=123_457),
    "since2001": lambda found: found.replace(year=found.year - 31),
    "byPattern0": lambda found: found.replace(day=found.month, month=found.day),
    "byPattern1": lambda found: found.replace(microsecond=0),
    "byPattern2": lambda found: found.replace(hour=1),
    "spelled": lambda found: not found,
    "price": lambda found: found * 100,
    "cents": lambda found: found + 0.001,
    "ident": lambda found: type(found)(int=found.int + 1),
    "counts": lambda found: [*found[:-1], found[-1] + 1],
    "scores": lambda found: [-found[0], *found[1:]],
    "flags": lambda found: [*found[:-1], not found[-1]],
    "moments": lambda found: [each.replace(microsecond=1) for each in found],
    "picture": lambda found: found[:-2] + "9=",
}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_and_a_dropped_property_are_found(name: str) -> None:
    properties = object_of(ROW)
    assert name in differing(ROW, {**properties, name: ALTERED[name](properties[name])})
    assert name in differing(ROW, {**properties, name: None})


def test_a_property_made_from_null_is_found() -> None:
    without = (*ROW[:3], None, *ROW[4:])
    assert "size" in differing(without, {**object_of(without), "size": 0})


def with_provenance(**altered: Any) -> dict[str, Any]:
    properties = object_of(ROW)
    return {**properties, "metadata": {**properties["metadata"], **altered}}


ODD = 'odd "name" of 🎉'


@pytest.mark.parametrize(
    ("altered", "found"),
    [
        ({"unmapped": {"base64": "AP4="}}, ["unmapped"]),
        ({ODD: 2**60 + 1}, [ODD]),
        ({ODD: float(2**60)}, [ODD]),
        ({ODD: str(2**60), "unmapped": None}, ["unmapped", ODD]),
        ({"size": 8}, ["size"]),
        ({"at": "2026-01-02T03:04:05"}, ["at"]),
        ({"no column": "a secret"}, ["no column"]),
        ({"Unmapped": None}, ["Unmapped"]),
    ],
)
def test_altered_source_columns_are_found(altered: dict[str, Any], found: list[str]) -> None:
    held = json.loads(object_of(ROW)["metadata"]["source_columns"])
    properties = with_provenance(source_columns=json.dumps(held | altered))
    assert differing(ROW, properties) == [f"metadata.source_columns.{name}" for name in found]


def test_lost_source_columns_are_found() -> None:
    names = [f"metadata.source_columns.{name}" for name in ("unmapped", ODD)]
    assert differing(ROW, with_provenance(source_columns="{}")) == names
    assert differing(ROW, with_provenance(source_columns=None)) == names


@pytest.mark.parametrize("source_columns", ["{", "[]", "7", '{"unmapped": {}}', '{"unmapped": {"base64": "A"}}'])
def test_source_columns_that_cannot_be_read_are_a_difference(source_columns: str) -> None:
    assert differing(ROW, with_provenance(source_columns=source_columns)) == ["metadata.source_columns"]


def test_lost_provenance_is_found() -> None:
    assert "metadata.original_id" in differing(ROW, {**object_of(ROW), "metadata": None})
    assert differing(ROW, with_provenance(original_id="key-2")) == ["metadata.original_id"]


@pytest.mark.parametrize("provenance", [{"migrated_from_sqlite": False}, {"migration_timestamp": None}])
def test_altered_provenance_is_found(provenance: dict[str, Any]) -> None:
    assert differing(ROW, with_provenance(**provenance)) == [f"metadata.{name}" for name in provenance]


def test_a_property_that_nobody_mapped_is_found() -> None:
    assert differing(ROW, {**object_of(ROW), "stranger": "x"}) == ["stranger"]
    assert differing(ROW, {**object_of(ROW), "stranger": None}) == []


def test_values_of_another_type_are_named() -> None:
    properties = object_of(ROW)
    assert COMPARER.wrong_types(properties) == []
    assert COMPARER.wrong_types({**properties, "size": 7.0, "done": 1, "score": 1}) == ["size", "score", "done"]
    assert COMPARER.wrong_types({**properties, "ident": UUID, "counts": (1, 2)}) == ["ident", "counts"]


@pytest.mark.parametrize("key", ["key-1", 7, 7.5, b"\x00", "a' b", "\udcff"])
def test_a_uuid_follows_from_the_key_that_the_object_tells(key: SqlValue) -> None:
    row = (key, *ROW[1:])
    uuid = object_uuid("notes", (key,))
    assert uuid is not None
    properties = object_of(row)
    assert COMPARER.uuid_follows(StoredObject(uuid, properties, {}), COMPARER.rebuild(properties))
    assert not COMPARER.uuid_follows(StoredObject(UUID, properties, {}), COMPARER.rebuild(properties))
    assert not COMPARER.uuid_follows(StoredObject(uuid, properties, {}), None)


@pytest.mark.parametrize("rowid", [1, -5])
def test_a_uuid_follows_from_a_rowid(rowid: int) -> None:
    comparer = RowComparer(EVERY_TYPE, RowLayout("notes", COLUMNS, ()), BEGAN)
    uuid = object_uuid("notes", (rowid,))
    assert uuid is not None
    told = with_provenance(original_id=str(rowid))
    assert comparer.uuid_follows(StoredObject(uuid, told, {}), ROW)
    assert not comparer.uuid_follows(StoredObject(uuid, with_provenance(original_id="x"), {}), ROW)


@pytest.mark.parametrize(
    ("one", "other"),
    [(0.0, -0.0), (1, 1.0), (1, True), ("a", b"a"), (None, ""), ("\udcff", "?"), (1, "1"), (float("inf"), 1e308)],
)
def test_values_that_python_or_people_may_take_for_the_same(one: SqlValue, other: SqlValue) -> None:
    assert not same_value(one, other)
    assert same_value(one, one)
