import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.source import slices
from weaviate_migration.source.connect import connect_read_only
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.slices import Slice, table_slices
from weaviate_migration_tests.source.databases import connect, count_notes, make, make_notes


def slices_of(file: Path, *expressions: str) -> list[Slice]:
    table = inspect_database(file).table("notes")
    assert table is not None
    with closing(connect_read_only(file)) as connection:
        return list(table_slices(connection, table, [each.name for each in table.columns], expressions))


def test_slices_hold_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 100)
    file = make_notes(tmp_path / "app.db", 250)
    make(file, "UPDATE notes SET id = 9223372036854775807 WHERE id = 250", "UPDATE notes SET id = -1 - id WHERE id < 9")
    make(file, "UPDATE notes SET id = -9223372036854775807 - 1 WHERE id = -2")
    found = slices_of(file)
    assert [len(each.rowids) for each in found] == [100, 100, 50]
    rowids = [rowid for each in found for rowid in each.rowids]
    assert rowids == [-(2**63), *range(-9, -2), *range(9, 250), 2**63 - 1]
    assert [each.columns[0] for each in found] == [each.rowids for each in found]


def test_slices_are_cut_by_length_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks have 1, 2, 4 rows, and so on; each row is 1,000 characters long."""
    monkeypatch.setattr(slices, "SLICE_LENGTH", 63_000)
    found = slices_of(make_notes(tmp_path / "app.db", 150))
    assert [len(each.rowids) for each in found] == [63, 63, 24]
    assert [each.longest for each in found] == [32_000, 32_000, 9_000]


def test_long_rows_are_fetched_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_LENGTH", 1_000_000)
    monkeypatch.setattr(slices, "_CHUNK_LENGTH", 1_000)
    (found,) = slices_of(make_notes(tmp_path / "app.db", 150))
    assert (len(found.rowids), found.longest) == (150, 1_000)


def test_long_rows_that_follow_short_ones_are_not_fetched_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk of 64 rows by then, of which each might be as long as a row may be."""
    monkeypatch.setattr(slices, "SLICE_LENGTH", 3_000_000)
    file = make(tmp_path / "app.db", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)")
    bodies = ["short"] * 200 + [bytes(2_000_000), "x" * 2_000_000] * 5 + ["short"] * 200
    with closing(connect(file)) as connection:
        connection.executemany("INSERT INTO notes (body) VALUES (?)", [(each,) for each in bodies])
    found = slices_of(file)
    assert [value for each in found for value in each.columns[1]] == bodies
    assert max(sum(value != "short" for value in each.columns[1]) for each in found) == 2
    assert max(each.longest for each in found) == 2_000_000


def test_values_of_all_classes_and_what_is_computed_of_them(tmp_path: Path) -> None:
    file = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id, body)",
        "INSERT INTO notes VALUES (1, NULL), (0.5, x'00ff'), (CAST(x'61ff' AS TEXT), 'abc')",
    )
    (found,) = slices_of(file, "t.body IS NULL", "typeof(t.id)")
    assert found.columns == [[1, 0.5, "a\udcff"], [None, b"\0\xff", "abc"]]
    assert found.computed == [[1, 0, 0], ["integer", "real", "text"]]
    assert found.longest >= len("a\udcff" + "abc" + "text")


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_writers_commit_between_slices(tmp_path: Path, journal_mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rollback journal a commit fails at once while a statement reads."""
    monkeypatch.setattr(slices, "SLICE_ROWS", 100)
    file = make_notes(tmp_path / "app.db", 250, journal_mode)
    table = inspect_database(file).table("notes")
    assert table is not None
    with closing(connect_read_only(file)) as reader, closing(connect(file)) as writer:
        writer.execute("PRAGMA busy_timeout = 0")
        for number, _ in enumerate(table_slices(reader, table, ["body"]), start=1):
            writer.execute("DELETE FROM notes WHERE id = ?", (number,))
        assert count_notes(writer) == 250 - 3


def test_a_table_without_rowids_holds_writers_up_until_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 64)
    file = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body) WITHOUT ROWID",
        "WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 300) "
        "INSERT INTO notes SELECT id, 'x' FROM ids",
    )
    table = inspect_database(file).table("notes")
    assert table is not None
    with closing(connect_read_only(file)) as reader, closing(connect(file)) as writer:
        writer.execute("PRAGMA busy_timeout = 0")
        for _ in table_slices(reader, table, ["id"]):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                writer.execute("DELETE FROM notes WHERE id = 7")
            break
