"""The demo's application at work: a chat that goes on while its file is migrated, and knows what it has written."""

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from weaviate_migration.base.errors import SourceError

_SECONDS_BETWEEN_TRANSACTIONS = 0.02


class Chat(threading.Thread):
    """Writes, edits and deletes messages until it is told to stop.

    Args:
        path: the demo file.

    Attributes:
        changes: rows that were inserted, updated or deleted in transactions that were committed.
        messages: for each message that it touched what it says now; None where it was deleted.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(name="demo-chat", daemon=True)
        self.changes = 0
        self.messages: dict[str, str | None] = {}
        self._path = path
        self._stopped = threading.Event()
        self._error: sqlite3.Error | None = None

    def stop(self) -> None:
        """Waits for the transaction under way.

        Raises:
            SourceError: the application failed.
        """
        self._stopped.set()
        self.join()
        if self._error is not None:
            raise SourceError(f"The demo's application could not write to {self._path}: {self._error}")

    def run(self) -> None:
        """What the thread does."""
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                found = connection.execute("SELECT id FROM conversations").fetchall()
                conversations = [str(conversation) for (conversation,) in found]
                while not self._stopped.wait(_SECONDS_BETWEEN_TRANSACTIONS):
                    self._change(connection, random.choice(conversations))
        except sqlite3.Error as error:
            self._error = error

    def _change(self, connection: sqlite3.Connection, conversation: str) -> None:
        """One transaction: a question and an answer come, an earlier message is edited, and one may go."""
        written: dict[str, str | None] = {str(uuid4()): f"Message {self.changes + number}" for number in range(2)}
        there = [message for message, content in self.messages.items() if content is not None]
        edited = {random.choice(there): f"Edited after {self.changes} changes"} if there else {}
        deleted: dict[str, str | None] = {random.choice(there): None} if len(there) % 5 == 4 else {}
        with connection:
            connection.executemany(
                "INSERT INTO messages (id, conversation_id, role, content) VALUES (?, ?, 'user', ?)",
                [(message, conversation, content) for message, content in written.items()],
            )
            connection.executemany(
                "UPDATE messages SET content = ? WHERE id = ?",
                [(content, message) for message, content in edited.items()],
            )
            connection.executemany("DELETE FROM messages WHERE id = ?", [(message,) for message in deleted])
        self.messages |= {**written, **edited, **deleted}
        self.changes += len(written) + len(edited) + len(deleted)


@contextmanager
def chatting(path: Path) -> Iterator[Chat]:
    """The chat goes on while the block runs; raises SourceError at its end where the application failed."""
    chat = Chat(path)
    chat.start()
    try:
        yield chat
    finally:
        chat.stop()
