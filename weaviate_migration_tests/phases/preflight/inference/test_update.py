import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaviate_migration.base.errors import ConfigurationError, MappingError
from weaviate_migration.mapping.reader import parse_mapping
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.draft import draft_of_file
from weaviate_migration.phases.preflight.inference.mapping_edit import Addition, with_additions
from weaviate_migration.phases.preflight.inference.mapping_text import mapping_text
from weaviate_migration.phases.preflight.inference.update import MappingUpdate, update_of_file
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration_tests.source.databases import make

# As people write: comments, blank lines, odd indentation, quotes of both kinds, blocks and braces.
WRITTEN = """\
# Ours. Do not touch!
name:   'library'   # the library
missing: warn
collections:
# the first
- name: Book   # not Books
  table: books
  description: |
    All that is on the shelves,

    and more.
  properties:
  - { name: number , column: "id", type: int }   # the number on its back

  # a title, of course
  - name: title
    column: title
    index: words
    # nothing behind it

# the second
- {name: Author, table: AUTHORS, properties: [{name: authorId, column: id, type: int}], omit: {}}
"""
TABLES = (
    "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, password TEXT)",
    "CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, isbn TEXT, author_id INTEGER REFERENCES authors)",
    "CREATE TABLE shelves (id INTEGER PRIMARY KEY, room TEXT)",
    "CREATE TABLE alembic_version (version_num TEXT)",
    "INSERT INTO authors VALUES (1, 'Ann', 'hunter2')",
    "INSERT INTO books VALUES (1, 'All of it', '978-3', 1)",
    "INSERT INTO shelves VALUES (1, 'hall'), (2, 'attic')",
)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return make(tmp_path / "library.db", *TABLES)


def updated(source: Path, text: str, **choice: object) -> MappingUpdate:
    return update_of_file(source, source.parent / "scratch", Choice(**choice), text, "mapping.yaml")  # type: ignore[arg-type]


def test_it_adds_tables_and_columns_and_keeps_what_people_wrote(library: Path) -> None:
    update = updated(library, WRITTEN)
    expected = """\
# Ours. Do not touch!
name:   'library'   # the library
omit_tables:
  alembic_version: "Alembic keeps it for itself: which changes of the schema were made (0 rows)"
missing: warn
collections:
# the first
- name: Book   # not Books
  table: books
  description: |
    All that is on the shelves,

    and more.
  properties:
  - { name: number , column: "id", type: int }   # the number on its back

  # a title, of course
  - name: title
    column: title
    index: words
  - {name: isbn, column: isbn, index: whole} # WHY
  - {name: authorId, column: author_id, type: int} # WHY
  relations:
    - {column: author_id, to_table: authors, parent_id: authorObjectId} # WHY
    # nothing behind it

# the second
- {name: Author, table: AUTHORS, properties: [{name: authorId, column: id, type: int}, \
{name: name, column: name, index: whole}], omit: {password: 'looks like a secret, by its name'}}

# table shelves: 2 rows, told apart by id
- name: Shelf
  table: shelves
  properties:
    - {name: shelfId, column: id, type: int} # WHY
    - {name: room, column: room, index: whole} # WHY
"""
    # Why a column is what it is, is for others to test.
    assert re.sub(r"(?<=} # ).*", "WHY", update.text) == expected
    assert update.added == (
        "table shelves as Shelf: 2 rows",
        "table alembic_version under omit_tables: "
        "Alembic keeps it for itself: which changes of the schema were made (0 rows)",
        "books.isbn as Book.isbn",
        "books.author_id as Book.authorId",
        "authors.name as Author.name",
        "authors.password under omit: looks like a secret, by its name",
    )
    assert [(each.table, each.column) for each in update.secrets] == [("authors", "password")]
    assert update.mapping == parse_mapping(update.text, "mapping.yaml")
    plan = plan_migration(update.mapping, inspect_database(library))
    assert (plan.unmapped_tables, [each.unmapped_columns for each in plan.collections]) == ((), [(), (), ()])


def test_what_is_whole_stays_as_it_is(library: Path) -> None:
    text = updated(library, WRITTEN).text
    again = updated(library, text)
    assert (again.text, again.added) == (text, ())


def test_a_draft_is_whole(library: Path) -> None:
    draft = draft_of_file(library, library.parent / "scratch", Choice())
    assert updated(library, draft.text).text == draft.text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n# the end\n", "   # the end"])
def test_a_draft_of_some_tables_becomes_one_of_all(newline: str, last: str, library: Path) -> None:
    some = draft_of_file(library, library.parent / "scratch", Choice(tables=["books"])).mapping
    text = mapping_text(some.model_copy(update={"omit_tables": {}}), {}).rstrip("\n") + last
    text = text.replace("\n", newline)
    update = updated(library, text)
    assert {each.table for each in update.mapping.collections} == {"books", "authors", "shelves"}
    kept = iter(update.text.splitlines(keepends=True))
    assert all(line in kept for line in text.splitlines(keepends=True)[:-1])
    assert "\n" not in update.text.replace(newline, "")


def test_json_is_yaml_too(library: Path) -> None:
    text = json.dumps({"name": "a", "collections": [collection_fields("Book", "books")]}, indent=2)
    update = updated(library, text)
    assert {each.table for each in update.mapping.collections} == {"books", "authors", "shelves"}
    assert update.mapping.omit_tables.keys() == {"alembic_version"}


def test_names_that_people_chose_are_left_to_them(library: Path) -> None:
    fields = collection_fields("Author", "books") | {"provenance": "isbn"}
    update = updated(library, json.dumps({"name": "a", "collections": [fields]}))
    assert {each.table: each.name for each in update.mapping.collections} == {
        "books": "Author",
        "authors": "Author2",
        "shelves": "Shelf",
    }
    assert {prop.column: prop.name for prop in update.mapping.collections[0].properties}["isbn"] == "isbn2"


def test_only_the_tables_that_were_named_are_added(library: Path) -> None:
    update = updated(library, WRITTEN, tables=["shelves"])
    assert "omit_tables" not in update.text
    assert (
        updated(library, WRITTEN, exclude=["shelves"]).mapping.omit_tables["shelves"] == "named by --exclude (2 rows)"
    )


def test_a_text_that_cannot_be_added_to_is_refused_with_what_lacks(library: Path) -> None:
    """What an alias stands for is in the file once, and belongs to two collections."""
    text = """\
name: a
collections:
  - {name: Book, table: books, properties: &shared [{name: number, column: id, type: int}]}
  - {name: Author, table: authors, properties: *shared}
"""
    with pytest.raises(
        ConfigurationError, match=r"(?s)nothing can be added to it by itself.*books\.isbn as Book\.isbn"
    ):
        updated(library, text)


def test_a_mapping_that_is_wrong(library: Path) -> None:
    with pytest.raises(MappingError, match=r"mapping\.yaml:1"):
        updated(library, "name: a")


def collection_fields(name: str, table: str) -> dict[str, object]:
    return {"name": name, "table": table, "properties": [{"name": "number", "column": "id", "type": "int"}]}


TEXTS = st.text("ab: #{}[],'\"-?&*!|>%@`\n\t\\ é用", min_size=1, max_size=12)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3, unique=True))
def test_any_text_is_added_as_it_is(omitted: dict[str, str], columns: list[str]) -> None:
    """Where the list is in lines, and where it is in brackets."""
    items = [{"name": f"added{at}", "column": column, "type": "int"} for at, column in enumerate(columns)]
    for text in (WRITTEN, json.dumps({"name": "a", "collections": [collection_fields("Book", "books")]})):
        added = with_additions(
            text, [Addition(("omit_tables",), entries=omitted), Addition(("collections", 0, "properties"), items)]
        )
        mapping = parse_mapping(added, "mapping.yaml")
        assert mapping.omit_tables == omitted
        assert [prop.column for prop in mapping.collections[0].properties][-len(columns) :] == columns


def test_a_relation_that_is_there_stays_as_it_is_however_it_is_spelled(library: Path) -> None:
    """With or without a property for the parent's object; a new name is another than those that are there."""
    text = updated(library, WRITTEN).text
    relation = "{column: author_id, to_table: authors, parent_id: authorObjectId}"
    assert relation in text
    for known in (
        "{column: author_id, to_table: authors}",
        "{column: AUTHOR_ID, to_table: AUTHORS, reference: wroteIt}",
    ):
        written = text.replace(relation, known)
        assert updated(library, written).text == written
    number_two = "  relations: [{column: id, to_table: books, parent_id: authorObjectId}]\n"
    taken = WRITTEN.replace("# the second\n", number_two)
    assert "{column: author_id, to_table: authors, parent_id: authorObjectId2}" in updated(library, taken).text


def test_new_columns_go_into_each_part_of_a_table_and_into_a_statement_that_gives_them(library: Path) -> None:
    text = """\
name: library
omit_tables: {shelves: x, alembic_version: x, books: x}
collections:
  - name: Known
    table: authors
    where: name IS NOT NULL
    properties: [{name: authorId, column: id, type: int}]
    omit: {password: secret}
  - name: Unknown
    table: authors
    where: name IS NULL
    properties: [{name: authorId, column: id, type: int}, {name: word, column: password, index: whole}]
  - name: Counted
    table: authors
    select: SELECT id, count(*) AS books FROM authors GROUP BY id
    key: [id]
    properties: [{name: books, column: books, type: int}, {name: authorId, column: id, type: int}]
  - name: Whole
    table: authors
    select: SELECT a.*, 1 AS one FROM authors a
    key: [id]
    properties: [{name: one, column: one, type: int}, {name: authorId, column: id, type: int}]
    omit: {password: secret}
"""
    update = updated(library, text)
    assert update.added == tuple(f"authors.name as {each}.name" for each in ("Known", "Unknown", "Whole"))
    assert update.mapping == parse_mapping(update.text, "mapping.yaml")
    assert updated(library, update.text).text == update.text
