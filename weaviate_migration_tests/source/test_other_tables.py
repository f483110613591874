"""What is said of the tables that no collection is made from, before a migration and after it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.errors import MappingError
from weaviate_migration.mapping import Mapping
from weaviate_migration.monitoring import postflight
from weaviate_migration.phases.preflight import source_side
from weaviate_migration.phases.preflight.audit import audit_source
from weaviate_migration.phases.validation.certificate import certificate
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.other_tables import (
    REMEDY,
    OmittedTable,
    OtherTables,
    read_other_tables,
    refuse_passed_over,
)
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord, SnapshotRecord
from weaviate_migration_tests.source.databases import make

STATEMENTS = (
    "CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT)",
    "INSERT INTO notes VALUES ('a', 'one')",
    "CREATE TABLE empty (id)",
    "CREATE TABLE Users (id)",
    "INSERT INTO Users VALUES (1), (2)",
    'CREATE TABLE "audit log" (id)',
    'INSERT INTO "audit log" VALUES (1)',
    "CREATE VIEW titles AS SELECT title FROM notes",
)
SENTENCE = "No collection takes the rows of Users (2 rows), audit log (1 row)"
OMITTED = {"USERS": "private", "audit log": "for the auditors"}


def mapping_with(**fields: Any) -> Mapping:
    properties = [{"name": "title", "column": "title", "index": "words"}]
    note = {"name": "Note", "table": "notes", "properties": properties}
    return Mapping.model_validate({"name": "notes", "collections": [note], **fields})


def others_of(path: Path, mapping: Mapping) -> OtherTables:
    database = inspect_database(path)
    return read_other_tables(path, database, plan_migration(mapping, database))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make(tmp_path / "app.db", *STATEMENTS)


def test_tables_with_rows_are_named_and_those_without_are_no_matter(path: Path) -> None:
    found = others_of(path, mapping_with())
    assert found == OtherTables(unmapped={"Users": 2, "audit log": 1, "empty": 0})
    assert found.passed_over == {"Users": 2, "audit log": 1}
    assert found.sentence == SENTENCE
    assert found.warnings == (f"{SENTENCE}. {REMEDY}",)


def test_what_the_mapping_leaves_out_is_not_passed_over(path: Path) -> None:
    found = others_of(path, mapping_with(omit_tables=OMITTED, unmapped="refuse"))
    assert found.omitted == {
        "Users": OmittedTable(rows=2, reason="private"),
        "audit log": OmittedTable(rows=1, reason="for the auditors"),
    }
    assert (found.unmapped, found.passed_over, found.warnings) == ({"empty": 0}, {}, ())
    refuse_passed_over(found, mapping_with(unmapped="refuse"))


def test_the_mapping_says_whether_they_are_refused(path: Path) -> None:
    refuse_passed_over(others_of(path, mapping_with()), mapping_with())
    refusing = mapping_with(unmapped="refuse", omit_tables={"users": "private"})
    with pytest.raises(MappingError) as error:
        refuse_passed_over(others_of(path, refusing), refusing)
    assert (error.value.message, error.value.hint) == ("No collection takes the rows of audit log (1 row).", REMEDY)


def test_tables_that_only_the_application_can_read_are_not_counted(path: Path, tmp_path: Path) -> None:
    """A module that is not there, as it comes to be where the application loads an extension."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        for name in ("known", "unknown"):
            statement = f"CREATE VIRTUAL TABLE {name} USING gone(a)"
            connection.execute("INSERT INTO sqlite_schema VALUES ('table', ?, ?, 0, ?)", (name, name, statement))
    mapping = mapping_with(omit_tables=OMITTED | {"known": "an index"}, unmapped="refuse")
    found = others_of(path, mapping)
    assert found.omitted["known"] == OmittedTable(rows=None, reason="an index")
    assert (found.unreadable, found.passed_over) == ({"unknown": "no such module: gone"}, {})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    said = certificate(record_of(path, mapping, found), [], "1.39.0", "QUORUM", now, now)
    assert said["statement"].endswith(
        "the tables that the mapping omits: Users (2 rows), audit log (1 row), known and "
        "the tables that only the application can read: unknown."
    )
    assert said["unreadable_tables"] == {"unknown": "no such module: gone"}
    assert {"table": "known", "rows": None, "reason": "an index"} in audit_source(path, mapping, tmp_path).to_dict()[
        "omitted_tables"
    ]


def test_the_audit_names_them(path: Path, tmp_path: Path) -> None:
    audit = audit_source(path, mapping_with(omit_tables={"users": "private"}), tmp_path)
    assert audit.not_migrated == {"audit log": 1, "empty": 0}
    assert audit.other_tables.warnings == (f"No collection takes the rows of audit log (1 row). {REMEDY}",)
    assert audit.to_dict()["omitted_tables"] == [{"table": "Users", "rows": 2, "reason": "private"}]


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [({}, "warned"), ({"unmapped": "refuse"}, "failed"), ({"unmapped": "refuse", "omit_tables": OMITTED}, "passed")],
)
def test_the_item_of_the_preflight(path: Path, fields: dict[str, Any], verdict: str) -> None:
    mapping = mapping_with(**fields)
    item = source_side.tables(others_of(path, mapping), mapping)
    assert (item.name, item.verdict) == ("tables", verdict)
    assert (item.figure == SENTENCE, item.remedy == REMEDY) == (verdict != "passed",) * 2


def record_of(path: Path, mapping: Mapping, others: OtherTables | None) -> MigrationRecord:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return MigrationRecord(
        id="20260101T000000",
        began_at=now,
        source=path,
        mapping_name=mapping.name,
        mapping_digest=mapping.digest,
        collection_names=("Note",),
        snapshot=SnapshotRecord(path=path, sha256="0", bytes=0, taken_at=now, other_tables=others),
    )


@pytest.mark.parametrize(("unmapped", "verdict"), [("warn", "warned"), ("refuse", "failed")])
def test_the_postflight_says_what_has_come_since_the_snapshot(
    path: Path, tmp_path: Path, unmapped: str, verdict: str
) -> None:
    mapping = mapping_with(unmapped=unmapped, omit_tables={"users": "private"})
    work_folder = WorkFolder(tmp_path / "work")
    record = record_of(path, mapping, OtherTables(unmapped={"empty": 0}))
    item = postflight.tables(mapping, record, work_folder)
    assert (item.verdict, item.remedy) == (verdict, REMEDY)
    assert item.figure == "No collection takes the rows of audit log (1 row); since the snapshot: audit log"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO empty VALUES (1)")
    record = record_of(path, mapping, others_of(path, mapping).model_copy(update={"unmapped": {"audit log": 1}}))
    assert postflight.tables(mapping, record, work_folder).figure.endswith("empty (1 row); since the snapshot: empty")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript('DROP TABLE empty; DELETE FROM "audit log"')
    assert postflight.tables(mapping, record, work_folder).verdict == "passed"
    path.unlink()
    assert postflight.tables(mapping, record, work_folder).verdict == "skipped"


def test_the_certificate_says_what_it_is_not_about(path: Path) -> None:
    mapping, now = mapping_with(omit_tables={"users": "private"}), datetime(2026, 1, 1, tzinfo=UTC)
    found = certificate(record_of(path, mapping, others_of(path, mapping)), [], "1.39.0", "QUORUM", now, now)
    assert found["statement"] == (
        "100 % of rows and columns compared, but for the tables that the mapping omits: Users (2 rows). "
        "No collection takes the rows of audit log (1 row)."
    )
    assert found["omitted_tables"] == {"Users": {"rows": 2, "reason": "private"}}
    assert found["unmapped_tables"] == {"audit log": 1}


def test_the_certificate_of_an_older_snapshot_says_nothing_of_other_tables(path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = certificate(record_of(path, mapping_with(), None), [], "1.39.0", "QUORUM", now, now)
    assert found["statement"] == "100 % of rows and columns compared."
    assert not {"omitted_tables", "unmapped_tables"} & found.keys()
