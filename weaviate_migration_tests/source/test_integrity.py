"""What SQLite's checks say: damage is told from rows that are not as their table declares them."""

from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.source.integrity import Integrity, check_integrity, quick_look
from weaviate_migration_tests.source.databases import connect, make, make_as_its_application, make_notes

ROWS = "INSERT INTO t VALUES (1, 7), (2, -1), (3, NULL), (4, 'text')"


def altered(folder: Path, declared: str, now: str, *statements: str) -> Path:
    """A table whose column is declared otherwise now, in the schema alone, and what it held before."""
    return make(
        folder / "app.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, a {declared})",
        ROWS,
        *statements,
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_schema SET sql = replace(sql, 'a {declared}', 'a {now}')",
    )


@pytest.mark.parametrize(
    ("declared", "now", "remarks", "rows"),
    [
        ("INTEGER", "TEXT", ("NUMERIC value in t.a",), 2),
        ("TEXT", "INTEGER", ("TEXT value in t.a",), 2),
        ("INTEGER", "INTEGER NOT NULL", ("NULL value in t.a",), 1),
        ("INTEGER", "INTEGER CHECK (a > 0)", ("CHECK constraint failed in t",), 1),
        ("INTEGER", "TEXT NOT NULL CHECK (a > 0)", ("NUMERIC value in t.a", "NULL value in t.a"), 3),
    ],
)
def test_rows_that_are_not_as_declared(
    tmp_path: Path, declared: str, now: str, remarks: tuple[str, ...], rows: int
) -> None:
    with closing(connect(altered(tmp_path, declared, now))) as connection:
        for found in (check_integrity(connection), quick_look(connection, 60)):
            assert found.damage == found.unchecked == ()
            assert found.finished
            assert set(remarks) <= set(found.remarks)
            assert found.rows >= rows
            assert found.remark_text().startswith(f"SQLite's integrity check remarks {found.rows} times: ")


def test_values_that_a_strict_table_may_not_hold(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a ANY) STRICT",
        ROWS,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'a ANY', 'a INTEGER')",
    )
    with closing(connect(path)) as connection:
        found = check_integrity(connection)
    assert (found.damage, found.remarks, found.rows) == ((), ("non-INTEGER value in t.a",), 1)


def test_values_that_are_there_twice(tmp_path: Path) -> None:
    """The index was made before it was declared to be unique."""
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "CREATE INDEX i ON t (a)",
        "INSERT INTO t VALUES (1, 'x'), (2, 'x'), (3, 'x')",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'CREATE INDEX', 'CREATE UNIQUE INDEX') WHERE name = 'i'",
    )
    with closing(connect(path)) as connection:
        found = check_integrity(connection)
    assert (found.damage, found.remarks, found.rows) == ((), ("non-unique entry in index i",), 2)


def test_many_remarks_hide_no_damage(tmp_path: Path) -> None:
    numbers = "WITH RECURSIVE n(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)"
    index = "CREATE INDEX i ON t (a)"
    path = altered(tmp_path, "INTEGER", "TEXT", f"{numbers} INSERT INTO t SELECT n, n FROM n", index)
    forget = "DELETE FROM sqlite_schema WHERE name = 'i'"
    remember = "INSERT INTO sqlite_schema SELECT 'index', 'i', 't', {root}, 'CREATE INDEX i ON t (a)'"
    with closing(connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'i'").fetchone()
        for statement in ("PRAGMA writable_schema = ON", forget, "PRAGMA writable_schema = RESET"):
            connection.execute(statement)
        connection.execute("DELETE FROM t WHERE id = 4990")  # Nobody tells the index.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(remember.format(root=root))
    with closing(connect(path)) as connection:
        found = check_integrity(connection)
    assert found.damage == ("wrong # of entries in index i",)
    assert found.rows > 4000


def test_what_only_the_application_has_hides_no_damage_of_other_tables(tmp_path: Path) -> None:
    path = make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE loud (a TEXT)",
        "CREATE INDEX loud_index ON loud (shout(a))",
        "CREATE TABLE lengths (a TEXT COLLATE by_length PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE checked (a TEXT CHECK (a < 'b' COLLATE by_length))",
        "INSERT INTO loud VALUES ('hello')",
        "INSERT INTO lengths VALUES ('hello')",
    )
    reasons = {"unknown function: shout()", "no such collation sequence: by_length"}
    with closing(connect(path)) as connection:
        found = check_integrity(connection)
        assert (found.damage, set(found.unchecked), found.finished) == ((), reasons, True)
        assert quick_look(connection, 60).damage == ()
    make_notes(path, 200)
    with closing(connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'notes'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)
    with closing(connect(path)) as connection:
        assert check_integrity(connection).damage != ()


def test_a_sound_file(tmp_path: Path) -> None:
    with closing(connect(make_notes(tmp_path / "app.db"))) as connection:
        assert check_integrity(connection) == quick_look(connection, 60) == Integrity()
    assert Integrity().remark_text() == ""


def test_only_the_first_remarks_are_shown() -> None:
    text = Integrity(remarks=tuple(f"NULL value in t.c{number}" for number in range(9)), rows=1234).remark_text()
    assert text.startswith("SQLite's integrity check remarks 1,234 times: NULL value in t.c0; ")
    assert "NULL value in t.c4; and 4 more. That is no damage" in text
