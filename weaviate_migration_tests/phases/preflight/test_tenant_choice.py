"""A mapping narrowed to one tenant, and the rows that it finds."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import object_uuid, split_address
from weaviate_migration.mapping.one_tenant import of_one_tenant
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.values import SqlValue, sql_literal
from weaviate_migration.phases.preflight.mapping_choice import mapping_to_migrate
from weaviate_migration.phases.preflight.tenant_choice import refuse_absent_tenant
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.rows import TableReader
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.source.databases import connect, make

BODY = [{"name": "body", "column": "body", "index": "words"}]


def mapping_of(*collections: dict[str, Any], **fields: Any) -> Mapping:
    made = [{"properties": BODY, **each} for each in collections]
    return Mapping.model_validate({"name": "test", "collections": made, **fields})


def notes(**fields: Any) -> dict[str, Any]:
    return {"name": "Note", "table": "notes", "tenant": {"column": "org"}, **fields}


def found_rows(path: Path, mapping: Mapping) -> dict[SqlValue, str | None]:
    """The keys of the rows that the first collection has, with their tenants."""
    plan = plan_migration(mapping, inspect_database(path, mapping)).collections[0]
    with TableReader(path, plan, object_uuid, 4, path.parent) as reader:
        return {key[0]: split_address(where or "")[0] for where, key, _ in reader.rows()}


VALUES: list[SqlValue] = ["acme", "Acme", "acme ", 7, "7", 7.0, "07", "7.0", b"acme", "Zoë", "it's", "", None, "none"]


@pytest.mark.parametrize("declared", ["org", "org TEXT", "org INTEGER", "org REAL", "org TEXT COLLATE NOCASE"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16be"])
def test_one_tenant_has_the_rows_that_it_has_among_all(tmp_path: Path, declared: str, encoding: str) -> None:
    rows = ", ".join(f"({at}, {sql_literal(value)}, 'x')" for at, value in enumerate(VALUES))
    path = make(
        tmp_path / "app.db",
        f"PRAGMA encoding = '{encoding}'",
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, {declared}, body)",
        "CREATE INDEX by_org ON notes (org)",
        f"INSERT INTO notes VALUES {rows}",
    )
    whole = mapping_of(notes(tenant={"column": "org", "of_null": "none"}))
    everything = found_rows(path, whole)
    for tenant in ["acme", "Acme", "acme ", "7", "07", "7.0", "Zoë", "it's", "none"]:
        name = "none" if tenant == "none" else tenant_name(tenant)
        expected = {key: each for key, each in everything.items() if each == name}
        assert found_rows(path, of_one_tenant(whole, tenant)) == expected


def test_an_index_finds_them(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db", "CREATE TABLE notes (id PRIMARY KEY, org TEXT, body)", "CREATE INDEX o ON notes (org)"
    )
    mapping = of_one_tenant(mapping_of(notes()), "acme")
    (table,) = inspect_database(path, mapping).parts.values()
    with closing(connect(path)) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {table.from_sql}")]
    assert steps == ["SEARCH notes USING INDEX o (org=?)"]


def test_what_has_no_tenants_is_left_out_with_what_leads_there() -> None:
    whole = mapping_of(
        {"name": "Org", "table": "orgs"},
        notes(relations=[{"column": "org", "to_table": "orgs"}, {"column": "parent", "to_table": "NOTES"}]),
        {"name": "Word", "table": "words", "relations": [{"column": "note", "to_table": "notes"}]},
        notes(name="Page", table="pages"),
        omit_tables={"logs": "nobody's"},
    )
    alone = of_one_tenant(whole, "acme")
    assert [(each.name, each.tenant and each.tenant.only) for each in alone.collections] == [
        ("Note", "acme"),
        ("Page", "acme"),
    ]
    assert [each.to_table for each in alone.collections[0].relations] == ["NOTES"]
    reason = "of all tenants, and tenant acme is migrated alone"
    assert alone.omit_tables == {"logs": "nobody's", "orgs": reason, "words": reason}
    assert alone.digest != whole.digest
    assert Mapping.model_validate_json(alone.model_dump_json()) == alone
    assert alone.lone_tenants("X_") == {"X_Note": "acme", "X_Page": "acme"}
    assert whole.lone_tenants("X_") == {}


def test_rows_of_one_tenant_beside_a_condition(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, org, body)",
        "INSERT INTO notes VALUES (1, 'acme', 'x'), (2, 'acme', 'y'), (3, 'other', 'x'), (4, 'acme', 'z')",
    )
    whole = mapping_of(notes(where="body = 'x' OR body = 'y' -- not z"), notes(name="Rest", where="body = 'z'"))
    assert found_rows(path, of_one_tenant(whole, "acme")).keys() == {1, 2}
    statement = {"name": "Note", "select": "SELECT * FROM notes WHERE id < 4", "key": ["id"]}
    selected = mapping_of(statement | {"tenant": {"column": "org"}})
    assert found_rows(path, of_one_tenant(selected, "acme")).keys() == {1, 2}


@pytest.mark.parametrize(
    ("collection", "tenant", "message"),
    [
        ({"name": "Note", "table": "notes"}, "acme", "has no collection with tenants"),
        (notes(tenant={"column": "org", "only": "other"}), "acme", "is another tenant's alone already: Note"),
    ],
)
def test_a_mapping_without_the_tenant(collection: dict[str, Any], tenant: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        of_one_tenant(mapping_of(collection), tenant)


def test_the_same_tenant_again_is_the_same_mapping() -> None:
    alone = of_one_tenant(mapping_of(notes()), "acme")
    assert of_one_tenant(alone, "acme") == alone


@pytest.mark.parametrize(("tenant", "is_there"), [("acme", True), ("ACME", False), ("none", False), ("t_0", False)])
def test_a_tenant_without_rows_is_refused(tmp_path: Path, tenant: str, is_there: bool) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, org, body)",
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, org, body)",
        "INSERT INTO pages VALUES (1, 'acme', 'x')",
    )
    mapping = of_one_tenant(mapping_of(notes(), notes(name="Page", table="pages")), tenant)
    database = inspect_database(path, mapping)
    plan = plan_migration(mapping, database)
    if is_there:
        refuse_absent_tenant(database, plan)
        return
    with pytest.raises(ConfigurationError) as error:
        refuse_absent_tenant(database, plan)
    assert error.value.message == f"No row of notes, pages is tenant {tenant}'s."


def test_the_setting_narrows_the_mapping_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.yaml"
    path.write_text(mapping_of(notes()).model_dump_json())
    config = create_migration_config("app.db", mapping=path, tenant="acme", work_dir=tmp_path / "work")
    chosen = mapping_to_migrate(config, WorkFolder.of(config))
    assert chosen == of_one_tenant(mapping_of(notes()), "acme")
