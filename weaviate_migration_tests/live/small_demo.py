"""The demo's file with a tenth of its rows: enough for a test of what a command does, whatever it does it with."""

import sqlite3
from contextlib import closing
from pathlib import Path

from weaviate_migration.demo import write_demo_file

PARENTS = ("conversations", "documents")
# The documentation's example looks for it; each Python has it, whatever else it documents.
LOOKED_FOR = "13eddbe8-12ab-5494-92db-e93377aae935"


def write_small_demo_file(path: Path) -> None:
    """Keeps each tenth conversation and document, and the one that is looked for, with all that belongs to them."""
    write_demo_file(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in PARENTS:
            connection.execute(f"DELETE FROM {table} WHERE rowid % 10 AND id <> ?", (LOOKED_FOR,))
        for table, row, *_ in connection.execute("PRAGMA foreign_key_check").fetchall():
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
