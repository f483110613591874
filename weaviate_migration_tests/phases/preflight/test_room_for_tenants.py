"""What tenants take of a server: open files and memory."""

from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.phases.preflight.disk_and_memory import Need, open_files, open_files_per_tenant
from weaviate_migration.phases.preflight.look import refuse_impossible
from weaviate_migration.phases.preflight.source_side import Source
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.work_folder.checklist import Checklist
from weaviate_migration_tests.source.databases import make


def need_of(path: Path, **tenant: str) -> Need:
    fields: list[dict[str, Any]] = [
        {"name": "Note", "table": "notes", **({"tenant": tenant} if tenant else {})},
        {"name": "Page", "table": "pages", **({"tenant": tenant} if tenant else {})},
        {"name": "Org", "table": "orgs"},
    ]
    body = [{"name": "body", "column": "body", "index": "words"}]
    mapping = Mapping.model_validate(
        {"name": "test", "collections": [{"key": ["id"], "properties": body, **each} for each in fields]}
    )
    source = Source.of(path, inspect_database(path, mapping), mapping)
    return Need.of(
        source, create_migration_config(str(path)), DEFAULT_PARTITIONS, 1, path.parent, storage_elsewhere=False
    )


def test_tenants_are_counted_in_each_of_their_collections(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        *(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, org TEXT COLLATE NOCASE, body)" for table in _TABLES),
        "INSERT INTO notes (org) VALUES ('acme'), ('ACME'), ('acme'), ('other'), (NULL)",
        "INSERT INTO pages (org) VALUES ('acme')",
        "INSERT INTO orgs (org) VALUES ('acme')",
    )
    plain, tenanted = need_of(path), need_of(path, column="org")
    assert (plain.tenants, plain.open_files) == (0, 0)
    assert list(open_files(plain, embedded=True)) == []
    assert (tenanted.tenants, tenanted.open_files) == (5, 35)
    assert tenanted.server_memory - plain.server_memory == 5 * 250_000
    assert need_of(path, column="org", only="acme").tenants == 2


# Measured: 50 tenants of one object, open files of the server before and after.
@pytest.mark.parametrize(
    ("prop", "of_collection", "measured"),
    [
        ({"type": "int"}, {}, 8),
        ({"type": "int"}, {"index_null_state": True}, 12),
        ({"type": "int"}, {"index_property_length": True}, 8),
        ({"type": "int"}, {"index_timestamps": True}, 10),
        ({"type": "int"}, {"index_timestamps": None}, 10),
        ({"type": "int"}, {"vectors": ["v"]}, 8),
        ({"index": "words"}, {}, 8),
        ({"index": "words"}, {"index_property_length": True}, 12),
        ({"index": "words"}, {"index_null_state": True}, 12),
        ({"index": "whole"}, {}, 8),
        ({"index": "stored"}, {}, 4),
    ],
)
def test_open_files_of_a_tenant_with_four_properties(
    prop: dict[str, Any], of_collection: dict[str, Any], measured: int
) -> None:
    properties = [{"name": f"p{at}", "column": f"c{at}", **prop} for at in range(4)]
    fields: dict[str, Any] = {"name": "Note", "table": "notes", "properties": properties, "tenant": {"column": "org"}}
    fields |= {"index_timestamps": False}
    assert open_files_per_tenant(CollectionMapping.model_validate(fields | of_collection)) == measured


_TABLES = ("notes", "pages", "orgs")


@pytest.mark.parametrize(
    ("limit", "verdict"), [(15_999, "warned"), (16_000, "passed"), (8_000, "warned"), (7_999, "failed")]
)
def test_open_files_against_the_limit(limit: int, verdict: str) -> None:
    (item,) = open_files(Need(0, 0, 0, tenants=2_000, open_files=8_000), embedded=True, limit=limit)
    assert (item.name, item.verdict) == ("tenants", verdict)
    assert item.figure == f"2,000 tenants need about 8,000 open files; the server may have {limit:,}"
    assert bool(item.remedy) == (verdict != "passed")


def test_a_server_that_is_not_ours_does_not_tell() -> None:
    (item,) = open_files(Need(0, 0, 0, tenants=2_000, open_files=8_000), embedded=False)
    assert item.verdict == "skipped"
    assert item.figure.startswith("2,000 tenants need about 8,000 open files; the server does not tell")


def test_too_few_open_files_stop_a_migration() -> None:
    (item,) = open_files(Need(0, 0, 0, tenants=2_000, open_files=8_000), embedded=True, limit=1_024)
    with pytest.raises(ConfigurationError, match="2,000 tenants need about 8,000 open files"):
        refuse_impossible(Checklist.of("preflight", [item]))


def test_this_machine_tells_its_limit() -> None:
    (item,) = open_files(Need(0, 0, 0, tenants=1, open_files=5), embedded=True)
    assert item.verdict == "passed"
