"""Objects that name another parent than their row does, or none, are found row by row and column by column."""

import json

import pytest

from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping, RelationMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.parents import ParentKey
from weaviate_migration.mapping.row_to_object import row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowColumns, RowLayout
from weaviate_migration.phases.validation.column_comparer import ColumnComparer
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.target.object_pages import PageReader
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration_tests.strategies import as_client_returns

BEGAN = "2026-11-22T09:30:15Z"
NOTES = CollectionMapping(
    name="Note",
    table="notes",
    properties=(PropertyMapping(name="title", column="title", index="whole"),),
    relations=(RelationMapping(column="parent", to_table="pages", parent_id="parentId"),),
)
COLUMNS = ("id", "title", "parent")
LAYOUT = RowLayout("notes", COLUMNS, ("id",), (ParentKey("parent", "pages", "INTEGER", "parentId"),))
WITHOUT_COLUMN = RowLayout("notes", COLUMNS[:2], ("id",))
PARENT = object_uuid("pages", (7,)) or ""


def row_of(layout: RowLayout, parent: SqlValue) -> ExtractRow:
    values = ("key", "a title", parent)[: len(layout.columns)]
    return ExtractRow(object_uuid("notes", ("key",)), ("key",), values)


def agreements(layout: RowLayout, row: ExtractRow, parent_id: str | None) -> tuple[bool, bool]:
    """Whether row and object agree row by row, and column by column, where the object says this parent."""
    assert row.uuid is not None
    draft = row_converter(NOTES, layout.columns, BEGAN, layout.parents)(row.uuid, "key", row.values)
    draft.properties.pop("parentId", None)
    if parent_id is not None:
        draft.properties["parentId"] = parent_id
    page = PageReader(NOTES).read(json.dumps({"objects": [{"id": row.uuid, "properties": draft.properties}]}).encode())
    assert page is not None
    columns = RowColumns([row.uuid], [["key"]], [[value] for value in row.values])
    stored = StoredObject(row.uuid, as_client_returns(NOTES, draft), {})
    comparer = RowComparer(NOTES, layout, BEGAN)
    by_row = not comparer.disagreements(row, stored, comparer.rebuild(stored.properties))
    return by_row, ColumnComparer(NOTES, layout, BEGAN).agree(columns, page)


@pytest.mark.parametrize(
    ("layout", "named", "said", "agrees"),
    [
        (LAYOUT, 7, PARENT, True),
        (LAYOUT, " 7.0", PARENT, True),
        (LAYOUT, None, None, True),
        (LAYOUT, 7, None, False),
        (LAYOUT, 7, object_uuid("pages", (8,)), False),
        (LAYOUT, "7", object_uuid("pages", ("7",)), False),
        (LAYOUT, None, PARENT, False),
        (WITHOUT_COLUMN, None, None, True),
        (WITHOUT_COLUMN, None, PARENT, False),
    ],
)
def test_the_parent_that_an_object_says_is_the_one_that_its_row_names(
    layout: RowLayout, named: SqlValue, said: str | None, agrees: bool
) -> None:
    assert agreements(layout, row_of(layout, named), said) == (agrees, agrees)


REFERRING = Mapping(
    name="notes",
    collections=(
        NOTES.model_copy(
            update={"relations": (RelationMapping(column="parent", to_table="pages", reference="onPage"),)}
        ),
        CollectionMapping(name="Page", table="pages", properties=NOTES.properties),
    ),
).collections[0]
REFERRING_LAYOUT = RowLayout("notes", COLUMNS, ("id",), (ParentKey("parent", "pages", "INTEGER", "", "onPage"),))
OTHER = object_uuid("pages", (8,)) or ""


@pytest.mark.parametrize(
    ("layout", "named", "led_to", "is_there", "agrees"),
    [
        (REFERRING_LAYOUT, 7, (PARENT,), True, True),
        (REFERRING_LAYOUT, "7", (PARENT,), True, True),
        (REFERRING_LAYOUT, None, (), True, True),
        (REFERRING_LAYOUT, 7, (), True, False),
        (REFERRING_LAYOUT, 7, (), False, True),
        (REFERRING_LAYOUT, 7, (OTHER,), True, False),
        (REFERRING_LAYOUT, 7, (OTHER,), False, False),
        (REFERRING_LAYOUT, 7, (PARENT, PARENT), True, False),
        (REFERRING_LAYOUT, 7, (PARENT, OTHER), True, False),
        (REFERRING_LAYOUT, None, (PARENT,), True, False),
        (WITHOUT_COLUMN, None, (), True, True),
        (WITHOUT_COLUMN, None, (PARENT,), True, False),
    ],
)
def test_a_reference_leads_to_the_parent_that_the_row_names_and_to_nothing_else(
    layout: RowLayout, named: SqlValue, led_to: tuple[str, ...], is_there: bool, agrees: bool
) -> None:
    row = row_of(layout, named)
    assert row.uuid is not None
    draft = row_converter(REFERRING, layout.columns, BEGAN, layout.parents)(row.uuid, "key", row.values)
    assert draft.references == ({"onPage": PARENT} if named is not None else {})
    beacons = [{"beacon": f"weaviate://localhost/Page_1/{uuid}", "href": "/v1/objects"} for uuid in led_to]
    properties = draft.properties | ({"onPage": beacons} if led_to else {})
    page = PageReader(REFERRING).read(json.dumps({"objects": [{"id": row.uuid, "properties": properties}]}).encode())
    assert page is not None
    columns = RowColumns([row.uuid], [["key"]], [[value] for value in row.values])
    by_column = ColumnComparer(REFERRING, layout, BEGAN).agree(columns, page)
    comparer = RowComparer(REFERRING, layout, BEGAN, lambda *_: is_there)
    stored = StoredObject(row.uuid, as_client_returns(REFERRING, draft), {}, {"onPage": led_to} if led_to else {})
    by_row = not comparer.disagreements(row, stored, comparer.rebuild(stored.properties))
    assert by_row is agrees
    # What leads nowhere over gRPC, REST shows: without it, rows are judged one by one.
    assert by_column is (agrees and bool(led_to or named is None))
