"""A process that changes the application's file without pause, as people do who use it meanwhile.

`python -m weaviate_migration_tests.cluster.writer FILE --seed 7 --rate 20` writes until it is told to end, or until
whoever has started it is gone. Its last line says why it ended, and how often it has written.
"""

import argparse
import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

from weaviate_migration_tests.cluster.application import message, open_file, text

_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="transactions a second")
    given = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    random, parent, transactions = Random(given.seed), os.getppid(), 0
    with closing(open_file(given.file)) as connection:
        while (why := _reason_to_end(parent, 1 / given.rate)) is None:
            connection.execute("BEGIN IMMEDIATE")
            change(connection, random)
            connection.execute("COMMIT")
            transactions += 1
    print(json.dumps({"why": why, "transactions": transactions}))


def _reason_to_end(parent: int, seconds: float) -> str | None:
    """Waits for so long, unless there is a reason; it names who has sent a signal."""
    if (told := signal.sigtimedwait(_ENDING, seconds)) is not None:
        return f"{signal.Signals(told.si_signo).name} of process {told.si_pid}"
    return None if os.getppid() == parent else f"process {parent}, which has started it, is gone"


def change(connection: sqlite3.Connection, random: Random) -> None:
    """What one transaction does: mostly a message comes; each kind of change to each table comes now and then."""
    (kind,) = random.choices(list(_CHANGES), weights=list(_CHANGES.values()))
    kind(connection, random, _any_key(connection, random, "conversations"))


def _add_message(connection: sqlite3.Connection, random: Random, conversation: int) -> None:
    connection.execute("INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?)", message(random, conversation))


def _edit_message(connection: sqlite3.Connection, random: Random, conversation: int) -> None:
    """It also moves, mostly, to another conversation."""
    edited = (conversation, text(random), _any_key(connection, random, "messages"))
    connection.execute("UPDATE messages SET conversation_id = ?, body = ?, score = NULL WHERE id = ?", edited)


def _remove_message(connection: sqlite3.Connection, random: Random, conversation: int) -> None:  # noqa: ARG001
    connection.execute("DELETE FROM messages WHERE id = ?", (_any_key(connection, random, "messages"),))


def _begin_conversation(connection: sqlite3.Connection, random: Random, conversation: int) -> None:
    """One more of the author of another one, who also takes another name."""
    author = "SELECT author_id FROM conversations WHERE id = ?"
    connection.execute(f"UPDATE authors SET name = ? WHERE id = ({author})", (text(random), conversation))
    begun = "INSERT INTO conversations SELECT NULL, author_id, ?, started_at FROM conversations WHERE id = ?"
    key = connection.execute(begun, (text(random), conversation)).lastrowid
    assert key is not None
    _add_message(connection, random, key)


def _remove_conversation(connection: sqlite3.Connection, random: Random, conversation: int) -> None:  # noqa: ARG001
    connection.execute("DELETE FROM messages WHERE conversation_id = ?", (conversation,))
    connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,))


# How often each comes; a conversation that goes takes some nine messages with it.
_CHANGES = {_add_message: 12, _edit_message: 6, _remove_message: 1, _begin_conversation: 2, _remove_conversation: 1}


def _any_key(connection: sqlite3.Connection, random: Random, table: str) -> int:
    """The key of a row that is there, each about as likely."""
    (largest,) = connection.execute(f"SELECT max(id) FROM {table}").fetchone()
    smallest = random.randint(1, largest)
    (key,) = connection.execute(f"SELECT id FROM {table} WHERE id >= ? ORDER BY id LIMIT 1", (smallest,)).fetchone()
    return int(key)


if __name__ == "__main__":
    main()
