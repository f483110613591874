"""Statements of the application's own: the first rows and their time, nothing written, and an end for each."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import SourceError
from weaviate_migration.source.connect import connect_to_read
from weaviate_migration.source.timed_select import TimedSelects, opened_for_selects

WITHOUT_END = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body)")
        connection.executemany("INSERT INTO notes VALUES (?, ?)", enumerate(["a", 1.5, None, b"\xff"]))
        connection.execute("INSERT INTO notes VALUES (9, CAST(X'ff' AS TEXT))")
    return path


def test_first_rows_as_the_file_holds_them(file: Path, tmp_path: Path) -> None:
    with opened_for_selects(file, tmp_path) as selects:
        found = selects.first_rows("SELECT * FROM notes ORDER BY id", 3)
        assert found.rows == ((0, "a"), (1, 1.5), (2, None))
        assert found.seconds > 0
        assert selects.first_rows("SELECT body FROM notes WHERE id = 9", 5).rows == (("\udcff",),)


def test_statement_that_sqlite_refuses(file: Path, tmp_path: Path) -> None:
    with opened_for_selects(file, tmp_path) as selects:
        with pytest.raises(SourceError, match="SQLite does not take it: no such table: nots"):
            selects.first_rows("SELECT * FROM nots", 3)
        with pytest.raises(SourceError, match="attempt to write a readonly database"):
            selects.first_rows("DELETE FROM notes RETURNING id", 3)


def test_statement_without_end_is_ended_and_the_next_one_answers(file: Path) -> None:
    with closing(connect_to_read(file)) as connection:
        selects = TimedSelects(connection, longest_seconds=0.1)
        with pytest.raises(SourceError, match=r"SQLite has no answer after 0\.1 s"):
            selects.first_rows(WITHOUT_END, 1)
        assert selects.first_rows("SELECT count(*) FROM notes", 1).rows == ((5,),)
        with bounded(0.05), pytest.raises(SourceError, match="SQLite has no answer after 0"):
            selects.first_rows(WITHOUT_END, 1)
