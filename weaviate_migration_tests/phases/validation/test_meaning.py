from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.row_to_object import row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.meaning import judge
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE, ROWS, as_client_returns

A_UUID = "550e8400-e29b-41d4-a716-446655440000"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def property_of(of_type: str, **fields: Any) -> PropertyMapping:
    index = {"index": "whole"} if of_type.startswith("text") else {}
    return PropertyMapping(name="p", column="c", type=of_type, **index, **fields)  # type: ignore[arg-type]


@given(ROWS)
def test_every_converted_row_agrees(row: tuple[SqlValue, ...]) -> None:
    draft = row_converter(EVERY_TYPE, COLUMNS, "2026-11-22T09:30:15Z")("", "", row)
    found = as_client_returns(EVERY_TYPE, draft)
    value_of = {name.lower(): value for name, value in zip(COLUMNS, row, strict=True)}
    for prop in EVERY_TYPE.properties:
        value = value_of[prop.column.lower()]
        assert judge(prop)(value, found[prop.name]), (prop, value, found[prop.name])


@given(ROWS)
def test_a_property_that_was_dropped_is_found(row: tuple[SqlValue, ...]) -> None:
    draft = row_converter(EVERY_TYPE, COLUMNS, "2026-11-22T09:30:15Z")("", "", row)
    value_of = {name.lower(): value for name, value in zip(COLUMNS, row, strict=True)}
    for prop in EVERY_TYPE.properties:
        if prop.name in draft.properties:
            assert not judge(prop)(value_of[prop.column.lower()], None), prop


@pytest.mark.parametrize(
    ("of_type", "value", "wrong"),
    [
        ("text", "a", "b"),
        ("text", "a", None),
        ("text", "", None),
        ("text", None, ""),
        ("text", 1, "1"),
        ("text", b"a", "a"),
        ("text", "\udcff", "?"),
        ("int", 1, 2),
        ("int", 2**53 + 1, 2**53),
        ("int", 5.0, None),
        ("int", 5.5, 5),
        ("int", "5", 5),
        ("int", None, 0),
        ("int", 1, True),
        ("number", 0.1, 0.2),
        ("number", 1e300, None),
        ("number", 3, None),
        ("number", 2**53 + 1, 9007199254740992.0),
        ("number", "1.5", 1.5),
        ("number", float("inf"), 1.7976931348623157e308),
        ("boolean", 1, False),
        ("boolean", 0, None),
        ("boolean", 2, True),
        ("boolean", "true", True),
        ("date", "2026-01-02 12:00:00", NOON + timedelta(hours=1)),
        ("date", "2026-01-02 12:00:00.000002", NOON),
        ("date", "2026-01-02 12:00:00", None),
        ("date", "2026-01-02", None),
        ("date", "2026-01-02T12:00:00+02:00", NOON),
        ("date", "noon", NOON),
        ("date", "20260102T120000", NOON),
        ("date", "20260102T130000Z", NOON),
        ("date", "20260102T120000+0100", NOON),
        ("date", "2026W015T120000", NOON),
        ("date", "2026-01-02 12:00:00 -0700 PDT", NOON),
        ("date", "2026-01-02 12:00:00 PDT", NOON),
        ("date", "20260230", NOON),
        ("date", 1767322800, NOON),
        ("text[]", '["a"]', ["b"]),
        ("text[]", '["a"]', None),
        ("text[]", "[]", None),
        ("text[]", '["a", 1]', ["a"]),
        ("text[]", "null", []),
        ("int[]", "[1, 2]", [2, 1]),
        ("int[]", "[1, 2]", [1]),
        ("int[]", "[1, 2]", None),
        ("int[]", "[]", None),
        ("int[]", None, []),
        ("int[]", "[1]", [1.0]),
        ("int[]", "[1]", [True]),
        ("int[]", "[true]", [1]),
        ("int[]", f"[{2**53 + 1}]", [2**53]),
        ("int[]", "[1, null]", [1]),
        ("number[]", "[0.1]", [0.2]),
        ("number[]", "[0.1]", [0.1, 0.1]),
        ("number[]", "[1]", None),
        ("number[]", "[1]", [1]),
        ("number[]", f"[{2**53 + 1}]", [9007199254740992.0]),
        ("number[]", "[1e999]", [1.7976931348623157e308]),
        ("boolean[]", "[true]", [False]),
        ("boolean[]", "[true]", [1]),
        ("boolean[]", "[1]", None),
        ("boolean[]", "[2]", [True]),
        ("date[]", '["2026-01-02 12:00:00"]', [NOON + timedelta(microseconds=1)]),
        ("date[]", '["2026-01-02 12:00:00"]', None),
        ("date[]", '["noon"]', [NOON]),
        ("date[]", "[1767355200]", [NOON]),
        ("uuid", A_UUID, "550e8400-e29b-41d4-a716-446655440001"),
        ("uuid", A_UUID, UUID(int=0)),
        ("uuid", A_UUID, A_UUID.upper()),
        ("uuid", A_UUID.upper(), None),
        ("uuid", UUID(A_UUID).bytes, None),
        ("uuid", UUID(A_UUID).bytes, UUID(bytes_le=UUID(A_UUID).bytes)),
        ("uuid", "no UUID", UUID(A_UUID)),
        ("uuid", f"+{UUID(A_UUID).hex[1:]}", UUID(f"0{UUID(A_UUID).hex[1:]}")),
        ("uuid", None, UUID(A_UUID)),
        ("blob", b"a", "Yg=="),
        ("blob", b"a", "YR=="),
        ("blob", b"a", None),
        ("blob", b"", ""),
        ("blob", "a", "YQ=="),
        ("blob", None, "YQ=="),
    ],
)
def test_what_says_something_else_does_not_agree(of_type: str, value: SqlValue, wrong: Any) -> None:
    assert not judge(property_of(of_type))(value, wrong)


@pytest.mark.parametrize(
    ("date_format", "value", "wrong"),
    [
        ("epoch_seconds", 1767355200, NOON + timedelta(microseconds=1)),
        ("epoch_seconds", 1767355200, None),
        ("epoch_seconds", 1767355200000, NOON),
        ("epoch_seconds", 1767355200.5, NOON),
        ("epoch_seconds", "1767355200", NOON),
        ("epoch_seconds", "2026-01-02 12:00:00", NOON),
        ("epoch_seconds", 253402300800, NOON),
        ("epoch_seconds", float("inf"), NOON),
        ("epoch_seconds", None, NOON),
        ("epoch_milliseconds", 1767355200, NOON),
        ("epoch_milliseconds", 1767355200001, NOON),
        ("epoch_nanoseconds", 1767355200000000001, NOON + timedelta(microseconds=1)),
        ("epoch_nanoseconds", 1767355200000000999, NOON),
        ("epoch_seconds", 1767355200.0000002, NOON + timedelta(microseconds=1)),
    ],
)
def test_numbers_since_1970_that_do_not_agree(date_format: str, value: SqlValue, wrong: Any) -> None:
    assert not judge(property_of("date", date_format=date_format))(value, wrong)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-01-02 12:00 UTC", NOON),
        ("2026-01-02 12:00-0000 UTC", NOON),
        ("2026-01-02 14:00:00.5 +0200 UTC", NOON + timedelta(microseconds=500_000)),
        ("20260102T120000+0000", NOON),
        ("20260102T120000 UTC", None),
        ("20260102T120000+0000 UTC", None),
    ],
)
def test_names_of_zones(text: str, found: datetime | None) -> None:
    """Behind an offset a name says nothing new; and only dates with dashes have one."""
    prop = property_of("date")
    assert judge(prop)(text, found)
    assert not judge(prop)(text, NOON if found is None else None)
    assert (property_converter(prop)(text)[0] is None) == (found is None)


def test_numbers_since_1970_that_agree() -> None:
    assert judge(property_of("date", date_format="epoch_seconds"))(1767355200, NOON)
    assert judge(property_of("date", date_format="epoch_milliseconds"))(1767355200000, NOON)


def test_defaults_must_be_there_and_only_where_they_belong() -> None:
    with_default = property_of("text", default="none", default_for_empty=True)
    assert judge(with_default)(None, "none")
    assert judge(with_default)("", "none")
    assert not judge(with_default)(None, None)
    assert not judge(with_default)("a", "none")
    assert not judge(property_of("text", default="none"))("", "none")


def test_members() -> None:
    member = property_of("text", json_key="text")
    assert judge(member)('{"text": "a"}', "a")
    assert not judge(member)('{"text": "a"}', None)
    assert not judge(member)('{"text": 1}', "1")
    assert judge(member)('{"text": "a", "score": NaN}', None)
    texts = property_of("text[]", json_key="tools")
    assert not judge(texts)('{"tools": ["a"]}', ["a", "b"])
    assert not judge(texts)('{"tools": ["a", null]}', ["a"])
