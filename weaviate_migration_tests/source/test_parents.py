"""The parents that rows name, found as SQLite's own foreign keys find them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import MappingError
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping, RelationMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import MigrationPlan, plan_migration
from weaviate_migration.source.rows import TableReader
from weaviate_migration_tests.source.databases import make

AUTHORS = "CREATE TABLE authors (id TEXT PRIMARY KEY, name TEXT)"
BOOKS = "CREATE TABLE books (id INTEGER PRIMARY KEY, author_id TEXT)"
BOOK = CollectionMapping(
    name="Book",
    table="books",
    properties=(PropertyMapping(name="author", column="author_id", index="whole"),),
    relations=(RelationMapping(column="AUTHOR_ID", to_table="Authors"),),
)


def plan_of(database: Path) -> MigrationPlan:
    author = CollectionMapping(
        name="Author", table="authors", properties=(PropertyMapping(name="name", column="name", index="words"),)
    )
    mapping = Mapping(name="library", missing="warn", collections=(author, BOOK))
    return plan_migration(mapping, inspect_database(database))


def parents_of(database: Path) -> dict[SqlValue, tuple[int, SqlValue]]:
    authors, books = plan_of(database).collections
    with TableReader(database, books, object_uuid, 4, database.parent) as reader:
        found = list(reader.named_parents("author_id", authors))
    assert len({(type(each.value), each.value) for each in found}) == len(found)
    return {each.value: (each.children, each.key) for each in found}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "library.db"


def test_each_parent_once_with_its_children(database: Path) -> None:
    make(
        database,
        AUTHORS,
        BOOKS,
        "INSERT INTO authors VALUES ('a', 'Ann'), ('b', 'Bob')",
        "INSERT INTO books (author_id) VALUES ('a'), ('a'), ('b'), ('gone'), (NULL), (NULL)",
    )
    assert parents_of(database) == {"a": (2, "a"), "b": (1, "b"), "gone": (1, None)}


def test_the_parents_affinity_and_collation_decide(database: Path) -> None:
    """As `PRAGMA foreign_key_check` sees it; the key is given as the parent spells it."""
    make(
        database,
        "CREATE TABLE authors (id TEXT PRIMARY KEY COLLATE NOCASE, name TEXT)",
        "CREATE TABLE books (id INTEGER PRIMARY KEY, author_id REFERENCES authors (id))",
        "INSERT INTO authors VALUES ('Ann', ''), ('7', '')",
        "INSERT INTO books (author_id) VALUES ('ANN'), ('ann'), (7), ('7'), (7.5), (x'37')",
    )
    found = parents_of(database)
    assert found == {
        "ANN": (1, "Ann"),
        "ann": (1, "Ann"),
        7: (1, "7"),
        "7": (1, "7"),
        7.5: (1, None),
        b"7": (1, None),
    }
    with closing(sqlite3.connect(database)) as connection:
        broken = connection.execute("SELECT count(*) FROM pragma_foreign_key_check('books')").fetchone()
    assert broken == (sum(children for children, key in found.values() if key is None),)


def test_integer_parents(database: Path) -> None:
    make(
        database,
        "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT)",
        BOOKS,
        "INSERT INTO authors VALUES (7, 'Ann')",
        "INSERT INTO books (author_id) VALUES ('7'), ('07'), ('x')",
    )
    assert parents_of(database) == {"7": (1, 7), "07": (1, 7), "x": (1, None)}


def test_without_the_parents_table_all_are_orphans(database: Path) -> None:
    make(database, BOOKS, "INSERT INTO books (author_id) VALUES ('a'), ('b')")
    assert parents_of(database) == {"a": (1, None), "b": (1, None)}


def test_text_that_is_no_utf8(database: Path) -> None:
    make(
        database,
        AUTHORS,
        BOOKS,
        "INSERT INTO authors VALUES (CAST(x'ff' AS TEXT), '')",
        "INSERT INTO books (author_id) VALUES (CAST(x'ff' AS TEXT))",
    )
    assert parents_of(database) == {"\udcff": (1, "\udcff")}


def test_a_relation_to_a_composite_key_is_a_mistake(database: Path) -> None:
    make(database, "CREATE TABLE authors (id TEXT, name TEXT, PRIMARY KEY (id, name))", BOOKS)
    with pytest.raises(MappingError, match=r"Book: relation `author_id`: .*`authors` has a key of 2 columns"):
        plan_of(database)


@pytest.mark.parametrize("text", ["value", "children", "named"])
def test_a_text_in_the_double_quotes_of_a_view_is_no_column_of_the_children(database: Path, text: str) -> None:
    make(
        database,
        "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT)",
        BOOKS,
        f'CREATE VIEW authors AS SELECT id, name FROM people WHERE name = "{text}"',
        f"INSERT INTO people VALUES ('a', '{text}'), ('b', 'Bob')",
        "INSERT INTO books (author_id) VALUES ('a'), ('b')",
    )
    author = CollectionMapping(
        name="Author",
        table="authors",
        key=("id",),
        properties=(PropertyMapping(name="name", column="name", index="words"),),
    )
    mapping = Mapping(name="library", collections=(author, BOOK))
    authors, books = plan_migration(mapping, inspect_database(database)).collections
    with TableReader(database, books, object_uuid, 4, database.parent) as reader:
        assert {each.value: each.key for each in reader.named_parents("author_id", authors)} == {"a": "a", "b": None}


@pytest.mark.parametrize("generated", [False, True])
def test_numbers_of_two_classes_are_two_values_where_the_children_have_no_type(
    database: Path,
    generated: bool,
) -> None:
    columns = "given, author_id REAL AS (given)" if generated else "author_id"
    given = "given" if generated else "author_id"
    make(
        database,
        "CREATE TABLE authors (id PRIMARY KEY, name TEXT)",
        f"CREATE TABLE books (id INTEGER PRIMARY KEY, {columns})",
        "INSERT INTO authors VALUES (1, 'Ann'), (2.0, 'Bob')",
        f"INSERT INTO books ({given}) VALUES (1), (1.0), (1.0), (2), (2.0), ('1')",
    )
    authors, books = plan_of(database).collections
    with TableReader(database, books, object_uuid, 4, database.parent) as reader:
        found = {
            (repr(each.value), each.children, repr(each.key)) for each in reader.named_parents("author_id", authors)
        }
    apart = {("1", 1, "1"), ("1.0", 2, "1"), ("2", 1, "2.0"), ("2.0", 1, "2.0"), ("'1'", 1, "None")}
    assert found == ({("1.0", 4, "1"), ("2.0", 2, "2.0")} if generated else apart)
