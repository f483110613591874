"""Files with parts that only their application can read: modules, tokenizers, functions, collations."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import MappingError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.phases.preflight.audit.tables import audit_table
from weaviate_migration.source.capture import capture_damage, install_capture, remove_capture, uncaptured_tables
from weaviate_migration.source.change_log import ChangeLog
from weaviate_migration.source.collations import column_collations, missing_collations
from weaviate_migration.source.connect import connect_read_only, connect_to_read
from weaviate_migration.source.inspect import Column, Table, inspect_database, row_count
from weaviate_migration.source.plan import MigrationPlan, plan_migration
from weaviate_migration.source.rows import TableReader
from weaviate_migration_tests.source.captures import ID
from weaviate_migration_tests.source.databases import make_as_its_application
from weaviate_migration_tests.source.test_plan import collection, mistakes

NOTES = "CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT)"


def planned(folder: Path, statements: list[str], *collections: dict[str, object]) -> MigrationPlan:
    mapping = Mapping.model_validate({"name": "test", "collections": collections})
    return plan_migration(mapping, inspect_database(make_as_its_application(folder / "app.db", *statements)))


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE VIRTUAL TABLE other USING vec0(embedding float[4])", "no such module: vec0"),
        ("CREATE VIRTUAL TABLE other USING fts5(body, tokenize = 'icu')", "no such tokenizer: icu"),
        ("CREATE VIRTUAL TABLE other USING fts4(body, tokenize = mecab)", "unknown tokenizer: mecab"),
        ("CREATE VIRTUAL TABLE other USING fts5(body)", "vtable constructor failed: other"),
        ("CREATE VIEW other AS SELECT shout(title) AS loud FROM notes", "no such function: shout"),
        ("CREATE VIEW other AS SELECT * FROM gone", "no such table: main.gone"),
    ],
)
def test_a_table_that_only_the_application_can_read(tmp_path: Path, statement: str, reason: str) -> None:
    statements = [NOTES, statement]
    plan = planned(tmp_path, statements, collection())
    is_view = "VIEW" in statement
    assert plan.unreadable_tables == ({} if is_view else {"other": reason})
    assert plan.unmapped_tables == ()
    assert list(plan.warnings) == ([] if is_view else [f"table `other` cannot be read here, and is left out: {reason}"])
    assert planned_again(tmp_path, collection(), omit={"other": "search"}).warnings == ()
    with pytest.raises(MappingError) as error:
        planned_again(tmp_path, collection(table="other"))
    kind = "view" if is_view else "table"
    assert mistakes(error) == [f"Note: {kind} `other` cannot be read here: {reason}; leave it out of the mapping"]


def planned_again(folder: Path, *collections: dict[str, object], omit: dict[str, str] | None = None) -> MigrationPlan:
    mapping = Mapping.model_validate({"name": "test", "collections": collections, "omit_tables": omit or {}})
    return plan_migration(mapping, inspect_database(folder / "app.db"))


def test_a_computed_column_that_only_the_application_can_compute(tmp_path: Path) -> None:
    table = "CREATE TABLE notes (id TEXT PRIMARY KEY, title, loud AS (shout(title)), kept AS (shout(title)) STORED)"
    make_as_its_application(tmp_path / "app.db", table, "INSERT INTO notes VALUES ('a', 'hello')")
    with pytest.raises(MappingError) as error:
        planned_again(tmp_path, collection())
    reason = "unknown function: shout()"
    assert mistakes(error) == [
        f"Note: column `loud` of `notes` cannot be read here: {reason}; leave it out with `omit`"
    ]
    (plan,) = planned_again(tmp_path, collection(omit={"loud": "computed"})).collections
    assert plan.columns == ("id", "title", "kept")
    with TableReader(tmp_path / "app.db", plan, object_uuid, 16, tmp_path) as reader:
        assert [values for _, _, values in reader.rows()] == [("a", "hello", "HELLO!")]


@pytest.mark.parametrize(
    "definition",
    [
        "(name TEXT COLLATE by_length PRIMARY KEY, x)",
        "(name TEXT COLLATE BY_LENGTH PRIMARY KEY, x) WITHOUT ROWID",
        '(name TEXT PRIMARY KEY, x, UNIQUE (name COLLATE "by_length"))',
        "(name TEXT, x, PRIMARY KEY (name COLLATE by_length)) WITHOUT ROWID",
    ],
)
def test_a_missing_collation_is_stood_in_for(tmp_path: Path, definition: str) -> None:
    """The index is in the order of the lengths: read by the order of the bytes, it would lack rows."""
    names = ["zzz", "a", "mm", "yyyy"]
    rows = [f"INSERT INTO notes VALUES ('{name}', {number})" for number, name in enumerate(names)]
    path = make_as_its_application(tmp_path / "app.db", f"CREATE TABLE notes {definition}", *rows)
    (plan,) = planned_again(
        tmp_path, {"name": "Note", "table": "notes", "properties": [{"name": "x", "column": "x", "type": "int"}]}
    ).collections
    assert plan.table is not None
    with TableReader(path, plan, object_uuid, 16, tmp_path) as reader:
        assert {key[0] for _, key, _ in reader.rows()} == set(names)
        assert (reader.row_count(), reader.rows_without_key()) == (4, 0)
    with closing(connect_to_read(path)) as connection:
        assert row_count(connection, plan.table) == 4


def test_which_collations_are_missing(tmp_path: Path) -> None:
    path = make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE t (a COLLATE NOCASE, b CHECK (b <> 'x COLLATE y') /* COLLATE z */, c)",
        "CREATE INDEX i ON t (a COLLATE by_length, lower(c))",
        "CREATE VIEW v AS SELECT a FROM t ORDER BY a COLLATE 'By_Length'",
    )
    with closing(connect_read_only(path)) as connection:
        assert [name.lower() for name in missing_collations(connection)] == ["by_length"]
    columns = inspect_database(path).tables[0].columns
    assert [column.missing_collation for column in columns] == ["", "", ""]


def test_what_a_column_is_compared_by(tmp_path: Path) -> None:
    path = make_as_its_application(
        tmp_path / "app.db", "CREATE TABLE t (a, \"b,(c\" TEXT DEFAULT (')') COLLATE by_length NOT NULL)"
    )
    (table,) = inspect_database(path).tables
    assert table.columns[1] == Column("b,(c", "TEXT", generated=False, missing_collation="by_length")


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("CREATE TABLE t (a COLLATE x, b)", {"a": "x"}),
        ("CREATE TABLE t(A text collate[x y],[B] TEXT COLLATE 'it''s')", {"a": "x y", "b": "it's"}),
        ("CREATE TABLE t (a CHECK (a COLLATE x <> ''), PRIMARY KEY (a COLLATE x))", {}),
        ('CREATE TABLE "t (" ("COLLATE" COLLATE x)', {"collate": "x"}),
        ("CREATE VIRTUAL TABLE collated USING dbstat", {}),
        (
            "CREATE TABLE t (a$b COLLATE x, \u00a0 COLLATE y, a\u00b7\U0001f389 COLLATE z$, A\u2003B COLLATE x\u3000)",
            {"a$b": "x", "\u00a0": "y", "a\u00b7\U0001f389": "z$", "a\u2003b": "x\u3000"},
        ),
    ],
)
def test_collations_of_columns(sql: str, found: dict[str, str]) -> None:
    assert column_collations(sql) == found


@pytest.mark.parametrize("options", ["", "WITHOUT ROWID"])
def test_columns_that_are_computed_by_a_missing_collation_are_a_warning(tmp_path: Path, options: str) -> None:
    columns = (
        "id TEXT PRIMARY KEY, title COLLATE by_length, loud AS (title || '!'), kept AS (title = 'abc') STORED, "
        "same AS (title = 'abc'), plain AS (title COLLATE BINARY = 'abc')"
    )
    statements = [f"CREATE TABLE notes ({columns}) {options}", "INSERT INTO notes VALUES ('a', 'xyz')"]
    make_as_its_application(tmp_path / "app.db", *statements, "CREATE INDEX titles ON notes (title, loud)")
    assert planned_again(tmp_path, collection()).warnings == (
        "only the application has the collation `by_length`: where column `notes.same` compares by it, here it "
        "compares by bytes, and may have other values",
    )
    assert planned_again(tmp_path, collection(omit={"same": "computed"})).warnings == ()


@pytest.mark.parametrize(
    ("select", "needed"),
    [
        ("SELECT id, title FROM texts WHERE title = 'abc'", True),
        ("SELECT DISTINCT title, id FROM texts", True),
        ("SELECT a.id, b.title FROM texts AS a JOIN texts AS b USING (title)", True),
        ("SELECT id, body AS title FROM texts ORDER BY body COLLATE by_length LIMIT 2", True),
        ("SELECT id, body AS title FROM texts WHERE id = (SELECT max(title) FROM texts)", True),
        ("SELECT id, same AS title FROM texts", True),
        ("SELECT id, body AS title FROM other", True),
        ("SELECT id, body AS title FROM texts WHERE id > 1", False),
        ("SELECT id, body AS title FROM same_other", False),
    ],
)
def test_views_that_need_a_missing_collation_are_a_warning(tmp_path: Path, select: str, needed: bool) -> None:
    make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE texts (id INTEGER PRIMARY KEY, title COLLATE by_length UNIQUE, body, same AS (title = 'abc'))",
        "CREATE VIEW other AS SELECT id, body FROM texts WHERE title > 'abc'",
        "CREATE VIEW same_other AS SELECT id, body FROM texts WHERE id > 1",
        f"CREATE VIEW notes AS {select}",
    )
    warning = (
        "only the application has the collation `by_length`: where view `notes` compares by it, here it compares by "
        "bytes, and may have other rows or values"
    )
    assert planned_again(tmp_path, collection(key=["id"])).warnings == ((warning,) if needed else ())


def test_nothing_can_be_written_where_a_collation_is_stood_in_for(tmp_path: Path) -> None:
    path = make_as_its_application(tmp_path / "app.db", "CREATE TABLE t (a COLLATE by_length UNIQUE)")
    with closing(connect_to_read(path)) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("INSERT INTO t VALUES ('a')")


def test_an_unreadable_table_has_no_columns(tmp_path: Path) -> None:
    path = make_as_its_application(tmp_path / "app.db", "CREATE VIRTUAL TABLE vectors USING vec0(embedding float[4])")
    (table,) = inspect_database(path).tables
    assert table == Table("vectors", (), (), None, is_view=False, is_virtual=True, unreadable="no such module: vec0")


def related(folder: Path, key: str, rows: list[str], *, without_rowid: bool = False) -> MigrationPlan:
    """Children that name parents by texts, whose collation only the application has."""
    end = "WITHOUT ROWID" if without_rowid else ""
    make_as_its_application(
        folder / "app.db",
        f"CREATE TABLE parents ({key}) {end}",
        "CREATE TABLE children (id INTEGER PRIMARY KEY, parent TEXT)",
        *(f"INSERT INTO parents (name) VALUES ('{name}')" for name in rows),
        *(f"INSERT INTO children (parent) VALUES ('{name}')" for name in [*rows, *rows, "bb", "gone"]),
    )
    child = {"name": "Child", "table": "children", "relations": [{"column": "parent", "to_table": "parents"}]}
    properties = [{"name": "at", "column": "id", "type": "int"}]
    parent = {"name": "Parent", "table": "parents", "key": ["name"]}
    names = [{"name": "called", "column": "name", "index": "whole"}]
    return planned_again(folder, {**child, "properties": properties}, {**parent, "properties": names})


@pytest.mark.parametrize(
    ("key", "without_rowid"),
    [
        ("name TEXT COLLATE by_length PRIMARY KEY", False),
        ("name TEXT COLLATE by_length PRIMARY KEY", True),
        ("id INTEGER PRIMARY KEY, name TEXT COLLATE by_length UNIQUE", False),
        ("id INTEGER PRIMARY KEY, name TEXT COLLATE by_length", False),
    ],
)
def test_parents_are_found_whatever_the_order_of_their_index(tmp_path: Path, key: str, without_rowid: bool) -> None:
    names = ["zzz", "a", "mm", "yyyy"]
    plan = related(tmp_path, key, names, without_rowid=without_rowid)
    child, parent = plan.collections
    with TableReader(tmp_path / "app.db", child, object_uuid, 16, tmp_path) as reader:
        found = {each.value: each.key for each in reader.named_parents("parent", parent)}
    assert found == {**{name: name for name in names}, "bb": None, "gone": None}
    assert plan.warnings == (
        "only the application has the collation `by_length` of `parents.name`: which rows name it as their parent is "
        "told by the bytes of its keys",
    )
    with closing(connect_to_read(tmp_path / "app.db")) as connection:
        report = audit_table(connection, child, plan, DEFAULT_PARTITIONS, tmp_path)
    assert (report.rows, report.orphans[0].count) == (10, 2)
    assert uncaptured_tables(plan) == []


def test_parents_of_a_view_are_found_whatever_the_order_of_an_index(tmp_path: Path) -> None:
    names = ["zzz", "a", "mm", "yyyy"]
    make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE named (title TEXT COLLATE by_length PRIMARY KEY)",
        *(f"INSERT INTO named VALUES ('{name}')" for name in names),
        "CREATE VIEW parents AS SELECT title FROM named",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, title)",
        *(f"INSERT INTO notes (title) VALUES ('{name}')" for name in (*names, "bb")),
    )
    relation = {"column": "title", "to_table": "parents"}
    plan = planned_again(
        tmp_path, collection(relations=[relation]), collection(name="Parent", table="parents", key=["title"])
    )
    child, parent = plan.collections
    with TableReader(tmp_path / "app.db", child, object_uuid, 16, tmp_path) as reader:
        found = {each.value: each.key for each in reader.named_parents("title", parent)}
    assert found == {**{name: name for name in names}, "bb": None}
    with closing(connect_to_read(tmp_path / "app.db")) as connection:
        assert audit_table(connection, child, plan, DEFAULT_PARTITIONS, tmp_path).orphans[0].count == 1


def test_equal_keys_in_another_order_are_each_looked_up_once(tmp_path: Path) -> None:
    """By their length all are equal, so that in the index they stand as they were written."""
    plan = related(tmp_path, "id INTEGER PRIMARY KEY, name TEXT COLLATE by_length", ["aa", "cc", "aa"])
    make_as_its_application(tmp_path / "app.db", "CREATE INDEX by_name ON parents (name)")
    with closing(connect_to_read(tmp_path / "app.db")) as connection:
        report = audit_table(connection, plan.collections[0], plan, DEFAULT_PARTITIONS, tmp_path)
    assert (report.rows, report.orphans[0].count) == (8, 2)


def test_changes_are_captured_though_indexes_need_what_only_the_application_has(tmp_path: Path) -> None:
    path = make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE notes (p TEXT, id TEXT PRIMARY KEY, name TEXT COLLATE by_length UNIQUE, loud AS (shout(p)))",
        "CREATE UNIQUE INDEX by_shout ON notes (shout(name))",
        "CREATE TABLE search (p TEXT)",
        "CREATE VIRTUAL TABLE vectors USING vec0(embedding float[4])",
    )
    omitted = {"name": "Note", "table": "notes", "omit": {"loud": "computed"}}
    plan = planned_again(tmp_path, {**omitted, "properties": [{"name": "p", "column": "p", "index": "whole"}]})
    capture = install_capture(path, plan, ID)
    make_as_its_application(
        path,
        "INSERT INTO notes VALUES ('x', 'a', 'one')",
        "INSERT OR REPLACE INTO notes VALUES ('y', 'b', 'two')",
        "UPDATE notes SET p = 'z'",
    )
    with ChangeLog(path, ID, object_uuid, tmp_path) as log:
        with log.reading():
            changed = log.changed_rows(plan.collections[0], 0, log.last_position())
        assert [(row.key, row.values) for row in changed.rows()] == [
            (("a",), None),
            (("b",), ("z", "b", "two")),
        ]
    with closing(connect_to_read(path)) as connection:
        assert capture_damage(connection, capture) == []
    assert remove_capture(path, ID)
