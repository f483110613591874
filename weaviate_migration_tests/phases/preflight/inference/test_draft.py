import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weaviate_migration.base.errors import ConfigurationError, SourceNotUsableError
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.reader import parse_mapping
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.draft import MappingDraft, draft_of_file
from weaviate_migration.source.inspect import inspect_database, quoted
from weaviate_migration.source.plan import plan_migration
from weaviate_migration_tests.source.databases import connect, make

BCRYPT = "$2b$12$" + "a" * 53
LIBRARY = (
    "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, password_hash TEXT, best_book_id REFERENCES books)",
    "CREATE TABLE books (id INTEGER PRIMARY KEY, author_id REFERENCES authors (id), shelf_id TEXT, metadata TEXT)",
    "CREATE TABLE shelves (id TEXT PRIMARY KEY, parent_id TEXT)",
    "CREATE TABLE copies (book_id INTEGER, number INTEGER, PRIMARY KEY (book_id, number))",
    "CREATE TABLE loans (book_id INTEGER, number INTEGER, FOREIGN KEY (book_id, number) REFERENCES copies)",
    "CREATE TABLE alembic_version (version_num TEXT)",
    "CREATE VIEW long_names AS SELECT id, name FROM authors",
    "CREATE VIEW twice AS SELECT 1 AS one UNION ALL SELECT 1",
    f"INSERT INTO authors VALUES (1, 'Ann', '{BCRYPT}', 1), (2, 'Bob', NULL, NULL)",
    "INSERT INTO books VALUES (1, 1, 'a', '{}'), (2, 3, 'b', '{}'), (3, NULL, 'a', NULL)",
    "INSERT INTO shelves VALUES ('a', NULL), ('b', 'a')",
    "INSERT INTO alembic_version VALUES ('0123')",
)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return make(tmp_path / "library.db", *LIBRARY)


def drafted(source: Path, **choice: object) -> MappingDraft:
    return draft_of_file(source, source.parent / "scratch", Choice(**choice))  # type: ignore[arg-type]


def collection(draft: MappingDraft, table: str) -> CollectionMapping:
    return next(each for each in draft.mapping.collections if each.table == table)


def test_every_table_is_mapped_or_left_out_with_a_reason(library: Path) -> None:
    draft = drafted(library)
    assert draft.mapping.unmapped == "refuse"
    assert draft.mapping.name == "library"
    assert {each.table for each in draft.mapping.collections} == {"authors", "books", "shelves", "copies", "loans"}
    assert draft.mapping.omit_tables == {
        "alembic_version": "Alembic keeps it for itself: which changes of the schema were made (1 row)"
    }
    plan = plan_migration(draft.mapping, inspect_database(library))
    assert plan.unmapped_tables == ()


def test_it_says_the_same_each_time(library: Path) -> None:
    assert drafted(library) == drafted(library)


def test_relations_come_from_foreign_keys_and_are_suggested_where_names_and_values_say_so(library: Path) -> None:
    draft = drafted(library)
    relations = {
        each.table: {relation.column: relation.to_table for relation in each.relations}
        for each in draft.mapping.collections
    }
    assert relations == {
        "authors": {"best_book_id": "books"},
        "books": {"author_id": "authors"},
        "shelves": {},
        "copies": {},
        "loans": {},
    }
    for line in (
        "- {column: author_id, to_table: authors, parent_id: authorObjectId} # declared; 1 row without a parent",
        "# suggestion: relations: [{column: shelf_id, to_table: shelves, parent_id: shelfObjectId}], "
        "since all 3 values are keys of it",
        "# suggestion: relations: [{column: parent_id, to_table: shelves, parent_id: parentObjectId}], "
        "since all 1 values are keys of it",
        "# foreign key book_id, number to copies: a relation is of one column",
    ):
        assert line in draft.text


def test_each_relation_has_a_property_of_its_own_for_the_parents_object(tmp_path: Path) -> None:
    columns = {
        "author_id": "authorObjectId",
        "editorId": "editorObjectId",
        "REVIEWER_UUID": "reviewerObjectId",
        "reader": "readerObjectId",
        "android": "androidObjectId",
        "chapter1_id": "chapter1ObjectId",
        "seller": "sellerObjectId2",
        "seller_id": "sellerObjectId3",
        "id": "personObjectId",
    }
    declared = ", ".join(f"{column} INTEGER REFERENCES people" for column in columns if column != "id")
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE people (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE books (id INTEGER PRIMARY KEY REFERENCES people, {declared}, seller_object_id TEXT)",
    )
    draft = drafted(source)
    books = collection(draft, "books")
    assert {each.column: each.parent_id for each in books.relations} == columns
    assert [each.name for each in books.properties if each.column == "seller_object_id"] == ["sellerObjectId"]
    assert parse_mapping(draft.text, "drawn up") == draft.mapping


@pytest.mark.parametrize(
    ("column", "is_one"),
    [
        ("org_id", True),
        ("OrgId", True),
        ("tenant", True),
        ("ACCOUNT_UUID", True),
        ("workspace_key", True),
        ("parent_org_id", False),
        ("author_id", False),
        ("id_of_org", False),
    ],
)
@pytest.mark.parametrize("nulls", [0, 1])
def test_a_tenant_is_suggested_where_a_foreign_key_is_called_after_customers(
    tmp_path: Path, column: str, is_one: bool, nulls: int
) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, name TEXT)",
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, {column} INTEGER REFERENCES firms)",
        "INSERT INTO firms VALUES (1, 'a')",
        f"INSERT INTO notes VALUES (1, 1), (2, {'NULL' if nulls else 1})",
    )
    draft = drafted(source)
    fields = f"{{column: {column}, of_null: none}}" if nulls else f"{{column: {column}}}"
    line = f"# suggestion: tenant: {fields}, if each of firms is to have its own rows only"
    line += "; none is for 1 of 2 rows without one" if nulls else ""
    told = [each.strip() for each in draft.text.splitlines() if "tenant:" in each]
    assert told == ([line] if is_one else [])
    assert not any(each.tenant for each in draft.mapping.collections)
    if is_one:
        (suggested,) = re.findall(r"suggestion: (tenant: \{.*?\})", draft.text)
        edited = draft.text.replace("    table: notes\n", f"    table: notes\n    {suggested}\n")
        (tenant,) = (each.tenant for each in parse_mapping(edited, "edited").collections if each.tenant)
        assert (tenant.column, tenant.of_null) == (column, "none" if nulls else None)


@pytest.mark.parametrize(
    "column", ["org_id INTEGER", "org_id INTEGER REFERENCES notes", "org_id INTEGER REFERENCES firms (name)"]
)
def test_no_tenant_is_suggested_without_another_table_whose_key_it_is(tmp_path: Path, column: str) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, {column})",
        "INSERT INTO notes VALUES (1, 1), (2, 1)",
    )
    assert "tenant" not in drafted(source).text


def test_a_name_alone_is_no_relation(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER, parent_id INTEGER)",
        "INSERT INTO users VALUES (1)",
        "INSERT INTO notes VALUES (1, 1, NULL), (2, 7, NULL)",
    )
    draft = drafted(source)
    assert "suggestion" not in draft.text
    assert not any(each.relations for each in draft.mapping.collections)


def test_a_foreign_key_to_what_is_no_key_is_none(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, email REFERENCES users (email), gone INTEGER REFERENCES ghosts)",
    )
    draft = drafted(source)
    assert collection(draft, "notes").relations == ()
    assert "# foreign key email to users (email): that is not what tells its rows apart" in draft.text
    assert "# foreign key gone to ghosts: that table has no collection" in draft.text


def test_a_foreign_key_to_a_view_is_none(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER REFERENCES all_of_it)",
        "CREATE VIEW all_of_it AS SELECT id FROM t",
    )
    draft = drafted(source, views=True)
    assert not any(each.relations for each in draft.mapping.collections)


def test_parents_stand_before_their_children(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, z_id INTEGER REFERENCES z, own INTEGER REFERENCES a)",
        "CREATE TABLE m (id INTEGER PRIMARY KEY)",
        "CREATE TABLE z (id INTEGER PRIMARY KEY, m_id INTEGER REFERENCES m)",
        "CREATE TABLE ring_1 (id INTEGER PRIMARY KEY, next INTEGER REFERENCES ring_2)",
        "CREATE TABLE ring_2 (id INTEGER PRIMARY KEY, next INTEGER REFERENCES ring_1)",
    )
    draft = drafted(source)
    assert [each.table for each in draft.mapping.collections] == ["m", "z", "a", "ring_1", "ring_2"]


def test_secrets_are_left_out_and_named(library: Path) -> None:
    draft = drafted(library)
    reason = "looks like a secret: 1 of 1 values look like password hashes"
    assert collection(draft, "authors").omit == {"password_hash": reason}
    assert [(each.table, each.column, each.reason) for each in draft.secrets] == [("authors", "password_hash", reason)]


def test_a_key_is_never_left_out(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE tokens (token TEXT PRIMARY KEY, user TEXT)",
        f"INSERT INTO tokens VALUES ('{'a' * 40}', 'ann'), (NULL, 'bob')",
    )
    draft = drafted(source)
    assert collection(draft, "tokens").omit == {}
    assert draft.remarks == [
        "tokens.token looks like a secret, by its name, but is the key: to keep it out, leave out the table",
        "tokens.token is the key, and NULL in 1 row: they would be refused",
    ]


def test_vectors_of_several_lengths_are_for_a_person_to_part(tmp_path: Path) -> None:
    numbers = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40)"
    text = "json_array(n * 0.5, 1.5, n, 2.5)"
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, picture BLOB, embedding)",
        f"{numbers} INSERT INTO notes SELECT n, 'a text', randomblob(n), {text} FROM n",
        "INSERT INTO notes SELECT id + 100, body, picture, '[0.5, 1]' FROM notes",
    )
    draft = drafted(source)
    (remark,) = draft.remarks
    assert remark.startswith("notes.embedding is only in source_columns: vectors of several lengths, ")
    assert remark.endswith("each with its `length`, part them, such as `length: 4`")
    assert draft.text.count("vectors of several lengths") == 1


def test_views_are_taken_where_a_column_tells_their_rows_apart(library: Path) -> None:
    draft = drafted(library, views=True)
    assert collection(draft, "long_names").key == ("id",)
    assert draft.mapping.omit_tables["twice"] == (
        "a view in which no column has a value of its own for each row, and none is NULL (2 rows)"
    )
    assert collection(drafted(library, tables=["long_names"]), "long_names").key == ("id",)


@pytest.mark.parametrize("null", ["NULL", "1"])
def test_a_column_with_null_or_with_a_value_twice_is_no_key_of_a_view(null: str, tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER, name TEXT)",
        f"INSERT INTO t VALUES (1, 'a'), ({null}, 'b')",
        "CREATE VIEW v AS SELECT id, name FROM t",
    )
    assert collection(drafted(source, views=True), "v").key == ("name",)


def test_a_view_that_fails_in_a_row_is_left_out(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, extra TEXT)",
        "INSERT INTO notes VALUES (1, '{\"a\": 1}'), (2, 'not JSON')",
        "CREATE VIEW extras AS SELECT id, json_extract(extra, '$.a') AS a FROM notes",
    )
    assert drafted(source, views=True).mapping.omit_tables == {
        "extras": "SQLite cannot read it: malformed JSON (2 rows)"
    }


def test_only_the_tables_that_were_named(library: Path) -> None:
    draft = drafted(library, tables=["BOOKS", "shelves"], exclude=["shelves"])
    assert [each.table for each in draft.mapping.collections] == ["books"]
    assert collection(draft, "books").relations == ()
    assert draft.mapping.omit_tables["shelves"] == "named by --exclude (2 rows)"
    assert draft.mapping.omit_tables["authors"] == "not named by --tables (2 rows)"
    assert plan_migration(draft.mapping, inspect_database(library)).unmapped_tables == ()


@pytest.mark.parametrize("choice", [{"tables": ["bookz"]}, {"exclude": ["bookz"]}])
def test_a_name_that_is_none(choice: dict[str, list[str]], library: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no table `bookz` in .*; did you mean `books`\?"):
        drafted(library, **choice)


def test_the_provenance_gives_way_to_a_column(library: Path) -> None:
    books = collection(drafted(library), "books")
    assert books.provenance == "migrationMetadata"
    assert {prop.column: prop.name for prop in books.properties} == {
        "id": "bookId",
        "author_id": "authorId",
        "shelf_id": "shelfId",
        "metadata": "metadata",
    }


def test_a_table_of_blobs_has_a_property_all_the_same(tmp_path: Path) -> None:
    source = make(tmp_path / "app.db", "CREATE TABLE blobs (data BLOB)", "INSERT INTO blobs VALUES (x'00')")
    (prop,) = collection(drafted(source), "blobs").properties
    assert (prop.column, prop.type) == ("data", "blob")


@pytest.mark.parametrize(
    ("index", "suggested"),
    [
        ("CREATE UNIQUE INDEX i ON notes (slug)", "slug"),
        ("CREATE UNIQUE INDEX i ON notes (slug, number)", "slug, number"),
        ("CREATE UNIQUE INDEX i ON notes (maybe)", None),
        ("CREATE UNIQUE INDEX i ON notes (slug) WHERE number > 0", None),
        ("CREATE UNIQUE INDEX i ON notes (lower(slug))", None),
        ("CREATE INDEX i ON notes (slug)", None),
    ],
)
def test_a_better_key_than_the_rowid_is_suggested(index: str, suggested: str | None, tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (slug TEXT, number INTEGER, maybe TEXT)",
        "INSERT INTO notes VALUES ('a', 1, NULL), ('b', 1, 'x')",
        index,
    )
    text = drafted(source).text
    if suggested is None:
        assert "suggestion" not in text
    else:
        assert f"# suggestion: key: [{suggested}], since a unique index is of it, and it is never NULL\n" in text


def test_a_table_that_has_nothing_but_secrets_is_left_out(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE vault (password TEXT)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY)",
        "INSERT INTO vault VALUES ('x')",
    )
    assert drafted(source).mapping.omit_tables == {"vault": "none of its columns can become a property (1 row)"}


@pytest.mark.parametrize("statements", [(), ("CREATE TABLE alembic_version (version_num TEXT)",)])
def test_a_file_without_anything_to_migrate(statements: tuple[str, ...], tmp_path: Path) -> None:
    source = make(tmp_path / "app.db", "PRAGMA user_version = 1", *statements)
    with pytest.raises(SourceNotUsableError, match="has no table that could become a collection"):
        drafted(source)


def test_names_of_any_kind(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        'CREATE TABLE "用户" ("姓名" TEXT, "Ñame" TEXT, "" TEXT, "a""b" TEXT, "yes" TEXT)',
        'CREATE TABLE "yes" ("rowid" TEXT, "a\nb" TEXT, "_weaviate_migration_x" TEXT)',
        'CREATE TABLE "/etc/passwd" (id, ID2, "id 2", "\uff29\uff24" TEXT)',
        f'CREATE TABLE "{"long" * 100}" ("{"column" * 100}" TEXT)',
        "INSERT INTO \"用户\" VALUES ('a', 'b', 'c', 'd', 'e')",
    )
    draft = drafted(source)
    assert len(draft.mapping.collections) == 4
    assert collection(draft, "yes").omit.keys() == {"_weaviate_migration_x"}
    assert [prop.name for prop in collection(draft, "用户").properties] == ["xingMing", "name", "aB", "yes"]
    assert plan_migration(draft.mapping, inspect_database(source)).unmapped_tables == ()


def test_the_file_is_not_written_to(library: Path) -> None:
    before = library.read_bytes()
    drafted(library, views=True)
    assert library.read_bytes() == before
    assert sorted(each.name for each in library.parent.iterdir()) == ["library.db"]


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_the_application_may_be_in_the_middle_of_a_change(journal_mode: str, library: Path) -> None:
    draft = drafted(library)
    with closing(connect(library)) as application:
        application.execute(f"PRAGMA journal_mode = {journal_mode}")
        application.execute("BEGIN IMMEDIATE")
        application.execute("INSERT INTO shelves VALUES ('c', 'gone')")
        assert drafted(library) == draft
        application.execute("COMMIT")
    assert drafted(library) != draft


def test_a_table_without_a_name_is_told(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        'CREATE TABLE "" (id)',
        "CREATE TABLE notes (id)",
        "INSERT INTO \"\" VALUES ('lost')",
    )
    draft = drafted(source)
    assert draft.remarks == [
        "1 row in the table whose name is empty: no mapping can name it. "
        '`ALTER TABLE "" RENAME TO …`, or say `unmapped: warn`'
    ]
    assert draft.mapping.omit_tables == {}


def test_a_secret_in_a_column_without_a_name_is_told(tmp_path: Path) -> None:
    source = make(tmp_path / "app.db", 'CREATE TABLE t (id, "")', f"INSERT INTO t VALUES (1, '{BCRYPT}')")
    assert drafted(source).remarks == [
        "t: the column without a name looks like a secret: 1 of 1 values look like password hashes, "
        "and a mapping cannot name it"
    ]


# Names that SQLite takes, and a few that mean something to others.
NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.text("aA_ 1.\"'`[]/#:用é", max_size=6),
    st.sampled_from(["id", "rowid", "oid", "_rowid_", "class", "def", "config", "yes", "null", "metadata", "x" * 300]),
)
DECLARED = st.sampled_from(["", "TEXT", "INTEGER", "BLOB", "DATETIME", "BOOLEAN", "JSON", "DECIMAL(10, 2)"])
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=16),
    st.sampled_from(["[1, 2]", "{}", "2026-01-01", "true", BCRYPT, "sk-" + "a" * 30]),
)


@st.composite
def table_statements(draw: st.DrawFn, name: str) -> tuple[str, str, list[list[object]]]:
    """How a table is made, how a row gets into it, and rows."""
    columns = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=folded))
    declared = [f"{quoted(each)} {draw(DECLARED)}" for each in columns]
    key = draw(st.sampled_from(["", f", PRIMARY KEY ({quoted(columns[0])})", f", UNIQUE ({quoted(columns[-1])})"]))
    rows = draw(st.lists(st.lists(VALUES, min_size=len(columns), max_size=len(columns)), max_size=4))
    marks = ", ".join("?" * len(columns))
    return (
        f"CREATE TABLE {quoted(name)} ({', '.join(declared)}{key})",
        f"INSERT OR IGNORE INTO {quoted(name)} VALUES ({marks})",
        rows,
    )


@settings(deadline=None, max_examples=30)
@given(
    st.data(),
    st.lists(NAMES.filter(lambda name: not folded(name).startswith("sqlite_")), max_size=4, unique_by=folded),
)
def test_any_table_that_sqlite_takes_is_mapped(data: st.DataObject, names: list[str]) -> None:
    with TemporaryDirectory() as folder:
        source = make(Path(folder) / "app.db", "CREATE TABLE always (id INTEGER PRIMARY KEY)")
        with closing(connect(source)) as connection:
            for name in [each for each in names if folded(each) != "always"]:
                create, insert, rows = data.draw(table_statements(name))
                connection.execute(create)
                for row in rows:
                    with suppress(sqlite3.IntegrityError):  # An INTEGER PRIMARY KEY takes no text.
                        connection.execute(insert, row)
        draft = drafted(source)
        plan = plan_migration(draft.mapping, inspect_database(source))
        assert set(plan.unmapped_tables) <= {""}
        assert draft == drafted(source)
