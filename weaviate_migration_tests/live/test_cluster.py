"""A cluster of three real nodes: a node may go at any moment, and come back."""

import json
import signal
from collections.abc import Iterator
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
from weaviate_migration_tests.chaos.killing import Boundary, Signalled, run
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_file, note_id
from weaviate_migration_tests.live.own_server import StoppableServer
from weaviate_migration_tests.live.three_nodes import ThreeNodes

PATIENT = Repeats(max_retries=8, retry_delay=0.5)
WRITING = WriteSettings(100, 10_000_000, 10_000_000, worker_count=2, max_retries=8, retry_delay=0.5)
EVERYTHING = UuidRange(None, None)
ROWS = 1_200
SOME_ARE_LOADED = Boundary("weaviate_migration.target.write:ObjectWriter.write_batch", call=5)
SOME_ARE_COMPARED = Boundary("weaviate_migration.phases.validation.collection_proof:CollectionProof._compared", call=2)
CUTOVER_HAS_BEGUN = Boundary("weaviate_migration.phases.cutover.switch:Cutover._begin")


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
    notes: NoteMigration, nodes: ThreeNodes, node: StoppableServer, step: Boundary, *words: object
) -> Any:
    """The result of a command that has a node killed under it, at this step, which it has to get over."""
    patience = ("--max-retries", 8, "--retry-delay", 0.5)
    common = ("--work-dir", notes.work_dir, *nodes.options, *patience, "--json")
    ended = run(*words, *common, end=Signalled(step, signal.SIGKILL, node.process.pid))
    assert ended.code == 0, ended.stderr
    assert not node.process.is_alive(), "the command did not come to this step"
    node.stop()
    return ended.json


def test_a_node_goes_in_the_middle_of_load_comparison_and_cutover(
    notes: NoteMigration, three_nodes: ThreeNodes
) -> None:
    first, second, third = three_nodes.nodes
    work_folder = WorkFolder.of(notes.config)
    source = ("--sqlite-url", notes.source, "--mapping", notes.mapping)
    migrate = ("migrate", *source, "--no-cutover", "--batch-size", 20)
    result = run_while_killing(notes, three_nodes, first, SOME_ARE_LOADED, *migrate)
    assert result["migrated_records"] == ROWS
    certificate = json.loads((notes.work_dir / "certificate.json").read_text())
    assert (certificate["identical"], certificate["consistency_level"]) == (True, "QUORUM")
    assert certificate["collections"]["Note"]["replicas"] == 3

    first.start()
    assert run_while_killing(notes, three_nodes, second, SOME_ARE_COMPARED, "verify")["success"]

    second.start()
    run_while_killing(notes, three_nodes, third, CUTOVER_HAS_BEGUN, "cutover")
    status = run_here("status", "--work-dir", notes.work_dir, *three_nodes.options, "--json").json
    assert status["aliases"] == {"Note": work_folder.records.current().targets["Note"]}
    assert (status["replicas"], status["consistency_level"]) == ({"Note": 3}, "QUORUM")
