"""What the commands do when all is well, and what they leave behind when it is not."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import weaviate

from weaviate_migration.mapping import read_mapping
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.server_process import servers_of, stop
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import Ended, at, end_of, holdings, run_here, started
from weaviate_migration_tests.live.notes import TABLE, NoteMigration, add_notes, make_mapping, note_file, note_id
from weaviate_migration_tests.live.small_demo import write_small_demo_file

COLLECTIONS = ["AgentInteraction", "Conversation", "Document", "DocumentChunk", "Message", "MultiModalContent"]
# design.md, "The command line".
RESULT_KEYS = {
    *("success", "migration_id", "started_at", "completed_at", "duration_seconds", "records_per_second"),
    *("total_records", "migrated_records", "failed_records", "skipped_records"),
    *("validation_passed", "validation_errors", "errors", "warnings", "phases", "peak_memory_mb"),
    *("backup", "collections", "checks"),
}
COLLECTION_KEYS = {"alias", "collection", "table", "source_rows", "migrated", "failed"}
CHECK_KEYS = {"asset", "name", "passed", "severity", "partition", "description"}
NO_KEY = TABLE.replace("NOT NULL PRIMARY KEY", "")


def tables_of(source: Path) -> dict[str, int]:
    with closing(sqlite3.connect(source)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def rows_behind(client: weaviate.WeaviateClient, alias: str) -> int:
    return sum(1 for _ in client.collections.use(alias).iterator(cache_size=1000))


def test_six_collections_of_a_file_that_lacks_a_table(
    client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path
) -> None:
    source = tmp_path / "app.db"
    write_small_demo_file(source)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("DROP TABLE multimodal_content")
    ended = run_here("migrate", "--sqlite-url", source, "--work-dir", tmp_path / "work", *at(server), "--json")
    assert ended.code == 0, ended.stderr
    result = ended.json
    assert result.keys() >= RESULT_KEYS
    assert sorted(result["collections"]) == COLLECTIONS
    assert any("no table `multimodal_content`" in warning for warning in result["warnings"])
    _, aliases = holdings(client)
    rows = tables_of(source)
    for name, each in result["collections"].items():
        assert each.keys() == COLLECTION_KEYS
        assert aliases[name] == each["collection"] == f"{name}_{result['migration_id']}"
        assert each["source_rows"] == each["migrated"] == rows.get(each["table"], 0) == rows_behind(client, name)
    assert (
        result["total_records"]
        == result["migrated_records"]
        == sum(rows.get(each.table, 0) for each in read_mapping().collections)
    )
    assert_checks(result["checks"])


def assert_checks(checks: list[dict[str, Any]]) -> None:
    """A `count` for each partition of each collection, one `sample` of each, and that of the audit; all passed.

    But for the one that names the tables of the application that have no collection.
    """
    assert all(check.keys() == CHECK_KEYS for check in checks)
    (warned,) = [check for check in checks if not check["passed"]]
    assert (warned["asset"], warned["name"], warned["severity"]) == ("sqlite_snapshot", "everything_mapped", "WARN")
    assert "alembic_version (1 row)" in warned["description"]
    counts = [check for check in checks if check["name"] == "count"]
    assert len({(check["asset"], check["partition"]) for check in counts}) == len(counts) == 6 * 16
    assert sum(check["name"] == "sample" and check["partition"] is None for check in checks) == 6
    assert [check["asset"] for check in checks if check["name"] == "writable"] == ["source_audit"]


def test_without_cutover_nothing_is_switched_and_the_next_run_goes_on(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    first = notes.migrate("--no-cutover", "--json")
    assert first.code == 0, first.stderr
    assert holdings(client) == ([first.json["collections"]["Note"]["collection"]], {})
    assert "not moved yet" in first.json["next_step"]
    assert_another_is_refused(notes, client)
    second = notes.migrate("--json")
    assert second.json["migration_id"] == first.json["migration_id"]
    assert holdings(client)[1] == {"Note": first.json["collections"]["Note"]["collection"]}


def assert_another_is_refused(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    """An unfinished migration is not gone on with where source, mapping or prefix are others."""
    before = holdings(client)
    other_source = note_file(notes.folder / "other.db")
    other_mapping = make_mapping(notes.folder / "other.yaml", more="description: Another.")
    for what, value in {"source": other_source, "mapping": other_mapping, "prefix": "My"}.items():
        option = "--sqlite-url" if what == "source" else f"--{what}"
        ended = notes.migrate(option, value)
        assert ended.code == 2, ended.stderr
        assert f"is unfinished, and was begun with another {what} " in ended.complaint[0]
        assert all(way in ended.complaint[1] for way in ("its own options", "rollback --discard", "--work-dir"))
    assert holdings(client) == before


def test_next_migration_takes_the_aliases_over_and_rollback_gives_them_back(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    client.collections.create("Somebody")
    options = ("--prefix", "My", "--json")
    first = notes.migrate(*options).json["collections"]["Note"]
    assert first["alias"] == "MyNote"
    add_notes(notes.source, [("one more", "body", 1, None)])
    second = notes.migrate(*options).json["collections"]["Note"]
    assert second["migrated"] == first["migrated"] + 1
    both = sorted([first["collection"], second["collection"]])
    assert holdings(client) == ([*both, "Somebody"], {"MyNote": second["collection"]})

    back = notes.roll_back("--json")
    assert back.code == 0, back.stderr
    assert back.json["removed_collections"] == []
    assert back.json["aliases"] == {"MyNote": first["collection"]}
    assert holdings(client) == ([*both, "Somebody"], {"MyNote": first["collection"]})

    refused_as_rolled_back(notes.roll_back(), notes)
    refused_as_rolled_back(run_here("cutover", *notes.options), notes)
    discarded = notes.roll_back("--discard")
    assert discarded.code == 0, discarded.stderr
    assert "no alias led to it; its collections: 1 collection removed" in discarded.stdout
    refused_as_rolled_back(notes.roll_back("--discard"), notes)
    refused_as_rolled_back(notes.roll_back(), notes)
    assert holdings(client) == ([first["collection"], "Somebody"], {"MyNote": first["collection"]})

    unknown = notes.roll_back("--migration", "20200101T000000_00000000")
    assert unknown.code == 2
    assert WorkFolder(notes.work_dir).records.all()[0].id in unknown.complaint[1]
    by_name = notes.roll_back("--migration", WorkFolder(notes.work_dir).records.all()[0].id)
    assert by_name.code == 0, by_name.stderr
    assert "aliases moved back: MyNote → removed; its collections: kept" in by_name.stdout
    assert holdings(client) == ([first["collection"], "Somebody"], {})


def refused_as_rolled_back(ended: Ended, notes: NoteMigration) -> None:
    """It says which migration was rolled back, and which one readers have."""
    first, second = (each.id for each in WorkFolder(notes.work_dir).records.all())
    assert ended.code == 2, ended.stderr
    assert second in ended.complaint[0]
    assert first in "".join(ended.complaint)


def test_unfinished_migration_is_rolled_back_only_by_discarding_it(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    assert notes.migrate("--no-cutover").code == 0
    refused = notes.roll_back()
    assert refused.code == 2
    assert "--discard" in refused.complaint[1]
    assert notes.roll_back("--discard").code == 0
    assert holdings(client) == ([], {})


def make_unusable_keys(notes: NoteMigration) -> None:
    """Three rows that cannot become objects: one without a key, two that share one."""
    notes.source.unlink()
    note_file(notes.source, table=NO_KEY)
    add_notes(notes.source, [(None, "no key", 1, None), (note_id(3), "twice", 2, None)])
    make_mapping(notes.mapping, more="key: [id]")


def test_rows_without_a_usable_key_go_to_quarantine(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    make_unusable_keys(notes)
    ended = notes.migrate("--json")
    assert ended.code == 3, ended.stderr
    result = ended.json
    counts = [result[f"{kind}_records"] for kind in ("total", "migrated", "failed", "skipped")]
    assert counts == [66, 63, 3, 0]
    assert not result["success"]
    assert holdings(client) == ([result["collections"]["Note"]["collection"]], {})
    assert [record.state for record in WorkFolder(notes.work_dir).records.all()] == ["unfinished"]
    quarantined = list(quarantined_rows(notes.work_dir / "quarantine"))
    assert sorted(row["key"] for row in quarantined) == ["(NULL)", note_id(3), note_id(3)]
    assert {row["reason"] for row in quarantined} == {
        "a part of its key is NULL",
        "its key is given to more than one row",
    }
    assert {"no key", "note 3", "twice"} == {json.loads(row["payload"]["row"])["body"] for row in quarantined}
    assert str(notes.work_dir / "quarantine") in ended.stderr


def quarantined_rows(folder: Path) -> Iterator[dict[str, Any]]:
    for path in folder.glob("*.jsonl"):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def test_dry_run_needs_no_server_and_says_what_would_be_refused(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    make_unusable_keys(notes)
    ended = notes.migrate("--dry-run", "--weaviate-url", "http://127.0.0.1:1", "--json")
    assert ended.code == 3, ended.stderr
    assert (ended.json["collections"]["Note"]["migrated"], ended.json["failed_records"]) == (63, 3)
    assert ended.json["migrated_records"] == 0
    assert "a part of its key is NULL" in ended.json["errors"][0]
    assert holdings(client) == ([], {})
    assert not list((notes.work_dir / "scratch").iterdir())
    assert not WorkFolder(notes.work_dir).records.all()


def test_dry_run_of_a_sound_file(notes: NoteMigration) -> None:
    ended = notes.migrate("--dry-run", "--weaviate-url", "http://127.0.0.1:1")
    assert ended.code == 0, ended.stderr
    assert "Nothing was written to Weaviate" in ended.stderr


def test_failure_rolls_back_what_this_migration_made_and_nothing_else(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    """It fails for real: no extract can be written."""
    earlier = notes.migrate("--json").json["collections"]["Note"]["collection"]
    assert notes.migrate("--no-cutover").code == 0
    notes.block_extracts()

    removed = notes.migrate()
    assert removed.code == 1
    assert "Rolled back" in removed.stderr
    assert holdings(client) == ([earlier], {"Note": earlier})
    assert len(list((notes.work_dir / "snapshots").iterdir())) == 2


def test_unfinished_migration_that_failed_is_finished_by_the_same_command(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    made = notes.migrate("--no-cutover", "--json").json["collections"]["Note"]["collection"]
    client.collections.use(made).config.update_shards("READONLY")
    notes.forget_loaded()
    kept = notes.migrate("--max-retries", 0)
    assert kept.code == 1
    assert "The cause may pass." in kept.stderr
    assert "read-only" in kept.stderr
    assert "stays unfinished; the same command goes on with it" in kept.stderr
    client.collections.use(made).config.update_shards("READY")
    assert notes.migrate("--no-rollback", "--max-retries", 0).code == 0
    assert holdings(client) == ([made], {"Note": made})


def test_plan_shows_each_column(notes: NoteMigration) -> None:
    (collection,) = run_here("plan", *notes.source_options, "--json").json["collections"]
    assert (collection["name"], collection["key"]) == ("Note", ["id"])
    shown = run_here("plan", *notes.source_options)
    assert shown.code == 0
    assert all(word in shown.stdout for word in ("notes → Note", "noteId", "words", "created_at", "date"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_server_runs_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    try:
        with started("server", "--work-dir", tmp_path, "--json") as command:
            assert command.stdout is not None
            told = json.loads("".join(command.stdout.readline() for _ in range(5)))
            port = int(told["http"].rpartition(":")[2])
            key = Path(told["api_key_file"]).read_text()
            with connect(ServerAddress("127.0.0.1", port, told["grpc_port"]), key) as client:
                assert client.is_ready()
            command.send_signal(number)
            ended = end_of(command)
        assert ended.code == 0, ended.stderr
        assert "stopped the Weaviate server" in ended.stderr
    finally:
        for server in servers_of(tmp_path / "weaviate"):
            stop(server)
