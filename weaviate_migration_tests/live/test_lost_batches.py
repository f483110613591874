"""Batches whose answer is lost: what of them a killed server would keep is removed before they are sent again.

Such a server keeps objects without their entries in its indexes, and the same object sent again brings none back
(measured on 1.39.0): so objects are removed, by the filter that finds them and else one by one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.base.errors import TransientTargetError
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.target.connect import connect
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.write import Batch, ObjectWriter, WriteSettings
from weaviate_migration_tests.live.followed_notes import FollowedNotes
from weaviate_migration_tests.live.quoting_proxy import QuotingProxy, run_quoting_proxy
from weaviate_migration_tests.strategies import EVERY_TYPE

ONE_RETRY = WriteSettings(100, MESSAGE_BYTES, MESSAGE_BYTES, 1, 1, 0.0)
IDS = [f"0000000{number}-0000-4000-8000-000000000000" for number in range(4)]


@pytest.fixture
def way(
    server: ServerAddress,
    client: weaviate.WeaviateClient,  # noqa: ARG001
) -> Iterator[tuple[QuotingProxy, weaviate.WeaviateClient]]:
    """A proxy in front of an empty server, and a client of it."""
    with run_quoting_proxy(server) as (proxy, address), connect(address, None) as proxied:
        yield proxy, proxied


def writes(proxy: QuotingProxy) -> list[str]:
    """The calls since the last look that change something."""
    made = [each for each in proxy.asked if each.startswith("Batch")]
    proxy.asked.clear()
    return made


def test_a_batch_that_is_sent_again_writes_new_objects(way: tuple[QuotingProxy, weaviate.WeaviateClient]) -> None:
    proxy, client = way
    ensure_collection(client, "Note_1", EVERY_TYPE, Origin("1", "/data/app.db", "digest"))
    notes = client.collections.use("Note_1")
    batch = Batch("00", 1, tuple(ObjectDraft(uuid, uuid, {"noteId": uuid}) for uuid in IDS), 100)
    proxy.lost = 1
    (outcome,) = ObjectWriter(notes, ONE_RETRY).write([batch])
    assert (outcome.written, outcome.retried) == (4, 4)
    assert writes(proxy) == ["BatchObjects", "BatchDelete", "BatchObjects"]
    assert notes.aggregate.over_all(total_count=True).total_count == 4
    ObjectWriter(notes, ONE_RETRY).write_batch(batch)
    assert writes(proxy) == ["BatchObjects"]


def test_a_pass_that_broke_off_is_made_again_with_new_objects(
    way: tuple[QuotingProxy, weaviate.WeaviateClient], tmp_path: Path
) -> None:
    proxy, client = way
    notes = FollowedNotes.begin(tmp_path, client, [(f"k{number}", "as it was", number) for number in range(6)])
    notes.execute(
        "INSERT INTO notes VALUES ('new', 'new', 100)",
        "UPDATE notes SET body = 'changed' WHERE size < 3",
        "DELETE FROM notes WHERE size = 5",
    )
    writes(proxy)
    proxy.lost = 1
    with notes.syncing() as sync, pytest.raises(TransientTargetError):
        sync.run_pass(SyncTally())
    assert writes(proxy) == ["BatchObjects"]
    with notes.syncing() as sync:
        sync.run_pass(done := SyncTally())
        assert done.written == 4
    assert writes(proxy) == ["BatchDelete", "BatchObjects", "BatchDelete"]
    assert notes.held() == notes.rows()
    # What does not break off is overwritten: readers never miss it.
    notes.execute("UPDATE notes SET body = 'once more' WHERE size = 1")
    with notes.syncing() as sync:
        sync.run_pass(done := SyncTally())
        assert done.written == 1
    assert writes(proxy) == ["BatchObjects"]
    assert notes.held() == notes.rows()
