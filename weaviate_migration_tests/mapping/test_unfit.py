"""Which rows are refused for a value: those that would be objects without a property although there is a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.row_to_object import row_converter, unfit_judge
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE, ROWS

PROPERTIES = [prop.name for prop in EVERY_TYPE.properties if prop.json_key is None]


def refusing(names: set[str]) -> CollectionMapping:
    """The mapping of every type, where rows are refused for these properties."""
    properties = tuple(
        prop.model_copy(update={"on_unfit": "refuse"}) if prop.name in names else prop for prop in EVERY_TYPE.properties
    )
    return EVERY_TYPE.model_copy(update={"properties": properties})


def reason_of(prop: PropertyMapping, value: SqlValue) -> str | None:
    judge = unfit_judge(CollectionMapping(name="Note", table="notes", properties=(prop,)), ("c",))
    assert judge is not None
    return judge((value,))


@given(ROWS, st.sets(st.sampled_from(PROPERTIES), min_size=1))
def test_refused_is_a_row_whose_property_would_be_left_out_though_there_is_a_value(
    row: tuple[SqlValue, ...], names: set[str]
) -> None:
    mapping = refusing(names)
    judge = unfit_judge(mapping, COLUMNS)
    assert judge is not None
    value_of = {name.lower(): value for name, value in zip(COLUMNS, row, strict=True)}
    properties = row_converter(mapping, COLUMNS, "2026-11-22T09:30:15Z")("", "", row).properties
    left_out = [
        prop.name
        for prop in mapping.properties
        if prop.name in names and value_of[prop.column.lower()] is not None and prop.name not in properties
    ]
    reason = judge(row)
    assert (reason is not None) == bool(left_out)
    assert reason is None or f"property `{left_out[0]}` of type " in reason


def test_a_mapping_that_keeps_everything_needs_no_judge() -> None:
    assert unfit_judge(EVERY_TYPE, COLUMNS) is None


def test_a_column_that_the_file_lacks_is_null() -> None:
    assert unfit_judge(refusing({"size"}), ("id", "other")) is None


@pytest.mark.parametrize(
    ("of_type", "value", "held"),
    [
        ("int", "5", "a text"),
        ("int", 5.5, "a real"),
        ("int", 2**53, "an integer"),
        ("int", b"5", "a blob"),
        ("text", 5, "an integer"),
        ("text", b"a\xff".decode("utf-8", "surrogateescape"), "a text that is not UTF-8"),
        ("text[]", "null", "a text"),
        ("date", 1767322800, "an integer"),
        ("date", "noon", "a text"),
        ("boolean", 2, "an integer"),
        ("number", float("inf"), "a real"),
    ],
)
def test_the_reason_names_column_property_type_and_storage_class(of_type: str, value: SqlValue, held: str) -> None:
    index = {"index": "words"} if of_type.startswith("text") else {}
    prop = PropertyMapping(name="p", column="C", type=of_type, on_unfit="refuse", **index)  # type: ignore[arg-type]
    assert reason_of(prop, value) == (
        f"column `c` holds {held}, which property `p` of type {of_type} cannot hold, "
        "and the mapping says on_unfit: refuse"
    )


@pytest.mark.parametrize(
    ("of_type", "value"),
    [
        ("int", 5.0),
        ("number", 5),
        ("number", -0.0),
        ("date", "2026-01-02T03:04:05Z"),
        ("date", "2026-01-02"),
        ("boolean", 0),
        ("int", None),
    ],
)
def test_a_value_that_fills_its_property_is_not_refused_though_it_is_kept_verbatim_too(
    of_type: str, value: SqlValue
) -> None:
    assert reason_of(PropertyMapping(name="p", column="c", type=of_type, on_unfit="refuse"), value) is None  # type: ignore[arg-type]


def test_what_a_default_replaces_is_not_refused() -> None:
    prop = PropertyMapping(
        name="p", column="c", index="words", default="none", default_for_empty=True, on_unfit="refuse"
    )
    assert [reason_of(prop, value) for value in (None, "", "a")] == [None, None, None]
    assert reason_of(prop, 5) is not None
