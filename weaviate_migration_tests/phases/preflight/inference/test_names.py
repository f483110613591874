import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.names import COLLECTION_LENGTH, PROPERTY_LENGTH, RESERVED_PROPERTIES, folded
from weaviate_migration.mapping.property_mapping import PropertyMapping
from weaviate_migration.phases.preflight.inference.names import collection_names, property_names, provenance_name

# Any alphabet, any case, blank, long, with signs; and names that are nearly alike.
NAMES = st.one_of(
    st.text(max_size=30),
    st.text("aA_ 1", max_size=6),
    st.sampled_from(
        ["id", "ID", "_id", "vector", "_additional", "metadata", "", " ", "用户", "usr", "x" * 500, "é" * 300]
    ),
)
SETS = st.lists(NAMES, unique=True, max_size=12)


@pytest.mark.parametrize(
    ("table", "collection"),
    [
        ("messages", "Message"),
        ("user_addresses", "UserAddress"),
        ("people", "Person"),
        ("address", "Address"),
        ("news", "News"),
        ("series", "Series"),
        ("status", "Status"),
        ("data", "Data"),
        ("user_metadata", "UserMetadata"),
        ("media", "Media"),
        ("analyses", "Analysis"),
        ("analysis", "Analysis"),
        ("buses", "Bus"),
        ("canvas", "Canvas"),
        ("aliases", "Alias"),
        ("caches", "Cache"),
        ("cookies", "Cookie"),
        ("categories", "Category"),
        ("databases", "Database"),
        ("dns", "Dns"),
        ("DNS", "Dns"),
        ("ids", "Ids"),
        ("moz_places", "MozPlace"),
        ("AspNetUsers", "AspNetUser"),
        ("ORDER_LINES", "OrderLine"),
        ("order details", "OrderDetail"),
        ("__EFMigrationsHistory", "EFMigrationsHistory"),
        ("2fa_codes", "Table2faCode"),
        ("bücher", "Bucher"),
        ("用户", "YongHu"),
        ("Заказы", "Zakazy"),
        ("", "Table"),
        ("---", "Table"),
    ],
)
def test_a_collection_is_called_after_its_table(table: str, collection: str) -> None:
    assert collection_names([table]) == {table: collection}


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("created_at", "createdAt"),
        ("CREATED_AT", "createdAt"),
        ("createdAt", "createdAt"),
        ("ItemId", "itemId"),
        ("HTTPStatus", "httpStatus"),
        ("user name", "userName"),
        ("id", "messageId"),
        ("ID", "messageId"),
        ("_id", "messageId"),
        ("vector", "messageVector"),
        ("_additional", "additional"),
        ("2fa", "_2fa"),
        ("姓名", "xingMing"),
        ("größe", "grosse"),
        ("", "column"),
        ("%", "column"),
    ],
)
def test_a_property_is_called_after_its_column(column: str, name: str) -> None:
    assert property_names("Message", [column]) == {column: name}


def test_of_names_that_become_alike_the_one_that_stays_as_it_is_comes_first() -> None:
    found = property_names("Note", ["user name", "user-name", "userName"])
    assert found == {"user name": "userName2", "user-name": "userName3", "userName": "userName"}
    assert collection_names(["notes", "Note"]) == {"notes": "Note2", "Note": "Note"}


def test_names_that_are_taken_are_left_to_others() -> None:
    assert property_names("Note", ["title"], taken=["TITLE", "title2"]) == {"title": "title3"}
    assert collection_names(["notes"], taken=["note"]) == {"notes": "Note2"}


def test_the_provenance_gives_way_to_a_column() -> None:
    assert provenance_name(["title"]) == "metadata"
    assert provenance_name(["title", "Metadata"]) == "migrationMetadata"
    assert provenance_name(["metadata", "migrationMetadata"]) == "migrationMetadata2"


@given(SETS)
def test_any_tables_give_names_that_weaviate_takes_each_once(tables: list[str]) -> None:
    found = collection_names(tables)
    assert list(found) == tables
    assert len(set(map(folded, found.values()))) == len(tables)
    prop = PropertyMapping(name="a", column="a", type="int")
    for name in found.values():
        assert CollectionMapping(name=name, table="any", properties=(prop,)).name == name
        assert len(name) <= COLLECTION_LENGTH
    assert collection_names(tables) == found


@given(SETS, SETS)
def test_any_columns_give_names_that_weaviate_takes_each_once(columns: list[str], others: list[str]) -> None:
    taken = set(property_names("Note", others).values())
    found = property_names("Note", columns, taken)
    assert list(found) == columns
    names = list(map(folded, [*found.values(), *taken]))
    assert len(set(names)) == len(names)
    for name in found.values():
        assert PropertyMapping(name=name, column="any", type="int").name == name
        assert name not in RESERVED_PROPERTIES
        assert len(name) <= PROPERTY_LENGTH
    assert property_names("Note", columns, taken) == found
    assert folded(provenance_name(found.values())) not in map(folded, found.values())


@given(SETS)
def test_names_differ_in_assets_too(tables: list[str]) -> None:
    """Assets are called after collections, in small letters with underscores."""
    names = collection_names(tables).values()
    assets = {re.sub("(?<!^)(?=[A-Z])", "_", name).lower().replace("_", "") for name in names}
    assert len(assets) == len(names)
