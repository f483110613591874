"""The application that is migrated on several machines: authors, their conversations, and the messages in them."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

AUTHORS_IN, CONVERSATIONS_IN = 100, 10
"""So many rows have one author among them, and one conversation; all others are messages."""
_SEED = 20261127
_TABLES = """
CREATE TABLE authors (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, joined_at TEXT);
CREATE TABLE conversations (
  id INTEGER PRIMARY KEY, author_id TEXT NOT NULL REFERENCES authors (id), title TEXT, started_at INTEGER NOT NULL);
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversations (id), body TEXT, tokens INTEGER,
  score REAL, sent_at TEXT NOT NULL);
CREATE INDEX messages_by_conversation ON messages (conversation_id);
CREATE INDEX conversations_by_author ON conversations (author_id);
"""
_WORDS = ("the", "queue", "of", "a", "worker", "and", "its", "node", "partition", "snapshot", "Größe", "機械", "🙂")


def make_file(path: Path, rows: int) -> Path:
    """The application's file with so many rows in its three tables together."""
    random = Random(_SEED)
    authors, conversations = rows // AUTHORS_IN, rows // CONVERSATIONS_IN
    keys = [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(authors)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(open_file(path)) as connection:
        connection.executescript("PRAGMA journal_mode = wal;" + _TABLES)
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO authors VALUES (?, ?, ?)", ((key, f"Author {key[:8]}", moment(random)) for key in keys)
        )
        connection.executemany(
            "INSERT INTO conversations VALUES (?, ?, ?, ?)",
            ((key, random.choice(keys), text(random), random.randrange(2**31)) for key in range(1, conversations + 1)),
        )
        connection.executemany(
            "INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?)",
            (message(random, random.randint(1, conversations)) for _ in range(rows - authors - conversations)),
        )
        connection.execute("COMMIT")
    return path


def open_file(path: Path) -> sqlite3.Connection:
    """A connection as the application has it: it waits for others, and it begins its transactions itself."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = on")
    return connection


def message(random: Random, conversation: int) -> tuple[object, ...]:
    """All but the key of a message in this conversation."""
    score = random.gauss(0, 1) if random.random() < 0.9 else None
    return conversation, text(random), random.randrange(10_000), score, moment(random)


def moment(random: Random) -> str:
    return str(datetime(2026, 1, 1) + timedelta(seconds=random.randrange(31_536_000)))


def text(random: Random) -> str:
    return " ".join(random.choices(_WORDS, k=random.randint(3, 30)))
