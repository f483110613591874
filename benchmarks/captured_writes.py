"""What an application's writes cost with triggers, and without: the same messages into two files, by turns.

A trigger that only writes the key of the row is the floor: no capture by triggers costs less than it.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measurement import Measurement
from benchmarks.messages_file import write_messages_file
from weaviate_migration.mapping import read_mapping
from weaviate_migration.source.capture import install_capture
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration

ROUNDS = 30
ROWS_IN_A_ROUND = 1000
_INSERT = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

# One narrow insert, into a log without an index of its own.
_BARE_TRIGGER = """
CREATE TABLE changed_keys (position INTEGER PRIMARY KEY, key);
CREATE TRIGGER message_inserted AFTER INSERT ON messages BEGIN
  INSERT INTO changed_keys (key) VALUES (NEW.id);
END;
"""

Rows = Sequence[tuple[object, ...]]


def install_our_capture(path: Path) -> None:
    """Makes the triggers of `capture install` in a file of messages."""
    install_capture(path, plan_migration(read_mapping(), inspect_database(path)), "0123abcd")


def install_bare_trigger(path: Path) -> None:
    """Makes the smallest trigger that says which row was inserted."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_BARE_TRIGGER)


class CapturedWrites:
    """Writes messages of 45 words in WAL mode with `synchronous = NORMAL`.

    Args:
        folder: for the files.
        transaction_rows: how many rows are committed at once.
        install: makes the triggers.
    """

    def __init__(self, folder: Path, transaction_rows: int, install: Callable[[Path], None]) -> None:
        self._folder = folder
        self._transaction_rows = transaction_rows
        self._install = install

    def measure(self) -> Measurement:
        """The median seconds of a round with the triggers, and without."""
        with TemporaryDirectory(dir=self._folder) as place:
            rows = _messages(Path(place, "rows.sqlite"), ROUNDS * ROWS_IN_A_ROUND)
            plain, captured = Path(place, "plain.sqlite"), Path(place, "captured.sqlite")
            for path in (plain, captured):
                write_messages_file(path, 0)
            self._install(captured)
            with closing(_open(plain)) as reference, closing(_open(captured)) as connection:
                return self._take_turns(reference, connection, rows)

    def _take_turns(self, reference: sqlite3.Connection, captured: sqlite3.Connection, rows: Rows) -> Measurement:
        seconds: dict[sqlite3.Connection, list[float]] = {reference: [], captured: []}
        for turn in range(ROUNDS):
            first, second = (reference, captured) if turn % 2 else (captured, reference)
            share = rows[turn * ROWS_IN_A_ROUND : (turn + 1) * ROWS_IN_A_ROUND]
            for connection in (first, second):
                seconds[connection].append(self._write(connection, share))
        return Measurement(median(seconds[captured]), reference_seconds=median(seconds[reference]))

    def _write(self, connection: sqlite3.Connection, rows: Rows) -> float:
        began = time.perf_counter()
        if self._transaction_rows == 1:
            for row in rows:
                connection.execute(_INSERT, row)
        else:
            for at in range(0, len(rows), self._transaction_rows):
                connection.execute("BEGIN")
                connection.executemany(_INSERT, rows[at : at + self._transaction_rows])
                connection.execute("COMMIT")
        return time.perf_counter() - began


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _messages(path: Path, count: int) -> Rows:
    with closing(sqlite3.connect(write_messages_file(path, count))) as connection:
        return connection.execute("SELECT * FROM messages").fetchall()
