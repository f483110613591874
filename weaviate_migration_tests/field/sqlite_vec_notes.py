"""Notes with vectors, in a table of sqlite-vec's and in columns of their own."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import sqlite_vec

LENGTH = 8


def make(file: Path) -> None:
    with _opened(file) as connection:
        connection.execute(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL, embedding BLOB, as_json TEXT);"
            f"CREATE VIRTUAL TABLE vec_notes USING vec0(embedding float[{LENGTH}], kind text partition key, +body text)"
        )
        for number in range(40):
            _note(connection, number)


def write_more(file: Path) -> None:
    with _opened(file) as connection:
        _note(connection, 40)
        connection.execute("UPDATE notes SET embedding = ?, body = 'another' WHERE id = 2", (_vector(99),))
        connection.execute("DELETE FROM notes WHERE id = 5")
        connection.execute("DELETE FROM vec_notes WHERE rowid = 5")


@contextmanager
def _opened(file: Path) -> Iterator[apsw.Connection]:
    """Not every Python's own sqlite3 can load an extension."""
    connection = apsw.Connection(str(file))
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _note(connection: apsw.Connection, number: int) -> None:
    body = f"note {number}"
    connection.execute(
        "INSERT INTO notes VALUES (?, ?, ?, vec_to_json(?))", (number, body, _vector(number), _vector(number))
    )
    connection.execute(
        "INSERT INTO vec_notes(rowid, embedding, kind, body) VALUES (?, ?, ?, ?)",
        (number, _vector(number), f"kind {number % 3}", body),
    )


def _vector(number: int) -> bytes:
    return struct.pack(f"<{LENGTH}f", *(number / (place + 3) for place in range(LENGTH)))
