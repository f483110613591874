from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.json_values import parse_json
from weaviate_migration.mapping.row_to_object import row_converter, unfit_judge
from weaviate_migration.mapping.spellings import DecimalScale
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.audit.columns import Group, surely_held
from weaviate_migration.phases.preflight.audit.kind_finder import kind_finder
from weaviate_migration.phases.preflight.audit.kinds import FATES, KINDS
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE, ROWS, SPELLED, SQL_VALUES


def property_of(of_type: str, **fields: Any) -> PropertyMapping:
    index = {"index": "whole"} if of_type.startswith("text") else {}
    return PropertyMapping(name="p", column="c", type=of_type, **index, **fields)  # type: ignore[arg-type]


SCALE = DecimalScale(scale=2)


def escaped(data: bytes) -> str:
    """Text as it comes from SQLite where its bytes are no UTF-8."""
    return data.decode(errors="surrogateescape")


CASES: list[tuple[PropertyMapping, SqlValue, str]] = [
    (property_of("text"), 7, "integer_in_text"),
    (property_of("text"), 0.5, "real_in_text"),
    (property_of("text"), b"a", "blob_in_text"),
    (property_of("text"), escaped(b"a\xff"), "text_not_utf8"),
    (property_of("text"), escaped(b"\xed\xa0\x80"), "surrogates"),
    (property_of("text"), escaped(b"\xed\xa0\xbd\xed\xb8\x80"), "surrogates"),
    (property_of("text"), escaped(b"\xed\xa0\x80\xff"), "text_not_utf8"),
    (property_of("text", default="x"), None, "null_replaced"),
    (property_of("text", default="x", default_for_empty=True), "", "empty_replaced"),
    (property_of("int"), 2**53, "integer_beyond_2_53"),
    (property_of("int"), -(2**53), "integer_beyond_2_53"),
    (property_of("int"), 5.0, "whole_real_in_int"),
    (property_of("int"), 5.5, "real_in_int"),
    (property_of("int"), 1e300, "real_in_int"),
    (property_of("int"), -0.0, "negative_zero"),
    (property_of("int"), float("inf"), "infinity"),
    (property_of("int"), "5", "text_in_int"),
    (property_of("int"), b"5", "blob_in_int"),
    (property_of("number"), 5, "integer_in_number"),
    (property_of("number"), 2**53, "integer_beyond_2_53"),
    (property_of("number"), float("-inf"), "infinity"),
    (property_of("number"), -0.0, "negative_zero"),
    (property_of("number"), "0.5", "text_in_number"),
    (property_of("number"), b"0.5", "blob_in_number"),
    (property_of("boolean"), 2, "integer_other_than_0_1"),
    (property_of("boolean"), 1.0, "real_in_boolean"),
    (property_of("boolean"), "true", "text_in_boolean"),
    (property_of("boolean", values=SPELLED), "true", "boolean_other_spelling"),
    (property_of("boolean", values=SPELLED), 1, "boolean_other_spelling"),
    (property_of("boolean", values=SPELLED), "T", "boolean_not_in_values"),
    (property_of("boolean", values=SPELLED), 1.0, "boolean_not_in_values"),
    (property_of("boolean", values=SPELLED), b"t", "boolean_not_in_values"),
    (property_of("number", decimal="text"), "12.50", "decimal_other_form"),
    (property_of("number", decimal="text"), "7", "decimal_other_form"),
    (property_of("number", decimal="text"), "-0.0", "negative_zero"),
    (property_of("number", decimal="text"), 12.5, "real_in_decimal_text"),
    (property_of("number", decimal="text"), -0.0, "real_in_decimal_text"),
    (property_of("number", decimal="text"), 12, "integer_in_number"),
    (property_of("number", decimal="text"), 2**53, "integer_beyond_2_53"),
    (property_of("number", decimal="text"), float("inf"), "infinity"),
    (property_of("number", decimal="text"), b"1", "blob_in_number"),
    (property_of("number", decimal="text"), "79228162514264337593543950335", "decimal_no_double"),
    (property_of("number", decimal="text"), "1e400", "decimal_no_double"),
    (property_of("number", decimal="text"), "12,50", "text_no_number"),
    (property_of("number", decimal="text"), escaped(b"\xff"), "text_not_utf8"),
    (property_of("number", decimal=SCALE), 2**63 - 1, "decimal_no_double"),
    (property_of("number", decimal=SCALE), 12.0, "real_in_scaled"),
    (property_of("number", decimal=SCALE), "12", "text_in_scaled"),
    (property_of("number", decimal=SCALE), b"12", "blob_in_scaled"),
    (property_of("boolean"), b"\1", "blob_in_boolean"),
    (property_of("date"), "2026-01-02T03:04:05", "date_with_t"),
    (property_of("date"), "2026-01-02T03:04:05.123456", "date_with_t"),
    (property_of("date"), "2026-01-02T03:04:05Z", "date_with_offset"),
    (property_of("date"), "2026-01-02 03:04:05 +02:00", "date_with_offset"),
    (property_of("date"), "2026-01-02T03:04:05.5-02:00", "date_with_offset"),
    *(
        (property_of("date"), f"2026-01-02 03:04:05.{'123456789'[:n]}", "date_fraction")
        for n in (1, 2, 3, 4, 5, 7, 8, 9)
    ),
    (property_of("date"), "2026-01-02 03:04:05.000000", "date_fraction"),
    (property_of("date"), "2026-01-02", "date_only"),
    (property_of("date"), "2026-01-02 03:04:05+0000", "date_with_offset"),
    (property_of("date"), "2026-01-02T03:04:05-07", "date_with_offset"),
    (property_of("date"), "2026-01-02 03:04:05 UTC", "date_with_offset"),
    (property_of("date"), "2026-01-02 03:04:05.5 -0700 PDT m=+0.492", "date_with_offset"),
    (property_of("date"), "20260102T030405Z", "date_basic"),
    (property_of("date"), "20260102", "date_basic"),
    (property_of("date"), "20260230", "text_no_date"),
    (property_of("date", date_format="%d/%m/%Y"), "2/1/2026", "date_other_writing"),
    (property_of("date", date_format="%d/%m/%Y"), "30/02/2026", "text_not_as_pattern"),
    (property_of("date", date_format="%d/%m/%Y"), escaped(b"\xff"), "text_not_utf8"),
    (property_of("date", date_format="%d/%m/%Y"), 20260102, "integer_in_date"),
    (property_of("date"), "2026-01-02 03:04", "date_without_seconds"),
    (property_of("date"), "2026-01-02T03:04+02:00", "date_without_seconds"),
    (property_of("date"), "0000-01-01 00:00:00", "date_year_out_of_range"),
    (property_of("date"), "10000-01-01 00:00:00", "date_year_out_of_range"),
    (property_of("date"), "-0044-03-15", "date_year_out_of_range"),
    (property_of("date"), "0001-01-01 00:00:00+02:00", "date_year_out_of_range"),
    (property_of("date"), "9999-12-31T23:59:59-01:00", "date_year_out_of_range"),
    (property_of("date"), "2026-02-30", "text_no_date"),
    (property_of("date"), "2026-01-02 03:04:05.1234567890", "text_no_date"),
    (property_of("date"), "yesterday", "text_no_date"),
    (property_of("date"), "", "text_no_date"),
    (property_of("date"), escaped(b"\xff"), "text_not_utf8"),
    (property_of("date"), 1767322800, "epoch_seconds"),
    (property_of("date"), 1767322800.5, "epoch_seconds"),
    (property_of("date"), 1767322800123, "epoch_milliseconds"),
    (property_of("date"), 1767322800123456, "epoch_microseconds"),
    (property_of("date"), 1767322800123456789, "epoch_nanoseconds"),
    (property_of("date", date_format="epoch_nanoseconds"), 1767322800123456789, "epoch_finer"),
    (property_of("date", date_format="apple"), 2**53, "epoch_out_of_range"),
    (property_of("date"), 2461042.5, "julian_day"),
    (property_of("date"), 2461042, "julian_day"),
    (property_of("date"), 20260102, "integer_in_date"),
    (property_of("date"), -1.5, "real_in_date"),
    (property_of("date"), float("inf"), "infinity"),
    (property_of("date"), b"2026-01-02", "blob_in_date"),
    (property_of("date", date_format="epoch_seconds"), 1767322800.0, "epoch_real"),
    (property_of("date", date_format="epoch_seconds"), 1767322800.1234567, "epoch_real"),
    (property_of("date", date_format="epoch_seconds"), 1767322800123, "epoch_out_of_range"),
    (property_of("date", date_format="epoch_seconds"), float("inf"), "infinity"),
    (property_of("date", date_format="epoch_milliseconds"), "2026-01-02", "text_in_epoch"),
    (property_of("date", date_format="epoch_milliseconds"), b"1", "blob_in_epoch"),
    (property_of("text[]"), "[", "json_invalid"),
    (property_of("text[]"), '["a", NaN]', "json_invalid"),
    (property_of("text[]"), "[" * 100_000, "json_invalid"),
    (property_of("text[]"), "", "json_invalid"),
    (property_of("text[]"), "null", "json_null"),
    (property_of("text[]"), '["a", 1]', "json_array_of_others"),
    (property_of("text[]"), '["a", null]', "json_array_of_others"),
    (property_of("text[]"), '{"a": 1}', "json_no_array"),
    (property_of("text[]"), '"a"', "json_no_array"),
    (property_of("text[]"), '["a","b"]', "json_other_form"),
    (property_of("text[]"), '["ä"]', "json_other_form"),
    (property_of("text[]"), '["\\ud800"]', "json_surrogates"),
    (property_of("text[]"), "[1e999]", "json_number_beyond_double"),
    (property_of("text[]"), f"[{'9' * 5000}]", "json_number_beyond_double"),
    (property_of("text[]"), 7, "integer_in_json"),
    (property_of("text[]"), 0.5, "real_in_json"),
    (property_of("text[]"), b"[]", "blob_in_json"),
    (property_of("text[]"), escaped(b'["\xff"]'), "text_not_utf8"),
    (property_of("int[]"), "[1,2]", "json_other_form"),
    (property_of("int[]"), "[1.0]", "json_other_form"),
    (property_of("int[]"), "[-0]", "json_other_form"),
    (property_of("int[]"), f"[{2**53}]", "json_integer_beyond_2_53"),
    (property_of("int[]"), f"[1, {'9' * 300}]", "json_integer_beyond_2_53"),
    (property_of("int[]"), "[1.5]", "json_array_of_others"),
    (property_of("int[]"), "[true]", "json_array_of_others"),
    (property_of("int[]"), f"[{'9' * 5000}]", "json_number_beyond_double"),
    (property_of("int[]"), "1", "json_no_array"),
    (property_of("int[]"), 1, "integer_in_json"),
    (property_of("number[]"), "[1]", "json_other_form"),
    (property_of("number[]"), "[-0.0]", "json_other_form"),
    (property_of("number[]"), "[1e2]", "json_other_form"),
    (property_of("number[]"), f"[{2**53}]", "json_integer_beyond_2_53"),
    (property_of("number[]"), "[1e999]", "json_number_beyond_double"),
    (property_of("number[]"), '["1"]', "json_array_of_others"),
    (property_of("boolean[]"), "[1, 0]", "json_other_form"),
    (property_of("boolean[]"), "[1.0]", "json_array_of_others"),
    (property_of("date[]"), '["2026-01-02"]', "json_other_form"),
    (property_of("date[]"), '["now"]', "json_array_of_others"),
    (property_of("date[]"), "[1767322800]", "json_array_of_others"),
    (property_of("uuid"), "00000000-0000-4000-8000-00000000000A", "uuid_other_spelling"),
    (property_of("uuid"), "0000000000004000800000000000000a", "uuid_other_spelling"),
    (property_of("uuid"), "{00000000-0000-4000-8000-00000000000a}", "uuid_other_spelling"),
    (property_of("uuid"), "urn:uuid:00000000-0000-4000-8000-00000000000a", "uuid_other_spelling"),
    (property_of("uuid"), bytes(16), "uuid_in_blob"),
    (property_of("uuid"), bytes(15), "blob_in_uuid"),
    (property_of("uuid"), "0000-0000000040008000-00000000000a", "text_no_uuid"),
    (property_of("uuid"), "", "text_no_uuid"),
    (property_of("uuid"), escaped(b"\xff"), "text_not_utf8"),
    (property_of("uuid"), 7, "integer_in_uuid"),
    (property_of("uuid"), 0.5, "real_in_uuid"),
    (property_of("blob"), b"", "empty_blob"),
    (property_of("blob"), "a", "text_in_blob"),
    (property_of("blob"), 7, "integer_in_blob"),
    (property_of("blob"), 0.5, "real_in_blob"),
    (property_of("text", json_key="a"), '{"a": 1}', "json_member_of_other_type"),
    (property_of("text", json_key="a"), '{"a": "\\ud800"}', "json_member_of_other_type"),
    (property_of("text[]", json_key="a"), '{"a": ["b", 1]}', "json_member_of_other_type"),
    (property_of("text", json_key="a"), '["a"]', "json_no_object"),
    (property_of("text", json_key="a"), "null", "json_null"),
    (property_of("text", json_key="a"), "{", "json_invalid"),
    (property_of("text", json_key="a"), 7, "integer_in_json"),
]


@pytest.mark.parametrize(("prop", "value", "name"), CASES, ids=lambda each: str(getattr(each, "type", each))[:40])
def test_kinds(prop: PropertyMapping, value: SqlValue, name: str) -> None:
    kind = kind_finder(prop)(value)
    assert kind is not None
    assert kind.name == name
    assert_what_becomes_of_it(prop, value, kind.fate)


def test_every_kind_has_a_case_and_a_sentence() -> None:
    assert {name for _, _, name in CASES} == set(KINDS)
    assert all(kind.name == name and len(kind.sentence) > 8 and kind.fate in FATES for name, kind in KINDS.items())


@pytest.mark.parametrize(
    ("prop", "value"),
    [
        (property_of("text", default="x"), ""),
        (property_of("text", json_key="a"), None),
        (property_of("text", json_key="a"), "{}"),
        (property_of("text", json_key="a"), '{"a": null}'),
        (property_of("text", json_key="a"), '{"a": "b", "c": 1e999}'),
        (property_of("text", json_key="a"), f'{{"a": "b", "c": {"9" * 5000}}}'),
        (property_of("text[]", json_key="a"), '{"a": ["b"]}'),
    ],
)
def test_what_is_held_exactly_is_no_kind(prop: PropertyMapping, value: SqlValue) -> None:
    assert kind_finder(prop)(value) is None


def assert_what_becomes_of_it(prop: PropertyMapping, value: SqlValue, fate: str) -> None:
    """As the conversion itself says: of the property, and of the column."""
    columns = ("c",)
    mapping = EVERY_TYPE.model_copy(update={"properties": (prop.model_copy(update={"column": "c"}),)})
    properties = row_converter(mapping, columns, "2026-11-22T09:30:15Z")("", "", (value,)).properties
    assert properties["metadata"]["source_columns"] != "{}"
    if fate == "default":
        assert properties[prop.name] == prop.default
    else:
        assert (prop.name in properties) == (fate == "filled")


@pytest.mark.parametrize(
    "prop", [each for each in EVERY_TYPE.properties if each.json_key is None], ids=lambda p: p.name
)
@given(value=SQL_VALUES)
def test_a_kind_is_found_where_the_conversion_is_not_exact_and_nowhere_else(
    prop: PropertyMapping, value: SqlValue
) -> None:
    kind = kind_finder(prop)(value)
    _, exact = property_converter(prop)(value)
    assert (kind is None) == exact
    if kind is not None:
        assert_what_becomes_of_it(prop, value, kind.fate)


@pytest.mark.parametrize(
    "prop", [each for each in EVERY_TYPE.properties if each.json_key is not None], ids=lambda p: p.name
)
@given(value=SQL_VALUES)
def test_a_member_has_a_kind_where_it_is_left_out_though_it_is_there(prop: PropertyMapping, value: SqlValue) -> None:
    kind = kind_finder(prop)(value)
    converted, _ = property_converter(prop)(value)
    document = parse_json(value)
    if value is None:
        assert (kind is not None) == (prop.default is not None)
    elif converted is not None:
        assert kind is None
    else:
        lacks_it = isinstance(document, dict) and document.get(prop.json_key) is None
        assert (kind is None) == lacks_it
        assert lacks_it or (kind is not None and kind.fate == "left out")


@given(ROWS)
def test_kinds_of_a_row_agree_with_what_its_object_keeps_verbatim(row: tuple[SqlValue, ...]) -> None:
    """A column is in `source_columns` just where the first property that may hold it has found a kind."""
    properties = row_converter(EVERY_TYPE, COLUMNS, "2026-11-22T09:30:15Z")("", "", row).properties
    kept = parse_json(properties["metadata"]["source_columns"])
    for column, value in zip(COLUMNS, row, strict=True):
        made = [each for each in EVERY_TYPE.properties if each.column.lower() == column and each.json_key is None]
        if made:
            assert (column in kept) == (kind_finder(made[0])(value) is not None)


@given(ROWS)
def test_rows_are_refused_where_the_migration_refuses_them(row: tuple[SqlValue, ...]) -> None:
    wanted = [each.model_copy(update={"on_unfit": "refuse"}) for each in EVERY_TYPE.properties if each.json_key is None]
    judge = unfit_judge(EVERY_TYPE.model_copy(update={"properties": tuple(wanted)}), COLUMNS)
    value_of = dict(zip(COLUMNS, row, strict=True))
    kinds = [kind_finder(each)(value_of[each.column.lower()]) for each in wanted]
    assert judge is not None
    assert (judge(row) is not None) == any(kind is not None and kind.fate == "quarantine" for kind in kinds)


@pytest.mark.parametrize("prop", EVERY_TYPE.properties, ids=lambda p: p.name)
@given(values=st.lists(SQL_VALUES, min_size=1, max_size=5))
def test_what_is_said_of_a_whole_column_holds_for_each_value(prop: PropertyMapping, values: list[SqlValue]) -> None:
    groups = {}
    for of_class in set(map(type, values)):
        held: list[Any] = [value for value in values if type(value) is of_class]
        groups[of_class] = Group(held, None, None) if of_class is type(None) else Group(held, min(held), max(held))
    if surely_held(prop, groups):
        assert [kind_finder(prop)(value) for value in values] == [None] * len(values)


@pytest.mark.parametrize(
    ("of_type", "values"),
    [
        ("text", ["a", "ä"]),
        ("int", [0, -5]),
        ("number", [1.0, -1.0]),
        ("boolean", [0, 1]),
        ("date", ["2026-01-02 03:04:05.000006", "0001-01-01 00:00:00"]),
        ("uuid", ["00000000-0000-4000-8000-00000000000a", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
        ("blob", [b"a", b"b"]),
    ],
)
def test_plain_columns_are_known_as_a_whole(of_type: str, values: list[Any]) -> None:
    """Otherwise each value would be looked at by itself, which takes far longer."""
    groups = {type(values[0]): Group(values, min(values), max(values)), type(None): Group([None], None, None)}
    assert surely_held(property_of(of_type), groups)
