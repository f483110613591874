"""The demo's file with a tenth of its rows: enough for a test of what a command does, whatever it does it with."""

import sqlite3
from contextlib import closing
from pathlib import Path

from weaviate_migration.demo import write_demo_file

PARENTS = ("conversations", "documents")


def write_small_demo_file(path: Path) -> None:
    """Keeps each tenth conversation and document, with all that belongs to them."""
    write_demo_file(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in PARENTS:
            connection.execute(f"DELETE FROM {table} WHERE rowid % 10")
        for table, row, *_ in connection.execute("PRAGMA foreign_key_check").fetchall():
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
