"""A source whose rows are of many customers, its migration by commands, and what Weaviate holds, read by other code."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import weaviate
from weaviate.collections import Collection

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import Ended, at, run_here

MAPPING = """\
name: customers
collections:
  - name: Note
    table: notes
    tenant: {column: org, of_null: nobody}
    properties:
      - {name: noteId, column: id, type: int}
      - {name: org, column: org, index: whole}
      - {name: body, column: body, index: words}
      - {name: score, column: score, type: number}
"""
_TABLE = "CREATE TABLE notes (id INTEGER PRIMARY KEY, org, body TEXT, score REAL)"
_INSERT = "INSERT INTO notes VALUES (?, ?, ?, ?)"

Note = tuple[int, Any, str, float]
# By tenant and key: what each object holds of its row.
Held = dict[tuple[str, int], tuple[str, float]]


def notes_of(sizes: Iterable[tuple[Any, int]]) -> Iterator[Note]:
    """Rows of customers of these sizes, one of each in turn, so that no customer's stand together."""
    left = Counter(dict(sizes))
    number = 0
    while left := +left:
        for org in left:
            yield number, org, f"cauliflower {number} of {org}", number / 7
            number += 1
        left.subtract(list(left))


def tenant_of(org: Any) -> str:
    """The rule of docs/mapping.md, for the values of these tests."""
    if org is None:
        return "nobody"
    if isinstance(org, int) or (org.replace("-", "").isalnum() and org.isascii()):
        return str(org)
    return "t_" + sha256(f'["text","{org}"]'.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class TenantedNotes:
    """A folder with the source, its mapping and a work folder, and a server to migrate to."""

    folder: Path
    server: ServerAddress
    client: weaviate.WeaviateClient

    @classmethod
    def make(
        cls, folder: Path, server: ServerAddress, client: weaviate.WeaviateClient, notes: Iterable[Note]
    ) -> "TenantedNotes":
        made = cls(folder, server, client)
        (folder / "customers.yaml").write_text(MAPPING, encoding="utf-8")
        made.execute("PRAGMA journal_mode = wal", _TABLE)
        made.insert(notes)
        return made

    @property
    def source(self) -> Path:
        return self.folder / "app.db"

    @property
    def work_dir(self) -> Path:
        return self.folder / "work"

    @property
    def notes(self) -> Collection[Any, Any]:
        """As readers find it."""
        return self.client.collections.use("Note")

    def run(self, command: str, *more: object, code: int = 0) -> Ended:
        """A command on the source."""
        options = ["--mapping", self.folder / "customers.yaml", "--work-dir", self.work_dir, *at(self.server)]
        ended = run_here(command, "--sqlite-url", self.source, *options, *more, "--json")
        assert ended.code == code, ended.stderr
        return ended

    def execute(self, *statements: str) -> None:
        """What the application writes, a transaction each."""
        with closing(sqlite3.connect(self.source, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def insert(self, notes: Iterable[Note]) -> None:
        with closing(sqlite3.connect(self.source)) as connection, connection:
            connection.executemany(_INSERT, notes)

    def in_source(self) -> Held:
        with closing(sqlite3.connect(self.source)) as connection:
            rows: Sequence[Note] = connection.execute("SELECT id, org, body, score FROM notes").fetchall()
        return {(tenant_of(org), number): (body, score) for number, org, body, score in rows}

    def in_weaviate(self) -> Held:
        """Every object of every tenant, through the alias, as weaviate-client iterates over them."""
        names = ["noteId", "org", "body", "score"]
        return {
            (tenant, int(told["noteId"])): (told["body"], told["score"])
            for tenant in self.notes.tenants.get()
            for each in self.notes.with_tenant(tenant).iterator(return_properties=names)
            for told in [each.properties]
        }
