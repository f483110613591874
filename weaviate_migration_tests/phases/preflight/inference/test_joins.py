"""`init --join`: a statement that puts a parent's columns beside each of its children, as SQLite itself runs it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.reader import parse_mapping
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.draft import MappingDraft, draft_of_file
from weaviate_migration.phases.preflight.inference.join_draft import LONGEST_BESIDE
from weaviate_migration.phases.preflight.inference.update import update_of_file
from weaviate_migration.source.inspect import inspect_database, quoted
from weaviate_migration.source.plan import plan_migration
from weaviate_migration_tests.documentation import PAGES
from weaviate_migration_tests.source.databases import connect, make

LONG = "a b " * 300
KEY = "sk-0123456789abcdef0123"
VECTOR = "x'" + "0000003f000080bf" * 8 + "'"
SHOP = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password_hash TEXT, bio TEXT, settings JSON, face BLOB)",
    "CREATE TABLE tags (name TEXT PRIMARY KEY, colour TEXT)",
    "CREATE TABLE notes (id TEXT PRIMARY KEY, author_id INTEGER REFERENCES users, editorId REFERENCES users (id), "
    "tag_name TEXT, parent_id TEXT REFERENCES notes, author_name TEXT, secret_token TEXT)",
    "CREATE TABLE log (tag TEXT REFERENCES tags, said TEXT)",
    f"INSERT INTO users VALUES (1, 'Ann', '{'$2b$12$' + 'a' * 53}', '{LONG}', '{{}}', {VECTOR}), "
    f"(2, 'Bob', NULL, '{LONG}', '[]', {VECTOR})",
    "INSERT INTO tags VALUES ('a', 'red')",
    f"INSERT INTO notes VALUES ('x', 1, 2, 'a', NULL, 'its own', '{KEY}'), ('y', 7, 1, 'b', 'x', NULL, '{KEY}'), "
    "('z', NULL, '2', NULL, 'y', 'too', NULL)",
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make(tmp_path / "shop.db", *SHOP)


def drafted(source: Path, *joins: str) -> MappingDraft:
    draft = draft_of_file(source, source.parent / "scratch", Choice(joins=joins))
    assert parse_mapping(draft.text, "drawn up") == draft.mapping
    plan = plan_migration(draft.mapping, inspect_database(source, draft.mapping))
    assert [each.missing_columns for each in plan.collections if each.missing_columns] == []
    assert plan.unmapped_tables == ()
    return draft


def of_table(draft: MappingDraft, table: str) -> CollectionMapping:
    return next(each for each in draft.mapping.collections if each.table == table)


def rows(source: Path, statement: str | None) -> list[dict[str, object]]:
    assert statement is not None
    with closing(connect(source)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement)]


def test_each_child_has_its_parents_columns_and_orphans_have_none(shop: Path) -> None:
    notes = of_table(drafted(shop, "notes.author_id:users"), "notes")
    assert notes.select == (
        "SELECT\n"
        '  "notes".*,\n'
        '  "author"."name" AS "author_name2"\n'
        'FROM "notes"\n'
        'LEFT JOIN "users" AS "author" ON "author"."id" = "notes"."author_id"'
    )
    assert [(row["id"], row["author_name"], row["author_name2"]) for row in rows(shop, notes.select)] == [
        ("x", "its own", "Ann"),
        ("y", None, None),
        ("z", "too", None),
    ]
    assert (notes.table, notes.key) == ("notes", ("id",))
    (prop,) = (each for each in notes.properties if each.column == "author_name2")
    assert (prop.name, prop.type, prop.index) == ("authorName2", "text", "whole")


def test_what_is_secret_long_or_no_property_stays_with_the_parent(shop: Path) -> None:
    draft = drafted(shop, "notes.author_id:users")
    for line in (
        "# beside each row: 1 column of users, whose key is in author_id",
        "# not beside it: users.password_hash: looks like a secret: 1 of 1 values look like password hashes",
        "# not beside it, but in an object of its own: users.bio",
        "# not beside it, but in an object of its own: users.settings",
        "# not beside it, but in an object of its own: users.face",
    ):
        assert f"  {line}" in draft.text.splitlines()
    assert of_table(draft, "notes").omit.keys() == {"secret_token"}
    assert {each.column for each in of_table(draft, "users").properties} >= {"bio", "settings"}
    assert f"more than {LONGEST_BESIDE:,} characters" in PAGES["init.md"]


def test_several_parents_and_the_table_itself(shop: Path) -> None:
    joins = ("notes.author_id:users", "NOTES.EDITORID:Users", "notes:notes", "notes:notes")
    notes = of_table(drafted(shop, *joins), "notes")
    joined = {row["id"]: row for row in rows(shop, notes.select)}
    assert {key: (row["author_name2"], row["editor_name"]) for key, row in joined.items()} == {
        "x": ("Ann", "Bob"),
        "y": (None, "Ann"),
        "z": (None, "Bob"),
    }
    assert [joined[key]["parent_author_name"] for key in "xyz"] == [None, "its own", None]
    assert "secret" not in {name for name in joined["x"] if name.startswith("parent_")}
    assert "parent_secret_token" not in joined["x"]
    assert [each.column for each in notes.relations] == ["author_id", "editorId", "parent_id"]


def test_a_name_will_do_where_no_foreign_key_is_declared(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT)",
        "CREATE TABLE chunks (id INTEGER PRIMARY KEY, document_id INTEGER)",
        "INSERT INTO documents VALUES (1, 'T')",
        "INSERT INTO chunks VALUES (1, 1), (2, 1)",
    )
    chunks = of_table(drafted(source, "chunks:documents"), "chunks")
    assert [row["document_title"] for row in rows(source, chunks.select)] == ["T", "T"]
    assert chunks.relations == ()


@pytest.mark.parametrize("parent_type", ["", "TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", "TEXT COLLATE NOCASE"])
@pytest.mark.parametrize("child_type", ["", "TEXT", "INTEGER", "REAL", "BLOB", "TEXT COLLATE NOCASE"])
def test_a_child_finds_the_parent_that_its_foreign_key_finds(tmp_path: Path, parent_type: str, child_type: str) -> None:
    """Of keys of every class: SQLite's own check of foreign keys says which children are orphans."""
    keys = "(1), ('2'), ('03'), (4.5), ('Ab'), (x'3939'), (7.0), ('8.0')"
    values = "(1), ('1'), (2), ('2'), (3), ('3'), ('03'), (4.5), ('4.5'), ('aB'), (x'3939'), ('99'), (7), (8), ('8.0')"
    source = make(
        tmp_path / "app.db",
        f"CREATE TABLE parents (id {parent_type} NOT NULL PRIMARY KEY, name TEXT)",
        f"CREATE TABLE children (id INTEGER PRIMARY KEY, parent {child_type} REFERENCES parents)",
        f"INSERT OR IGNORE INTO parents (id) VALUES {keys}"
        if parent_type != "INTEGER"
        else "INSERT INTO parents (id) VALUES (1), ('2'), ('03'), (7.0), ('8.0')",
        "UPDATE parents SET name = typeof(id) || ' ' || quote(id)",
        f"INSERT INTO children (parent) VALUES {values}",
    )
    children = of_table(drafted(source, "children:parents"), "children")
    found = rows(source, children.select)
    orphans = {row["rowid"] for row in rows(source, "SELECT rowid FROM pragma_foreign_key_check('children')")}
    assert [row["id"] for row in found] == list(range(1, values.count("(") + 1))
    assert {row["id"] for row in found if row["parent_name"] is None} == orphans


@pytest.mark.parametrize(
    ("join", "told", "remedy"),
    [
        ("notes", "names no two tables with a colon between them", "--join chunks:documents"),
        ("notes:", "names no two tables with a colon between them", "--join chunks:documents"),
        (":users", "names no two tables with a colon between them", "--join chunks:documents"),
        ("note:users", "has no table `note`; did you mean `notes`?", "--join chunks:documents"),
        ("notes:user", "has no table `user`; did you mean `users`?", "--join chunks:documents"),
        ("notes.author_id:user", "has no table `user`; did you mean `users`?", "--join chunks:documents"),
        ("note.author_id:users", "has no table `note.author_id`", "--join messages.author_id:users"),
        ("notes.editor:users", "table `notes` has no column `editor`", "--join messages.author_id:users"),
        ("notes:users,log:tags", "has no table `notes:users,log`", "--join chunks:documents"),
        (
            "notes:users",
            "author_id, editorId hold keys of users",
            "--join notes.author_id:users or --join notes.editorId",
        ),
        ("notes.tag_name:users", "no column of notes holds the key of users", "`select`"),
        ("users:tags", "no column of users holds the key of tags", "`select`"),
        ("log:tags", "log has no primary key", ""),
        ("plain:tags", "plain becomes no collection", ""),
        ("odd:tags", "cannot give the column `True` of odd by that name", ""),
    ],
)
def test_what_cannot_be_joined(shop: Path, join: str, told: str, remedy: str) -> None:
    make(
        shop,
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, tag TEXT REFERENCES tags)",
        'CREATE TABLE odd (id INTEGER PRIMARY KEY, "True" TEXT REFERENCES tags)',
    )
    with pytest.raises(ConfigurationError) as raised:
        draft_of_file(shop, shop.parent / "scratch", Choice(joins=[join], exclude=["plain"]))
    assert (told in raised.value.message, remedy in raised.value.hint) == (True, True), raised.value


def test_an_update_leaves_a_joined_collection_as_it_is(shop: Path) -> None:
    """Until the table gets a column: then that is added, as for any table."""
    draft = drafted(shop, "notes.author_id:users")
    scratch = shop.parent / "scratch"
    again = update_of_file(shop, scratch, Choice(), draft.text, "mapping.yaml")
    assert (again.text, again.added) == (draft.text, ())
    make(shop, "ALTER TABLE notes ADD COLUMN rating INTEGER", "UPDATE notes SET rating = 5")
    more = update_of_file(shop, scratch, Choice(), draft.text, "mapping.yaml")
    assert more.added == ("notes.rating as Note.rating",)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8).filter(
    lambda name: (
        not folded(name).startswith(("sqlite_", "_weaviate_migration")) and folded(name) not in ("true", "false")
    )
)


@settings(max_examples=40, deadline=None)
@given(
    tables=st.lists(NAMES, min_size=2, max_size=2, unique_by=folded),
    columns=st.lists(NAMES, min_size=4, max_size=4, unique_by=folded),
)
def test_tables_and_columns_of_any_name(tables: list[str], columns: list[str]) -> None:
    (parent, child), (key, title, own, along) = tables, columns
    with TemporaryDirectory() as folder:
        source = make(
            Path(folder) / "app.db",
            f"CREATE TABLE {quoted(parent)} ({quoted(key)} INTEGER PRIMARY KEY, {quoted(title)} BOOLEAN)",
            f"CREATE TABLE {quoted(child)} ({quoted(own)} INTEGER PRIMARY KEY, "
            f"{quoted(along)} INTEGER REFERENCES {quoted(parent)})",
            f"INSERT INTO {quoted(parent)} VALUES (1, 1)",
            f"INSERT INTO {quoted(child)} VALUES (1, 1), (2, 5)",
        )
        joined = of_table(drafted(source, f"{child}:{parent}"), child)
        assert [list(row.values()) for row in rows(source, joined.select)] == [[1, 1, 1], [2, 5, None]]
