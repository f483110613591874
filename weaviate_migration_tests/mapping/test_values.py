import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import CONVERTERS
from weaviate_migration.mapping.dates import EPOCH_CONVERTERS, are_exact_dates
from weaviate_migration.mapping.json_values import parse_json, text_member, texts_member
from weaviate_migration.mapping.object_to_row import inverse
from weaviate_migration.mapping.values import (
    MAX_EXACT_INT,
    SqlValue,
    default_property,
    text_property,
    verbatim_json,
)
from weaviate_migration_tests.strategies import EVERY_TYPE

LEFT_OUT = (None, False)
A_UUID = "550e8400-e29b-41d4-a716-446655440000"
NOT_UTF8 = b"a\xffb".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("converter", [*CONVERTERS.values(), *EPOCH_CONVERTERS.values()])
def test_null_is_held_by_an_absent_property(converter: Any) -> None:
    assert converter(None) == (None, True)


@pytest.mark.parametrize("prop", EVERY_TYPE.properties, ids=lambda prop: prop.name)
def test_an_absent_property_gives_null(prop: PropertyMapping) -> None:
    assert inverse(prop)(None) is None


@pytest.mark.parametrize(
    ("of_type", "value", "converted"),
    [
        ("text", "", ("", True)),
        ("text", "a\0b", ("a\0b", True)),
        ("text", NOT_UTF8, LEFT_OUT),
        ("text", "\ud800", LEFT_OUT),
        ("text", 1, LEFT_OUT),
        ("text", 1.5, LEFT_OUT),
        ("text", b"a", LEFT_OUT),
        ("int", 0, (0, True)),
        ("int", MAX_EXACT_INT, (MAX_EXACT_INT, True)),
        ("int", -MAX_EXACT_INT, (-MAX_EXACT_INT, True)),
        ("int", MAX_EXACT_INT + 1, LEFT_OUT),
        ("int", 2**63 - 1, LEFT_OUT),
        ("int", 5.0, (5, False)),
        ("int", -0.0, (0, False)),
        ("int", 2.0**53, LEFT_OUT),
        ("int", 5e-324, LEFT_OUT),
        ("int", 5.5, LEFT_OUT),
        ("int", 1e300, LEFT_OUT),
        ("int", float("inf"), LEFT_OUT),
        ("int", "5", LEFT_OUT),
        ("number", 0.1, (0.1, True)),
        ("number", 1e308, (1e308, True)),
        ("number", -0.0, (-0.0, False)),
        ("number", 0.0, (0.0, True)),
        ("number", 5e-324, (5e-324, True)),
        ("number", -1.7976931348623157e308, (-1.7976931348623157e308, True)),
        ("number", 0, (0.0, False)),
        ("number", 5, (5.0, False)),
        ("number", MAX_EXACT_INT + 1, LEFT_OUT),
        ("number", float("-inf"), LEFT_OUT),
        ("number", "0.1", LEFT_OUT),
        ("boolean", 0, (False, True)),
        ("boolean", 1, (True, True)),
        ("boolean", 2, LEFT_OUT),
        ("boolean", 1.0, LEFT_OUT),
        ("boolean", "true", LEFT_OUT),
        ("text[]", "[]", ([], True)),
        ("text[]", '["a", "\\u00e4"]', (["a", "ä"], True)),
        ("text[]", '["a", "ä"]', (["a", "ä"], False)),
        ("text[]", '["a","b"]', (["a", "b"], False)),
        ("text[]", '["a", null]', LEFT_OUT),
        ("text[]", '["a", 1]', LEFT_OUT),
        ("text[]", '["\\ud800"]', LEFT_OUT),
        ("text[]", "null", LEFT_OUT),
        ("text[]", '"a"', LEFT_OUT),
        ("text[]", "", LEFT_OUT),
        ("text[]", "[" * 100_000, LEFT_OUT),
        ("text[]", b"[]", LEFT_OUT),
        ("int[]", "[]", ([], True)),
        ("int[]", "[1, -2]", ([1, -2], True)),
        ("int[]", f"[{MAX_EXACT_INT}]", ([MAX_EXACT_INT], True)),
        ("int[]", f"[1, {MAX_EXACT_INT + 1}]", LEFT_OUT),
        ("int[]", f"[{'9' * 5000}]", LEFT_OUT),
        ("int[]", "[1,2]", ([1, 2], False)),
        ("int[]", "[1.0]", ([1], False)),
        ("int[]", "[-0]", ([0], False)),
        ("int[]", "[1.5]", LEFT_OUT),
        ("int[]", "[true]", LEFT_OUT),
        ("int[]", "[1, null]", LEFT_OUT),
        ("int[]", '["1"]', LEFT_OUT),
        ("int[]", "[[1]]", LEFT_OUT),
        ("int[]", "[NaN]", LEFT_OUT),
        ("int[]", "1", LEFT_OUT),
        ("int[]", 1, LEFT_OUT),
        ("number[]", "[]", ([], True)),
        ("number[]", "[0.1, 1.0, 1e+300]", ([0.1, 1.0, 1e300], True)),
        ("number[]", "[5e-324, 1.7976931348623157e+308]", ([5e-324, 1.7976931348623157e308], True)),
        ("number[]", "[1, 0.5]", ([1.0, 0.5], False)),
        ("number[]", "[-0.0]", ([-0.0], False)),
        ("number[]", "[1e2]", ([100.0], False)),
        ("number[]", "[0.10]", ([0.1], False)),
        ("number[]", f"[{MAX_EXACT_INT + 1}]", LEFT_OUT),
        ("number[]", "[1e999]", LEFT_OUT),
        ("number[]", "[Infinity]", LEFT_OUT),
        ("number[]", "[false]", LEFT_OUT),
        ("boolean[]", "[]", ([], True)),
        ("boolean[]", "[true, false]", ([True, False], True)),
        ("boolean[]", "[1, 0]", ([True, False], False)),
        ("boolean[]", "[1.0]", LEFT_OUT),
        ("boolean[]", "[2]", LEFT_OUT),
        ("boolean[]", "[null]", LEFT_OUT),
        ("boolean[]", "true", LEFT_OUT),
        ("date[]", "[]", ([], True)),
        ("date[]", '["2026-01-02 03:04:05"]', (["2026-01-02T03:04:05Z"], True)),
        ("date[]", '["2026-01-02 03:04:05.000006"]', (["2026-01-02T03:04:05.000006Z"], True)),
        ("date[]", '["2026-01-02T03:04:05+02:00"]', (["2026-01-02T01:04:05Z"], False)),
        ("date[]", '["2026-01-02 03:04:05","2026-01-02"]', (["2026-01-02T03:04:05Z", "2026-01-02T00:00:00Z"], False)),
        ("date[]", '["2026-01-02 03:04:05", "now"]', LEFT_OUT),
        ("date[]", "[1767322800]", LEFT_OUT),
        ("date[]", '"2026-01-02 03:04:05"', LEFT_OUT),
        ("uuid", A_UUID, (A_UUID, True)),
        ("uuid", "00000000-0000-0000-0000-000000000000", ("00000000-0000-0000-0000-000000000000", True)),
        ("uuid", A_UUID.upper(), (A_UUID, False)),
        ("uuid", A_UUID.replace("-", ""), (A_UUID, False)),
        ("uuid", f"{{{A_UUID}}}", (A_UUID, False)),
        ("uuid", f"{{{A_UUID.replace('-', '').upper()}}}", (A_UUID, False)),
        ("uuid", f"urn:uuid:{A_UUID}", (A_UUID, False)),
        ("uuid", UUID(A_UUID).bytes, (A_UUID, False)),
        ("uuid", A_UUID.encode(), LEFT_OUT),
        ("uuid", f"{{{A_UUID}", LEFT_OUT),
        ("uuid", f"{A_UUID}}}", LEFT_OUT),
        ("uuid", f"{A_UUID}\n", LEFT_OUT),
        ("uuid", f" {A_UUID}", LEFT_OUT),
        ("uuid", f"URN:UUID:{A_UUID}", LEFT_OUT),
        ("uuid", f"550e-8400{A_UUID[8:]}", LEFT_OUT),
        ("uuid", A_UUID.replace("-", "", 1), LEFT_OUT),
        ("uuid", f"+{UUID(A_UUID).hex[1:]}", LEFT_OUT),
        ("uuid", f"0x{UUID(A_UUID).hex[2:]}", LEFT_OUT),
        ("uuid", f"{UUID(A_UUID).hex[:9]}_{UUID(A_UUID).hex[10:]}", LEFT_OUT),
        ("uuid", "\uff11" * 32, LEFT_OUT),
        ("uuid", "", LEFT_OUT),
        ("uuid", 7, LEFT_OUT),
        ("blob", b"a", ("YQ==", True)),
        ("blob", b"\xfb\xff", ("+/8=", True)),
        ("blob", b"", LEFT_OUT),
        ("blob", "a", LEFT_OUT),
        ("blob", 1, LEFT_OUT),
    ],
)
def test_values_and_whether_the_property_holds_them(of_type: str, value: SqlValue, converted: Any) -> None:
    found, exact = CONVERTERS[of_type](value)
    assert (repr(found), exact) == (repr(converted[0]), converted[1])


@pytest.mark.parametrize(
    ("text", "property_value", "exact"),
    [
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05Z", True),
        ("2026-01-02 03:04:05.000006", "2026-01-02T03:04:05.000006Z", True),
        ("0001-01-01 00:00:00", "0001-01-01T00:00:00Z", True),
        ("9999-12-31 23:59:59.999999", "9999-12-31T23:59:59.999999Z", True),
        ("2024-02-29 00:00:00", "2024-02-29T00:00:00Z", True),
        ("2026-01-02 03:04:05.000000", "2026-01-02T03:04:05.000000Z", False),
        ("2026-01-02 03:04:05.5", "2026-01-02T03:04:05.5Z", False),
        ("2026-01-02 03:04:05.123456789", "2026-01-02T03:04:05.123456789Z", False),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z", False),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", False),
        ("2026-01-02 03:04:05 +02:00", "2026-01-02T01:04:05Z", False),
        ("2026-01-01T00:30:00.25+02:00", "2025-12-31T22:30:00.25Z", False),
        ("2026-01-02 03:04", "2026-01-02T03:04:00Z", False),
        ("2026-01-02", "2026-01-02T00:00:00Z", False),
    ],
)
def test_dates(text: str, property_value: str, exact: bool) -> None:
    assert CONVERTERS["date"](text) == (property_value, exact)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "now",
        "2026-02-30 00:00:00",
        "2026-02-30",
        "2026-01-02 24:00:00",
        "2026-01-02 23:59:60",
        "0000-01-01 00:00:00",
        "0001-01-01 00:00:00+02:00",
        "9999-12-31 23:59:59-01:00",
        "2026-01-02Z",
        "2026-01-02 03:04:05+24:00",
        "2026-01-02 03:04:05+01:60",
        "2026-01-02 03:04:05.1234567890",
        "20260102T030405",
        "2026-01-02 03:04:05\n",
        "\uff12\uff10\uff12\uff16-01-02 03:04:05",
        1767322800,
        1767322800.5,
        b"2026-01-02 03:04:05",
    ],
)
def test_what_is_no_date_is_left_out(value: SqlValue) -> None:
    assert CONVERTERS["date"](value) == LEFT_OUT


@pytest.mark.parametrize(
    ("date_format", "value", "converted"),
    [
        ("epoch_seconds", 0, ("1970-01-01T00:00:00Z", True)),
        ("epoch_seconds", 1767322800, ("2026-01-02T03:00:00Z", True)),
        ("epoch_seconds", -1, ("1969-12-31T23:59:59Z", True)),
        ("epoch_seconds", -62135596800, ("0001-01-01T00:00:00Z", True)),
        ("epoch_seconds", -62135596801, LEFT_OUT),
        ("epoch_seconds", 253402300799, ("9999-12-31T23:59:59Z", True)),
        ("epoch_seconds", 253402300800, LEFT_OUT),
        ("epoch_seconds", 2**63 - 1, LEFT_OUT),
        ("epoch_seconds", 1767322800.5, ("2026-01-02T03:00:00.500000Z", True)),
        ("epoch_seconds", 1767322800.123456, ("2026-01-02T03:00:00.123456Z", True)),
        ("epoch_seconds", 1767322800.0, ("2026-01-02T03:00:00Z", False)),
        ("epoch_seconds", 1767322800.1234567, ("2026-01-02T03:00:00.123457Z", False)),
        ("epoch_seconds", -0.0, ("1970-01-01T00:00:00Z", False)),
        ("epoch_seconds", float("inf"), LEFT_OUT),
        ("epoch_seconds", float("-inf"), LEFT_OUT),
        ("epoch_seconds", "1767322800", LEFT_OUT),
        ("epoch_seconds", "2026-01-02 03:00:00", LEFT_OUT),
        ("epoch_seconds", b"1767322800", LEFT_OUT),
        ("epoch_milliseconds", 1767322800123, ("2026-01-02T03:00:00.123000Z", True)),
        ("epoch_milliseconds", 1767322800000, ("2026-01-02T03:00:00Z", True)),
        ("epoch_milliseconds", 1767322800123.456, ("2026-01-02T03:00:00.123456Z", True)),
        ("epoch_milliseconds", 1767322800123.0, ("2026-01-02T03:00:00.123000Z", False)),
        ("epoch_milliseconds", 253402300800000, LEFT_OUT),
    ],
)
def test_dates_since_1970(date_format: str, value: SqlValue, converted: Any) -> None:
    assert EPOCH_CONVERTERS[date_format](value) == converted


def test_members_leave_the_column_verbatim() -> None:
    document = json.dumps({"text": "found", "tools": ["a", "b"], "bad": ["a", 1], "number": 1})
    assert text_member("text")(document) == ("found", False)
    assert text_member("number")(document) == LEFT_OUT
    assert text_member("absent")(document) == LEFT_OUT
    assert texts_member("tools")(document) == (["a", "b"], False)
    assert texts_member("bad")(document) == LEFT_OUT
    for no_object in ("[]", "null", "text", None, 1, b"{}"):
        assert text_member("text")(no_object) == LEFT_OUT


HUGE = "9" * 5000


def test_a_number_of_any_length_keeps_nothing_else_from_being_read() -> None:
    """Python's own reader gives up integers of over 4,300 digits."""
    assert texts_member("tools")(f'{{"tools": ["a"], "number": {HUGE}}}') == (["a"], False)
    assert text_member("text")(f'{{"text": {HUGE}}}') == LEFT_OUT
    assert CONVERTERS["text[]"](f'["a", {HUGE}]') == LEFT_OUT


def test_a_name_given_twice_counts_as_it_is_given_last() -> None:
    document = '{"text": "first", "text": "last", "tools": ["first"], "tools": 1}'
    assert text_member("text")(document) == ("last", False)
    assert texts_member("tools")(document) == LEFT_OUT


def test_json_that_is_not_utf8_gives_the_members_that_are() -> None:
    document = b'{"text": "a", "bytes": "\xff", "tools": ["a", "\xff"]}'.decode("utf-8", "surrogateescape")
    assert text_member("text")(document) == ("a", False)
    assert text_member("bytes")(document) == LEFT_OUT
    assert texts_member("tools")(document) == LEFT_OUT


def test_json_has_no_nan() -> None:
    assert parse_json('{"text": "a", "score": NaN}') is None
    assert parse_json("Infinity") is None
    assert parse_json('{"text": "a"}') == {"text": "a"}


def test_defaults_replace_null_and_where_wanted_empty_text() -> None:
    assert default_property(text_property, "x", for_empty=False)(None) == ("x", False)
    assert default_property(text_property, "x", for_empty=False)("") == ("", True)
    assert default_property(text_property, "x", for_empty=True)("") == ("x", False)
    assert default_property(text_property, "x", for_empty=True)("x") == ("x", True)


def test_verbatim_columns_are_json_that_anyone_can_read() -> None:
    columns: dict[str, SqlValue] = {
        "integer": 2**63 - 1,
        "real": 0.1,
        "text": "Zoë",
        "null": None,
        "blob": b"\x00\xff",
        "bytes": NOT_UTF8,
        "most": float("inf"),
        "least": float("-inf"),
    }
    assert json.loads(verbatim_json(columns)) == {
        "integer": 2**63 - 1,
        "real": 0.1,
        "text": "Zoë",
        "null": None,
        "blob": {"base64": "AP8="},
        "bytes": {"text_base64": "Yf9i"},
        "most": {"real": "Infinity"},
        "least": {"real": "-Infinity"},
    }
    assert "Zoë" in verbatim_json(columns)


ALMOST_DATES = ["2026-01-02 03:04:05.000000", "2026-02-30 00:00:00", "2026-01-02", "2026-01-02T03:04:05", "", "x"]


@given(st.lists(st.sampled_from(ALMOST_DATES) | st.datetimes().map(str), min_size=1, max_size=4))
def test_dates_are_exact_together_just_where_each_is(texts: list[str]) -> None:
    assert are_exact_dates(texts) == all(CONVERTERS["date"](each)[1] for each in texts)
