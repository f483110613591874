"""What the audit says of tenants: how many, who has none, whose name is a hash."""

from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.phases.preflight.audit import SourceAudit, TableReport, audit_source, verdict
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.source.databases import make

ROWS = """INSERT INTO notes VALUES
('1', 'acme', 'x'), ('2', 'acme', 'x'), ('3', 'Acme', 'x'), ('4', 7, 'x'), ('5', '7', 'x'), ('6', 'Zoë', 'x'),
('7', NULL, 'x'), ('8', NULL, 'x'), ('9', 2.5, 'x'), ('10', '', 'x'), ('11', 'Zoë', 'x')"""


def audited(folder: Path, table: str, rows: str, **tenant: str) -> SourceAudit:
    file = make(folder / "app.db", table, rows)
    collection: dict[str, Any] = {
        "name": "Note",
        "table": "notes",
        "key": ["id"],
        "properties": [{"name": "body", "column": "body", "index": "words"}],
        "tenant": {"column": "org", **tenant},
    }
    mapping = Mapping.model_validate({"name": "test", "collections": [collection]})
    return audit_source(file, mapping, folder / "scratch")


def only(audit: SourceAudit) -> TableReport:
    (report,) = audit.tables
    return report


def test_tenants_are_counted(tmp_path: Path) -> None:
    audit = audited(tmp_path, "CREATE TABLE notes (id TEXT PRIMARY KEY, org, body)", ROWS, of_null="none")
    report = only(audit)
    assert report.tenants is not None
    assert (report.tenants.tenants, report.tenants.largest, report.tenants.largest_rows) == (7, "7", 2)
    assert (report.tenants.null, report.tenants.null_examples, report.tenants.of_null) == (2, ("7", "8"), "none")
    assert report.tenants.hashed == 3
    assert report.tenants.hashed_examples[0] == f"'Zoë' as {tenant_name('Zoë')}"
    assert report.refused == audit.refused == 0
    assert verdict(audit).passed


def test_rows_without_a_tenant_are_refused(tmp_path: Path) -> None:
    audit = audited(tmp_path, "CREATE TABLE notes (id TEXT PRIMARY KEY, org, body)", ROWS)
    report = only(audit)
    assert report.tenants is not None
    assert (report.tenants.tenants, report.tenants.null, report.refused) == (6, 2, 2)
    assert "2 of 11 rows cannot become objects (key: id): 2 without a tenant: their org is NULL, such as 7, 8." in (
        verdict(audit).text
    )


@pytest.mark.parametrize(("of_null", "refused"), [({}, 4), ({"of_null": "none"}, 3)])
def test_a_key_is_given_twice_only_within_its_tenant(tmp_path: Path, of_null: dict[str, str], refused: int) -> None:
    rows = """INSERT INTO notes VALUES ('a', 'acme', 'x'), ('a', 'other', 'x'), ('b', 'acme', 'x'), ('b', 'acme', 'y'),
('c', NULL, 'x'), (NULL, NULL, 'x')"""
    report = only(audited(tmp_path, "CREATE TABLE notes (id, org, body)", rows, **of_null))
    assert report.key is not None
    assert (report.key.duplicate, report.key.duplicate_examples, report.key.null) == (2, ("b",), 1)
    assert report.refused == refused


def test_an_empty_table_has_no_tenants(tmp_path: Path) -> None:
    report = only(audited(tmp_path, "CREATE TABLE notes (id TEXT PRIMARY KEY, org, body)", "SELECT 1"))
    assert report.tenants is not None
    assert (report.tenants.tenants, report.tenants.largest_rows, report.tenants.hashed) == (0, 0, 0)


def test_what_the_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    source = make(tmp_path / "app.db", "CREATE TABLE notes (id TEXT PRIMARY KEY, org, body)", ROWS)
    mapping = tmp_path / "notes.yaml"
    mapping.write_text(
        "name: notes\ncollections:\n- name: Note\n  table: notes\n  tenant: {column: org}\n"
        "  properties: [{name: body, column: body, index: words}]\n"
    )
    ended = run_here("audit", "--sqlite-url", source, "--mapping", mapping, "--work-dir", tmp_path / "work")
    assert ended.code == 0, ended.stderr
    for line in (
        "notes: 6 tenants by org; the largest, 7, has 2 rows",
        "notes: rows whose org is NULL have no tenant, and are refused: 2, such as 7, 8",
        "notes: tenants whose name is made by a hash: 3, such as 'Zoë' as t_",
        "2 of 11 rows would be refused.",
    ):
        assert line in ended.stdout
