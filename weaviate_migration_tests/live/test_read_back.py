import random
import subprocess
import sys
import uuid
from base64 import b64encode
from typing import Any

import pytest
import weaviate
from weaviate.classes.data import DataObject
from weaviate.collections import Collection

from weaviate_migration.base.errors import TargetError, TransientTargetError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.phases.history.extract.partitions import partition_bounds, partition_range
from weaviate_migration.target import read_back
from weaviate_migration.target.read_back import (
    PAGE,
    PAGE_BYTES,
    StoredObject,
    any_object_in_range,
    objects_by_uuid,
    objects_in_range,
    page_for,
    uuid_before,
    uuids_in_range,
    uuids_present,
)
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.strategies import EVERY_TYPE

NIL = "00000000-0000-0000-0000-000000000000"
LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
BOUNDS = partition_bounds([], DEFAULT_PARTITIONS)
RANDOM = random.Random(7)
# The ends of everything, the bounds themselves and their neighbours on both sides, and what lies between.
UUIDS = sorted(
    {
        NIL,
        LAST,
        *BOUNDS,
        *(each for bound in BOUNDS if (each := uuid_before(bound))),
        *(str(uuid.UUID(int=uuid.UUID(bound).int + 1)) for bound in BOUNDS),
        *(str(uuid.UUID(int=RANDOM.getrandbits(128))) for _ in range(100)),
    }
)
EVERYTHING = UuidRange(None, None)


def make(client: weaviate.WeaviateClient, uuids: list[str]) -> Collection[Any, Any]:
    ensure_collection(client, "Note_1", EVERY_TYPE, Origin("1", "/data/app.db", "digest"))
    notes = client.collections.use("Note_1")
    if uuids:
        notes.data.insert_many([DataObject({"noteId": each}, each) for each in uuids])
    return notes


@pytest.fixture
def notes(client: weaviate.WeaviateClient) -> Collection[Any, Any]:
    return make(client, UUIDS)


@pytest.mark.parametrize("page", [1, 7, len(UUIDS), 5000])
def test_all_uuids_in_order_whatever_the_page(notes: Collection[Any, Any], page: int) -> None:
    assert list(uuids_in_range(notes, EVERYTHING, page)) == UUIDS


@pytest.mark.parametrize("page", [3, 5000])
def test_each_object_is_in_the_one_range_that_holds_it(notes: Collection[Any, Any], page: int) -> None:
    for partition in PARTITION_KEYS:
        wanted = partition_range(BOUNDS, partition)
        held = [each for each in UUIDS if each >= (wanted.low or "") and (wanted.high is None or each < wanted.high)]
        assert held
        assert list(uuids_in_range(notes, wanted, page)) == held


@pytest.mark.parametrize("page", [3, 5000])
def test_whole_objects_of_each_range(notes: Collection[Any, Any], page: int) -> None:
    walked = [each for key in PARTITION_KEYS for each in objects_in_range(notes, partition_range(BOUNDS, key), page)]
    assert [each.uuid for each in walked] == UUIDS
    assert all(each.properties["noteId"] == each.uuid and each.vectors == {} for each in walked)


def test_a_page_that_is_larger_than_a_message_comes_by_halves(client: weaviate.WeaviateClient) -> None:
    """Eight objects of 15 MB; the server sends no message over 104,858,000 bytes."""
    notes = make(client, [])
    large = [str(uuid.UUID(int=number << 120)) for number in range(1, 9)]
    for each in large:
        notes.data.insert({"noteId": each, "document": each * (15_000_000 // len(each))}, uuid=each)
    walked = [(each.uuid, len(each.properties["document"])) for each in objects_in_range(notes, EVERYTHING, page=8)]
    assert walked == [(each, 15_000_000 // 36 * 36) for each in large]


def test_uuids_that_are_there(notes: Collection[Any, Any]) -> None:
    absent = str(uuid.UUID(int=1))
    assert uuids_present(notes, [NIL, absent, LAST]) == {NIL, LAST}
    assert uuids_present(notes, []) == set()


def test_more_uuids_than_the_server_looks_for_at_once(notes: Collection[Any, Any]) -> None:
    """It refuses more than 10,000."""
    absent = (str(uuid.UUID(int=number)) for number in range(1, 10_001))
    assert uuids_present(notes, [*absent, NIL, LAST]) == {NIL, LAST}


@pytest.mark.parametrize(
    ("low", "high", "held"),
    [
        (NIL, NIL, []),
        (NIL, uuid_before(UUIDS[2]), UUIDS[:2]),
        (None, UUIDS[1], [NIL]),
        (LAST, None, [LAST]),
        (UUIDS[50], UUIDS[50], []),
        (UUIDS[50], UUIDS[51], [UUIDS[50]]),
    ],
)
def test_low_belongs_to_a_range_and_high_does_not(
    notes: Collection[Any, Any], low: str | None, high: str | None, held: list[str]
) -> None:
    assert list(uuids_in_range(notes, UuidRange(low, high), page=2)) == held
    assert any_object_in_range(notes, UuidRange(low, high)) is bool(held)


def test_nothing_in_an_empty_collection(client: weaviate.WeaviateClient) -> None:
    notes = make(client, [])
    assert list(uuids_in_range(notes, EVERYTHING)) == []
    assert not any_object_in_range(notes, EVERYTHING)


def test_objects_by_uuid_leaves_out_what_is_not_there(notes: Collection[Any, Any]) -> None:
    absent = str(uuid.UUID(int=1))
    found = objects_by_uuid(notes, [NIL, LAST, absent])
    assert {each: stored.properties["noteId"] for each, stored in found.items()} == {NIL: NIL, LAST: LAST}
    assert objects_by_uuid(notes, []) == {}


@pytest.mark.parametrize(
    ("of", "before"),
    [
        (NIL, None),
        ("00000000-0000-0000-0000-000000000001", NIL),
        ("10000000-0000-0000-0000-000000000000", "0fffffff-ffff-ffff-ffff-ffffffffffff"),
        (LAST, "ffffffff-ffff-ffff-ffff-fffffffffffe"),
    ],
)
def test_uuid_before(of: str, before: str | None) -> None:
    assert uuid_before(of) == before


def test_a_collection_that_is_gone_is_an_error_that_says_so(client: weaviate.WeaviateClient) -> None:
    gone = client.collections.use("Note_9")
    with pytest.raises(TargetError, match=r"reading UUIDs: .*Note_9") as error:
        any_object_in_range(gone, EVERYTHING)
    assert not isinstance(error.value, TransientTargetError)
    with pytest.raises(TargetError, match=r"reading objects: .*Note_9"):
        objects_by_uuid(gone, [NIL])


def test_pages_of_large_objects_are_small() -> None:
    assert page_for(1_000, 1_000 * 1024 * 1024) <= PAGE_BYTES // (1024 * 1024) + 1
    assert page_for(3, 10**9) == 1


@pytest.mark.parametrize("objects", [0, 1, 4_999, 5_000, 6_250, 1_000_000])
def test_equal_pages_hold_the_objects_and_little_more(objects: int) -> None:
    page = page_for(objects)
    pages = -(-(objects + 1) // page)
    assert page <= PAGE
    assert objects + 1 <= pages * page <= objects + 1 + pages


@pytest.mark.parametrize("has_stubs", [True, False])
def test_objects_by_uuid_are_what_the_client_reads(
    client: weaviate.WeaviateClient, has_stubs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's own way and ours, for values at the edge of every type, and for dates of every length."""
    if not has_stubs:
        monkeypatch.setattr(read_back, "search_reply", None)
    notes = make(client, [])
    texts = ["", "a\0b", "\u2028", "</script>", "\U0001f600"]
    numbers = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1]
    names = {prop.type: prop.name for prop in EVERY_TYPE.properties}
    dates = [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2024-02-29T01:02:03.5+02:00",
        "2024-01-01T00:00:00Z",
    ]
    values = zip(texts, [0, -1, 2**53 - 1, -(2**53), 1], numbers, [*dates, dates[0]], strict=True)
    rows = [
        {names["text"]: text, names["int"]: whole, names["number"]: real, names["date"]: date}
        | {
            names["boolean"]: bool(whole),
            names["text[]"]: [text, text],
            names["uuid"]: str(uuid.UUID(int=whole + 2**64)),
        }
        | {names["int[]"]: [whole, 0], names["number[]"]: [real, -0.0], names["boolean[]"]: [bool(whole), True]}
        | {names["date[]"]: [date, dates[0]], names["blob"]: b64encode(text.encode() or b"\0").decode()}
        for text, whole, real, date in values
    ]
    empty: dict[str, Any] = {name: [] for of_type, name in names.items() if of_type.endswith("[]")}
    written = [DataObject(row, str(uuid.UUID(int=number))) for number, row in enumerate([*rows, {}, empty])]
    assert not notes.data.insert_many(written).errors
    by_client = list(objects_in_range(notes, EVERYTHING, blobs=EVERY_TYPE.blobs))
    assert len(by_client) == len(written)
    found = objects_by_uuid(notes, [each.uuid for each in by_client], blobs=EVERY_TYPE.blobs)
    assert list(map(shown, sorted(found.values()))) == list(map(shown, by_client))
    pictures = [each.properties[names["blob"]] for each in by_client]
    assert pictures == [*(row[names["blob"]] for row in rows), None, None]


def test_the_server_returns_blobs_only_where_they_are_named(client: weaviate.WeaviateClient) -> None:
    """The reason for `blobs`; and a page of them that is larger than a message comes by halves, too."""
    notes = make(client, [])
    picture = b64encode(bytes(15_000_000)).decode()
    uuids = [str(uuid.UUID(int=number << 120)) for number in range(1, 7)]
    for each in uuids:
        notes.data.insert({"noteId": each, "picture": picture}, uuid=each)
    assert ["picture" in each.properties for each in objects_in_range(notes, EVERYTHING)] == [False] * 6
    walked = objects_in_range(notes, EVERYTHING, page=6, blobs=EVERY_TYPE.blobs)
    assert [(each.properties["noteId"], each.properties["picture"] == picture) for each in walked] == [
        (each, True) for each in uuids
    ]
    assert objects_by_uuid(notes, uuids[:1], blobs=EVERY_TYPE.blobs)[uuids[0]].properties["picture"] == picture


def test_a_client_without_the_stubs_is_enough() -> None:
    """All that loads and proves is imported, and chooses the client's own ways."""
    program = (
        "import sys, weaviate; sys.modules['weaviate.proto.v1'] = None; "
        "from weaviate_migration.phases.history import load; "
        "from weaviate_migration.phases.validation import collection_proof; "
        "from weaviate_migration.target import read_back, sending; "
        "print(sending.batch_request, read_back.search_reply)"
    )
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["None", "None"]


def shown(found: StoredObject) -> str:
    """An object with its types and signs; the order of its properties is any."""
    return repr((found.uuid, sorted(found.properties.items()), found.vectors))
