"""A migration that goes on does not load again what is in Weaviate in whole, unless it turned out not to be."""

import json
from typing import Any

import dagster as dg
import weaviate

from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.work_folder.partition_values import LOADED
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.live.notes import NoteMigration, note_id


def loaded_before(notes: NoteMigration) -> list[str]:
    """The partitions that the newest load left out."""
    with dagster_instance(notes.work_dir) as instance:
        newest = instance.event_log_storage.get_latest_storage_id_by_partition(
            dg.AssetKey("note"), dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("note"), storage_ids=list(newest.values()))
        records = instance.fetch_materializations(wanted, limit=16).records
    found = {each.partition_key: metadata(each)["loaded_before"].value for each in records}
    assert len(found) == 16
    return sorted(str(partition) for partition, before in found.items() if before)


def metadata(record: dg.EventLogRecord) -> Any:
    assert record.asset_materialization is not None
    return record.asset_materialization.metadata


def test_partitions_that_are_complete_are_left_out(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    assert notes.migrate("--no-cutover").code == 0
    assert loaded_before(notes) == []
    # As a kill leaves it: the last partitions were not complete.
    store = StateStore.of(notes.work_dir)
    for collection, partition in list(store.all(LOADED))[10:]:
        store.remove(LOADED, collection, partition)
    assert notes.migrate("--no-cutover").code == 0
    assert loaded_before(notes) == [f"{number:02}" for number in range(10)]
    (name,) = json.loads(notes.migrate("--no-cutover", "--json").stdout)["collections"].values()
    assert (name["migrated"], name["source_rows"]) == (64, 64)
    # An object that is gone, as a killed server may leave it, is noticed before anything is left out.
    objects = client.collections.use(name["collection"])
    objects.data.delete_by_id(note_id(0))
    assert notes.migrate("--no-cutover").code == 0
    assert loaded_before(notes) == [f"{number:02}" for number in range(1, 16)]
    # What turned out to be altered is loaded again by the same command.
    objects.data.update(note_id(0), {"body": "altered"})
    assert notes.migrate().code == 3
    assert notes.migrate().code == 0
    assert loaded_before(notes) == [f"{number:02}" for number in range(1, 16)]


def test_a_collection_that_is_gone_is_loaded_again(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    assert notes.migrate("--no-cutover").code == 0
    client.collections.delete_all()
    assert notes.migrate().code == 0
    assert loaded_before(notes) == []
