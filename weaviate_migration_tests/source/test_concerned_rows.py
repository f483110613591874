"""Rows of statements and conditions in the change log: a change in any table is told for the rows that it concerns."""

import itertools
import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.mapping.models import Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.source.capture import captured_by, install_capture, uncaptured_tables
from weaviate_migration.source.change_log import ChangeLog
from weaviate_migration.source.changed_rows import ChangedRow
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.lookups import slow_lookups
from weaviate_migration.source.plan import MigrationPlan, plan_migration
from weaviate_migration_tests.source.captures import ID
from weaviate_migration_tests.source.databases import connect, make

DOCUMENTS = "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT, owner TEXT)"
CHUNKS = "CREATE TABLE chunks (id TEXT PRIMARY KEY, document INTEGER, body TEXT)"
BY_DOCUMENT = "CREATE INDEX by_document ON chunks (document)"
TITLED = "SELECT c.id, c.body, d.title FROM chunks c LEFT JOIN documents d ON d.id = c.document"


def collection(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "properties": [{"name": "p", "column": "id", "index": "stored"}], **fields}


class Captured:
    """A file whose collections are captured, and its log."""

    def __init__(self, path: Path, *collections: dict[str, Any]) -> None:
        self.path = path
        self.mapping = Mapping.model_validate({"name": "test", "collections": collections})
        self.plan: MigrationPlan = plan_migration(self.mapping, inspect_database(path, self.mapping))
        self.capture = install_capture(path, self.plan, ID)
        self.log = ChangeLog(path, ID, object_uuid, path.parent)
        self.position = self.end()

    def end(self) -> int:
        with self.log.reading():
            return self.log.last_position()

    def changed(self, collection: int = 0, after: int | None = None, **bounds: str) -> list[ChangedRow]:
        """What was logged since it was opened."""
        begin = self.position if after is None else after
        with self.log.reading():
            plan = self.plan.collections[collection]
            copied = self.log.changed_rows(plan, begin, self.log.last_position(), **bounds)
        found = list(copied.rows())
        copied.close()
        return found

    def values(self, collection: int = 0) -> dict[SqlValue, tuple[SqlValue, ...] | None]:
        return {each.key[0]: each.values for each in self.changed(collection)}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Captured]:
    """Chunks with the titles of their documents, and the documents."""
    path = make(
        tmp_path / "app.db",
        "PRAGMA journal_mode = wal",
        *(DOCUMENTS, CHUNKS, BY_DOCUMENT),
        "INSERT INTO documents VALUES (1, 'One', 'a'), (2, 'Two', 'b')",
        "INSERT INTO chunks VALUES ('a', 1, 'x'), ('b', 1, 'y'), ('c', 2, 'z'), ('d', NULL, '-'), ('e', 9, '9')",
    )
    found = Captured(path, collection("Chunk", select=TITLED, key=["id"]), collection("Document", table="documents"))
    yield found
    found.log.close()


def test_a_table_is_captured_once_for_all_that_need_it(library: Captured) -> None:
    assert [(each.name, each.key) for each in library.capture.tables] == [("chunks", ("id",)), ("documents", ("id",))]
    assert [[table.name for table, _ in captured_by(each)] for each in library.plan.collections] == [
        ["chunks", "documents"],
        ["documents"],
    ]
    assert uncaptured_tables(library.plan) == []
    assert slow_lookups(library.path, library.plan) == []


def test_a_change_of_a_joined_table_concerns_the_rows_that_lead_to_it(library: Captured) -> None:
    make(library.path, "UPDATE documents SET title = 'Uno' WHERE id = 1")
    assert library.values() == {"a": ("a", "x", "Uno"), "b": ("b", "y", "Uno")}
    assert library.values(1) == {1: (1, "Uno", "a")}
    assert [each.uuid for each in library.changed()] == sorted(str(object_uuid("Chunk", (key,))) for key in ("a", "b"))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM documents WHERE id = 2", {"c": ("c", "z", None)}),
        ("INSERT INTO documents VALUES (9, 'Nine', 'i')", {"e": ("e", "9", "Nine")}),
        ("UPDATE documents SET id = 9 WHERE id = 2", {"c": ("c", "z", None), "e": ("e", "9", "Two")}),
        ("REPLACE INTO documents VALUES (2, 'Zwei', 'b')", {"c": ("c", "z", "Zwei")}),
        ("UPDATE chunks SET document = 2 WHERE id = 'd'", {"d": ("d", "-", "Two")}),
        ("DELETE FROM chunks WHERE id = 'c'", {"c": None}),
        ("UPDATE chunks SET id = 'f' WHERE id = 'c'", {"c": None, "f": ("f", "z", "Two")}),
        ("INSERT INTO documents VALUES (3, 'Three', 'c')", {}),
    ],
)
def test_what_each_kind_of_change_concerns(
    library: Captured, statement: str, expected: dict[SqlValue, tuple[SqlValue, ...] | None]
) -> None:
    make(library.path, statement)
    assert library.values() == expected


def test_a_row_has_the_newest_position_of_all_that_concerns_it(library: Captured) -> None:
    make(library.path, "UPDATE chunks SET body = 'new' WHERE id = 'a'", "UPDATE documents SET title = 'Uno'")
    make(library.path, "UPDATE chunks SET body = 'newer' WHERE id = 'b'")
    begin = library.position
    assert {each.key[0]: each.position - begin for each in library.changed()} == {"a": 2, "b": 4, "c": 3}
    assert {each.key[0] for each in library.changed(after=begin + 2)} == {"b", "c"}
    low = sorted(str(object_uuid("Chunk", (key,))) for key in "abc")[1]
    assert [each.uuid for each in library.changed(high=low)] == [min(each.uuid or "" for each in library.changed())]
    assert len(library.changed(low=low)) == 2


def test_rows_of_an_inner_join_go_with_what_they_are_joined_to(tmp_path: Path) -> None:
    select = TITLED.replace("LEFT JOIN", "JOIN") + " WHERE d.title <> 'hidden'"
    path = make(
        tmp_path / "app.db",
        *(DOCUMENTS, CHUNKS, BY_DOCUMENT),
        "INSERT INTO documents VALUES (1, 'One', 'a'), (2, 'Two', 'b'), (3, 'hidden', '')",
        "INSERT INTO chunks VALUES ('a', 1, 'x'), ('b', 2, 'y'), ('c', 3, 'z')",
    )
    found = Captured(path, collection("Chunk", select=select, key=["id"]))
    make(path, "DELETE FROM documents WHERE id = 1", "UPDATE documents SET title = 'hidden' WHERE id = 2")
    make(path, "UPDATE documents SET title = 'shown' WHERE id = 3")
    with closing(found.log):
        assert found.values() == {"a": None, "b": None, "c": ("c", "z", "shown")}


def test_a_row_that_a_condition_does_not_pick_any_more_is_gone_and_is_there_for_another(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE log (id TEXT PRIMARY KEY, kind TEXT)",
        "INSERT INTO log VALUES ('a', 'mail'), ('b', 'note'), ('c', 'mail')",
    )
    found = Captured(
        path,
        collection("Mail", table="log", where="kind = 'mail' -- by post"),
        collection("Note", table="log", where="kind = 'note'"),
    )
    assert [(each.name, each.key) for each in found.capture.tables] == [("log", ("id",))]
    make(path, "UPDATE log SET kind = 'note' WHERE id = 'a'", "UPDATE log SET kind = 'none' WHERE id = 'b'")
    with closing(found.log):
        assert found.values(0) == {"a": None, "b": None}
        assert found.values(1) == {"a": ("a", "note"), "b": None}
        assert {each.uuid for each in found.changed(0)} == {each.uuid for each in found.changed(1)}


@pytest.mark.parametrize("name", ["log", "own", "folded", "changed_0", "step_0", "concerned"])
def test_names_of_ours_are_no_tables_of_the_applications(tmp_path: Path, name: str) -> None:
    path = make(
        tmp_path / "app.db",
        f"CREATE TABLE {name} (id TEXT PRIMARY KEY, document INTEGER)",
        DOCUMENTS,
        f"INSERT INTO {name} VALUES ('a', 1)",
        "INSERT INTO documents VALUES (1, 'One', 'a')",
    )
    select = f"SELECT c.id, d.title FROM {name} c JOIN documents d ON d.id = c.document"
    found = Captured(
        path, collection("Chunk", select=select, key=["id"]), collection("Part", table=name, where="document = 1")
    )
    make(path, "UPDATE documents SET title = 'Uno'", f"UPDATE {name} SET document = 1.0")
    with closing(found.log):
        assert found.values(0) == {"a": ("a", "Uno")}
        assert found.values(1) == {"a": ("a", 1)}


def test_what_is_not_followed_is_not_captured_and_has_no_changes(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", DOCUMENTS, CHUNKS)
    counted = "SELECT d.id, count(*) AS chunks FROM documents d JOIN chunks c ON c.document = d.id GROUP BY d.id"
    found = Captured(path, collection("Document", select=counted, key=["id"]))
    assert found.capture.tables == ()
    assert uncaptured_tables(found.plan) == ["changes of Document are not followed: it has GROUP BY"]
    make(path, "INSERT INTO documents VALUES (1, 'One', 'a')")
    with closing(found.log):
        assert found.changed() == []


def test_a_lookup_without_an_index_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", DOCUMENTS, CHUNKS)
    found = Captured(path, collection("Chunk", select=TITLED, key=["id"]))
    found.log.close()
    (told,) = slow_lookups(path, found.plan)
    assert told == (
        "each change of documents has all of chunks read, which is slow where it has many rows: no index serves its "
        "column document"
    )
    make(path, BY_DOCUMENT)
    assert slow_lookups(path, found.plan) == []


def test_rows_are_looked_up_and_not_searched(library: Captured) -> None:
    """What it takes follows from the change, not from the tables: counted in instructions of SQLite's machine."""

    def instructions() -> int:
        counted = itertools.count()
        library.log._connection.set_progress_handler(lambda: next(counted) < 0, 1)
        assert len(library.changed()) == 2
        library.log._connection.set_progress_handler(None, 1)
        return next(counted)

    make(library.path, "UPDATE documents SET title = 'Uno' WHERE id = 1")
    before = instructions()
    with closing(connect(library.path)) as connection:
        rows = ((f"more {number}", 100 + number % 1000, "more") for number in range(5000))
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO chunks VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    library.position = library.end()
    make(library.path, "UPDATE documents SET title = 'One' WHERE id = 1")
    assert instructions() < 1.1 * before


@pytest.mark.parametrize("generated", ["REAL AS (v)", "REAL AS (v * 1.0)", "REAL AS (v) STORED", "NUMERIC AS (v)"])
@pytest.mark.parametrize("fields", [{"key": ["id", "g"]}, {"tenant": {"column": "g"}}], ids=["key", "tenant"])
def test_a_row_that_another_one_replaces_is_told_by_the_class_of_its_generated_column(
    tmp_path: Path, generated: str, fields: dict[str, Any]
) -> None:
    path = make(
        tmp_path / "app.db",
        f"CREATE TABLE t (id TEXT PRIMARY KEY, x UNIQUE, v INTEGER, g {generated})",
        "INSERT INTO t (id, x, v) VALUES ('a', 1, 3), ('b', 2, 4)",
    )
    with closing(connect(path)) as connection:
        before = dict(connection.execute("SELECT id, g FROM t"))
    found = Captured(path, collection("T", table="t", **fields), collection("Some", table="t", where="v > 0", **fields))
    make(path, "INSERT OR REPLACE INTO t (id, x, v) VALUES ('c', 1, 5)", "UPDATE OR REPLACE t SET x = 2 WHERE id = 'c'")
    expected = {(key, repr(value)) for key, value in before.items()}
    tenants = {tenant_name(value) for value in before.values()}
    with closing(found.log):
        for number in (0, 1):
            gone = [each for each in found.changed(number) if each.values is None]
            if "tenant" in fields:
                assert {(each.uuid or "").partition(" ")[0] for each in gone} == tenants
            else:
                assert {(each.key[0], repr(each.key[1])) for each in gone} == expected


@pytest.mark.parametrize("generated", ["REAL AS (v)", "REAL AS (v * 1.0)", "REAL AS (v) STORED", "NUMERIC AS (v)"])
@pytest.mark.parametrize("fields", [{"key": ["id", "g"]}, {"key": ["id"], "tenant": {"column": "g"}}], ids=len)
def test_a_row_that_a_joined_one_concerns_is_told_by_the_class_of_its_generated_column(
    tmp_path: Path, generated: str, fields: dict[str, Any]
) -> None:
    path = make(
        tmp_path / "app.db",
        f"CREATE TABLE t (id TEXT PRIMARY KEY, other INTEGER, v INTEGER, g {generated})",
        "CREATE TABLE others (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO others VALUES (1, 'one')",
        "INSERT INTO t (id, other, v) VALUES ('a', 1, 3)",
    )
    select = "SELECT t.id, t.g, o.name FROM t LEFT JOIN others AS o ON o.id = t.other"
    found = Captured(path, collection("Joined", select=select, **fields))
    make(path, "UPDATE others SET name = 'uno'")
    with closing(connect(path)) as connection:
        expected = connection.execute(select).fetchall()
    with closing(found.log):
        assert [repr(each.values) for each in found.changed()] == list(map(repr, expected))


@pytest.mark.parametrize(
    ("of_id", "of_d", "equality", "expected"),
    [
        ("COLLATE RTRIM", "", "d.id = c.d", {1, 2, 3}),
        ("", "COLLATE RTRIM", "c.d = d.id", {1, 2, 3}),
        ("COLLATE RTRIM", "", "c.d = d.id", {3}),
    ],
)
def test_texts_that_differ_in_blanks_at_their_end_lead_to_each_other(
    tmp_path: Path, of_id: str, of_d: str, equality: str, expected: set[int]
) -> None:
    path = make(
        tmp_path / "app.db",
        f"CREATE TABLE d (id TEXT PRIMARY KEY {of_id}, v)",
        f"CREATE TABLE c (id INTEGER PRIMARY KEY, d BLOB {of_d})",
        "INSERT INTO d VALUES ('a', 1), ('b  ', 2)",
        "INSERT INTO c VALUES (1, 'a '), (2, 'b'), (3, 'a')",
    )
    found = Captured(path, collection("Joined", select=f"SELECT c.id, d.v FROM c JOIN d ON {equality}", key=["id"]))
    make(path, "UPDATE d SET v = v + 10")
    with closing(found.log):
        assert {each.key[0] for each in found.changed()} == expected


# Joins of columns of which the one or the other has an affinity or a collation of its own.
SCHEMAS = [
    ("INTEGER PRIMARY KEY", "INTEGER", "INTEGER", "INTEGER"),
    ("TEXT PRIMARY KEY COLLATE NOCASE", "TEXT", "INTEGER", "TEXT"),
    ("PRIMARY KEY", "TEXT COLLATE NOCASE", "", "NUMERIC"),
    ("TEXT PRIMARY KEY", "INTEGER", "TEXT COLLATE RTRIM", ""),
    ("INTEGER PRIMARY KEY", "TEXT", "REAL", "INTEGER"),
    ("BLOB PRIMARY KEY", "REAL", "TEXT", "TEXT COLLATE NOCASE"),
]
STATEMENTS = [
    "SELECT c.id, c.v, d.v AS dv FROM c LEFT JOIN d ON d.id = c.d",
    "SELECT c.id, c.v, d.v AS dv FROM c LEFT JOIN d ON c.d = d.id AND d.v > 1",
    "SELECT c.id, d.v AS dv, p.v AS pv FROM c LEFT JOIN d ON d.id = c.d LEFT JOIN p ON p.id = d.p WHERE c.v < 3",
    "SELECT c.id, d.v AS dv, p.v AS pv FROM p JOIN d ON p.id = d.p JOIN c ON c.d = d.id",
    "SELECT c.id, d.v AS dv, p.v AS pv FROM c, d, p WHERE d.p = p.id AND d.id = c.d AND p.v <> d.v",
    "SELECT c.id, o.v AS ov, d.v AS dv FROM c LEFT JOIN d ON d.id = c.d LEFT JOIN c AS o ON o.id = d.p",
    "SELECT c.id, p.v AS pv FROM c LEFT JOIN d ON d.id = c.d JOIN p ON p.id = c.v",
    "SELECT id, c.v, d.v AS dv FROM c JOIN d USING (id)",
]
KEYS: list[SqlValue] = [1, 2, 3, "1", "2", "a", "A", "a ", "b", b"a", 1.5, None, "02"]


def by_key(rows: Iterable[tuple[SqlValue, ...]]) -> dict[str, set[str]]:
    """Rows as Python shows them, by their keys: 1 and 1.0 are two; where a key joins twice, all rows of it."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[repr(row[0])].add(repr(row))
    return dict(found)


def change(connection: sqlite3.Connection, dice: random.Random) -> None:
    """Any change of any row, or none where it is refused."""
    table = dice.choice("ccddp")
    columns: Sequence[str] = {"c": ("id", "d", "v"), "d": ("id", "p", "v"), "p": ("id", "v")}[table]
    values = [dice.randrange(4) if column == "v" else dice.choice(KEYS) for column in columns]
    column, value = dice.choice(list(zip(columns, values, strict=True)))
    statement, given = dice.choice(
        [
            (f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(columns))})", values),
            (f"REPLACE INTO {table} VALUES ({', '.join('?' * len(columns))})", values),
            (f"UPDATE OR IGNORE {table} SET {column} = ? WHERE id = ?", [value, dice.choice(KEYS)]),
            (f"UPDATE OR REPLACE {table} SET {column} = ? WHERE id = ?", [value, dice.choice(KEYS)]),
            (f"DELETE FROM {table} WHERE id = ?", [dice.choice(KEYS)]),
        ]
    )
    with suppress(sqlite3.IntegrityError):  # A text where the rowid belongs.
        connection.execute(statement, given)


@pytest.mark.parametrize("types", SCHEMAS)
def test_every_row_that_is_another_is_told_as_it_is(tmp_path: Path, types: tuple[str, ...]) -> None:
    """Whatever is changed in whichever table, and however often a row is led elsewhere meanwhile."""
    key, to_key, other, to_other = types
    dice = random.Random(repr(types))
    path = make(
        tmp_path / "app.db",
        f"CREATE TABLE p (id {other} UNIQUE, v INTEGER)",
        f"CREATE TABLE d (id {key}, p {to_other}, v INTEGER)",
        f"CREATE TABLE c (id PRIMARY KEY, d {to_key}, v INTEGER)",
    )
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for _ in range(60):
            change(connection, dice)
        rows = [collection(f"C{at}", select=select, key=["id"]) for at, select in enumerate(STATEMENTS)]
        found = Captured(path, *rows)
        assert uncaptured_tables(found.plan) == []
        differing = [0] * len(STATEMENTS)
        with closing(found.log):
            for _ in range(40):
                before, found.position = results(connection), found.end()
                for _ in range(dice.choice((1, 1, 2, 5))):
                    change(connection, dice)
                for at, (old, new) in enumerate(zip(before, results(connection), strict=True)):
                    told = found.changed(at)
                    keys = {repr(each.key[0]) for each in told}
                    others = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
                    assert others <= keys
                    present = by_key(each.values for each in told if each.values is not None)
                    assert present == {key: rows for key, rows in new.items() if key in keys}
                    differing[at] += len(others)
    assert sum(differing) > 100


def results(connection: sqlite3.Connection) -> list[dict[str, set[str]]]:
    """What each statement gives now, but for rows without a key: they become no objects."""
    return [by_key(connection.execute(f"SELECT * FROM ({each}) WHERE id IS NOT NULL")) for each in STATEMENTS]
