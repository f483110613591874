"""Collections made from statements and conditions, of a source in use: followed where they can be, or compared anew."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import weaviate
from weaviate.classes.query import QueryReference

from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import Ended, at, empty, run_here

MAPPING = """\
name: library
collections:
  - name: Chunk
    select: SELECT c.id, c.body, d.title FROM chunks c LEFT JOIN documents d ON d.id = c.document
    key: [id]
    properties:
      - {name: chunkId, column: id, index: whole}
      - {name: body, column: body, index: words}
      - {name: title, column: title, index: words}
  - name: Mail
    table: log
    where: kind = 'mail'
    properties: [{name: entry, column: id, type: int}, {name: kind, column: kind, index: whole}]
  - name: Call
    table: log
    where: kind = 'call'
    properties: [{name: entry, column: id, type: int}, {name: kind, column: kind, index: whole}]
  - name: Size
    select: |
      SELECT d.id, CASE WHEN count(*) < 50 THEN count(*) ELSE 'many' END AS chunks, min(c.id) AS first
      FROM documents d JOIN chunks c ON c.document = d.id GROUP BY d.id
    key: [id]
    properties:
      - {name: document, column: id, type: int}
      - {name: chunks, column: chunks, type: int, on_unfit: refuse}
    relations: [{column: first, to_table: Chunk, reference: firstChunk}]
omit_tables: {documents: in each of its chunks, chunks: with the titles}
"""
SCHEMA = """
PRAGMA journal_mode = wal;
CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE chunks (id TEXT PRIMARY KEY, document INTEGER, body TEXT);
CREATE INDEX by_document ON chunks (document);
CREATE TABLE log (id INTEGER PRIMARY KEY, kind TEXT);
WITH RECURSIVE number(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM number WHERE n < 59)
INSERT INTO chunks SELECT 'c ' || n, n % 8, 'chunk ' || n FROM number;
INSERT INTO documents SELECT DISTINCT document, 'title ' || document FROM chunks WHERE document < 7;
INSERT INTO log SELECT rowid - 1, CASE WHEN rowid % 2 = 1 THEN 'mail' ELSE 'call' END FROM chunks WHERE rowid < 9;
"""
CHANGES = """
UPDATE documents SET title = 'another title' WHERE id = 1;
DELETE FROM documents WHERE id = 2;
UPDATE documents SET id = 77 WHERE id = 3;
INSERT INTO chunks VALUES ('new', 1, 'a new one');
DELETE FROM chunks WHERE id = 'c 4';
UPDATE chunks SET document = 5 WHERE id = 'c 6';
UPDATE log SET kind = 'call' WHERE id IN (0, 2);
UPDATE log SET kind = 'mail' WHERE id = 1;
UPDATE log SET kind = 'none' WHERE id = 4;
"""
# The columns of each collection, and what its rows are.
ROWS = {
    "Chunk": (
        ("chunkId", "body", "title"),
        "SELECT c.id, c.body, d.title FROM chunks c LEFT JOIN documents d ON d.id = c.document",
    ),
    "Mail": (("entry", "kind"), "SELECT id, kind FROM log WHERE kind = 'mail'"),
    "Call": (("entry", "kind"), "SELECT id, kind FROM log WHERE kind = 'call'"),
    "Size": (
        ("document", "chunks"),
        "SELECT d.id, count(*) FROM documents d JOIN chunks c ON c.document = d.id GROUP BY d.id",
    ),
}
NOT_FOLLOWED = "changes of Size are not followed: it has GROUP BY"


@dataclass
class Library:
    """What was done to one file, and what both sides held after each step."""

    source: Path
    options: list[object]
    server: ServerAddress
    client: weaviate.WeaviateClient
    ended: dict[str, Ended]

    def run(self, command: str, *more: object) -> Ended:
        self.ended[command] = run_here(command, *more, *self.options, *at(self.server))
        return self.ended[command]

    def rows(self) -> dict[str, list[str]]:
        return {name: self.rows_of(select) for name, (_, select) in ROWS.items()}

    def rows_of(self, select: str) -> list[str]:
        with closing(sqlite3.connect(self.source)) as connection:
            return shown(connection.execute(select))

    def first_chunks(self) -> list[str]:
        """The key of each document, and that of the chunk which its reference leads to."""
        wanted = QueryReference(link_on="firstChunk", return_properties=["chunkId"])
        found = self.client.collections.use("Size").query.fetch_objects(return_references=[wanted]).objects
        return shown(
            (each.properties["document"], each.references["firstChunk"].objects[0].properties["chunkId"])
            for each in found
        )

    def objects(self, collections: Mapping[str, str]) -> dict[str, list[str]]:
        """What Weaviate holds of each, read by the client's own way."""
        held = {name: self.client.collections.use(collections[name]).iterator() for name in ROWS}
        return {
            name: shown(tuple(each.properties.get(column) for column in ROWS[name][0]) for each in objects)
            for name, objects in held.items()
        }


def shown(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, rows))


def execute(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: weaviate.WeaviateClient
) -> Library:
    """A file that is loaded, proven and followed; no alias is moved."""
    empty(connected)
    folder = tmp_path_factory.mktemp("library")
    execute(folder / "app.db", SCHEMA)
    (folder / "library.yaml").write_text(MAPPING, encoding="utf-8")
    options: list[object] = ["--mapping", folder / "library.yaml", "--work-dir", folder / "work"]
    made = Library(folder / "app.db", options, server, connected, {})
    ended = made.run("migrate", "--live", "--no-cutover", "--sqlite-url", made.source, "--json")
    assert ended.code == 0, ended.stderr
    return made


def versions(library: Library) -> dict[str, str]:
    """This migration's collections, by the names of the mapping."""
    return dict(WorkFolder(library.source.parent / "work").records.all()[-1].targets)


def test_what_cannot_be_followed_is_said_everywhere(library: Library) -> None:
    assert NOT_FOLLOWED in library.ended["migrate"].json["warnings"]
    assert library.run("status", "--json").json["not_followed"] == [NOT_FOLLOWED]
    told = run_here("plan", "--sqlite-url", library.source, *library.options)
    assert f"with --live: {NOT_FOLLOWED}" in told.stdout
    told = run_here("capture", "status", *library.options)
    assert told.stdout.splitlines()[0].endswith(": chunks, documents, log")
    assert f"warning: {NOT_FOLLOWED}" in told.stdout


def test_sync_writes_what_a_change_in_any_table_concerns(library: Library) -> None:
    before = library.rows()
    assert library.objects(versions(library)) == before
    execute(library.source, CHANGES)
    ended = library.run("sync", "--json")
    assert ended.code == 0, ended.stderr
    after, held = library.rows(), library.objects(versions(library))
    followed = ("Chunk", "Mail", "Call")
    assert {name: held[name] for name in followed} == {name: after[name] for name in followed}
    assert all(before[name] != after[name] for name in ROWS)
    # The rows of the documents that were changed, and those that were changed themselves; nothing else.
    changed = sum(len(set(after[name]) - set(before[name])) for name in followed)
    (done,) = ended.json["migrations"]
    assert done["written"] == changed
    assert held["Size"] == before["Size"]


def test_the_cutover_refuses_what_cannot_be_brought_up(library: Library) -> None:
    numbers = "WITH RECURSIVE number(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number WHERE n < 50)"
    execute(library.source, f"{numbers} INSERT INTO chunks SELECT 'many ' || n, 6, 'one of many' FROM number")
    ended = library.run("cutover")
    assert ended.code == 3, ended.stderr
    assert "Size" in ended.stderr
    assert "quarantine" in ended.stderr
    assert library.client.alias.list_all() == {}
    execute(library.source, "DELETE FROM chunks WHERE id LIKE 'many %'")


def test_the_cutover_has_its_time_for_what_is_not_followed_too(library: Library) -> None:
    ended = library.run("cutover", "--timeout", 0)
    assert ended.code == 1, ended.stderr
    assert "No alias was moved." in ended.stderr
    assert library.client.alias.list_all() == {}


def test_the_cutover_brings_up_what_is_not_followed(library: Library) -> None:
    execute(library.source, "INSERT INTO chunks VALUES ('last', 6, 'for the cutover')")
    ended = library.run("cutover")
    assert ended.code == 0, ended.stderr
    assert library.objects({name: name for name in ROWS}) == library.rows()
    assert library.first_chunks() == library.rows_of(
        "SELECT d.id, min(c.id) FROM documents d JOIN chunks c ON c.document = d.id GROUP BY d.id"
    )
    assert "Size is not followed: " in ended.stderr
