"""What weaviate-client raises when a server is away or too slow, as errors that say what to do."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import weaviate

from weaviate_migration.base.errors import TargetError, TransientTargetError
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target.aliases import alias_targets, point_aliases, refuse_foreign_names
from weaviate_migration.target.connect import connect
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.read_back import any_object_in_range, objects_by_uuid
from weaviate_migration.target.schema import Maker, Origin, drop_collection, ensure_collection, origin_of
from weaviate_migration.target.server import embedded_server
from weaviate_migration.target.write import (
    ObjectWriter,
    WriteSettings,
    cut_into_batches,
    largest_message,
    remove_object,
)
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
    "description ": lambda client: drop_collection(client, NAME, Maker("1")),
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
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """weaviate-client itself tries gRPC calls again, and waits for 63 s in all."""
    monkeypatch.setattr("weaviate.retry.time", SimpleNamespace(sleep=lambda _: None))


@pytest.mark.usefixtures("without_waiting")
def test_reading_from_a_server_that_is_away_may_pass(bereft: weaviate.WeaviateClient) -> None:
    notes = bereft.collections.use(NAME)
    with pytest.raises(TransientTargetError, match=r"reading UUIDs: .*UNAVAILABLE") as error:
        any_object_in_range(notes, UuidRange(None, None))
    assert "\n" not in error.value.message
    with pytest.raises(TransientTargetError, match=r"reading objects: .*UNAVAILABLE"):
        objects_by_uuid(notes, [UUID])


@pytest.mark.usefixtures("without_waiting")
def test_writing_to_a_server_that_is_away_is_tried_again(
    bereft: weaviate.WeaviateClient, caplog: pytest.LogCaptureFixture
) -> None:
    how = WriteSettings(10, 10**8, 10**8, worker_count=1, max_retries=2, retry_delay=0.0)
    batches = cut_into_batches("00", [ObjectDraft(UUID, "key", {"noteId": "a"})], how)
    with pytest.raises(TransientTargetError, match=rf"writing objects of {NAME}: .*UNAVAILABLE"):
        list(ObjectWriter(bereft.collections.use(NAME), how).write(batches))
    assert sum("1 objects are sent again" in each.getMessage() for each in caplog.records) == 2


def test_what_will_never_work_is_not_told_as_passing(client: weaviate.WeaviateClient) -> None:
    client.collections.create("Taken")
    with pytest.raises(TargetError, match=r"^making one: .*already exists") as error, target_errors("making one"):
        client.collections.create("Taken")
    assert not isinstance(error.value, TransientTargetError)
    assert error.value.__cause__ is not None
