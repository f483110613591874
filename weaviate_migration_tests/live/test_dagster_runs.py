"""Runs as Dagster's UI starts them: a partition, a range, the whole job; and what Dagster keeps of them."""

import logging
import uuid
from typing import Any

import dagster as dg
import pytest
import weaviate
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from weaviate.collections import Collection

from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.defs.build import build_definitions
from weaviate_migration.target.server import running_server
from weaviate_migration.target.server_binary import SERVER_VERSION
from weaviate_migration_tests.live.command_line import holdings
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.notes import TABLE, NoteMigration, add_notes, note_file, note_id, note_rows
from weaviate_migration_tests.partition_keys import PARTITION_KEYS

ROWS = 64
EACH = ROWS // len(PARTITION_KEYS)
COUNT = dg.AssetCheckKey(dg.AssetKey("note"), "count")
SAMPLE = dg.AssetCheckKey(dg.AssetKey("note"), "sample")
PASSED = AssetCheckExecutionRecordStatus.SUCCEEDED


@pytest.fixture
def notes(kept_notes: KeptNotes, client: weaviate.WeaviateClient) -> NoteMigration:  # noqa: ARG001
    return kept_notes.begin()


@pytest.fixture
def migrated(
    notes: NoteMigration,  # noqa: ARG001
    kept_notes: KeptNotes,
    client: weaviate.WeaviateClient,
) -> Collection[Any, Any]:
    """The collection of a migration that is done, behind its alias."""
    kept_notes.migrated()
    return client.collections.use("Note")


def materialize(
    definitions: dg.Definitions, instance: dg.DagsterInstance, *assets: str, first: str, last: str
) -> dg.ExecuteInProcessResult:
    """As the UI does for chosen assets: one partition by its key, a range by the tags of its ends."""
    one = first == last
    ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    return definitions.resolve_job_def("migrate").execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(asset) for asset in assets],
        partition_key=first if one else None,
        tags=None if one else ends,
        raise_on_error=False,
    )


def bodies(collection: Collection[Any, Any]) -> dict[str, Any]:
    return {str(item.uuid): item.properties["body"] for item in collection.iterator()}


def expected_bodies() -> dict[str, Any]:
    return {key: body for key, body, *_ in note_rows(ROWS)}


def damage(collection: Collection[Any, Any], first: int) -> None:
    """In the partition of this note: one object deleted, one altered, and one that nobody knows."""
    collection.data.delete_by_id(note_id(first))
    collection.data.update(note_id(first + 1), properties={"body": "altered"})
    stranger = uuid.UUID(int=uuid.UUID(note_id(first + 2)).int + 1)
    collection.data.insert({"body": "stranger"}, uuid=stranger)


def run_checks(definitions: dg.Definitions, instance: dg.DagsterInstance, partition: str) -> dg.ExecuteInProcessResult:
    """The checks of the notes alone; they are one step, so they run together."""
    job = definitions.resolve_job_def("migrate")
    keys = {each for each in job.asset_layer.asset_graph.asset_check_keys if each.asset_key == COUNT.asset_key}
    return job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process(
        instance=instance, partition_key=partition, raise_on_error=False
    )


def evaluations_of(result: dg.ExecuteInProcessResult, name: str) -> list[dg.AssetCheckEvaluation]:
    return [each for each in result.get_asset_check_evaluations() if each.check_name == name]


@pytest.mark.parametrize(("first", "last"), [("03", "03"), ("03", "05")])
def test_partitions_are_repaired_by_themselves(
    migrated: Collection[Any, Any], definitions: dg.Definitions, instance: dg.DagsterInstance, first: str, last: str
) -> None:
    chosen = PARTITION_KEYS[int(first) : int(last) + 1]
    for partition in chosen:
        damage(migrated, int(partition) * EACH)
    assert bodies(migrated) != expected_bodies()
    elsewhere = note_id(10 * EACH)
    migrated.data.update(elsewhere, properties={"body": "not asked for"})

    result = materialize(definitions, instance, "note", first=first, last=last)

    assert result.success
    assert bodies(migrated) == {**expected_bodies(), elsewhere: "not asked for"}
    made = {str(each.partition): each.metadata for each in result.asset_materializations_for_node("note")}
    assert sorted(made) == list(chosen)
    assert {each["removed"].value for each in made.values()} == {1}
    counts = evaluations_of(result, "count")
    assert [each.partition for each in counts] == list(chosen)
    assert all(each.passed and each.metadata["rows"].value == EACH for each in counts)
    (sample,) = evaluations_of(result, "sample")
    assert (sample.partition, sample.metadata["rows_compared"].value) == (None, EACH * len(chosen))


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(("first", "last"), [("07", "07"), ("07", "09")])
def test_evaluations_are_kept_on_exactly_their_partitions(
    definitions: dg.Definitions, instance: dg.DagsterInstance, first: str, last: str
) -> None:
    """What the UI asks: the latest evaluation of each partition, and whether it is about the latest materialization."""
    result = materialize(definitions, instance, "note", first=first, last=last)
    assert result.success
    storage = instance.event_log_storage
    infos = storage.get_asset_check_partition_info([COUNT])
    of_this_run = {each.partition_key for each in infos if each.latest_planned_run_id == result.run_id}
    assert of_this_run == set(PARTITION_KEYS[int(first) : int(last) + 1])
    assert {each.partition_key for each in infos} == set(PARTITION_KEYS)
    assert {each.latest_execution_status for each in infos} == {PASSED}
    for info in infos:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey("note"), asset_partitions=[str(info.partition_key)]), limit=1
        ).records
        assert info.latest_check_event_storage_id
        assert info.latest_target_materialization_storage_id == records[0].storage_id


def test_extract_and_collection_of_a_partition(
    migrated: Collection[Any, Any], definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = materialize(definitions, instance, "notes_extract", "note", first="15", last="15")
    assert result.success
    (extract,) = result.asset_materializations_for_node("notes_extract")
    assert (extract.partition, extract.metadata["dagster/partition_row_count"].value) == ("15", EACH)
    assert bodies(migrated) == expected_bodies()


def test_whole_job_as_the_ui_starts_it(
    client: weaviate.WeaviateClient, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assets = ("source_audit", "weaviate_schema", "sqlite_snapshot", "notes_extract", "note", "cutover")
    result = materialize(definitions, instance, *assets, first=PARTITION_KEYS[0], last=PARTITION_KEYS[-1])
    assert result.success
    assert list(holdings(client)[1]) == ["Note"]
    assert bodies(client.collections.use("Note")) == expected_bodies()
    for asset in ("notes_extract", "note"):
        made = result.asset_materializations_for_node(asset)
        assert sorted(str(each.partition) for each in made) == list(PARTITION_KEYS)
        # The bounds are quantiles: the partitions are balanced.
        assert {each.metadata["dagster/partition_row_count"].value for each in made} == {EACH}
    assert all(each.metadata["objects_per_second"].value for each in result.asset_materializations_for_node("note"))


def test_whole_job_with_nothing_but_the_source_named(
    notes: NoteMigration, instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    """As in the UI: one embedded server for all steps; it is started, told of, and stopped."""
    told = logging.getLogger("weaviate_migration.defs.resources.weaviate")
    told.addHandler(caplog.handler)
    told.setLevel(logging.INFO)
    try:
        config = create_migration_config(str(notes.source), mapping=notes.mapping, work_dir=notes.work_dir)
        assets = ("source_audit", "weaviate_schema", "sqlite_snapshot", "notes_extract", "note", "cutover")
        definitions = build_definitions(config)
        result = materialize(definitions, instance, *assets, first=PARTITION_KEYS[0], last=PARTITION_KEYS[-1])
    finally:
        told.removeHandler(caplog.handler)
        told.setLevel(logging.NOTSET)
    assert result.success
    # The same record comes by the root logger, too, unless another test has set up our own.
    records = {id(each): each.getMessage() for each in caplog.records if each.name == told.name}
    assert [text.split(" on ")[0] for text in records.values() if " on " in text] == [
        f"starting Weaviate {SERVER_VERSION}",
        "stopped the Weaviate server",
    ]
    assert running_server(notes.work_dir / "weaviate") is None


def test_blocking_check_that_fails_stops_the_cutover(
    notes: NoteMigration,
    client: weaviate.WeaviateClient,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
) -> None:
    """A row without a key cannot become an object, so there is one object too few."""
    notes.source.unlink()
    note_file(notes.source, table=TABLE.replace("NOT NULL PRIMARY KEY", "PRIMARY KEY"))
    add_notes(notes.source, [(None, "no key", 1, None)])
    assets = ("source_audit", "weaviate_schema", "sqlite_snapshot", "notes_extract", "note", "cutover")
    result = materialize(definitions, instance, *assets, first=PARTITION_KEYS[0], last=PARTITION_KEYS[-1])
    assert not result.success
    assert [each.partition for each in evaluations_of(result, "count") if not each.passed] == ["00"]
    assert [event.step_key for event in result.all_events if event.is_step_failure] == ["note_checks"]
    assert not result.asset_materializations_for_node("cutover")
    assert holdings(client)[1] == {}


def test_difference_is_shown_with_key_property_expected_and_found(
    migrated: Collection[Any, Any], definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """The check alone, as the UI runs it, on an object that was altered behind its back."""
    migrated.data.update(note_id(0), properties={"body": "altered"})
    result = run_checks(definitions, instance, "00")
    assert not result.success
    for check in ("every_object", "sample"):
        (evaluation,) = evaluations_of(result, check)
        assert not evaluation.passed
        table = evaluation.metadata["first_differences"]
        assert isinstance(table, dg.TableMetadataValue)
        shown = table.records[0].data
        assert (shown["key"], shown["kind"], shown["property"]) == (note_id(0), "altered", "body")
        assert (shown["expected"], shown["found"]) == ("'note 0'", "'altered'")
    assert [each.check_name for each in result.get_asset_check_evaluations() if not each.passed] == [
        "every_object",
        "sample",
    ]
