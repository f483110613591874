"""A SQLite file of several tables that are alike, and the mapping of them: what a table costs, and several at once."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.messages_file import SEED, message_rows

_TABLE = (
    "CREATE TABLE {name} (id VARCHAR NOT NULL PRIMARY KEY, conversation_id VARCHAR, role VARCHAR, content TEXT, "
    "created_at DATETIME, tool_calls TEXT, extra_data TEXT, token_count INTEGER)"
)
_MAPPING = """\
name: tables
collections:
"""
_COLLECTION = """\
  - name: {name}
    table: {name}
    properties:
      - {{name: messageId, column: id, index: whole}}
      - {{name: conversationId, column: conversation_id, index: whole}}
      - {{name: role, column: role, index: whole}}
      - {{name: content, column: content, index: words}}
      - {{name: createdAt, column: created_at, type: date}}
"""


@dataclass(frozen=True)
class TablesFile:
    """So many tables of so many messages of 45 words; made when it is first asked for."""

    folder: Path
    tables: int
    rows: int

    @property
    def names(self) -> list[str]:
        """Of the tables, and of their collections."""
        return [f"Table{number}" for number in range(self.tables)]

    def source(self) -> Path:
        """The SQLite file."""
        path = self.folder / f"{self.tables}x{self.rows}.sqlite"
        if not path.exists():
            self._write(path)
        return path

    def mapping(self) -> Path:
        """The mapping file."""
        path = self.folder / f"{self.tables}.yaml"
        path.write_text(_MAPPING + "".join(_COLLECTION.format(name=name) for name in self.names), encoding="utf-8")
        return path

    def _write(self, path: Path) -> None:
        random_source = random.Random(SEED)
        with closing(sqlite3.connect(path)) as connection, connection:
            for name in self.names:
                connection.execute(_TABLE.format(name=name))
                connection.executemany(
                    f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    message_rows(random_source, ["the only one"], self.rows),
                )
