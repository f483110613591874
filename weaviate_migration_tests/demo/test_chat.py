"""The demo's application: what it says it has written is what the file holds."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import SourceError
from weaviate_migration.demo import chatting, write_demo_file
from weaviate_migration_tests.live.command_line import until

CHANGES = 60


def contents(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT id, content FROM messages").fetchall())


def test_it_knows_what_it_has_written(tmp_path: Path) -> None:
    path = tmp_path / "demo.sqlite"
    write_demo_file(path)
    before = contents(path)
    with chatting(path) as chat:
        until(lambda: chat.changes > CHANGES)
    after = contents(path)
    there = {message: content for message, content in chat.messages.items() if content is not None}
    assert after == {**before, **there}
    assert len(there) < len(chat.messages) < chat.changes


def test_its_failure_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such table: conversations"), chatting(tmp_path / "empty.sqlite"):
        pass
