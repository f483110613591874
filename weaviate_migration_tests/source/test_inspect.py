from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import SourceError, SourceNotUsableError
from weaviate_migration.source.connect import connect_read_only
from weaviate_migration.source.inspect import Column, Database, Table, inspect_database, row_count
from weaviate_migration_tests.source.databases import connect, fingerprint, make, make_notes

ODD_NAMES = [
    'a "quoted" name',
    "it's",
    "select",
    "x; DROP TABLE notes",
    "emoji 🦊",
    " blank ",
    "tab\tand\nline",
    "%s ?",
    "[",
]


def inspected(folder: Path, *statements: str) -> Database:
    return inspect_database(make(folder / "app.db", *statements))


def only_table(folder: Path, *statements: str) -> Table:
    (table,) = inspected(folder, *statements).tables
    return table


def test_columns_as_declared_in_their_order(tmp_path: Path) -> None:
    table = only_table(
        tmp_path, "CREATE TABLE t (id VARCHAR(36) NOT NULL PRIMARY KEY, n, d DOUBLE PRECISION DEFAULT 0)"
    )
    assert table == Table(
        name="t",
        columns=(
            Column("id", "VARCHAR(36)", generated=False),
            Column("n", "", generated=False),
            Column("d", "DOUBLE PRECISION", generated=False),
        ),
        primary_key=("id",),
        rowid="rowid",
        is_view=False,
    )


def test_types_that_nobody_knows(tmp_path: Path) -> None:
    types = ["TEXT(1,2)", "DATETIME(-3)", "UNSIGNED BIG INT", "emoji 🦊"]
    columns = ", ".join(f"c{at} {each}" for at, each in enumerate(types))
    assert [column.declared_type for column in only_table(tmp_path, f"CREATE TABLE t ({columns})").columns] == types


def test_generated_columns_stored_and_virtual(tmp_path: Path) -> None:
    table = only_table(
        tmp_path,
        "CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a + 1) VIRTUAL, c INT AS (a + 2) STORED)",
    )
    assert [(column.name, column.generated) for column in table.columns] == [("a", False), ("b", True), ("c", True)]


def test_a_composite_key_in_the_order_of_the_key(tmp_path: Path) -> None:
    table = only_table(tmp_path, "CREATE TABLE t (a, b, c, PRIMARY KEY (c, a))")
    assert table.primary_key == ("c", "a")


@pytest.mark.parametrize(
    ("definition", "rowid"),
    [
        ("(a)", "rowid"),
        ("(a INTEGER PRIMARY KEY)", "rowid"),
        ("(RowID TEXT, a)", "_rowid_"),
        ("(rowid TEXT, _ROWID_ TEXT)", "oid"),
        ("(rowid, _rowid_, oid)", None),
        ("(a INTEGER PRIMARY KEY DEFAULT 1) WITHOUT ROWID", None),
        ("(a TEXT) STRICT", "rowid"),
    ],
)
def test_a_name_for_the_rowid(tmp_path: Path, definition: str, rowid: str | None) -> None:
    table = only_table(tmp_path, f"CREATE TABLE t {definition}", "INSERT INTO t DEFAULT VALUES")
    assert table.rowid == rowid
    if rowid:
        with closing(connect_read_only(tmp_path / "app.db")) as connection:
            assert connection.execute(f"SELECT {rowid} FROM t").fetchall() == [(1,)]


def test_views(tmp_path: Path) -> None:
    table, view = inspected(
        tmp_path, "CREATE TABLE t (a TEXT PRIMARY KEY)", "CREATE VIEW v AS SELECT a, 1 AS one FROM t"
    ).tables
    assert (table.is_view, view.is_view) == (False, True)
    assert view.columns == (Column("a", "TEXT", generated=False), Column("one", "", generated=False))
    assert (view.primary_key, view.rowid) == ((), None)


def test_a_view_of_a_table_that_is_gone(tmp_path: Path) -> None:
    view = only_table(tmp_path, "CREATE TABLE t (a)", "CREATE VIEW v AS SELECT a FROM t", "DROP TABLE t")
    assert view == Table("v", (), (), None, is_view=True, unreadable="no such table: main.t")


def test_only_what_is_the_applications(tmp_path: Path) -> None:
    database = inspected(
        tmp_path,
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO t DEFAULT VALUES",
        "ANALYZE",
        "CREATE TABLE _weaviate_migration_changes (a)",
        "CREATE VIRTUAL TABLE search USING fts5(body)",
    )
    assert [table.name for table in database.tables] == ["search", "t"]
    assert [column.name for column in database.tables[0].columns] == ["body"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    table = only_table(
        tmp_path, f"CREATE TABLE {quoted} ({quoted} TEXT PRIMARY KEY)", f"INSERT INTO {quoted} VALUES ('a')"
    )
    assert (table.name, table.primary_key) == (name, (name,))
    with closing(connect_read_only(tmp_path / "app.db")) as connection:
        assert row_count(connection, table) == 1


def test_names_are_found_as_sqlite_finds_them(tmp_path: Path) -> None:
    database = inspected(tmp_path, 'CREATE TABLE Notes (Title, "Ärger")')
    table = database.table("NOTES")
    assert table is not None
    assert table.name == "Notes"
    assert table.column("title") == Column("Title", "", generated=False)
    assert table.column("ärger") is None
    assert database.table("note") is None


def test_row_count_of_what_cannot_be_read(tmp_path: Path) -> None:
    view = only_table(tmp_path, "CREATE TABLE t (a)", "CREATE VIEW v AS SELECT a FROM t", "DROP TABLE t")
    with (
        closing(connect_read_only(tmp_path / "app.db")) as connection,
        pytest.raises(SourceError, match=r"^the rows of v cannot be counted: no such table: main\.t$"),
    ):
        row_count(connection, view)


def test_a_database_without_tables(tmp_path: Path) -> None:
    assert inspected(tmp_path, "PRAGMA user_version = 1").tables == ()


def test_nothing_is_written(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db")
    before = fingerprint(tmp_path)
    inspect_database(path)
    assert fingerprint(tmp_path) == before


def test_errors_of_sqlite_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(SourceNotUsableError, match=r"app\.db: is no SQLite file\n"):
        inspect_database(path)


def test_a_locked_file(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db")
    with closing(connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceError, match=r"is locked by another program, for longer than 0\.01 s"):
            inspect_database(path, busy_timeout_seconds=0.01)
