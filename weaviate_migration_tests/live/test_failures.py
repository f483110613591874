"""What weaviate-client raises when a server is away or too slow, as errors that say what to do."""

from collections.abc import Callable, Iterator

import pytest
import weaviate
from weaviate.classes.init import AdditionalConfig, Timeout

from weaviate_migration.errors import TargetError, TransientTargetError
from weaviate_migration.target.aliases import alias_targets, point_aliases, refuse_foreign_names
from weaviate_migration.target.connect import connect
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.read_back import any_object_in_range, objects_by_uuid
from weaviate_migration.target.schema import Origin, drop_collection, ensure_collection, origin_of
from weaviate_migration.target.server import ServerAddress, embedded_server
from weaviate_migration.target.write import (
    ObjectWriter,
    WriteSettings,
    cut_into_batches,
    largest_message,
    remove_object,
)
from weaviate_migration.transform.object_ids import UuidRange
from weaviate_migration.transform.row_to_object import ObjectDraft
from weaviate_migration_tests.strategies import EVERY_TYPE

UUID = "00000000-0000-4000-8000-000000000001"
NAME = "Note_1"


@pytest.fixture(scope="module")
def bereft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[weaviate.WeaviateClient]:
    """A client whose server was stopped."""
    with embedded_server(tmp_path_factory.mktemp("stopped")) as address:
        client = connect(address, None)
    with client:
        yield client


ASKED: dict[str, Callable[[weaviate.WeaviateClient], object]] = {
    "reading aliases": lambda client: alias_targets(client, ["Note"]),
    "reading aliases ": lambda client: refuse_foreign_names(client, ["Note"]),
    "moving aliases": lambda client: point_aliases(client, {"Note": NAME}),
    "making a collection": lambda client: ensure_collection(client, NAME, EVERY_TYPE, Origin("1", "/a", "d")),
    "description": lambda client: origin_of(client, NAME),
    "description ": lambda client: drop_collection(client, NAME, "1"),
    "removing an object": lambda client: remove_object(client.collections.use(NAME), UUID),
    "asking for the limits": largest_message,
}


@pytest.mark.parametrize("doing", ASKED)
def test_a_server_that_is_away_may_come_back(bereft: weaviate.WeaviateClient, doing: str) -> None:
    with pytest.raises(TransientTargetError, match=doing.strip()) as error:
        ASKED[doing](bereft)
    assert "Weaviate does not answer" in error.value.message
    assert "\n" not in error.value.message
    assert error.value.hint == "When the server is well, the same command goes on."


@pytest.fixture
def impatient(server: ServerAddress, client: weaviate.WeaviateClient) -> Iterator[weaviate.WeaviateClient]:
    """A client that gives every call less time than any server needs."""
    ensure_collection(client, NAME, EVERY_TYPE, Origin("1", "/a", "d"))
    with weaviate.connect_to_custom(
        http_host=server.host,
        http_port=server.http_port,
        http_secure=server.secure,
        grpc_host=server.host,
        grpc_port=server.grpc_port,
        grpc_secure=server.secure,
        additional_config=AdditionalConfig(timeout=Timeout(query=1e-9, insert=1e-9)),
        skip_init_checks=True,
    ) as hasty:
        yield hasty


def test_reading_too_slowly_may_pass(impatient: weaviate.WeaviateClient) -> None:
    notes = impatient.collections.use(NAME)
    with pytest.raises(TransientTargetError, match=r"reading UUIDs: .*DEADLINE_EXCEEDED"):
        any_object_in_range(notes, UuidRange(None, None))
    with pytest.raises(TransientTargetError, match=r"reading objects: .*DEADLINE_EXCEEDED"):
        objects_by_uuid(notes, [UUID])


def test_writing_too_slowly_is_tried_again(
    client: weaviate.WeaviateClient, impatient: weaviate.WeaviateClient, caplog: pytest.LogCaptureFixture
) -> None:
    how = WriteSettings(10, 10**8, 10**8, worker_count=1, max_retries=2, retry_delay=0.0)
    draft = ObjectDraft(UUID, "key", {"noteId": "a"})
    with pytest.raises(TransientTargetError, match=f"writing objects of {NAME}: .*DEADLINE_EXCEEDED"):
        list(ObjectWriter(impatient.collections.use(NAME), how).write(cut_into_batches("00", [draft], how)))
    assert sum("1 objects are sent again" in each.getMessage() for each in caplog.records) == 2
    # Whether it got there or not, writing it once more leaves it there once.
    (outcome,) = ObjectWriter(client.collections.use(NAME), how).write(cut_into_batches("00", [draft], how))
    assert outcome.written == 1
    assert client.collections.use(NAME).aggregate.over_all(total_count=True).total_count == 1


def test_what_will_never_work_is_not_told_as_passing(client: weaviate.WeaviateClient) -> None:
    client.collections.create("Taken")
    with pytest.raises(TargetError, match=r"^making one: .*already exists") as error, target_errors("making one"):
        client.collections.create("Taken")
    assert not isinstance(error.value, TransientTargetError)
    assert error.value.__cause__ is not None
