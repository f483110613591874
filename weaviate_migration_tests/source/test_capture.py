"""Change capture: installed, read, noticed where it is damaged, and removed without a trace."""

import sqlite3
from contextlib import closing
from pathlib import Path

from weaviate_migration.mapping.models import Mapping
from weaviate_migration.source.capture import (
    Capture,
    capture_damage,
    install_capture,
    last_position,
    read_capture,
    remove_capture,
)
from weaviate_migration.source.inspect import inspect_database, quoted
from weaviate_migration.source.plan import plan_migration
from weaviate_migration_tests.source.databases import connect, make

ID = "0123abcd"


def mapping_of(*tables: str, **keys: tuple[str, ...]) -> Mapping:
    """A mapping of these tables; a table's name gives the columns of its key."""
    return Mapping.model_validate(
        {
            "name": "test",
            "collections": [
                {
                    "name": f"C{at}",
                    "table": table,
                    "key": keys.get(table, ()),
                    "properties": [{"name": "p", "column": "p", "index": "stored"}],
                }
                for at, table in enumerate(tables)
            ],
            "missing": "warn",
        }
    )


def install(path: Path, *tables: str, **keys: tuple[str, ...]) -> Capture:
    return install_capture(path, plan_migration(mapping_of(*tables, **keys), inspect_database(path)), ID)


def logged(connection: sqlite3.Connection, capture: Capture) -> list[tuple[object, ...]]:
    """Kind and key of each entry after the first."""
    return connection.execute(f"SELECT kind, key_0 FROM {quoted(capture.changes)} WHERE position > 1").fetchall()


def test_changes_are_logged(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE t (id TEXT PRIMARY KEY, p)")
    capture = install(path, "t")
    with closing(connect(path)) as connection:
        assert last_position(connection, capture) == 1
        connection.execute("INSERT INTO t VALUES ('a', 1)")
        connection.execute("UPDATE t SET p = 2")
        connection.execute("UPDATE t SET id = 'b'")
        connection.execute("DELETE FROM t")
        assert logged(connection, capture) == [("I", "a"), ("U", "a"), ("U", "b"), ("U", "a"), ("D", "b")]
        assert read_capture(connection, ID) == capture
        assert capture_damage(connection, capture) == []


def test_nothing_is_left(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE t (id TEXT PRIMARY KEY, p)")
    with closing(connect(path)) as connection:
        before = connection.execute("SELECT * FROM sqlite_schema").fetchall()
        capture = install(path, "t")
        assert set(remove_capture(path, ID)) >= {capture.changes, capture.positions}
        assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == before
