"""A cluster of three real nodes: a node may go at any moment, and come back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from weaviate import WeaviateClient
from weaviate.classes.config import Configure, Property
from weaviate.classes.config import DataType as Type

from weaviate_migration.base.errors import TransientTargetError
from weaviate_migration.base.repeats import Repeats
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target.aliases import alias_targets, point_aliases
from weaviate_migration.target.connect import connect
from weaviate_migration.target.read_back import objects_by_uuid, uuids_in_range, uuids_present
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.write import ObjectWriter, WriteSettings, cut_into_batches
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.partition_values import COMPARISONS
from weaviate_migration_tests.live.command_line import end_of, run_here, started, until
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_file, note_id
from weaviate_migration_tests.live.own_server import StoppableServer
from weaviate_migration_tests.live.three_nodes import ThreeNodes

PATIENT = Repeats(max_retries=8, retry_delay=0.5)
WRITING = WriteSettings(100, 10_000_000, 10_000_000, worker_count=2, max_retries=8, retry_delay=0.5)
EVERYTHING = UuidRange(None, None)
ROWS = 1_200


def make_notes(client: WeaviateClient, replicas: int = 3) -> None:
    replication = Configure.replication(replicas)
    client.collections.create(
        "Note", properties=[Property(name="body", data_type=Type.TEXT)], replication_config=replication
    )


def draft(number: int) -> ObjectDraft:
    return ObjectDraft(note_id(number, ROWS), str(number), {"body": f"note {number}"})


def write(client: WeaviateClient, numbers: range) -> list[str]:
    """Writes notes, and returns their UUIDs."""
    drafts = [draft(number) for number in numbers]
    writer = ObjectWriter(open_collection(client, "Note"), WRITING)
    outcomes = list(writer.write(cut_into_batches("00", drafts, WRITING)))
    assert sum(each.written for each in outcomes) == len(drafts)
    return [each.uuid for each in drafts]


def walked(client: WeaviateClient) -> list[str]:
    return list(uuids_in_range(open_collection(client, "Note"), EVERYTHING, page=50))


@pytest.fixture
def client(three_nodes: ThreeNodes) -> Iterator[WeaviateClient]:
    """A client that knows all nodes, and is connected to the first."""
    with connect(three_nodes.address, None, PATIENT) as client:
        yield client


def test_the_next_node_is_asked_when_one_is_gone(three_nodes: ThreeNodes, client: WeaviateClient) -> None:
    make_notes(client)
    first, second, _ = three_nodes.nodes
    there = write(client, range(200))
    walk = uuids_in_range(open_collection(client, "Note"), EVERYTHING, page=50)
    begun = [next(walk) for _ in range(70)]
    first.kill()
    assert [*begun, *walk] == there
    there += write(client, range(200, 400))
    point_aliases(client, {"Notes": "Note"})
    assert alias_targets(client, ["Notes"]) == {"Notes": "Note"}
    first.start()
    second.kill()
    assert uuids_present(open_collection(client, "Note"), there) == set(there)


def test_a_client_is_connected_to_the_first_node_that_is_there(three_nodes: ThreeNodes) -> None:
    three_nodes.nodes[0].kill()
    with connect(three_nodes.address, None) as client:
        assert client.get_meta()["version"]


def test_a_node_that_comes_back_brings_back_what_it_has_missed(three_nodes: ThreeNodes, client: WeaviateClient) -> None:
    _, _, third = three_nodes.nodes
    make_notes(client)
    there = write(client, range(10))  # By two nodes, perhaps not by the third.
    third.kill()
    there += write(client, range(10, 40))
    third.start()
    with connect(third.address, None, PATIENT) as through_third:
        notes = open_collection(through_third, "Note")
        assert set(objects_by_uuid(notes, there)) == set(there)
        assert walked(through_third) == there


def test_what_too_few_replicas_take_is_sent_again(three_nodes: ThreeNodes, client: WeaviateClient) -> None:
    make_notes(client)
    write(client, range(10))
    for each in three_nodes.nodes[1:]:
        each.kill()
    impatient = WriteSettings(100, 10_000_000, 10_000_000, worker_count=1, max_retries=0, retry_delay=0.0)
    notes = open_collection(client, "Note")
    with pytest.raises(TransientTargetError):
        list(ObjectWriter(notes, impatient).write(cut_into_batches("00", [draft(10)], impatient)))
    three_nodes.start_those_that_are_gone()
    assert write(client, range(10, 11)) == [draft(10).uuid]


@pytest.fixture
def notes(tmp_path: Path, three_nodes: ThreeNodes) -> NoteMigration:
    """Notes for a migration that keeps each on all three nodes."""
    notes = NoteMigration(tmp_path, three_nodes.address)
    note_file(notes.source, ROWS)
    make_mapping(notes.mapping)
    notes.mapping.write_text(f"replication: 3\n{notes.mapping.read_text()}")
    return notes


def run_while_killing(
    notes: NoteMigration, nodes: ThreeNodes, node: StoppableServer, moment: Callable[[], bool], *words: object
) -> Any:
    """The result of a command that has a node killed under it, which it has to get over.

    Args:
        moment: when the node is killed.
    """
    patience = ("--max-retries", 8, "--retry-delay", 0.5)
    common = ("--work-dir", notes.work_dir, *nodes.options, *patience, "--json")
    with started(*words, *common) as process:
        until(lambda: moment() or process.poll() is not None)
        assert process.poll() is None, end_of(process).stderr
        node.kill()
        ended = end_of(process)
    assert ended.code == 0, ended.stderr
    return ended.json


def test_a_node_goes_in_the_middle_of_load_comparison_and_cutover(
    notes: NoteMigration, three_nodes: ThreeNodes
) -> None:
    first, second, third = three_nodes.nodes
    work_folder = WorkFolder.of(notes.config)

    def some_are_loaded() -> bool:
        record = work_folder.records.newest()
        if record is None or not record.bounds:
            return False
        with connect(second.address, None) as client:
            name = record.targets["Note"]
            return client.collections.exists(name) and any(client.collections.use(name).iterator(cache_size=1))

    source = ("--sqlite-url", notes.source, "--mapping", notes.mapping)
    migrate = ("migrate", *source, "--no-cutover", "--batch-size", 20)
    result = run_while_killing(notes, three_nodes, first, some_are_loaded, *migrate)
    assert result["migrated_records"] == ROWS
    certificate = json.loads((notes.work_dir / "certificate.json").read_text())
    assert (certificate["identical"], certificate["consistency_level"]) == (True, "QUORUM")
    assert certificate["collections"]["Note"]["replicas"] == 3

    first.start()
    store, loaded = work_folder.store, work_folder.records.current().targets["Note"]
    store.remove(COMPARISONS)

    def some_are_compared() -> bool:
        return bool(store.parts(COMPARISONS, loaded))

    verified = run_while_killing(notes, three_nodes, second, some_are_compared, "verify")
    assert verified["success"]

    second.start()

    def cutover_has_begun() -> bool:
        record = work_folder.records.newest()
        return record is not None and record.cutover is not None

    run_while_killing(notes, three_nodes, third, cutover_has_begun, "cutover")
    status = run_here("status", "--work-dir", notes.work_dir, *three_nodes.options, "--json").json
    assert status["aliases"] == {"Note": work_folder.records.current().targets["Note"]}
    assert (status["replicas"], status["consistency_level"]) == ({"Note": 3}, "QUORUM")
