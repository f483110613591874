"""Rows that are together, or alone, larger than a message may be: read in parts, or named; never an overload.

The server takes messages of 1 MB, so that rows of 300 kB are as large to it as rows of 30 MB are to another one.
"""

import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import weaviate
from weaviate.classes.config import Configure
from weaviate.collections import Collection

from weaviate_migration.base.errors import TargetTooLargeError, TransientTargetError
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.mapping.row_to_object import Vectors
from weaviate_migration.phases.dual_write import migration_sync
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.phases.validation.changed_rows import compare_changes
from weaviate_migration.phases.validation.source_proof import try_bring_up
from weaviate_migration.target import read_back
from weaviate_migration.target.connect import connect
from weaviate_migration.target.query import any_word
from weaviate_migration.target.read_back import (
    objects_by_uuid,
    objects_in_range,
    uuids_present,
    vectors_by_uuid,
)
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.write import largest_message
from weaviate_migration_tests.live.command_line import empty
from weaviate_migration_tests.live.followed_notes import FollowedNotes, uuid_of
from weaviate_migration_tests.live.own_server import run_server
from weaviate_migration_tests.live.small_migration import SmallMigration, row
from weaviate_migration_tests.strategies import EVERY_TYPE

MESSAGE = 1_000_000
LARGE = 300_000
EVERYTHING = UuidRange(None, None)
RANDOM = random.Random(11)


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[weaviate.WeaviateClient]:
    folder = tmp_path_factory.mktemp("small")
    with run_server(folder, GRPC_MAX_MESSAGE_SIZE=str(MESSAGE)) as address, connect(address, None) as client:
        yield client


@pytest.fixture
def client(small_server: weaviate.WeaviateClient) -> weaviate.WeaviateClient:
    """Instead of the one of the whole run."""
    empty(small_server)
    return small_server


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


@pytest.fixture(params=["search_reply", "client"])
def notes(
    request: pytest.FixtureRequest, client: weaviate.WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> Collection[Any, Any]:
    """Ten objects that are larger than a message by fours; read by our own way, and by that of a client without it."""
    if request.param == "client":
        monkeypatch.setattr(read_back, "search_reply", None)
    ensure_collection(client, "Note_1", EVERY_TYPE, Origin("1", "/data/app.db", "digest"))
    notes = client.collections.use("Note_1")
    for number in range(10):
        picture = b64encode(RANDOM.randbytes(LARGE * 3 // 4)).decode()
        notes.data.insert({"noteId": str(number), "body": "x" * LARGE, "picture": picture}, uuid=uuid(number))
    return notes


def test_a_list_of_uuids_is_read_in_parts(client: weaviate.WeaviateClient, notes: Collection[Any, Any]) -> None:
    assert largest_message(client) == MESSAGE
    uuids = [uuid(number) for number in range(12)]
    found = objects_by_uuid(notes, uuids, blobs=["picture"])
    assert {of_object: each.properties["noteId"] for of_object, each in found.items()} == {
        uuid(number): str(number) for number in range(10)
    }
    assert {len(each.properties["body"]) for each in found.values()} == {LARGE}
    assert {len(each.properties["picture"]) for each in found.values()} == {LARGE}
    assert uuids_present(notes, uuids) == set(uuids[:10])


@pytest.mark.parametrize("page", [3, 100])
def test_a_range_of_large_objects_ends_where_it_ends(notes: Collection[Any, Any], page: int) -> None:
    walked = objects_in_range(notes, UuidRange(uuid(2), uuid(7)), page, blobs=["picture"])
    assert [(each.uuid, len(each.properties["picture"])) for each in walked] == [
        (uuid(number), LARGE) for number in range(2, 7)
    ]


@pytest.mark.parametrize("way", ["by UUID", "by few", "by pages"])
def test_an_object_that_no_message_can_hold_is_named_and_nobody_tries_again(
    notes: Collection[Any, Any], way: str
) -> None:
    notes.data.insert({"noteId": "huge", "body": "x" * (MESSAGE + 1)}, uuid=uuid(7_000))
    ways: dict[str, Callable[[], object]] = {
        "by UUID": lambda: objects_by_uuid(notes, [uuid(3), uuid(7_000), uuid(4)]),
        "by few": lambda: list(objects_in_range(notes, EVERYTHING, 4)),
        "by pages": lambda: list(objects_in_range(notes, EVERYTHING)),
    }
    with pytest.raises(TargetTooLargeError) as raised:
        ways[way]()
    assert not isinstance(raised.value, TransientTargetError)
    assert (raised.value.category, raised.value.exit_code) == ("size", 1)
    assert uuid(7_000) in raised.value.message
    assert "GRPC_MAX_MESSAGE_SIZE" in raised.value.hint


def test_postflight_looks_for_a_word_in_one_object_after_the_other(notes: Collection[Any, Any]) -> None:
    assert any_word(notes, EVERY_TYPE) == ("body", "x" * LARGE)


def test_vectors_that_are_larger_than_a_message(client: weaviate.WeaviateClient) -> None:
    vector = client.collections.create("Note_2", vector_config=[Configure.Vectors.self_provided(name="own")])
    numbers = {uuid(each): [float(each), *([0.5] * 29_999)] for each in range(1, 13)}
    for of_object, own in numbers.items():
        vector.data.insert({}, uuid=of_object, vector={"own": own})
    found: dict[str, Vectors] = vectors_by_uuid(vector, list(numbers), ["own"])
    assert {of_object: each["own"] for of_object, each in found.items()} == numbers


def since(begun: FollowedNotes) -> int:
    """Where the log in the snapshot ends."""
    assert begun.captured is not None
    return begun.captured.position


def test_large_rows_that_changed_are_applied_and_compared(
    client: weaviate.WeaviateClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `sync`, `verify`, `cutover` and the dual writer do it; in several chunks, and not all of them of one row."""
    monkeypatch.setattr(migration_sync, "BYTES_PER_CHUNK", MESSAGE)
    small, large = "a short note", "long " * (LARGE // 5)
    begun = FollowedNotes.begin(tmp_path, client, [(f"key {each}", small, each) for each in range(30)])
    begun.execute(*(("UPDATE notes SET body = ? WHERE id = ?", (large, f"key {each}")) for each in range(20)))
    with begun.syncing() as sync:
        reached = [sync.position]
        while (done := sync.position) < sync.last_position():
            with sync.caught_up(sync.last_position()) as chunk:
                reached.append(chunk.done.position)
            assert sync.position > done
        assert begun.held(at_once=1) == begun.rows()
        # A message holds three such rows, and so does a chunk.
        assert 20 // 3 < len(reached) - 1 < 20
        assert compare_changes(sync, since(begun)).differences == 0
        begun.objects.data.update(uuid=uuid_of("key 7"), properties={"body": "changed"})
        assert compare_changes(sync, since(begun)).differences > 0
        mended = compare_changes(sync, since(begun), repair=True)
        assert (mended.differences, mended.repaired is not None) == (0, True)
        (applier,) = sync.appliers
        brought_up = try_bring_up(sync, applier, lambda: None)
        assert brought_up is not None
        assert (brought_up.rows, brought_up.left, brought_up.done.written) == (30, 0, 0)


def test_a_row_that_alone_is_more_than_a_chunk_is_applied(
    client: weaviate.WeaviateClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_sync, "BYTES_PER_CHUNK", LARGE // 2)
    begun = FollowedNotes.begin(tmp_path, client, [("first", "short", 1), ("second", "short", 2)])
    begun.execute("UPDATE notes SET body = 'still short' WHERE id = 'first'")
    for _ in range(3):
        begun.execute(f"UPDATE notes SET body = printf('%.{LARGE}c', 'x') WHERE id = 'second'")
    begun.execute("INSERT INTO notes VALUES ('third', 'short', 3)")
    with begun.syncing() as sync:
        sync.run_pass(SyncTally())
    assert begun.held(at_once=1) == begun.rows()


@pytest.mark.parametrize("size", [LARGE, 3 * LARGE])
def test_the_full_comparison_and_the_sample_of_large_rows(
    client: weaviate.WeaviateClient, tmp_path: Path, size: int
) -> None:
    """Read page by page, and, where a page would be a few objects, one by one; objects without a row among them."""
    rows = [row(f"key {each}", body="x" * (size if each % 2 else 9)) for each in range(12)]
    migration = SmallMigration.begin(tmp_path, client, rows)
    assert migration.load(max_object_bytes=MESSAGE).written == 12
    assert sum(each.total for each in migration.compare_all()) == 0
    assert migration.compare().differences == ()
    migration.collection.data.insert({"noteId": "extra", "body": "y" * size}, uuid=uuid(7))
    migration.collection.data.delete_by_id(uuid_of("key 5"))
    found = migration.compare_all()
    assert (sum(each.extra for each in found), sum(each.missing for each in found)) == (1, 1)
    assert sum(each.total for each in found) == 2
