"""A source with a relation: authors and their books; what the checks of a collection need."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import Ended, at, run_here

MAPPING = """\
name: library
collections:
  - name: Author
    table: authors
    properties:
      - {name: authorId, column: id, index: whole}
      - {name: name, column: name, index: words}
  - name: Book
    table: books
    properties:
      - {name: number, column: id, type: int}
      - {name: title, column: title, index: words}
      - {name: authorId, column: author_id, index: whole}
      - {name: pages, column: pages, type: int}
      - {name: price, column: price, type: number}
      - {name: inPrint, column: in_print, type: boolean}
      - {name: published, column: published, type: date}
      - {name: tags, column: tags, type: "text[]", index: whole}
      - {name: note, column: note, index: words}
    relations:
      - {column: author_id, to_table: authors}
"""
TABLES = (
    "CREATE TABLE authors (id TEXT PRIMARY KEY, name TEXT, born TEXT)",
    "CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, author_id TEXT, pages INTEGER, price REAL, "
    "in_print BOOLEAN, published DATETIME, tags TEXT, note TEXT, isbn TEXT)",
)
AUTHORS = 20
BOOKS = 80


def author_rows() -> Iterable[Sequence[Any]]:
    return ((f"author-{number}", f"Penelope number{number:06}", "1900-01-01") for number in range(AUTHORS))


def book_rows() -> Iterable[Sequence[Any]]:
    return (
        (
            number,
            f"Adventures volume{number:06}",
            f"author-{number % AUTHORS}",
            100 + number,
            number / 8,
            number % 2,
            f"2020-01-{number % 28 + 1:02} 10:11:12.{number + 1:06}",
            f'["shelf{number}", "new"]',
            None if number % 3 else "",
            f"isbn {number}",
        )
        for number in range(BOOKS)
    )


@dataclass(frozen=True)
class LibraryMigration:
    """A folder with the library, its mapping and a work folder, and a server to migrate to."""

    folder: Path
    server: ServerAddress
    client: WeaviateClient

    @classmethod
    def make(cls, folder: Path, server: ServerAddress, client: WeaviateClient) -> "LibraryMigration":
        library = cls(folder, server, client)
        (folder / "library.yaml").write_text(MAPPING, encoding="utf-8")
        library.execute("PRAGMA journal_mode = wal", *TABLES)
        with closing(sqlite3.connect(library.source)) as connection, connection:
            connection.executemany("INSERT INTO authors VALUES (?, ?, ?)", author_rows())
            connection.executemany("INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", book_rows())
        return library

    @property
    def source(self) -> Path:
        return self.folder / "library.db"

    @property
    def work_dir(self) -> Path:
        return self.folder / "work"

    @property
    def options(self) -> list[object]:
        """Those of every command that reads the mapping, the work folder and the server."""
        return ["--mapping", self.folder / "library.yaml", "--work-dir", self.work_dir, *at(self.server)]

    @property
    def config(self) -> MigrationConfig:
        """The settings, as the UI has them from the environment."""
        return create_migration_config(
            str(self.source),
            mapping=self.folder / "library.yaml",
            work_dir=self.work_dir,
            weaviate_url=f"http://{self.server.host}:{self.server.http_port}",
            grpc_port=self.server.grpc_port,
        )

    @property
    def books(self) -> Collection[Any, Any]:
        return self.client.collections.use("Book")

    @property
    def authors(self) -> Collection[Any, Any]:
        return self.client.collections.use("Author")

    def versioned(self, alias: str) -> str:
        """The collection that an alias points at."""
        return self.client.alias.list_all()[alias].collection

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.source, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def migrate(self, *more: object) -> Ended:
        return run_here("migrate", "--sqlite-url", self.source, *self.options, "--json", *more)

    def verify(self, *more: object) -> Ended:
        return run_here("verify", *self.options, "--json", *more)


def book_uuid(number: int) -> str:
    return object_uuid("books", (number,)) or ""


def author_uuid(number: int) -> str:
    return object_uuid("authors", (f"author-{number}",)) or ""
