"""From a file that nobody has described to Weaviate in two commands, and compared by code of its own."""

import json
import sqlite3
from base64 import b64decode
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import weaviate
import yaml

from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.source.databases import make

KEY = "sk-0123456789abcdef0123"
STATEMENTS = (
    # A circle of foreign keys, a key of text, secrets, names that Weaviate reserves.
    "CREATE TABLE people (id INTEGER PRIMARY KEY, vector, api_key TEXT, metadata TEXT, best REFERENCES [blog posts])",
    "CREATE TABLE [blog posts] (slug TEXT PRIMARY KEY, person_id INTEGER REFERENCES people, [created at] TEXT, tags)",
    # No key; names in other alphabets, in two cases, and of words that mean something to YAML and to Python.
    'CREATE TABLE "用户" ("姓名" TEXT, "yes" BOOLEAN, "def" REAL, "userName" INT, "user name" TEXT)',
    'CREATE TABLE "用户们" (id INTEGER PRIMARY KEY, data BLOB)',
    "CREATE TABLE empty (id INTEGER PRIMARY KEY, note TEXT)",
    "CREATE VIRTUAL TABLE words USING fts5(title, content='')",
    "CREATE TABLE schema_migrations (version TEXT)",
    f"INSERT INTO people VALUES (1, 'v', '{KEY}', '{{}}', 'a'), (2, NULL, NULL, 'm', NULL)",
    "INSERT INTO [blog posts] VALUES ('a', 1, '2026-01-02 03:04:05', '[\"x\", \"y\"]'), ('b', 7, NULL, '[]')",
    "INSERT INTO \"用户\" VALUES ('王', 1, 1.5, 3, 'a'), ('李', 0, 2.5, NULL, 'b')",
    "INSERT INTO \"用户\" VALUES ('李', 0, 2.5, 9007199254740993, 'b')",
    "INSERT INTO \"用户们\" VALUES (1, x'00ff'), (9007199254740993, NULL)",
    "INSERT INTO schema_migrations VALUES ('20260101')",
)
SECRET = ("people", "api_key")


def rows_of(source: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table, without what looks secret."""
    with closing(sqlite3.connect(source)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]
    return [{name: value for name, value in row.items() if (table, name) != SECRET} for row in rows]


def rebuilt_rows(client: weaviate.WeaviateClient, name: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that the objects of a collection say; `fields` are those of the mapping file."""
    collection = client.collections.use(name)
    properties = [each.name for each in collection.config.get().properties]
    return [rebuilt(each.properties, fields) for each in collection.iterator(return_properties=properties)]


def rebuilt(said: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """What is kept verbatim, and for all other columns what their properties say."""
    kept = json.loads(said[fields.get("provenance", "metadata")]["source_columns"])
    row = {name: b64decode(value["base64"]) if isinstance(value, dict) else value for name, value in kept.items()}
    for prop in fields["properties"]:
        if prop["column"] not in row:
            row[prop["column"]] = in_sqlite(said[prop["name"]])
    return row


def in_sqlite(value: Any) -> Any:
    match value:
        case bool():
            return int(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case list():
            return json.dumps(value)
        case _:
            return value


def in_any_order(rows: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


def test_any_file_goes_through_without_an_edit(
    client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path
) -> None:
    source, mapping = make(tmp_path / "app.db", *STATEMENTS), tmp_path / "mapping.yaml"
    drawn_up = run_here("init", "--sqlite-url", source, "--output", mapping)
    assert drawn_up.code == 0, drawn_up.stderr
    ended = run_here(
        *("migrate", "--sqlite-url", source, "--mapping", mapping, "--prefix", "Init", "--json"),
        *at(server),
        *("--work-dir", tmp_path / "work", "--workers", 1),
    )
    assert ended.code == 0, ended.stderr

    written = yaml.safe_load(mapping.read_text(encoding="utf-8"))
    tables = {each["table"]: each for each in written["collections"]}
    assert tables.keys() == {"people", "blog posts", "用户", "用户们", "empty"}
    assert {"schema_migrations", "words", "words_data"} <= written["omit_tables"].keys()
    for table, fields in tables.items():
        found = rebuilt_rows(client, f"Init{fields['name']}", fields)
        assert in_any_order(found) == in_any_order(rows_of(source, table)), table
    assert {each["table"]: each.get("relations") for each in written["collections"] if each.get("relations")} == {
        "people": [{"column": "best", "to_table": "blog posts", "parent_id": "bestObjectId"}],
        "blog posts": [{"column": "person_id", "to_table": "people", "parent_id": "personObjectId"}],
    }
    assert {each["table"]: each["omit"] for each in written["collections"] if "omit" in each}.keys() == {SECRET[0]}


def test_a_parents_title_beside_each_of_its_children_and_followed(
    client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path
) -> None:
    """Each object leads to its parent's, too, and has the UUID that it would have without the join."""
    source, mapping = tmp_path / "app.db", tmp_path / "mapping.yaml"
    make(
        source,
        "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT, api_key TEXT)",
        "CREATE TABLE chunks (id INTEGER PRIMARY KEY, document_id REFERENCES documents, content TEXT)",
        "CREATE INDEX chunks_of_document ON chunks (document_id)",
        f"INSERT INTO documents VALUES (1, 'First', '{KEY}'), (2, 'Second', NULL)",
        "INSERT INTO chunks VALUES (10, 1, 'one'), (11, 1, 'two'), (12, 2, 'three'), (13, 7, 'orphan'), (14, NULL, '')",
    )
    work = ("--work-dir", tmp_path / "work")
    drawn_up = run_here("init", "--sqlite-url", source, "--join", "chunks:documents", "--output", mapping)
    assert drawn_up.code == 0, drawn_up.stderr
    options = ("--sqlite-url", source, "--mapping", mapping, "--live", "--workers", 1, "--json")
    ended = run_here("migrate", *options, *at(server), *work)
    assert ended.code == 0, ended.stderr
    assert titles_beside(client) == {"one": "First", "two": "First", "three": "Second", "orphan": None, "": None}

    make(
        source,
        "UPDATE documents SET title = 'Renamed' WHERE id = 1",
        "UPDATE chunks SET document_id = 1 WHERE id = 12",
        "INSERT INTO documents VALUES (7, 'Late', NULL)",
        "DELETE FROM documents WHERE id = 2",
        "INSERT INTO chunks VALUES (15, 2, 'new')",
        "DELETE FROM chunks WHERE id = 14",
    )
    assert run_here("sync", *at(server), *work).code == 0
    assert titles_beside(client) == {
        "one": "Renamed",
        "two": "Renamed",
        "three": "Renamed",
        "orphan": "Late",
        "new": None,
    }
    assert KEY not in str([each.properties for each in client.collections.use("Chunk").iterator()])
    assert run_here("verify", *at(server), *work).code == 0


def titles_beside(client: weaviate.WeaviateClient) -> dict[str, str | None]:
    """The title beside each chunk, by its content: that of the object that its `documentObjectId` leads to."""
    documents = client.collections.use("Document")
    beside = {}
    for each in client.collections.use("Chunk").iterator():
        held: dict[str, Any] = {**each.properties}
        parent = held["documentObjectId"]
        found = documents.query.fetch_object_by_id(parent) if parent else None
        assert held["documentTitle"] == (found.properties["title"] if found else None)
        assert str(each.uuid) == object_uuid("chunks", (held["chunkId"],))
        beside[held["content"]] = held["documentTitle"]
    return beside
