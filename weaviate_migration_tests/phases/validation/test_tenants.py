"""An object is where its row belongs, or nobody says that it agrees: the address follows from what the object tells."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import address, object_uuid
from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text, row_converter
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowColumns, RowLayout
from weaviate_migration.phases.validation.column_comparer import ColumnComparer
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.target.object_pages import ObjectColumns, PageReader
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration_tests.strategies import SQL_VALUES, as_client_returns

BEGAN = "2026-11-22T09:30:15Z"
UUID = "00000000-0000-4000-8000-00000000000a"
COLUMNS = ("id", "org", "body")
LAYOUT = RowLayout("notes", COLUMNS, ("id",))
TENANTS: list[SqlValue] = ["acme", "Acme", 7, "7", 7.0, b"acme", "none", "Zoë", "", "t_1", None]

Row = tuple[SqlValue, ...]


def collection(**tenant: str) -> CollectionMapping:
    return CollectionMapping.model_validate(
        {
            "name": "Note",
            "table": "notes",
            "properties": [{"name": "body", "column": "body", "index": "words"}],
            "tenant": {"column": "ORG", **tenant},
        }
    )


MAPPING = collection(of_null="none")
BY_ROW = RowComparer(MAPPING, LAYOUT, BEGAN)
BY_COLUMN = ColumnComparer(MAPPING, LAYOUT, BEGAN)


def address_of(row: Row) -> str:
    return address(tenant_name(row[1], "none"), object_uuid("notes", row[:1]) or "")


def draft_of(row: Row) -> ObjectDraft:
    return row_converter(MAPPING, COLUMNS, BEGAN)("", key_text(row[:1]), row)


def stored(row: Row, where: str) -> StoredObject:
    return StoredObject(where, as_client_returns(MAPPING, draft_of(row)), {})


def page_of(rows: list[Row], addresses: list[str]) -> ObjectColumns:
    """The page as REST returns it, with the addresses that reading several tenants makes of its UUIDs."""
    objects = [{"class": "Note_1", "id": UUID, "properties": draft_of(row).properties} for row in rows]
    page = PageReader(MAPPING).read(json.dumps({"objects": objects}).encode())
    assert page is not None
    return replace(page, uuids=addresses)


def columns_of(rows: list[Row]) -> RowColumns:
    columns = [list(each) for each in zip(*rows, strict=True)]
    return RowColumns(list(map(address_of, rows)), [columns[0]], columns)


@pytest.mark.parametrize("org", TENANTS)
def test_an_address_follows_from_the_tenant_and_key_that_the_object_tells(org: SqlValue) -> None:
    row = (UUID, org, "x")
    rebuilt = BY_ROW.rebuild(draft_of(row).properties)
    assert rebuilt == row
    assert BY_ROW.uuid_follows(stored(row, address_of(row)), rebuilt)
    others = {address_of((UUID, other, "x")) for other in TENANTS} - {address_of(row)}
    for where in [UUID, f" {UUID}", address_of(row)[:-1] + "b", *others]:
        assert not BY_ROW.uuid_follows(stored(row, where), rebuilt)
        assert not BY_COLUMN.agree(columns_of([row]), page_of([row], [where]))


def test_a_row_without_a_tenant_has_no_object() -> None:
    comparer = RowComparer(collection(), LAYOUT, BEGAN)
    row = (UUID, None, "x")
    assert not comparer.uuid_follows(stored(row, address("none", UUID)), row)


ROWS = st.tuples(
    st.sampled_from([UUID, UUID[:-1] + "b", 7, "key"]),
    st.sampled_from(TENANTS) | SQL_VALUES,
    st.sampled_from(["x", "y"]),
)


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_rows_of_several_tenants_agree_with_their_objects(rows: list[Row]) -> None:
    ordered = sorted({address_of(row): row for row in rows}.values(), key=address_of)
    assert BY_COLUMN.agree(columns_of(ordered), page_of(ordered, list(map(address_of, ordered))))


@given(ROWS, ROWS, ROWS)
def test_what_is_in_another_tenant_is_never_taken_for_equal(row: Row, said: Row, place: Row) -> None:
    where, rows = address_of(place), columns_of([row])
    found = stored(said, where)
    rebuilt = BY_ROW.rebuild(found.properties)
    read = ExtractRow(address_of(row), row[:1], row)
    by_row = (
        where == address_of(row)
        and not BY_ROW.disagreements(read, found, rebuilt)
        and BY_ROW.uuid_follows(found, rebuilt)
    )
    assert BY_COLUMN.agree(rows, page_of([said], [where])) <= by_row
    assert BY_COLUMN.agree(replace(rows, uuids=[where]), page_of([said], [where])) <= by_row
