import uuid
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.base.errors import TargetError
from weaviate_migration.mapping.object_ids import UuidRange, object_uuid
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.refusals import DUPLICATE_KEY, NO_KEY
from weaviate_migration.phases.history.load import with_remains
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.read_back import uuids_in_range
from weaviate_migration.target.write import ObjectWriter, WriteSettings, cut_into_batches
from weaviate_migration.work_folder.progress import Progress, read_progress
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.live.small_migration import SmallMigration, row
from weaviate_migration_tests.partition_keys import PARTITION_KEYS

ROWS = [row(f"key {number}", body=f"text {number}", size=number) for number in range(100)]


def uuid_of(key: SqlValue) -> str:
    found = object_uuid("notes", (key,))
    assert found is not None
    return found


def test_every_row_becomes_its_object(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, ROWS)
    tally = migration.load()
    assert (tally.rows, tally.written, tally.refused, tally.retried, tally.removed) == (100, 100, 0, 0, 0)
    assert tally.batches == sum(tally.latencies) == 16
    assert (tally.converted, tally.sent_bytes > 100 * len("text 0"), tally.batch_seconds > 0) == (100, True, True)
    assert migration.count() == 100
    assert migration.compare().differences == ()
    assert read_progress(StateStore.of(tmp_path)) == [Progress("Note", 100, handled=100, written=100, finished=True)]


def test_loading_twice_changes_nothing_and_counts_right(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, [*ROWS, row(None), row("twin"), row("twin")])
    for _ in range(2):
        tally = migration.load()
        assert (tally.rows, tally.written, tally.refused, tally.removed) == (103, 100, 3, 0)
        assert migration.count() == 100
        assert len(list(migration.quarantine.rows())) == 3


def test_one_partition_leaves_the_others_alone(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, ROWS)
    sizes = {partition: extract.rows for partition, extract in migration.extracts.items()}
    tally = migration.load(["03"])
    assert tally.written == migration.count() == sizes["03"]
    migration.load(["04", "05"])
    assert migration.count() == sizes["03"] + sizes["04"] + sizes["05"]


def test_a_foreign_object_in_the_range_is_removed_and_none_beyond_it(
    client: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    migration = SmallMigration.begin(tmp_path, client, ROWS)
    migration.load()
    low = migration.ranges["05"].low
    assert low is not None
    in_range = [str(uuid.UUID(int=uuid.UUID(low).int + offset)) for offset in (1, 2)]
    before_range = str(uuid.UUID(int=uuid.UUID(low).int - 1))
    for foreign in (*in_range, before_range):
        migration.collection.data.insert({"noteId": "foreign"}, uuid=foreign)
    assert migration.load(["05"]).removed == 2
    assert migration.count() == 101
    assert migration.load().removed == 1
    assert migration.count() == 100
    assert migration.compare().differences == ()


def test_rows_that_are_gone_or_changed_since_the_last_load(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, ROWS)
    migration.load()
    migration.extract([*ROWS[11:], row("key 10", body="changed"), row("a new key")])
    tally = migration.load()
    assert (tally.written, tally.removed) == (91, 10)
    assert migration.compare().differences == ()
    assert migration.count() == 91


def test_a_damaged_and_a_lost_object_are_repaired(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, ROWS)
    migration.load()
    migration.collection.data.update(uuid_of("key 7"), properties={"size": 8})
    migration.collection.data.delete_by_id(uuid_of("key 8"))
    found = {(each.key, each.property) for each in migration.compare().differences}
    # The damaged one neither says what the row says, nor can the row be rebuilt from it.
    assert found == {("key 7", "size"), ("key 7", "metadata.source_columns.size"), ("key 8", "")}
    migration.load()
    assert migration.compare().differences == ()


def test_null_and_duplicate_keys_are_quarantined(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(
        tmp_path, client, [*ROWS, row(None, body="no key"), row("twin", size=1), row("twin", size=2), row(b"\xff")]
    )
    tally = migration.load()
    assert (tally.rows, tally.written, tally.refused) == (104, 101, 3)
    found = {(partition, each.key, each.uuid, each.reason) for partition, each in migration.quarantine.rows()}
    (twins,) = {partition for partition, key, _, _ in found if key == "twin"}
    assert found == {("00", "(NULL)", None, NO_KEY), (twins, "twin", uuid_of("twin"), DUPLICATE_KEY)}
    assert {each.category for _, each in migration.quarantine.rows()} == {"conversion"}
    assert tally.refused_by == {"conversion": 3}
    payloads = [each.payload["row"] for _, each in migration.quarantine.rows()]
    assert sum('"body": "no key"' in each for each in payloads) == 1
    assert sum('"size": 2' in each for each in payloads) == 1
    assert not migration.collection.data.exists(uuid_of("twin"))
    assert read_progress(StateStore.of(tmp_path)) == [
        Progress("Note", 104, handled=104, refused=3, written=101, finished=True)
    ]


def test_only_rows_without_a_key(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, [row(None, size=number) for number in range(300)])
    tally = migration.load()
    assert (tally.rows, tally.written, tally.refused) == (300, 0, 300)
    assert len(migration.compare().differences) == 300


def test_what_the_server_would_not_take_is_quarantined_with_its_properties(
    client: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    migration = SmallMigration.begin(tmp_path, client, [*ROWS, row("large", body="x" * 5000)])
    tally = migration.load(max_object_bytes=3000)
    assert (tally.written, tally.refused) == (100, 1)
    ((_, quarantined),) = migration.quarantine.rows()
    assert (quarantined.key, quarantined.uuid) == ("large", uuid_of("large"))
    assert "larger than the server's limit" in quarantined.reason
    assert quarantined.category == "conversion"
    assert quarantined.payload["body"] == "x" * 5000


def test_loading_again_clears_the_quarantine_of_its_partitions(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    rows = [*ROWS, row(None), row("twin"), row("twin")]
    migration = SmallMigration.begin(tmp_path, client, rows)
    migration.load()
    (twins,) = {partition for partition, each in migration.quarantine.rows() if each.key == "twin"}
    migration.extract([*ROWS, row("twin")])
    migration.load([twins])
    assert [partition for partition, _ in migration.quarantine.rows()] == ["00"]
    migration.load()
    assert list(migration.quarantine.rows()) == []
    assert migration.count() == 101


def test_an_object_of_a_row_that_is_refused_now_is_removed(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, [*ROWS, row("key a", body="was"), row("key b", body="was")])
    migration.load()
    migration.extract([*ROWS, row("key a", body="is" * 3000), row("key b", body="is"), row("key b", body="too")])
    tally = migration.load(max_object_bytes=3000)
    assert (tally.written, tally.refused, tally.removed) == (100, 3, 2)
    assert migration.count() == 100


def test_what_a_killed_server_may_have_kept_in_part_is_removed_before_it_is_written(
    client: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    migration = SmallMigration.begin(tmp_path, client, ROWS)
    migration.load()
    objects, whole = migration.collection, UuidRange(None, None)
    stored = list(uuids_in_range(objects, whole))
    made = {each.uuid: each.metadata.creation_time for each in objects.iterator(return_metadata=["creation_time"])}
    new = "00000000-0000-0000-0000-000000000001"
    drafts = [ObjectDraft(uuid, uuid, {}) for uuid in sorted([new, *stored[::2]])]
    settings = WriteSettings(7, MESSAGE_BYTES, MESSAGE_BYTES, 2, 0, 0.0)
    batches = list(with_remains(cut_into_batches("00", drafts, settings), iter(stored)))
    assert [uuid for batch in batches for uuid in batch.remains] == stored[::2]
    outcomes = list(ObjectWriter(objects, settings).write(batches))
    assert sum(each.written for each in outcomes) == len(drafts)
    assert list(uuids_in_range(objects, whole)) == [new, *stored]
    again = {each.uuid: each.metadata.creation_time for each in objects.iterator(return_metadata=["creation_time"])}
    kept = {str(uuid) for uuid, moment in made.items() if again[uuid] == moment}
    assert kept == set(stored[1::2])


def test_no_rows_at_all(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, [])
    migration.collection.data.insert({"noteId": "foreign"})
    tally = migration.load()
    assert (tally.rows, tally.written, tally.batches, tally.removed) == (0, 0, 0, 1)
    assert migration.count() == 0


def test_a_collection_that_is_not_there(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, ROWS)
    client.collections.delete(migration.collection.name)
    with pytest.raises(TargetError, match=f"class {migration.collection.name}"):
        migration.load(PARTITION_KEYS[:1])
