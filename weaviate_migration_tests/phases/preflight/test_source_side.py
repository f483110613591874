"""What is told of the source before a migration: preflight and audit judge alike what is damage."""

from pathlib import Path

import pytest

from weaviate_migration.base.errors import SourceError
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.preflight.audit import audit_source
from weaviate_migration.phases.preflight.source_side import Source, backup
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration_tests.source.databases import make, make_as_its_application, make_notes

NOTES = Mapping.model_validate(
    {
        "name": "notes",
        "collections": [
            {"name": "Note", "table": "notes", "properties": [{"name": "body", "column": "body", "index": "words"}]}
        ],
    }
)


def source_of(path: Path) -> Source:
    return Source.of(path, inspect_database(path), NOTES)


def test_rows_that_are_not_as_declared_are_a_warning(tmp_path: Path) -> None:
    path = make(
        make_notes(tmp_path / "app.db"),
        "UPDATE notes SET body = NULL",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'body TEXT', 'body TEXT NOT NULL')",
    )
    found = backup(source_of(path))
    assert found.verdict == "warned"
    assert "remarks 3 times: NULL value in notes.body. That is no damage" in found.figure
    audit = audit_source(path, NOTES, tmp_path)
    assert audit.rows == 3
    assert [text.split(":")[0] for text in audit.warnings] == ["SQLite's integrity check remarks 3 times"]


def test_a_sound_file(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db")
    assert (backup(source_of(path)).verdict, audit_source(path, NOTES, tmp_path).warnings) == ("passed", ())


def test_damage(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db", 200)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 4096)
        file.write(b"\xa5" * 4096)
    found = backup(source_of(path))
    assert (found.verdict, "damaged: " in found.figure, ".recover" in found.remedy) == ("failed", True, True)
    with pytest.raises(SourceError, match=r"app\.db: is damaged: "):
        audit_source(path, NOTES, tmp_path)


def test_what_only_the_application_has_leaves_the_look_to_the_snapshot(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db")
    make_as_its_application(path, "CREATE TABLE lengths (a TEXT COLLATE by_length UNIQUE)")
    found = backup(source_of(path))
    assert found.verdict == "passed"
    assert "not looked through: no such collation sequence: by_length; the snapshot is checked" in found.figure


def test_what_only_the_application_can_read_is_named_and_not_counted(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db")
    make_as_its_application(
        path, "CREATE VIRTUAL TABLE vectors USING vec0(embedding float[4])", "CREATE TABLE plain (a)"
    )
    audit = audit_source(path, NOTES, tmp_path)
    assert (audit.rows, dict(audit.not_migrated)) == (3, {"plain": 0})
    assert audit.warnings == ("table `vectors` cannot be read here, and is left out: no such module: vec0",)
