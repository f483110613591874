"""Rows that move between tenants, lose theirs, or get one: each object is where its row says, and nowhere else."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import weaviate
from weaviate.collections import Collection

from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.phases.history.extract.refusals import NO_TENANT
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.source.databases import connect, make

MAPPING = """\
name: notes
collections:
  - name: Note
    table: notes
    tenant: {column: org}
    properties: [{name: body, column: body, index: words}]
    relations: [{column: parent, to_table: notes}]
"""
MOVES = (
    "UPDATE notes SET org = 'other', body = 'moved' WHERE id = 1",
    "UPDATE notes SET org = 'new' WHERE id = 2",
    "UPDATE notes SET org = NULL WHERE id = 3",
    "UPDATE notes SET org = 'acme' WHERE id = 90",
    "UPDATE notes SET org = '7' WHERE id = 4",
    "INSERT OR REPLACE INTO notes VALUES (5, 'Zoë', NULL, 'replaced')",
    "DELETE FROM notes WHERE id = 6",
    "INSERT INTO notes VALUES (100, 'fresh', 99, 'inserted')",
)


def stored(client: weaviate.WeaviateClient, alias: str) -> list[tuple[str, object]]:
    """Tenant and text of each object."""
    collection = client.collections.use(alias)
    return sorted(
        (tenant, each.properties["body"])
        for tenant in collection.tenants.get()
        for each in collection.with_tenant(tenant).iterator()
    )


def expected(source: Path) -> list[tuple[str, object]]:
    """The same of each row."""
    with closing(connect(source)) as connection:
        rows = connection.execute("SELECT org, body FROM notes WHERE org IS NOT NULL").fetchall()
    return sorted((tenant_name(org), body) for org, body in rows)


def quarantined(work: Path) -> list[tuple[str, str]]:
    listed = run_here("quarantine", "list", "--work-dir", work, "--json")
    return [(row["key"], row["reason"]) for row in listed.json["rows"]]


@pytest.mark.timeout(540)
def test_what_changes_its_tenant(client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path) -> None:
    orgs = ["acme", "other", 7]
    rows = ", ".join(f"({at}, {orgs[at % 3]!r}, {at - 1}, 'note {at}')" for at in range(1, 60))
    source = make(
        tmp_path / "app.db",
        "PRAGMA journal_mode = wal",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, org, parent INTEGER, body TEXT)",
        f"INSERT INTO notes VALUES {rows}, (90, NULL, NULL, 'of nobody')",
    )
    mapping = tmp_path / "notes.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    work = tmp_path / "work"
    options = ["--sqlite-url", source, "--mapping", mapping, "--work-dir", work, *at(server)]
    looked = run_here("preflight", *options, "--json")
    items = {each["name"]: each for each in looked.json["items"]}
    assert items["duration"]["figure"].endswith("1 of 60 sampled rows are refused")
    assert items["tenants"]["figure"].startswith("4 tenants need about 28 open files")

    ended = run_here("migrate", *options, "--live", "--no-cutover", "--json")
    assert ended.code == 3, ended.stderr
    versioned = f"Note_{ended.json['migration_id']}"
    assert stored(client, versioned) == expected(source)
    assert quarantined(work) == [("90", NO_TENANT)]

    make(source, *MOVES)
    synced = run_here("sync", "--work-dir", work, *at(server), "--json")
    assert (synced.code, synced.json["migrations"][0]["refused"]) == (3, 1), synced.stderr
    assert stored(client, versioned) == expected(source)
    assert quarantined(work) == [("3", NO_TENANT)]

    make(source, "UPDATE notes SET org = 'late' WHERE id = 3")
    synced = run_here("sync", "--work-dir", work, *at(server), "--json")
    assert synced.code == 0, synced.stderr
    assert stored(client, versioned) == expected(source)
    assert quarantined(work) == []

    put_into_another_tenant(client.collections.use(versioned), "late", "acme")
    verified = run_here("verify", "--work-dir", work, *at(server), "--json")
    assert verified.code == 3
    assert sorted((each["kind"], each["key"], each["uuid"].split()[0]) for each in verified.json["differences"]) == [
        ("extra", "3", "acme"),
        ("missing", "3", "late"),
    ]
    verified = run_here("verify", "--repair", "--work-dir", work, *at(server), "--json")
    assert verified.code == 0, verified.stderr
    assert stored(client, versioned) == expected(source)


def put_into_another_tenant(collection: Collection[Any, Any], here: str, there: str) -> None:
    """Somebody else moves the only object of a tenant, as it is."""
    (found,) = collection.with_tenant(here).iterator(include_vector=True)
    collection.with_tenant(there).data.insert(found.properties, uuid=found.uuid)
    assert collection.with_tenant(here).data.delete_by_id(found.uuid)
