"""SQLite files to migrate: the application's tables, with messages of 45 words, the same for the same seed."""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from uuid import UUID

from weaviate_migration.demo.sqlite_file import script

WORDS_IN_A_MESSAGE = 45
VOCABULARY = 20_000
CONVERSATIONS = 100
SEED = 20260101
_BEGIN = datetime(2026, 1, 1)
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def write_messages_file(path: Path, messages: int) -> Path:
    """A new file with so many messages, in a hundred conversations; without messages all tables are empty."""
    random_source = random.Random(SEED)
    conversations = [_random_uuid(random_source) for _ in range(CONVERSATIONS if messages else 0)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(script("schema.sql"))
        connection.executemany(
            "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
            [(key, f"Conversation {key[:8]}", _time(n), _time(n), 1) for n, key in enumerate(conversations)],
        )
        connection.executemany(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            message_rows(random_source, conversations, messages),
        )
    return path


def message_rows(random_source: random.Random, conversations: list[str], count: int) -> Iterator[tuple[object, ...]]:
    """So many rows of the table `messages`, each in one of the conversations."""
    words = ["".join(random_source.choices(_SYLLABLES, k=random_source.randint(1, 4))) for _ in range(VOCABULARY)]
    # Words repeat as in a language: the second one half as often as the first, the third a third.
    weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    for number in range(count):
        text = " ".join(random_source.choices(words, cum_weights=weights, k=WORDS_IN_A_MESSAGE))
        tokens = random_source.randint(40, 90)
        yield (
            _random_uuid(random_source),
            random_source.choice(conversations),
            "assistant" if number % 2 else "user",
            text,
            _time(number),
            None,
            json.dumps({"model": "small", "tokens": tokens}),
            tokens,
        )


def _random_uuid(random_source: random.Random) -> str:
    return str(UUID(int=random_source.getrandbits(128), version=4))


def _time(number: int) -> str:
    return str(_BEGIN + timedelta(seconds=number, microseconds=1 + number % 999_999))
