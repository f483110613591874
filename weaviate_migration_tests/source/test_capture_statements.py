"""Random statements on a captured and on an uncaptured copy of a file: the application sees no difference, and each
key whose row differs afterwards is in the log.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weaviate_migration.source.capture import Capture, last_position
from weaviate_migration.source.inspect import quoted
from weaviate_migration_tests.source.captures import install
from weaviate_migration_tests.source.databases import connect, make

EXAMPLES = int(os.environ.get("CAPTURE_EXAMPLES", "40"))

CONFLICTS = ["", "OR ABORT", "OR ROLLBACK", "OR FAIL", "OR IGNORE", "OR REPLACE"]
# A rowid of another kind is an error that, of all, undoes less of a statement without triggers than of one with them.
ROWIDS = ["-1", "0", "1", "2", "3"]
VALUES = ["NULL", "0", "1", "2", "-1", "1.0", "1.5", "'1'", "'a'", "'A'", "'b'", "''", "x'61'", "x'31'"]
CONTROL = [
    *("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s", "ROLLBACK TO s"),
    *("PRAGMA recursive_triggers = ON", "PRAGMA recursive_triggers = OFF"),
    *("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = OFF", "PRAGMA defer_foreign_keys = ON"),
]


@dataclass(frozen=True)
class App:
    """An application's tables: the keys of those that are captured, columns to write to, and what makes them.

    `rowids` are the columns that hold rowids, each with its table.
    """

    name: str
    keys: dict[str, tuple[str, ...]]
    columns: dict[str, tuple[str, ...]]
    rowids: frozenset[str]
    schema: tuple[str, ...]


def app(name: str, *schema: str, keys: dict[str, str], columns: dict[str, str], rowids: str = "t.rowid") -> App:
    return App(
        name,
        {table: tuple(key.split()) for table, key in keys.items()},
        {table: tuple(names.split()) for table, names in columns.items()},
        frozenset(rowids.split()),
        schema,
    )


APPS = [
    app(
        "text key",
        "CREATE TABLE t (id TEXT PRIMARY KEY, u TEXT UNIQUE COLLATE NOCASE, v INTEGER UNIQUE ON CONFLICT REPLACE)",
        keys={"t": "id"},
        columns={"t": "rowid id u v"},
    ),
    app(
        "integer primary key",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, v NUMERIC, w TEXT NOT NULL DEFAULT 'a')",
        "CREATE UNIQUE INDEX part ON t (v) WHERE w = 'a'",
        "CREATE UNIQUE INDEX expr ON t (lower(w) /* (, */ COLLATE NOCASE DESC, v -- it's\n)",
        keys={"t": "id"},
        columns={"t": "id u v w"},
        rowids="t.id",
    ),
    app(
        "autoincrement, and another key",
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL DEFAULT 1 UNIQUE, v REAL UNIQUE)",
        keys={"t": "code"},
        columns={"t": "id code v"},
        rowids="t.id",
    ),
    app(
        "key of any kind",
        "CREATE TABLE t (id PRIMARY KEY, v ANY UNIQUE COLLATE RTRIM, w REAL)",
        "CREATE UNIQUE INDEX expr ON t (v = '1', w = '1', id)",
        keys={"t": "id"},
        columns={"t": "rowid id v w"},
    ),
    app(
        "key that is not unique",
        "CREATE TABLE t (id, v INTEGER, w DEFAULT a)",
        "CREATE UNIQUE INDEX expr ON t (CASE WHEN v = '1' THEN w END)",
        keys={"t": "id"},
        columns={"t": "rowid id v w"},
    ),
    app(
        "composite key without rowid",
        "CREATE TABLE t (a INTEGER, b TEXT COLLATE NOCASE, v UNIQUE, PRIMARY KEY (b COLLATE BINARY, a)) WITHOUT ROWID",
        keys={"t": "a b"},
        columns={"t": "a b v"},
    ),
    app(
        "case and collation",
        "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, v NUMERIC NOT NULL ON CONFLICT REPLACE DEFAULT 1 UNIQUE)",
        keys={"t": "id"},
        columns={"t": "rowid id v"},
    ),
    app(
        "strict, real key, generated",
        "CREATE TABLE t (id REAL PRIMARY KEY, a INT, b ANY,"
        " g INT AS (a * 2) UNIQUE, h ANY AS (b) STORED UNIQUE) STRICT",
        keys={"t": "id"},
        columns={"t": "rowid id a b"},
    ),
    app(
        "generated key",
        "CREATE TABLE t (n INTEGER PRIMARY KEY, a, id TEXT AS (a || '!') UNIQUE)",
        keys={"t": "id"},
        columns={"t": "n a"},
        rowids="t.n",
    ),
    app(
        "foreign keys",
        "CREATE TABLE p (id TEXT PRIMARY KEY, u UNIQUE)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, p TEXT REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE,"
        " q TEXT DEFAULT 'a' REFERENCES p ON DELETE SET NULL ON UPDATE SET DEFAULT, UNIQUE (p) ON CONFLICT REPLACE)",
        "CREATE TABLE s (id TEXT PRIMARY KEY, t INTEGER REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE"
        " DEFERRABLE INITIALLY DEFERRED)",
        keys={"p": "id", "t": "id", "s": "id"},
        columns={"p": "id u", "t": "id p q", "s": "id t"},
        rowids="t.id",
    ),
    app(
        "triggers of its own",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE)",
        "CREATE TABLE s (id TEXT PRIMARY KEY, n UNIQUE)",
        "CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO s VALUES (NEW.u, changes()); "
        "UPDATE t SET u = last_insert_rowid() WHERE id = 2; END",
        "CREATE TRIGGER b AFTER INSERT ON t WHEN NEW.u = 1 BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER c BEFORE INSERT ON t WHEN NEW.u = 2 BEGIN DELETE FROM s; SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER d AFTER UPDATE ON t BEGIN UPDATE s SET id = NEW.u WHERE id = OLD.u; "
        "SELECT RAISE(FAIL, 'no') WHERE NEW.u = 'a'; END",
        "CREATE TRIGGER e BEFORE UPDATE ON s BEGIN DELETE FROM t WHERE u = NEW.n; END",
        "CREATE TRIGGER f AFTER DELETE ON s BEGIN INSERT OR REPLACE INTO t VALUES (1, OLD.id); END",
        "CREATE TRIGGER g BEFORE UPDATE ON t WHEN NEW.u = 'b' BEGIN UPDATE t SET id = id + 10 WHERE id = OLD.id; END",
        "CREATE VIEW v AS SELECT id, u FROM t",
        "CREATE TRIGGER h INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (NEW.id, NEW.u); END",
        "CREATE TRIGGER i INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE id = OLD.id; END",
        keys={"t": "id", "s": "id"},
        columns={"t": "id u", "s": "id n", "v": "id u"},
        rowids="t.id v.id",
    ),
]


def values(app: App, table: str, column: str) -> st.SearchStrategy[str]:
    return st.sampled_from(ROWIDS if f"{table}.{column}" in app.rowids else VALUES)


def conditions(app: App, table: str) -> st.SearchStrategy[str]:
    column, operator = st.sampled_from(app.columns[table]), st.sampled_from(["IS", "<", ">="])
    return st.one_of(st.just("TRUE"), st.builds("{} {} {}".format, column, operator, st.sampled_from(VALUES)))


@st.composite
def assignments(draw: st.DrawFn, app: App, table: str) -> str:
    column = draw(st.sampled_from(app.columns[table]))
    is_rowid = f"{table}.{column}" in app.rowids
    other = st.sampled_from([column] if is_rowid else app.columns[table])
    text = [] if is_rowid else [other, st.builds("upper({})".format, other)]
    new = st.one_of(values(app, table, column), st.builds("{} + 1".format, other), *text)
    return f"{column} = {draw(new)}"


@st.composite
def inserts(draw: st.DrawFn, app: App, table: str) -> str:
    chosen = draw(st.lists(st.sampled_from(app.columns[table]), unique=True, min_size=1))
    row = st.tuples(*(st.one_of(values(app, table, each), st.just("NULL")) for each in chosen)).map(", ".join)
    content = draw(
        st.one_of(
            st.lists(row, min_size=1, max_size=3).map(lambda rows: f"VALUES ({'), ('.join(rows)})"),
            st.just(f"SELECT {', '.join(chosen)} FROM {table} WHERE TRUE"),
            st.builds("SELECT {} FROM {} WHERE TRUE".format, row, st.just(table)),
        )
    )
    conflict = draw(st.sampled_from([*CONFLICTS, "OR REPLACE"]))
    upsert = draw(st.sampled_from(["", "", "DO NOTHING", f"DO UPDATE SET {draw(assignments(app, table))}"]))
    returning = draw(st.sampled_from(["", "", "RETURNING *"]))
    on_conflict = upsert and f"ON CONFLICT {upsert}"
    return f"INSERT {conflict} INTO {table} ({', '.join(chosen)}) {content} {on_conflict} {returning}"


@st.composite
def updates(draw: st.DrawFn, app: App, table: str) -> str:
    assigned = ", ".join(draw(st.lists(assignments(app, table), min_size=1, max_size=2)))
    conflict = draw(st.sampled_from([*CONFLICTS, "OR REPLACE"]))
    returning = draw(st.sampled_from(["", "", "RETURNING *"]))
    return f"UPDATE {conflict} {table} SET {assigned} WHERE {draw(conditions(app, table))} {returning}"


def statements(app: App) -> st.SearchStrategy[str]:
    deletes = (
        st.builds("DELETE FROM {} WHERE {}".format, st.just(each), conditions(app, each)) for each in app.columns
    )
    writes = (kind(app, table) for table in app.columns for kind in (inserts, inserts, updates))
    return st.one_of(*writes, *deletes, st.sampled_from(CONTROL))


@dataclass(frozen=True)
class Outcome:
    """What the application sees of a statement."""

    rows: tuple[str, ...]
    error: str
    changes: int
    last_rowid: int
    in_transaction: bool


def run(connection: sqlite3.Connection, statement: str) -> Outcome:
    rows: Iterable[object] = ()
    error = ""
    try:
        rows = connection.execute(statement).fetchall()
    except sqlite3.Error as caught:
        error = repr(caught)
    changes, last = connection.execute("SELECT changes(), last_insert_rowid()").fetchone()
    return Outcome(tuple(map(repr, rows)), error, changes, last, connection.in_transaction)


def content(connection: sqlite3.Connection, app: App) -> dict[tuple[int, str], list[str]]:
    """For each table and key the rows, with their rowids where they have one."""
    found: dict[tuple[int, str], list[str]] = {}
    for number, (table, key) in enumerate(app.keys.items(), 1):
        row = "rowid, *" if "rowid" in app.columns[table] else "*"
        for each in connection.execute(f"SELECT {', '.join(key)}, {row} FROM {table}"):
            found.setdefault((number, repr(each[: len(key)])), []).append(repr(each))
    return {key: sorted(rows) for key, rows in found.items()}


def logged_after(connection: sqlite3.Connection, capture: Capture, position: int) -> set[tuple[int, str]]:
    """Table and key of each entry."""
    width = {each.number: len(each.key) for each in capture.tables}
    statement = f"SELECT * FROM {quoted(capture.changes)} WHERE position > ? AND table_number IS NOT NULL"
    entries = connection.execute(statement, (position,))
    return {(number, repr(tuple(key[: width[number]]))) for _, number, _, _, *key in entries}


@contextmanager
def both(plain: Path, captured: Path) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    """A copy of each in memory."""
    with closing(connect(Path(":memory:"))) as one, closing(connect(Path(":memory:"))) as other:
        for path, copy in ((plain, one), (captured, other)):
            with closing(connect(path)) as source:
                source.backup(copy)
        yield one, other


@pytest.fixture(scope="module", params=APPS, ids=lambda each: each.name.replace(" ", "_"))
def copies(request: pytest.FixtureRequest) -> Iterator[tuple[App, Path, Path, Capture]]:
    """The files of an application, uncaptured and captured."""
    tested: App = request.param
    with TemporaryDirectory() as folder:
        plain = make(Path(folder) / "plain.db", *tested.schema)
        captured = make(Path(folder) / "captured.db", *tested.schema)
        yield tested, plain, captured, install(captured, keys=tested.keys)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_random_statements(copies: tuple[App, Path, Path, Capture], data: st.DataObject) -> None:
    tested, plain, captured, capture = copies
    script = data.draw(st.lists(statements(tested), min_size=1, max_size=25))
    with both(plain, captured) as (one, other):
        first, first_position = content(other, tested), last_position(other, capture)
        for statement in script:
            before, position = content(other, tested), last_position(other, capture)
            assert run(other, statement) == run(one, statement)
            after = content(other, tested)
            assert after == content(one, tested)
            back = last_position(other, capture) < position  # rolled back
            since, compared = (first_position, first) if back else (position, before)
            changed = {key for key in after.keys() | compared.keys() if after.get(key) != compared.get(key)}
            assert changed <= logged_after(other, capture, since)
