"""The audit as the first step of a migration: it passes, warns, or stops it before anything is made."""

import sqlite3
from contextlib import closing
from typing import Any

import dagster as dg
import pytest
import weaviate

from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import holdings
from weaviate_migration_tests.live.notes import TABLE, NoteMigration, add_notes, make_mapping, note_file, note_rows

NULL_KEY = TABLE.replace("NOT NULL PRIMARY KEY", "PRIMARY KEY")
NO_KEY = TABLE.replace("NOT NULL PRIMARY KEY", "")


def last_run(notes: NoteMigration) -> tuple[list[str], dict[str, dg.MetadataValue[Any]]]:
    """The steps that ended well, and the metadata of the audit."""
    with dagster_instance(notes.work_dir) as instance:
        run = instance.get_runs(limit=1)[0]
        steps = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS).records
        (made,) = instance.fetch_materializations(dg.AssetKey("source_audit"), limit=1).records
        assert made.asset_materialization is not None
        metadata = dict(made.asset_materialization.metadata)
    return [str(each.event_log_entry.step_key) for each in steps], metadata


def records_of(table: dg.MetadataValue[Any]) -> list[dict[str, Any]]:
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(each.data) for each in table.records]


def test_a_sound_file_passes(notes: NoteMigration) -> None:
    ended = notes.migrate("--json")
    assert ended.code == 0, ended.stderr
    result = ended.json
    (check,) = [each for each in result["checks"] if each["name"] == "writable"]
    assert (check["asset"], check["passed"], check["partition"]) == ("source_audit", True, None)
    assert check["description"] == "All 64 rows can become objects."
    assert list(result["phases"])[:3] == ["connect", "audit", "schema"]
    steps, metadata = last_run(notes)
    assert steps[0] == "source_audit"
    (table,) = records_of(metadata["tables"])
    assert table == {"table": "notes", "collection": "Note", "rows": 64, "would_refuse": 0}
    assert "does_not_fit" not in metadata
    report = metadata["report"]
    assert isinstance(report, dg.JsonMetadataValue)
    assert isinstance(report.data, dict)
    assert report.data["rows"] == 64


def test_a_warning_goes_on_and_hurts_nothing(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    """Orphans, and a value that does not fit."""
    make_mapping(notes.mapping, more="relations: [{column: body, to_table: notes}]")
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("UPDATE notes SET body = id")
        connection.execute("UPDATE notes SET body = 'nobody', size = 'many' WHERE size = 7")
    ended = notes.migrate("--json")
    assert ended.code == 0, ended.stderr
    result = ended.json
    assert (result["success"], result["validation_passed"], result["validation_errors"]) == (True, True, [])
    assert result["warnings"][0].startswith("source_audit: writable: notes: 1 rows have no parent")
    (check,) = [each for each in result["checks"] if each["name"] == "writable"]
    assert (check["passed"], check["severity"]) == (False, "WARN")
    assert list(holdings(client)[1]) == ["Note"]
    _, metadata = last_run(notes)
    (finding,) = records_of(metadata["does_not_fit"])
    assert (finding["column"], finding["values"], finding["fate"]) == ("notes.size", 1, "left out")
    assert "warning: source_audit: writable" in notes.migrate().stderr


def test_some_rows_without_a_usable_key_are_a_warning(notes: NoteMigration) -> None:
    notes.source.unlink()
    note_file(notes.source, table=NULL_KEY)
    add_notes(notes.source, [(None, "no key", 1, None)])
    ended = notes.migrate("--json")
    assert ended.code == 3, ended.stderr
    assert ended.json["failed_records"] == 1
    assert any("1 of 65 rows cannot become objects" in each for each in ended.json["warnings"])
    assert not any("writable" in each for each in ended.json["validation_errors"])


@pytest.fixture
def hopeless(notes: NoteMigration) -> NoteMigration:
    """The mapping names a key that does not tell the rows apart."""
    notes.source.unlink()
    note_file(notes.source, table=NO_KEY)
    add_notes(notes.source, note_rows())
    make_mapping(notes.mapping, more="key: [id]")
    return notes


def test_an_error_stops_before_anything_is_made(hopeless: NoteMigration, client: weaviate.WeaviateClient) -> None:
    ended = hopeless.migrate("--json")
    assert ended.code == 3, ended.stderr
    result = ended.json
    assert (result["success"], result["exit_code"], result["migration_id"]) == (False, 3, None)
    (error,) = result["errors"]
    assert "128 of 128 rows cannot become objects (key: id)" in error
    assert "the `key` of notes has to name columns that identify a row" in error
    assert result["next_step"].startswith("Nothing was written")
    assert [each["name"] for each in result["checks"]] == ["writable"]
    assert WorkFolder(hopeless.work_dir).records.all() == []
    assert holdings(client) == ([], {})
    steps, _ = last_run(hopeless)
    assert steps == []
    told = hopeless.migrate()
    assert (told.code, told.stderr.count("128 of 128 rows")) == (3, 1)


def test_the_same_command_goes_on_once_the_mapping_is_right(
    hopeless: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    assert hopeless.migrate().code == 3
    make_mapping(hopeless.mapping)
    assert hopeless.migrate().code == 0
    assert client.collections.use("Note").aggregate.over_all(total_count=True).total_count == 128


def test_an_unfinished_migration_stays_as_it_was(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    assert notes.migrate("--no-cutover").code == 0
    before = WorkFolder(notes.work_dir).records.all(), holdings(client)
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("DROP TABLE notes")
        connection.execute(NULL_KEY)
        connection.executemany("INSERT INTO notes (body) VALUES (?)", [("x",)] * 10)
    ended = notes.migrate("--no-cutover", "--json")
    assert ended.code == 3, ended.stderr
    assert ended.json["migration_id"] is None
    assert (WorkFolder(notes.work_dir).records.all(), holdings(client)) == before
