"""Change capture: what is logged, what is noticed as damage and mended, and that nothing of it is left."""

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from weaviate_migration.base.errors import CaptureError, ConfigurationError, SourceError, SourceNotUsableError
from weaviate_migration.source.capture import (
    Capture,
    capture_damage,
    captures_in,
    install_capture,
    last_position,
    read_capture,
    remove_capture,
    uncaptured_tables,
)
from weaviate_migration.source.connect import write_transaction
from weaviate_migration.source.inspect import quoted
from weaviate_migration.source.plan import MigrationPlan
from weaviate_migration.source.snapshot import open_snapshot, take_snapshot
from weaviate_migration_tests.source.captures import ID, install, plan_of
from weaviate_migration_tests.source.databases import (
    connect,
    fingerprint,
    make,
    open_folder,
    read_only,
    without_rights,
)

TABLE = "CREATE TABLE t (id TEXT PRIMARY KEY, p UNIQUE)"


def logged(path: Path, capture: Capture, after: int = 1) -> list[tuple[object, ...]]:
    """Kind and key of each entry behind the first."""
    keys = ", ".join(f"key_{at}" for at in range(max(len(each.key) for each in capture.tables)))
    with closing(connect(path)) as connection:
        statement = f"SELECT kind, {keys} FROM {quoted(capture.changes)} WHERE position > ? ORDER BY position"
        return connection.execute(statement, (after,)).fetchall()


def damage(path: Path, capture: Capture) -> list[str]:
    with closing(connect(path)) as connection:
        return capture_damage(connection, capture)


def schema(path: Path) -> list[tuple[object, ...]]:
    with closing(connect(path)) as connection:
        return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()


def position(path: Path, capture: Capture) -> int:
    with closing(connect(path)) as connection:
        return last_position(connection, capture)


def test_what_a_capture_is(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE, "CREATE TABLE c (a, b, p, PRIMARY KEY (b, a)) WITHOUT ROWID")
    capture = install(path, "t", "c")
    assert (capture.id, capture.epoch) == (ID, 1)
    assert [(each.name, each.key, each.number) for each in capture.tables] == [("t", ("id",), 1), ("c", ("b", "a"), 2)]
    make(path, "INSERT INTO t VALUES ('a', 1)", "INSERT INTO c VALUES (1, 'b', 2)")
    with closing(connect(path)) as connection:
        assert read_capture(connection, ID) == capture
        assert read_capture(connection, "ffffffff") is None
        assert captures_in(connection) == [ID]
        assert last_position(connection, capture) == 3
        entries = connection.execute(f"SELECT *, julianday('now') - at FROM {quoted(capture.changes)}").fetchall()
    assert [entry[:3] + entry[4:6] for entry in entries] == [
        (1, None, "E", None, None),
        (2, 1, "I", "a", None),
        (3, 2, "I", "b", 1),
    ]
    assert all(0 <= entry[-1] < 1 for entry in entries)


def test_the_log_in_a_snapshot_ends_with_it(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE)
    capture = install(path, "t")
    make(path, "INSERT INTO t VALUES ('a', 1)")
    work = tmp_path / "work"
    snapshot = take_snapshot(path, work / "s.db", allow_pause=False, say=lambda _: None, scratch=work)
    make(path, "INSERT INTO t VALUES ('b', 2)")
    with closing(open_snapshot(snapshot.path)) as connection:
        assert read_capture(connection, ID) == capture
        assert capture_damage(connection, capture) == []
        assert last_position(connection, capture) == 2


@pytest.mark.parametrize("declared", ["TEXT", "INTEGER", "BLOB", "REAL", "NUMERIC", ""])
@pytest.mark.parametrize("key", ["a", "1", b"a", 1, 1.0, 1.5, 2**63 - 1, -(2**63), 1e300, "", "ü\0b", b"", None])
def test_keys_keep_their_storage_class(tmp_path: Path, declared: str, key: object) -> None:
    path = make(tmp_path / "app.db", f"CREATE TABLE t (id {declared} UNIQUE, p, n INTEGER PRIMARY KEY)")
    capture = install(path, keys={"t": ("id",)})
    with closing(connect(path)) as connection:
        connection.execute("INSERT INTO t (id) VALUES (?)", (key,))
        connection.execute("DELETE FROM t")
        statement = "SELECT key_0, typeof(key_0) FROM {} WHERE position > 1"
        (inserted, deleted) = connection.execute(statement.format(quoted(capture.changes))).fetchall()
        connection.execute("INSERT INTO t (id) VALUES (?)", (key,))
        stored = connection.execute("SELECT id, typeof(id) FROM t").fetchone()
    assert inserted == deleted == stored


def test_a_key_that_changes_its_storage_class_only(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE t (id PRIMARY KEY, p)", "INSERT INTO t VALUES (1, 2)")
    capture = install(path, "t")
    make(path, "UPDATE t SET id = 1.0")
    assert list(map(repr, logged(path, capture))) == ["('U', 1)", "('U', 1.0)"]


@pytest.mark.parametrize("rowid", ["", "WITHOUT ROWID"])
def test_a_key_that_is_replaced_by_an_equal_one(tmp_path: Path, rowid: str) -> None:
    """1 and 1.0 are one value to the index, and the keys of two objects."""
    path = make(tmp_path / "app.db", f"CREATE TABLE t (id PRIMARY KEY, p) {rowid}", "INSERT INTO t VALUES (1, 2)")
    capture = install(path, "t")
    make(path, "REPLACE INTO t VALUES (1.0, 3)")
    assert {repr(entry) for entry in logged(path, capture)} == {"('I', 1.0)", "('R', 1)"}


def test_a_row_that_gets_another_rowid(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, p)", "INSERT INTO t VALUES (1, 2)")
    capture = install(path, "t")
    make(path, "UPDATE t SET rowid = 7", "INSERT INTO t (p) VALUES (3)", "UPDATE t SET p = 4 WHERE id = 8")
    assert logged(path, capture) == [("U", 1), ("U", 7), ("I", 8), ("U", 8)]


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize(
    ("table", "replacing"),
    [
        ("id TEXT PRIMARY KEY, p UNIQUE", "INSERT OR REPLACE INTO t VALUES ('b', 1)"),
        ("id TEXT PRIMARY KEY, p UNIQUE", "REPLACE INTO t VALUES ('b', '1'), ('c', 1)"),
        ("id TEXT PRIMARY KEY, p UNIQUE ON CONFLICT REPLACE", "INSERT INTO t VALUES ('b', 1)"),
        ("id TEXT PRIMARY KEY, p", "INSERT OR REPLACE INTO t (rowid, id) VALUES (1, 'b')"),
        ("id TEXT PRIMARY KEY, p", "INSERT INTO t VALUES ('b', 2); UPDATE OR REPLACE t SET rowid = 1 WHERE id = 'b'"),
        ("id TEXT PRIMARY KEY, p UNIQUE", "INSERT INTO t VALUES ('b', 2); UPDATE OR REPLACE t SET p = 1 WHERE p = 2"),
        ("id TEXT PRIMARY KEY, p NOT NULL DEFAULT 1 UNIQUE", "REPLACE INTO t VALUES ('b', NULL)"),
        ('id TEXT PRIMARY KEY, p TEXT NOT NULL DEFAULT "1" UNIQUE', "REPLACE INTO t VALUES ('b', NULL)"),
        ("id TEXT PRIMARY KEY, p, q AS (p + 1) UNIQUE", "REPLACE INTO t VALUES ('b', 1)"),
        ("id TEXT PRIMARY KEY COLLATE NOCASE, p", "REPLACE INTO t VALUES ('A', 1)"),
        ("id TEXT, p PRIMARY KEY, UNIQUE (id)) WITHOUT ROWID; --", "REPLACE INTO t VALUES ('b', 1)"),
    ],
)
def test_rows_that_replace_removes(tmp_path: Path, table: str, replacing: str, recursive: str) -> None:
    path = tmp_path / "app.db"
    with closing(connect(path)) as connection:
        connection.executescript(f"CREATE TABLE t ({table})")
        connection.executescript("INSERT INTO t (id, p) VALUES ('a', 1)")
        capture = install(path, keys={"t": ("id",)})
        connection.executescript(f"PRAGMA recursive_triggers = {recursive}; {replacing}")
        assert connection.execute("SELECT count(*) FROM t WHERE id = 'a' COLLATE BINARY").fetchone() == (0,)
    assert "a" in {key for _, key in logged(path, capture)}


@pytest.mark.parametrize("name", ["plain", "a$b", "_\u00b7\U0001f389", "\u00a0"])
def test_what_a_default_replaces_that_is_a_name(tmp_path: Path, name: str) -> None:
    """SQLite takes it for a text."""
    path = tmp_path / "app.db"
    with closing(connect(path)) as connection:
        connection.execute(f"CREATE TABLE t (id TEXT PRIMARY KEY, p TEXT NOT NULL DEFAULT {name} UNIQUE)")
        connection.execute("INSERT INTO t (id) VALUES ('a')")
        capture = install(path, keys={"t": ("id",)})
        connection.execute("REPLACE INTO t VALUES ('b', NULL)")
        assert connection.execute("SELECT * FROM t").fetchall() == [("b", name)]
    assert "a" in {key for _, key in logged(path, capture)}


def test_looking_for_what_is_replaced_uses_the_indexes(tmp_path: Path) -> None:
    """A scan in a trigger would make each write as slow as the table is long."""
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT UNIQUE COLLATE NOCASE, q, r REAL, UNIQUE (q, r))",
        "CREATE TABLE w (id COLLATE RTRIM, p TEXT, q ANY UNIQUE, PRIMARY KEY (p COLLATE NOCASE, id)) WITHOUT ROWID",
        "CREATE UNIQUE INDEX one ON t (p COLLATE RTRIM DESC) WHERE q > 1 AND r IS NOT NULL",
        "CREATE UNIQUE INDEX two ON t (lower(p) COLLATE NOCASE, q, json_extract(r, '$.a,b(') ASC)",
        "CREATE UNIQUE INDEX three ON w (CASE WHEN q = '1' THEN p END) WHERE q",
    )
    install(path, "t", "w")
    roots = "SELECT name, rootpage FROM sqlite_schema WHERE tbl_name IN ('t', 'w') AND rootpage > 0"
    statements = [
        "INSERT INTO t VALUES (1, 2, 3, 4)",
        "UPDATE t SET q = 1 WHERE id = 1",
        "INSERT INTO w VALUES (1, 2, 3)",
        "UPDATE w SET q = 1 WHERE p = 2 COLLATE NOCASE",
    ]
    with closing(connect(path)) as connection:
        pages = {page: name for name, page in connection.execute(roots)}
        for statement in statements:
            read, scanned = set(), set()
            for address, operation, cursor, page, *_ in connection.execute(f"EXPLAIN {statement}"):
                if address == 0:  # Each trigger is a program of its own, with its own cursors.
                    cursors: dict[int, str] = {}
                if operation == "OpenRead" and page in pages:
                    cursors[cursor] = pages[page]
                    read.add(pages[page])
                if operation in ("Rewind", "Last") and cursor in cursors:
                    scanned.add(cursors[cursor])
            assert {"one", "two"} <= read or {"three"} <= read
            assert scanned == set(), statement


def test_cascades_of_foreign_keys(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE parent (id TEXT PRIMARY KEY, p UNIQUE)",
        "CREATE TABLE one (id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE)",
        "CREATE TABLE two (id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE SET NULL ON UPDATE SET DEFAULT)",
        "INSERT INTO parent VALUES ('a', 1)",
        "INSERT INTO one VALUES (11, 'a'), (12, 'a')",
        "INSERT INTO two VALUES (21, 'a')",
    )
    capture = install(path, "parent", "one", "two")
    make(path, "PRAGMA foreign_keys = ON", "UPDATE parent SET id = 'b'")
    assert set(logged(path, capture)) == {("U", 11), ("U", 12), ("U", 21), ("U", "a"), ("U", "b")}
    make(path, "PRAGMA foreign_keys = ON", "UPDATE two SET p = 'b'")
    since = position(path, capture)
    make(path, "PRAGMA foreign_keys = ON", "REPLACE INTO parent VALUES ('c', 1)")
    assert set(logged(path, capture, since)) == {("D", 11), ("D", 12), ("U", 21), ("I", "c"), ("R", "b")}


def test_a_child_that_breaks_off_what_is_done_to_its_parent(tmp_path: Path) -> None:
    """The parent is changed, and an AFTER trigger of its table would not have fired any more."""
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE parent (id TEXT PRIMARY KEY, p)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE)",
        "CREATE TRIGGER d AFTER DELETE ON child BEGIN SELECT RAISE(FAIL, 'no'); END",
        "CREATE TRIGGER u AFTER UPDATE ON child BEGIN SELECT RAISE(FAIL, 'no'); END",
        "INSERT INTO parent VALUES ('a', 1), ('c', 1)",
        "INSERT INTO child VALUES (1, 'a'), (2, 'c')",
    )
    capture = install(path, "parent", "child")
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for statement in ("DELETE FROM parent WHERE id = 'a'", "UPDATE parent SET id = 'b'"):
            with pytest.raises(sqlite3.IntegrityError, match="no"):
                connection.execute(statement)
        assert connection.execute("SELECT id FROM parent").fetchall() == [("b",)]
    assert set(logged(path, capture)) == {("D", "a"), ("U", "c"), ("U", "b"), ("D", 1), ("U", 2)}


@pytest.mark.parametrize("journal_mode", ["wal", "delete", "truncate", "persist", "memory"])
def test_what_is_rolled_back_is_not_logged(tmp_path: Path, journal_mode: str) -> None:
    path = make(tmp_path / "app.db", f"PRAGMA journal_mode = {journal_mode}", TABLE)
    capture = install(path, "t")
    with closing(connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        script = [
            *("BEGIN", "INSERT INTO t VALUES ('gone', 1)", "ROLLBACK"),
            *("BEGIN", "INSERT INTO t VALUES ('a', 1)"),
            *("SAVEPOINT s", "INSERT INTO t VALUES ('gone', 2)", "ROLLBACK TO s", "RELEASE s"),
            *("SAVEPOINT s", "INSERT INTO t VALUES ('b', 2)", "RELEASE s", "COMMIT"),
        ]
        for statement in script:
            connection.execute(statement)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO t VALUES ('gone', 3), ('gone too', 2)")
    assert logged(path, capture) == [("I", "a"), ("I", "b")]


def write_rows(path: Path, writer: int, count: int) -> None:
    """So many rows of its own, each in a transaction of its own; every other one is deleted again."""
    with closing(connect(path)) as connection:
        for number in range(count):
            connection.execute("INSERT INTO t VALUES (?, ?)", (f"{writer}-{number}", f"{writer}-{number}"))
            if number % 2:
                connection.execute("DELETE FROM t WHERE id = ?", (f"{writer}-{number}",))


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_several_writers(tmp_path: Path, journal_mode: str) -> None:
    path = make(tmp_path / "app.db", f"PRAGMA journal_mode = {journal_mode}", TABLE)
    capture = install(path, "t")
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as executor:
        list(executor.map(write_rows, [path] * 4, range(4), [20] * 4))
    entries = logged(path, capture)
    inserted = [("I", f"{writer}-{number}") for writer in range(4) for number in range(20)]
    deleted = [("D", f"{writer}-{number}") for writer in range(4) for number in range(1, 20, 2)]
    assert sorted(entries, key=str) == sorted(deleted + inserted)
    for writer in range(4):
        own = [key for kind, key in entries if kind == "I" and str(key).startswith(f"{writer}-")]
        assert own == [f"{writer}-{number}" for number in range(20)], "in the order of the commits"
    assert position(path, capture) == 1 + len(entries)


def test_the_application_sees_nothing_but_total_changes(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE)
    install(path, "t")
    with closing(connect(path)) as connection:
        found = connection.execute("INSERT INTO t VALUES ('a', 1), ('b', 2) RETURNING rowid, id").fetchall()
        assert found == [(1, "a"), (2, "b")]
        assert connection.execute("SELECT changes(), last_insert_rowid()").fetchone() == (2, 2)
        assert connection.total_changes == 4
        connection.execute("INSERT INTO t VALUES ('a', 1) ON CONFLICT (id) DO UPDATE SET p = 3")
        assert connection.execute("SELECT changes(), last_insert_rowid()").fetchone() == (1, 2)
        connection.execute("INSERT OR IGNORE INTO t VALUES ('a', 9)")
        connection.execute("UPDATE OR IGNORE t SET id = 'a' WHERE id = 'b'")
        assert connection.execute("SELECT changes()").fetchone() == (0,)
        assert connection.execute("SELECT * FROM t").fetchall() == [("a", 3), ("b", 2)]


def test_odd_names(tmp_path: Path) -> None:
    table, key, unique = "se\"le'ct; -- \U0001f389", "gr oup]`", 'wh"ere'
    path = make(
        tmp_path / "app.db",
        f"CREATE TABLE {quoted(table)} ({quoted(key)} TEXT PRIMARY KEY, {quoted(unique)} UNIQUE, p, [new], `old`)",
        f"CREATE UNIQUE INDEX {quoted('(' + table)} ON {quoted(table)} (lower({quoted(unique)}), [new] desc, p)",
        'CREATE TABLE "table" ("rowid" PRIMARY KEY, oid, _rowid_, p UNIQUE)',
        "CREATE TABLE Mixed (Id INTEGER PRIMARY KEY, p)",
    )
    capture = install(path, table, "table", "mIXED")
    assert [(each.name, each.key) for each in capture.tables] == [
        (table, (key,)),
        ("table", ("rowid",)),
        ("Mixed", ("Id",)),
    ]
    with closing(connect(path)) as connection:
        connection.execute(f"INSERT INTO {quoted(table)} VALUES ('a', 1, 2, 3, 4)")
        connection.execute(f"REPLACE INTO {quoted(table.upper())} VALUES ('b', 1, 2, 3, 4)")
        connection.execute('INSERT INTO "table" VALUES (1, 2, 3, 4)')
        connection.execute('REPLACE INTO "TABLE" VALUES (2, 2, 3, 4)')
        connection.execute("INSERT INTO MIXED (p) VALUES (5)")
        connection.execute("UPDATE mixed SET ID = 9")
    entries = logged(path, capture)
    assert {("I", "a"), ("I", "b"), ("R", "a"), ("I", 1), ("I", 2), ("R", 1)} == set(entries[:-3])
    assert entries[-3:] == [("I", 1), ("U", 1), ("U", 9)]
    assert damage(path, capture) == []


def test_tables_that_cannot_be_captured(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE t (id TEXT PRIMARY KEY, p)",
        "CREATE TABLE keyless (p)",
        "CREATE TABLE named (n, p)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE VIRTUAL TABLE f USING fts5 (p, n)",
    )
    keys = {"named": ("n",), "v": ("id",), "f": ("n",)}
    assert uncaptured_tables(plan_of(path, "t", "keyless", "gone", keys=keys)) == [
        "changes of keyless are not followed: it has no key; if columns identify a row, name them in `key`",
        "changes of v are not followed: it is a view",
        "changes of f are not followed: SQLite has no triggers on virtual tables",
    ]
    capture = install(path, "t", "keyless", "gone", keys=keys)
    assert [each.name for each in capture.tables] == ["t", "named"]


def test_nothing_to_do_where_it_is_intact(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE)
    capture = install(path, "t")
    before = fingerprint(tmp_path)
    assert install(path, "t") == capture
    assert fingerprint(tmp_path) == before


# As Alembic does it.
REBUILT = [
    "CREATE TABLE _alembic_tmp_t (id TEXT PRIMARY KEY, p UNIQUE)",
    "INSERT INTO _alembic_tmp_t SELECT id, p FROM t",
    "DROP TABLE t",
    "ALTER TABLE _alembic_tmp_t RENAME TO t",
]
EDITED = [
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_schema SET sql = replace(sql, 'BEFORE INSERT', 'AFTER INSERT') WHERE type = 'trigger'",
]
OWN = f"_weaviate_migration_{ID}"


@pytest.mark.parametrize(
    ("done", "sentence"),
    [
        (["ALTER TABLE t ADD COLUMN r"], "table `t` was altered: "),
        (["ALTER TABLE t DROP COLUMN q"], "table `t` was altered: "),
        (["ALTER TABLE t RENAME COLUMN p TO other"], "table `t` was altered: "),
        (["ALTER TABLE t RENAME COLUMN id TO other"], "table `t` was altered: "),
        (["CREATE UNIQUE INDEX i ON t (p)"], "table `t` was altered: "),
        (["ALTER TABLE t RENAME TO other"], "table `t` was dropped or renamed"),
        (["DROP TABLE t"], "table `t` was dropped or renamed"),
        (["DROP TABLE t", "CREATE VIEW t AS SELECT 1 AS id, 2 AS p"], "table `t` was altered: "),
        (REBUILT, "table `t` was altered: "),
        ([f"DROP TRIGGER {OWN}_1_update"], f"table `t` has lost its trigger `{OWN}_1_update`"),
        (EDITED, f"trigger `{OWN}_1_insert` of table `t` was changed"),
        ([f"DROP TABLE {OWN}_changes"], f"table `{OWN}_changes` is gone"),
        ([f"DROP TABLE {OWN}_positions"], f"table `{OWN}_positions` is gone"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else "",
)
def test_damage_is_noticed(tmp_path: Path, done: list[str], sentence: str) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE t (id TEXT PRIMARY KEY, p UNIQUE, q)")
    capture = install(path, "t")
    make(path, *done)
    found = damage(path, capture)
    assert found
    assert found[0].startswith(sentence)


def made_again(path: Path) -> None:
    """Rebuilds the table with its triggers, as SQLite's documentation says (lang_altertable.html, 7)."""
    with closing(connect(path)) as connection:
        triggers = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")]
        script = [
            TABLE.replace("TABLE t", "TABLE new_t"),
            "INSERT INTO new_t SELECT id, p + 1 FROM t",
            "DROP TABLE t",
            "ALTER TABLE new_t RENAME TO t",
            "PRAGMA writable_schema = ON",
            f"UPDATE sqlite_schema SET sql = '{TABLE}' WHERE name = 't'",  # The name got quotes.
            "PRAGMA writable_schema = OFF",
        ]
        for statement in [*script, *triggers]:
            connection.execute(statement)


def test_a_table_that_was_rebuilt_with_its_triggers(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE, "INSERT INTO t VALUES ('a', 1)")
    capture = install(path, "t")
    made_again(path)
    assert damage(path, capture) == ["table `t` was dropped and made again"]
    mended = install(path, "t")
    assert mended.epoch == 2
    make(path, "VACUUM")
    assert damage(path, mended) == []
    made_again(path)
    make(path, "VACUUM")
    assert damage(path, mended) == ["table `t` was dropped and made again"]


@pytest.mark.parametrize("breaking", ["SELECT RAISE(IGNORE)", "SELECT RAISE(FAIL, 'no')"])
def test_a_trigger_that_runs_before_the_log_is_written(tmp_path: Path, breaking: str) -> None:
    """SQLite runs the newest trigger first, and one that breaks off keeps the row from the log."""
    trigger = "CREATE TRIGGER {} AFTER INSERT ON t BEGIN {}; END"
    older = trigger.format("older", breaking)
    path = make(tmp_path / "app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, p)", older)
    capture = install(path, "t")
    assert damage(path, capture) == []

    def inserted() -> list[tuple[object, ...]]:
        before = position(path, capture)
        with closing(connect(path)) as connection, suppress(sqlite3.IntegrityError):
            connection.execute("INSERT INTO t (p) VALUES (1)")
        return logged(path, capture, before)

    assert inserted() == [("I", 1)]
    make(path, trigger.format("newer", breaking))
    assert damage(path, capture) == ["table `t` has a new trigger, `newer`"]
    assert inserted() == []
    make(path, "VACUUM")
    assert damage(path, capture) == ["table `t` has a new trigger, `newer`"]
    assert install(path, "t").epoch == 2
    assert inserted() == [("I", 3)]


@pytest.mark.parametrize(
    "done",
    [
        "VACUUM",
        "ANALYZE",
        "REINDEX",
        "CREATE INDEX i ON t (p)",
        "CREATE TABLE other (id)",
        "CREATE VIEW v AS SELECT * FROM t",
        "DROP TABLE u",
        "CREATE TRIGGER mine AFTER INSERT ON t BEGIN DELETE FROM u; END",
        "PRAGMA user_version = 7",
        "INSERT INTO t VALUES ('a', 1)",
    ],
)
def test_what_is_no_damage(tmp_path: Path, done: str) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE u (id PRIMARY KEY, p)", TABLE)
    capture = install(path, "t")
    make(path, done)
    assert damage(path, capture) == []
    assert install(path, "t") == capture


def test_mending_begins_an_epoch(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE)
    first = install(path, "t")
    make(path, "INSERT INTO t VALUES ('a', 1)", *REBUILT, "INSERT INTO t VALUES ('gone by', 2)")
    mended = install(path, "t")
    assert (mended.epoch, mended.tables) == (2, first.tables)
    make(path, "INSERT INTO t VALUES ('b', 3)")
    assert logged(path, mended) == [("I", "a"), ("E", None), ("I", "b")]
    assert damage(path, mended) == []
    with closing(connect(path)) as connection:
        assert read_capture(connection, ID) == mended


def test_another_key_gets_another_number(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE t (id TEXT PRIMARY KEY, p)", "CREATE TABLE u (id PRIMARY KEY, p)")
    install(path, "t", "u")
    capture = install(path, "u", keys={"t": ("id", "p")})
    assert [(each.name, each.key, each.number) for each in capture.tables] == [("u", ("id",), 2), ("t", ("id", "p"), 3)]
    make(path, "INSERT INTO t VALUES ('a', 1)", "INSERT INTO u VALUES ('b', 1)")
    assert logged(path, capture)[-2:] == [("I", "a", 1), ("I", "b", None)]
    assert [(each.name, each.number) for each in install(path, "t", "u").tables] == [("t", 1), ("u", 2)]


def test_no_position_is_used_twice(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE)
    capture = install(path, "t")
    changes = quoted(capture.changes)
    prune = f"DELETE FROM {changes} WHERE position < (SELECT max(position) FROM {changes})"
    make(path, "INSERT INTO t VALUES ('a', 1)", prune, "VACUUM", "DELETE FROM t", prune)
    assert logged(path, capture, 0) == [("D", "a")]
    assert position(path, capture) == 3
    make(path, "ALTER TABLE t ADD COLUMN q")
    assert position(path, install(path, "t")) == 4


@pytest.mark.parametrize("sequence", ["", "AUTOINCREMENT"])
def test_nothing_is_left_of_it(tmp_path: Path, sequence: str) -> None:
    path = make(
        tmp_path / "app.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY {sequence}, p UNIQUE)",
        "CREATE INDEX i ON t (p)",
        "CREATE TRIGGER mine AFTER INSERT ON t BEGIN DELETE FROM t WHERE id = 0; END",
        "CREATE TABLE _weaviate_migration_tables (id)",
        "INSERT INTO t VALUES (5, 1)",
        "ANALYZE",
    )
    before = schema(path)
    capture = install(path, "t")
    other = install(path, "t", capture_id="ffffffff")
    make(path, "INSERT INTO t (p) VALUES (2)", "ANALYZE")
    assert logged(path, capture) == logged(path, other)
    assert sorted(remove_capture(path, ID)) == [
        f"{OWN}_{name}"
        for name in ("1_delete", "1_insert", "1_inserted", "1_update", "capture", "changes", "positions")
    ]
    assert damage(path, other) == []
    assert len(remove_capture(path, "ffffffff")) == 7
    assert remove_capture(path, ID) == []
    assert schema(path) == before
    with closing(connect(path)) as connection:
        assert {name for (name,) in connection.execute("SELECT tbl FROM sqlite_stat1")} == {"t"}
        if sequence:
            assert connection.execute("SELECT * FROM sqlite_sequence").fetchall() == [("t", 6)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("lost", ["changes", "positions", "capture"])
def test_what_is_left_of_a_log_is_not_mended(tmp_path: Path, lost: str) -> None:
    path = make(tmp_path / "app.db", TABLE)
    install(path, "t")
    make(path, f"DROP TABLE {OWN}_{lost}")
    with pytest.raises(CaptureError, match="has lost its log") as error:
        install(path, "t")
    assert "capture remove" in error.value.hint
    assert remove_capture(path, ID)
    assert install(path, "t").epoch == 1


def test_a_table_that_cannot_be_captured_without_harm(tmp_path: Path) -> None:
    """A key nearly as wide as a table may be, which no mapping has: the log has four columns more."""
    columns = [f"c{at}" for at in range(1997)]
    key = ", ".join(columns)
    path = make(tmp_path / "app.db", f"CREATE TABLE t ({key}, p, PRIMARY KEY ({key}))")
    before = schema(path)
    plan = plan_of(path, keys={"t": ("c0",)})
    (narrow,) = plan.collections
    wide = replace(plan, collections=(replace(narrow, key=tuple(columns), columns=()),))
    with pytest.raises(SourceError, match="too many columns"):
        install_capture(path, wide, ID)
    assert schema(path) == before


def refusal(path: Path, plan: MigrationPlan) -> tuple[str, str]:
    """Message and hint of the ConfigurationError."""
    try:
        install_capture(path, plan, ID)
    except ConfigurationError as error:
        return error.message, error.hint
    return "no error", ""


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
@pytest.mark.parametrize("what", ["the file", "the folder", "both"])
def test_what_may_not_be_written_to(journal_mode: str, what: str) -> None:
    with open_folder() as folder:
        path = make(folder / "app.db", f"PRAGMA journal_mode = {journal_mode}", TABLE)
        before, plan = fingerprint(folder), plan_of(path, "t")
        with read_only(folder):
            if what == "the file":
                folder.chmod(0o777)
            if what == "the folder":
                path.chmod(0o666)
            message, hint = without_rights(refusal, path, plan)
        assert message.startswith(f"{path}: cannot be written to: ")
        assert "right to write" in hint
        assert {name: digest for name, digest in fingerprint(folder).items() if name in before} == before


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(SourceNotUsableError, match="No such file"):
        remove_capture(tmp_path / "none.db", ID)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_file_that_stays_locked(tmp_path: Path, journal_mode: str) -> None:
    path = make(tmp_path / "app.db", f"PRAGMA journal_mode = {journal_mode}", TABLE)
    before = schema(path)
    with closing(connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SourceError, match=r"is locked by another program, for longer than 0\.05 s"):
            install(path, "t")
    assert schema(path) == before


def test_a_reader_that_keeps_the_commit_waiting(tmp_path: Path) -> None:
    """With a rollback journal a commit waits for readers; after the timeout nothing is changed."""
    path = make(tmp_path / "app.db", TABLE)
    before = schema(path)
    with closing(connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        with pytest.raises(SourceError, match="is locked"):
            install(path, "t")
    assert schema(path) == before


def test_an_error_inside_a_transaction_undoes_it(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", TABLE)
    before = schema(path)

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE t")
        raise RuntimeError

    with pytest.raises(RuntimeError), write_transaction(path) as connection:
        fail(connection)
    assert schema(path) == before
