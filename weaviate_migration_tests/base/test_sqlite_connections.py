"""Connections that stay open: one for each file, and what happens to the file beside them."""

import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy.exc
from sqlalchemy.engine import Connection

from weaviate_migration.base.sqlite_connections import SqliteConnections

MOST = 2
THREADS = 4
ADDED = 50


def make_table(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS numbers (number)")


@pytest.fixture
def connections() -> Iterator[SqliteConnections]:
    made = SqliteConnections(MOST, make_table)
    yield made
    made.close()


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def add(connections: SqliteConnections, file: Path, number: int) -> Connection:
    with connections.transaction(url(file)) as connection:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (?)", (number,))
    return connection


def numbers(connections: SqliteConnections, file: Path) -> list[int]:
    with connections.transaction(url(file)) as connection:
        return [number for (number,) in connection.exec_driver_sql("SELECT number FROM numbers")]


def is_open(file: Path) -> bool:
    """SQLite removes the log of a file when its last connection is closed."""
    return file.with_name(file.name + "-wal").exists()


def test_a_profiler_that_keeps_what_calls_return_keeps_no_commit_from_its_end(
    connections: SqliteConnections, tmp_path: Path
) -> None:
    """As that of Dask's workers, which looks at their frames all the time."""
    file = tmp_path / "a.db"
    add(connections, file, 1)
    connections.close()
    kept: list[object] = []
    sys.setprofile(lambda _frame, _event, returned: kept.append(returned))
    try:
        add(connections, file, 2)
    finally:
        sys.setprofile(None)
    assert numbers(connections, file) == [1, 2]


def test_a_file_is_opened_once_and_its_commits_are_durable(connections: SqliteConnections, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    assert add(connections, file, 1) is add(connections, file, 2)
    with connections.transaction(url(file)) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        full = 2
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == full
    assert is_open(file)
    connections.close()
    assert not is_open(file)
    assert numbers(connections, file) == [1, 2]


def test_the_file_that_was_not_used_for_longest_is_closed(connections: SqliteConnections, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.db", "b.db", "c.db")]
    add(connections, files[0], 1)
    add(connections, files[1], 1)
    add(connections, files[0], 2)
    add(connections, files[2], 1)
    assert [is_open(file) for file in files] == [True, False, True]
    assert numbers(connections, files[1]) == [1]


def test_no_file_is_closed_in_its_transaction(connections: SqliteConnections, tmp_path: Path) -> None:
    first = tmp_path / "a.db"
    with connections.transaction(url(first)) as connection:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
        for name in ("b.db", "c.db", "d.db"):
            add(connections, tmp_path / name, 1)
    assert numbers(connections, first) == [1]


def test_an_error_takes_back_the_whole_transaction(connections: SqliteConnections, tmp_path: Path) -> None:
    file = tmp_path / "a.db"

    def fail_between() -> None:
        with connections.transaction(url(file)) as connection:
            connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
            add(connections, file, 2)  # Within the transaction, and part of it.
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_between()
    assert numbers(connections, file) == []


def test_a_file_that_somebody_has_replaced_is_opened_anew(connections: SqliteConnections, tmp_path: Path) -> None:
    file, other = tmp_path / "a.db", tmp_path / "b.db"
    add(connections, file, 1)
    others = SqliteConnections(MOST, make_table)
    add(others, other, 2)
    others.close()
    for each in tmp_path.glob("a.db*"):
        each.unlink()
    other.rename(file)
    assert numbers(connections, file) == [2]


def test_a_file_that_somebody_has_removed_is_made_anew(connections: SqliteConnections, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    add(connections, file, 1)
    for each in tmp_path.iterdir():
        each.unlink()
    assert numbers(connections, file) == []


def test_a_file_that_cannot_be_opened_stays_closed(connections: SqliteConnections, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "a.db"
    with pytest.raises(sqlalchemy.exc.OperationalError, match="unable to open"):
        add(connections, file, 1)
    file.parent.mkdir()
    add(connections, file, 2)
    assert numbers(connections, file) == [2]


def test_a_file_that_another_process_is_making_is_waited_for(connections: SqliteConnections, tmp_path: Path) -> None:
    """SQLite refuses at once, however long its timeout is."""
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as maker:
        maker.execute("CREATE TABLE numbers (number)")
        maker.execute("BEGIN IMMEDIATE")
        finish = threading.Timer(0.5, lambda: maker.execute("COMMIT"))
        finish.start()
        add(connections, file, 1)
        finish.join()
    assert numbers(connections, file) == [1]


def test_threads_take_turns(connections: SqliteConnections, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    add(connections, file, 0)

    def count() -> None:
        for _ in range(ADDED):
            with connections.transaction(url(file)) as connection:
                number = connection.exec_driver_sql("SELECT number FROM numbers").scalar_one()
                connection.exec_driver_sql("UPDATE numbers SET number = ?", (number + 1,))

    threads = [threading.Thread(target=count) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(connections, file) == [THREADS * ADDED]
