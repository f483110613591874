"""Any row under any mapping: odd names of columns, names of other case, every type, defaults, members of JSON."""

import json
import string
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_to_row import object_to_row
from weaviate_migration.mapping.property_mapping import PropertyType
from weaviate_migration.mapping.row_to_object import key_text, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.meaning import judge
from weaviate_migration.phases.validation.row_comparer import same_value
from weaviate_migration_tests.strategies import NO_TEXTS, SQL_VALUES, as_client_returns, spelled_fields

ODD_NAMES = [
    "",
    " ",
    '"',
    "'",
    "a.b",
    "select",
    "rowid",
    "real",
    "base64",
    "metadata",
    "p0",
    "Ä",
    "ä",
    "İ",
    "🎉",
    "a\nb",
]
NAMES = st.sampled_from(ODD_NAMES) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
OTHER_CASE = str.maketrans(string.ascii_letters, string.ascii_letters.swapcase())
DEFAULTS = st.none() | st.sampled_from(["", "none", "ü", "2026-01-02 03:04:05"])


class MappedRow(NamedTuple):
    """A row of a table with these columns, and a mapping of that table."""

    mapping: CollectionMapping
    columns: tuple[str, ...]
    values: tuple[SqlValue, ...]


@st.composite
def mapped_properties(draw: Callable[[st.SearchStrategy[Any]], Any], name: str, columns: list[str]) -> PropertyMapping:
    """A property of one of the columns, whose name it may spell in another case."""
    of_type = draw(st.sampled_from(get_args(PropertyType)))
    column = draw(st.sampled_from(columns))
    is_text = of_type in ("text", "text[]")
    default = draw(DEFAULTS) if of_type == "text" else None
    return PropertyMapping(
        name=name,
        column=column.translate(OTHER_CASE) if draw(st.booleans()) else column,
        type=of_type,
        index="words" if is_text else None,
        json_key=draw(st.none() | st.sampled_from(["a", "b"])) if is_text else None,
        default=default,
        default_for_empty=default is not None and draw(st.booleans()),
        **draw(spelled_fields(of_type)),
    )


@st.composite
def mapped_rows(draw: Callable[[st.SearchStrategy[Any]], Any]) -> MappedRow:
    columns = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=folded))
    # The empty name is one for SQLite, but not for a mapping; a column may also be missing in the file.
    mappable = [each for each in columns if each] + ["not there"]
    count = draw(st.integers(1, 6))
    properties = tuple(draw(mapped_properties(f"p{number}", mappable)) for number in range(count))
    mapping = CollectionMapping(name="Note", table="notes", properties=properties)
    return MappedRow(mapping, tuple(columns), tuple(draw(SQL_VALUES) for _ in columns))


def converted(row: MappedRow) -> dict[str, Any]:
    """The object of the row, as weaviate-client returns it."""
    draft = row_converter(row.mapping, row.columns, "2026-11-22T09:30:15Z")("", "", row.values)
    return as_client_returns(row.mapping, draft)


@given(mapped_rows())
def test_the_row_comes_back_with_the_same_classes_and_bytes(row: MappedRow) -> None:
    rebuilt = object_to_row(row.mapping, row.columns, converted(row))
    assert all(map(same_value, row.values, rebuilt)), (row, rebuilt)


@given(mapped_rows())
def test_every_property_means_what_its_column_says(row: MappedRow) -> None:
    found = converted(row)
    value_of = {folded(name): value for name, value in zip(row.columns, row.values, strict=True)}
    for prop in row.mapping.properties:
        value = value_of.get(folded(prop.column))
        assert judge(prop)(value, found[prop.name]), (prop, value, found[prop.name])


@given(mapped_rows())
def test_what_is_kept_verbatim_is_json_with_columns_of_the_row_only(row: MappedRow) -> None:
    kept = json.loads(converted(row)["metadata"]["source_columns"], parse_constant=lambda name: f"no JSON: {name}")
    assert set(kept) <= set(row.columns)
    assert not [value for value in kept.values() if isinstance(value, str) and value.startswith("no JSON: ")]


@given(st.lists(st.tuples(SQL_VALUES, SQL_VALUES), min_size=2, max_size=2))
def test_only_one_composite_key_has_its_text(keys: list[tuple[SqlValue, ...]]) -> None:
    assert (key_text(keys[0]) == key_text(keys[1])) == all(map(same_value, *keys))


@given(st.lists(NO_TEXTS, min_size=2, max_size=2))
def test_only_one_key_that_is_no_text_has_its_text(keys: list[SqlValue]) -> None:
    assert (key_text((keys[0],)) == key_text((keys[1],))) == same_value(*keys)
