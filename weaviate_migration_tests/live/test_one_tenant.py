"""`migrate --tenant`: one customer's data alone, and nobody else's readers lose anything."""

from pathlib import Path

import pytest
import weaviate

from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.source.databases import make

MAPPING = """\
name: notes
collections:
  - name: Org
    table: orgs
    properties: [{name: name, column: name, index: words}]
  - name: Note
    table: notes
    tenant: {column: org, of_null: none}
    properties: [{name: body, column: body, index: words}]
    relations: [{column: org, to_table: orgs}, {column: parent, to_table: notes}]
"""
ORGS = ["acme", "other", "Zoë"]


def bodies(client: weaviate.WeaviateClient, alias: str) -> dict[str, set[object]]:
    """What each tenant of a collection holds."""
    collection = client.collections.use(alias)
    return {
        tenant: {each.properties["body"] for each in collection.with_tenant(tenant).iterator()}
        for tenant in collection.tenants.get()
    }


def told(stderr: str) -> str:
    return " ".join(stderr.split())


@pytest.mark.timeout(540)
def test_one_customers_data_alone(client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path) -> None:
    rows = ", ".join(f"({at}, '{ORGS[at % 3]}', {at - 3}, 'note {at}')" for at in range(3, 63))
    source = make(
        tmp_path / "app.db",
        "PRAGMA journal_mode = wal",
        "CREATE TABLE orgs (id TEXT PRIMARY KEY, name TEXT)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, org TEXT REFERENCES orgs, parent INTEGER, body TEXT)",
        *(f"INSERT INTO orgs VALUES ('{org}', 'name of {org}')" for org in ORGS),
        f"INSERT INTO notes VALUES {rows}, (100, NULL, NULL, 'of nobody')",
    )
    mapping = tmp_path / "notes.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    named = ["--sqlite-url", source, "--mapping", mapping, *at(server)]
    expected = {f"note {at}" for at in range(3, 63) if at % 3 == 0}

    everybody, alone = tmp_path / "work", tmp_path / "alone"
    ended = run_here("migrate", *named, "--work-dir", everybody, "--json")
    assert ended.code == 0, ended.stderr
    whole = bodies(client, "Note")
    assert whole["acme"] == expected
    assert len(whole) == 4
    assert whole["none"] == {"of nobody"}

    ended = run_here("migrate", *named, "--work-dir", alone, "--tenant", "acme")
    assert ended.code == 2
    assert "`Note` has 3 other tenants, such as none." in told(ended.stderr)
    assert "`--prefix`" in ended.stderr
    ended = run_here("migrate", *named, "--work-dir", alone, "--prefix", "Acme_", "--tenant", "ACME")
    assert ended.code == 2
    assert "No row of notes is tenant ACME's." in told(ended.stderr)
    assert alias_targets(client, ["Acme_Note", "Acme_Org"]) == {"Acme_Note": None, "Acme_Org": None}

    ended = run_here(
        "migrate", *named, "--work-dir", alone, "--prefix", "Acme_", "--tenant", "acme", "--live", "--json"
    )
    assert ended.code == 0, ended.stderr
    assert {name: each["migrated"] for name, each in ended.json["collections"].items()} == {"Note": 20}
    assert ended.json["certificate"]
    assert not [each for each in ended.json["warnings"] if "postflight" in each]
    assert bodies(client, "Acme_Note") == {"acme": expected}
    assert bodies(client, "Note") == whole

    # What comes after needs neither the mapping nor the tenant: the migration has both on record.
    make(source, "UPDATE notes SET org = 'other' WHERE id = 3", "UPDATE notes SET org = 'acme' WHERE id = 4")
    make(source, "UPDATE notes SET body = 'changed' WHERE org = 'other'")
    synced = run_here("sync", "--work-dir", alone, *at(server), "--json")
    assert synced.code == 0, synced.stderr
    assert [(each["written"], each["removed"]) for each in synced.json["migrations"]] == [(1, 1)]
    assert bodies(client, "Acme_Note") == {"acme": expected - {"note 3"} | {"note 4"}}
    verified = run_here("verify", "--work-dir", alone, *at(server))
    assert verified.code == 0, verified.stderr
    ended = run_here("migrate", "--sqlite-url", source, "--work-dir", alone, "--prefix", "Acme_", "--tenant", "other")
    assert ended.code == 2
    assert "is another tenant's alone already: Note." in told(ended.stderr)
