"""A process that changes the application's file without pause, and keeps its own record of what it committed.

`python -m weaviate_migration_tests.chaos.writer FILE RECORD --number 0 --seed 7 --rate 20` writes until it is killed.
Started again on the same record it goes on where it was, after asking the file about what was under way.
"""

import argparse
import os
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from weaviate_migration_tests.chaos.record import WriterRecord, same_rows
from weaviate_migration_tests.chaos.tables import TABLES, open_file
from weaviate_migration_tests.chaos.transactions import Author, Rows, Transaction, apply


def rows_of(connection: sqlite3.Connection, writer: int) -> Rows:
    """What a writer has in the file."""
    return {
        table.name: {
            table.key_of(row): row
            for row in connection.execute(f"SELECT * FROM {table.name} WHERE writer = ?", (writer,))
        }
        for table in TABLES
    }


def perform(connection: sqlite3.Connection, transaction: Transaction) -> None:
    """Runs a transaction.

    Raises:
        AssertionError: SQLite did not refuse a statement that breaks a constraint.
        sqlite3.Error: it failed in any other way, as nothing may ever make the application fail.
    """
    connection.execute("BEGIN IMMEDIATE")
    for statement in transaction.statements:
        if not statement.is_refused:
            connection.execute(statement.sql, statement.parameters)
            continue
        with suppress(sqlite3.IntegrityError):
            connection.execute(statement.sql, statement.parameters)
            raise AssertionError(f"not refused: {statement}")
    connection.execute("COMMIT" if transaction.commits else "ROLLBACK")


def write(path: Path, record: WriterRecord, number: int, seed: int, rate: float) -> None:
    """Writes until the process that started this one is gone.

    Args:
        rate: transactions a second; 0: as many as there can be.
    """
    told, parent, pace = record.read(), os.getppid(), threading.Event()
    rows, transactions = told.rows, told.transactions
    author = Author(number, Random(f"{seed}/{number}/{transactions}"))
    with closing(open_file(path)) as connection:
        if told.doubt:
            rows = rows_of(connection, number)
            record.conclude(committed=not same_rows(rows, told.rows))
        while os.getppid() == parent:
            transaction = author.transaction(transactions, rows)
            record.intend(transaction.effects)
            perform(connection, transaction)
            record.conclude(transaction.commits)
            apply(rows, transaction.effects)
            transactions += 1
            pace.wait(1 / rate if rate else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0)
    given = parser.parse_args()
    with WriterRecord(given.record) as record:
        write(given.file, record, given.number, given.seed, given.rate)


if __name__ == "__main__":
    main()
