"""From a refused row to its object: what is refused and named, tried again in vain, mended, tried again, cut over."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import weaviate
from filelock import FileLock
from weaviate.classes.config import DataType, Property

from weaviate_migration.mapping import read_mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.phases.history.changes import Changes
from weaviate_migration.phases.history.quarantine_retry import NOT_IN_EXTRACT, QuarantineReplay
from weaviate_migration.target.connect import connect
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.read_back import objects_by_uuid
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.write import WriteSettings, largest_message
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.live.command_line import Ended, at, holdings, on, run_here
from weaviate_migration_tests.live.notes import TABLE, NoteMigration, add_notes, make_mapping, note_file, note_id
from weaviate_migration_tests.live.own_server import run_server
from weaviate_migration_tests.live.small_migration import BEGAN, NOTES, SmallMigration, row

SMALLEST_MESSAGE = 1_000_000


def quarantine_list(notes: NoteMigration, *more: object) -> Ended:
    return run_here("quarantine", "list", "--work-dir", notes.work_dir, *more)


def quarantine_retry(notes: NoteMigration, *more: object) -> Ended:
    options = ["--work-dir", notes.work_dir, "--mapping", notes.mapping, *at(notes.server)]
    return run_here("quarantine", "retry", *on(options, more))


def reasons(ended: Ended) -> dict[str, str]:
    """Of the rows in a command's JSON the reasons, by key; the command says by its exit code that there are some."""
    assert ended.code == 3, ended.stderr
    return {row["key"]: row["reason"] for row in ended.json["rows"]}


def cut_over(notes: NoteMigration, client: weaviate.WeaviateClient) -> Any:
    """Goes on with the migration, to its end; gives the collection behind the alias."""
    assert quarantine_list(notes).code == 0
    ended = notes.migrate("--json")
    assert ended.code == 0, ended.stderr
    assert holdings(client)[1] == {"Note": ended.json["collections"]["Note"]["collection"]}
    return client.collections.use("Note")


def refuse_unfit(notes: NoteMigration) -> None:
    text = notes.mapping.read_text(encoding="utf-8")
    for kind in ("type: int", "type: date"):
        assert kind in text
        text = text.replace(kind, f"{kind}, on_unfit: refuse")
    notes.mapping.write_text(text, encoding="utf-8")


def test_a_value_that_its_property_cannot_hold_refuses_its_row_where_the_mapping_says_so(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    add_notes(
        notes.source,
        [
            ("many", "unfit", "many", None),
            ("once", "unfit", 1, "once upon a time"),
            ("fits", "kept verbatim too", 1.0, "2024-02-03T04:05:06Z"),
            ("null", "fits", None, None),
        ],
    )
    refuse_unfit(notes)
    expected = {
        key: f"column `{column}` holds a text, which property `{prop}` of type {of_type} cannot hold, "
        "and the mapping says on_unfit: refuse"
        for key, column, prop, of_type in [("many", "size", "size", "int"), ("once", "created_at", "createdAt", "date")]
    }
    rehearsed = notes.migrate("--dry-run", "--json")
    assert (rehearsed.code, rehearsed.json["failed_records"]) == (3, 2)
    assert all(f"{key}: {reason}" in rehearsed.json["errors"][0] for key, reason in expected.items())

    migrated = notes.migrate("--json")
    assert (migrated.code, migrated.json["failed_records"], migrated.json["migrated_records"]) == (3, 2, 66)
    listed = quarantine_list(notes, "--json")
    assert reasons(listed) == expected
    assert listed.json["migration_id"] == migrated.json["migration_id"]
    (once,) = [each for each in listed.json["rows"] if each["key"] == "once"]
    assert (once["collection"], once["uuid"]) == ("Note", object_uuid("notes", ("once",)))
    assert re.fullmatch(r"\d\d", once["partition"])
    assert '"created_at": "once upon a time"' in once["payload"]["row"]
    assert reasons(quarantine_retry(notes, "--json")) == expected
    assert holdings(client)[1] == {}

    # Only another mapping would mend it, and that is another migration.
    make_mapping(notes.mapping)
    refused = quarantine_retry(notes)
    assert refused.code == 2
    assert "was begun with another mapping" in refused.complaint[0]
    assert reasons(quarantine_list(notes, "--json")) == expected
    assert notes.roll_back("--discard").code == 0
    assert notes.migrate().code == 0
    assert quarantine_list(notes).stdout.startswith("No row is in the quarantine of migration ")


@pytest.fixture
def lacking(notes: NoteMigration, client: weaviate.WeaviateClient) -> NoteMigration:
    """A migration whose collection lacks a property, so that the server refuses the objects that have it: two."""
    notes.source.unlink()
    note_file(notes.source, rows=0)
    sizes = {3: 3, 40: 40}
    add_notes(notes.source, [(note_id(number), f"note {number}", sizes.get(number), None) for number in range(64)])
    mapping = read_mapping(notes.mapping)
    record = WorkFolder(notes.work_dir).records.resume_or_begin(notes.source, mapping, "")
    (note,) = mapping.collections
    without_size = note.model_copy(
        update={"properties": tuple(each for each in note.properties if each.name != "size")}
    )
    origin = Origin(record.id, str(record.source), mapping.digest, record.work_folder)
    ensure_collection(client, record.collection(note), without_size, origin)
    return notes


def test_what_the_server_refuses_is_written_once_the_server_takes_it(
    lacking: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    migrated = lacking.migrate("--json")
    assert (migrated.code, migrated.json["failed_records"], migrated.json["migrated_records"]) == (3, 2, 62)
    collection = client.collections.use(migrated.json["collections"]["Note"]["collection"])
    found = reasons(quarantine_list(lacking, "--json"))
    assert set(found) == {note_id(3), note_id(40)}
    assert all("size" in reason for reason in found.values())
    assert reasons(quarantine_retry(lacking, "--json")) == found

    collection.config.add_property(Property(name="size", data_type=DataType.INT))
    # Rows that are not in the quarantine are left alone, whatever became of them.
    collection.data.delete_by_id(note_id(4))
    retried = quarantine_retry(lacking, "--json")
    assert retried.code == 0, retried.stderr
    assert (retried.json["written"], retried.json["rows"]) == (2, [])
    assert (
        f"`weaviate-migration migrate` goes on with migration {retried.json['migration_id']}"
        in retried.json["next_step"]
    )
    written = objects_by_uuid(collection, [note_id(3), note_id(4), note_id(40)])
    assert {uuid: each.properties["size"] for uuid, each in written.items()} == {note_id(3): 3, note_id(40): 40}
    assert not list((lacking.work_dir / "quarantine").iterdir())
    assert holdings(client)[1] == {}
    lacking.forget_loaded()
    assert cut_over(lacking, client).query.fetch_object_by_id(note_id(40)).properties["size"] == 40


def test_a_server_that_takes_nothing_leaves_the_quarantine_as_it_was(
    lacking: NoteMigration, client: weaviate.WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lacking.migrate("--json").json["collections"]["Note"]["collection"]
    before = {path.name: path.read_bytes() for path in (lacking.work_dir / "quarantine").iterdir()}
    client.collections.use(name).config.add_property(Property(name="size", data_type=DataType.INT))
    client.collections.use(name).config.update_shards("READONLY")
    monkeypatch.setenv("WEAVIATE_MIGRATION_MAX_RETRIES", "0")
    failed = quarantine_retry(lacking)
    assert failed.code == 1
    assert any("read-only" in line for line in failed.complaint)
    assert {path.name: path.read_bytes() for path in (lacking.work_dir / "quarantine").iterdir()} == before
    client.collections.use(name).config.update_shards("READY")
    assert quarantine_retry(lacking).code == 0


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[ServerAddress]:
    """A server that takes messages of 1 MB at most."""
    with run_server(tmp_path / "data", GRPC_MAX_MESSAGE_SIZE=str(SMALLEST_MESSAGE)) as address:
        yield address


def test_a_row_that_is_too_large_is_written_once_the_server_takes_it(tmp_path: Path) -> None:
    """First by a server with a small limit, then by the same one without."""
    source = note_file(tmp_path / "app" / "app.db")
    add_notes(source, [("huge", "x" * (SMALLEST_MESSAGE + 1), 1, None)])
    make_mapping(tmp_path / "notes.yaml")
    with run_server(tmp_path / "data", GRPC_MAX_MESSAGE_SIZE=str(SMALLEST_MESSAGE)) as address:
        notes = NoteMigration(tmp_path, address)
        migrated = notes.migrate("--json")
        assert (migrated.code, migrated.json["failed_records"], migrated.json["migrated_records"]) == (3, 1, 64)
        found = reasons(quarantine_list(notes, "--json"))
        assert list(found) == ["huge"]
        assert f"larger than the server's limit for a message ({SMALLEST_MESSAGE})" in found["huge"]
        assert reasons(quarantine_retry(notes, "--json")) == found
    with run_server(tmp_path / "data") as address, connect(address, None) as client:
        notes = NoteMigration(tmp_path, address)
        retried = quarantine_retry(notes)
        assert retried.code == 0, retried.stderr
        assert retried.stdout.startswith("1 rows were written.\n")
        assert "`weaviate-migration migrate` goes on" in retried.stdout
        assert cut_over(notes, client).aggregate.over_all(total_count=True).total_count == 65


def test_a_row_that_only_the_server_finds_too_large_refuses_none_but_itself(
    small_server: ServerAddress, tmp_path: Path
) -> None:
    rows = [row(f"key {number}", size=number) for number in range(50)]
    with connect(small_server, None) as client:
        assert largest_message(client) == SMALLEST_MESSAGE
        migration = SmallMigration.begin(tmp_path, client, [*rows, row("huge", body="x" * (SMALLEST_MESSAGE + 1))])
        tally = migration.load(max_object_bytes=MESSAGE_BYTES)
        assert (tally.written, tally.refused) == (50, 1)
        ((_, refused),) = migration.quarantine.rows()
        assert refused.key == "huge"
        assert "larger than max" in refused.reason
        assert migration.count() == 50


def test_a_row_that_the_extract_does_not_hold_any_more_stays(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, [row("huge", body="x" * 5000), row("gone", body="x" * 5000)])
    migration.load(max_object_bytes=3000)
    migration.extract([row("huge", body="x" * 5000)])
    replay = QuarantineReplay(
        migration.collection,
        NOTES,
        BEGAN,
        WriteSettings(100, 10**8, 10**8, 2, 0, 0.0),
        migration.quarantine,
        Changes(),
    )
    quarantine = migration.quarantine
    assert sum(replay.run(each, migration.extracts[each]) for each in quarantine.partitions()) == 1
    ((_, left),) = quarantine.rows()
    assert (left.key, left.reason, left.payload["body"]) == ("gone", NOT_IN_EXTRACT, "x" * 5000)
    assert objects_by_uuid(migration.collection, [str(object_uuid("notes", ("huge",)))])


def test_keys_that_cannot_be_used_stay_refused(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    notes.source.unlink()
    note_file(notes.source, table=TABLE.replace("NOT NULL PRIMARY KEY", ""))
    add_notes(notes.source, [(None, "no key", 1, None), (note_id(3), "twice", 2, None)])
    make_mapping(notes.mapping, more="key: [id, body]")
    add_notes(notes.source, [(7, "it's", 1, None), (7, "it's", 2, None)])
    name = notes.migrate("--json").json["collections"]["Note"]["collection"]
    before = quarantine_list(notes, "--json")
    assert reasons(before) == {
        "(NULL, 'no key')": "a part of its key is NULL",
        "('7', 'it''s')": "its key is given to more than one row",
    }
    retried = quarantine_retry(notes, "--json")
    assert retried.json["rows"] == before.json["rows"]
    assert (retried.code, retried.json["written"], len(retried.json["rows"])) == (3, 0, 3)
    assert client.collections.use(name).aggregate.over_all(total_count=True).total_count == 65


def begin(notes: NoteMigration, keys: list[str]) -> MigrationRecord:
    """A migration on record, with these keys in its quarantine; neither loaded nor in Weaviate."""
    record = WorkFolder(notes.work_dir).records.resume_or_begin(notes.source, read_mapping(notes.mapping), "My")
    with WorkFolder(notes.work_dir).quarantine_of(record.targets["MyNote"]) as quarantine:
        for key in keys:
            quarantine.add("07", QuarantinedRow(key, object_uuid("notes", (key,)), "too [red]large[/red]", {"a": 1}))
    return record


def test_the_table_has_the_first_hundred_rows(notes: NoteMigration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    record = begin(notes, [f"key-{number}-" for number in range(1, 123)])
    shown = quarantine_list(notes)
    assert shown.code == 3
    assert f"Quarantine of migration {record.id}" in shown.stdout
    (first,) = [line for line in shown.stdout.splitlines() if "key-1-" in line]
    assert first.split() == ["MyNote", "07", "key-1-", object_uuid("notes", ("key-1-",)), "too", "[red]large[/red]"]
    assert "key-100-" in shown.stdout
    assert "key-101-" not in shown.stdout
    assert "… and 22 more; --json has all." in shown.stdout
    assert len(quarantine_list(notes, "--json").json["rows"]) == 122


def test_one_collection_by_its_alias(notes: NoteMigration) -> None:
    begin(notes, ["a"])
    assert quarantine_list(notes, "--collection", "MyNote").code == 3
    for command in (quarantine_list, quarantine_retry):
        refused = command(notes, "--collection", "Note")
        assert refused.code == 2
        assert "has no collection `Note`; did you mean `MyNote`?" in refused.complaint[0]


def test_an_empty_quarantine_needs_no_server(notes: NoteMigration) -> None:
    begin(notes, [])
    retried = quarantine_retry(notes, "--weaviate-url", "http://127.0.0.1:1")
    assert retried.code == 0, retried.stderr
    assert quarantine_list(notes, "--json").json["rows"] == []


def test_nothing_is_tried_without_a_migration_the_collection_or_the_extract(
    lacking: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    elsewhere = ("--work-dir", lacking.folder / "elsewhere")
    for command in (quarantine_list, quarantine_retry):
        refused = command(lacking, *elsewhere)
        assert refused.code == 2
        assert "No migration is on record" in refused.complaint[0]
    name = lacking.migrate("--json").json["collections"]["Note"]["collection"]
    refused = quarantine_retry(lacking, "--storage", lacking.folder / "nowhere")
    assert refused.code == 2
    assert "The extract of notes lacks the partitions 00, 10." in refused.complaint[0]
    with FileLock(lacking.work_dir / "migrate.lock"):
        refused = quarantine_retry(lacking)
    assert refused.code == 2
    assert "Another migration is running" in refused.complaint[0]
    client.collections.delete(name)
    refused = quarantine_retry(lacking)
    assert refused.code == 2
    assert f"`{name}`" in refused.complaint[0]
    assert len(reasons(quarantine_list(lacking, "--json"))) == 2
