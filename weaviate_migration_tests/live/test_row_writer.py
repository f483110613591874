"""Every row that is handed to the writer is an object afterwards, or is handed back with the reason."""

from pathlib import Path

import weaviate

from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.phases.history.extract.refusals import DUPLICATE_KEY, JudgedRow
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.read_back import objects_by_uuid
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration_tests.live.small_migration import BEGAN, NOTES, SmallMigration, row

SETTINGS = WriteSettings(10, MESSAGE_BYTES, 3000, 2, 0, 0.0)


def uuid_of(key: str) -> str:
    found = object_uuid("notes", (key,))
    assert found is not None
    return found


def judged_row(key: str, reason: str | None = None, body: str = "text") -> JudgedRow:
    return ExtractRow(uuid_of(key), (key,), row(key, body=body)), reason


def test_rows_are_written_or_handed_back(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, [])
    objects = migration.collection
    for key in ("twin", "large"):
        objects.data.insert({"noteId": key}, uuid=uuid_of(key))
    refused: list[tuple[str, QuarantinedRow]] = []
    writer = RowWriter(objects, NOTES, BEGAN, SETTINGS, into=lambda *each: refused.append(each))
    keys = [f"key {number}" for number in range(25)]
    rows = sorted([*map(judged_row, keys), judged_row("twin", DUPLICATE_KEY), judged_row("large", body="x" * 5000)])
    outcomes = list(writer.write("03", rows, migration.comparer.layout))
    assert sorted(len(each.batch.drafts) for each in outcomes) == [6, 10, 10]
    assert (sum(each.written for each in outcomes), sum(each.removed for each in outcomes)) == (25, 1)
    found = {each.key: (partition, each.category, each.uuid) for partition, each in refused}
    assert found == {key: ("03", "conversion", uuid_of(key)) for key in ("twin", "large")}
    by_key = {each.key: each for _, each in refused}
    assert by_key["twin"].reason == DUPLICATE_KEY
    assert '"id": "twin"' in by_key["twin"].payload["row"]
    assert by_key["large"].payload["body"] == "x" * 5000
    # What is refused as a row is left to the caller, who knows whether an older object may be there.
    assert set(objects_by_uuid(objects, list(map(uuid_of, [*keys, "twin", "large"])))) == {
        *map(uuid_of, [*keys, "twin"])
    }


def test_batches_of_several_partitions_go_out_together(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, [])
    writer = RowWriter(migration.collection, NOTES, BEGAN, SETTINGS, into=lambda *_: None)
    parts = {partition: [judged_row(f"key {partition}")] for partition in ("00", "01", "02")}
    batches = (each for key, rows in parts.items() for each in writer.batches(key, rows, migration.comparer.layout))
    assert {each.batch.partition: each.written for each in writer.send(batches)} == dict.fromkeys(parts, 1)
    assert migration.count() == 3
