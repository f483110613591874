"""Objects of a collection with tenants: sent, walked, found, counted, searched and removed by their addresses."""

import struct
import uuid
from pathlib import Path
from typing import Any

import pytest
import weaviate
from weaviate.classes.tenants import Tenant, TenantActivityStatus
from weaviate.collections import Collection

from weaviate_migration.mapping.object_ids import UuidRange, address, split_address
from weaviate_migration.mapping.property_mapping import TenantMapping
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.history.changes import Changes
from weaviate_migration.phases.history.extract.partitions import partition_range
from weaviate_migration.phases.history.load import is_still_whole
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison
from weaviate_migration.target import write
from weaviate_migration.target.figures import server_figures
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.object_pages import ObjectPages
from weaviate_migration.target.query import count_objects, finds_by_value, finds_by_vector, finds_by_word
from weaviate_migration.target.read_back import (
    any_object_in_range,
    objects_by_uuid,
    objects_in_range,
    uuids_in_range,
    uuids_present,
    vectors_by_uuid,
)
from weaviate_migration.target.schema import Origin, ensure_collection, schema_differences
from weaviate_migration.target.sending import _insert_by_tenant
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.tenants import tenants_found, tenants_of
from weaviate_migration.target.write import (
    Batch,
    ObjectWriter,
    WriteSettings,
    cut_into_batches,
    remove_object,
    remove_objects,
)
from weaviate_migration_tests.live.small_migration import NOTES, SmallMigration, row
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.strategies import EVERY_TYPE

NAME = "Tenanted_1"
MAPPING = EVERY_TYPE.model_copy(
    update={
        "name": "Tenanted",
        "tenant": TenantMapping(column="title"),
        "vectors": (VectorMapping(name="seen", column="picture"),),
    }
)
SETTINGS = WriteSettings(7, MESSAGE_BYTES, MESSAGE_BYTES, 2, 0, 0.0)
EVERYTHING = UuidRange(None, None)
# Case matters, and the names' order is that of their characters; one begins as another does.
TENANTS = ("-", "0", "A", "B", "_", "a", "a-", "a0", "aa", "b", "x" * 64)
# The same UUIDs in every tenant: the tenant is part of what an object is.
UUIDS = [str(uuid.UUID(int=number << 120)) for number in (0, 1, 100, 255)]
ADDRESSES = [address(tenant, each) for tenant in TENANTS for each in UUIDS]


def draft(of_object: str) -> ObjectDraft:
    tenant, _ = split_address(of_object)
    number = ADDRESSES.index(of_object)
    properties = {"noteId": of_object, "title": tenant, "body": f"cauliflower {tenant}", "size": number, "score": 0.0}
    return ObjectDraft(of_object, of_object, properties, {"seen": [1.0, float(number)]})


def write_all(collection: Collection[Any, Any], drafts: list[ObjectDraft]) -> dict[str, str]:
    """What was refused."""
    outcomes = list(ObjectWriter(collection, SETTINGS).write(cut_into_batches("00", drafts, SETTINGS)))
    assert sum(each.written for each in outcomes) + sum(len(each.refusals) for each in outcomes) == len(drafts)
    return {refusal.draft.uuid: refusal.reason for each in outcomes for refusal in each.refusals}


@pytest.fixture
def tenanted(client: weaviate.WeaviateClient) -> Collection[Any, Any]:
    """Four objects in each of the tenants."""
    ensure_collection(client, NAME, MAPPING, Origin("1", "/data/app.db", "digest"))
    collection = client.collections.use(NAME)
    assert write_all(collection, [draft(each) for each in ADDRESSES]) == {}
    return collection


def walked(collection: Collection[Any, Any], within: UuidRange, page: int = 5000) -> list[str]:
    return list(uuids_in_range(collection, within, page, tenants=tenants_of(collection, MAPPING)))


def test_the_schema_says_whether_there_are_tenants(client: weaviate.WeaviateClient) -> None:
    plain = MAPPING.model_copy(update={"tenant": None})
    for name, mapping in ((NAME, MAPPING), ("Plain_1", plain)):
        ensure_collection(client, name, mapping, Origin("1", "/data/app.db", "digest"))
        assert schema_differences(client, name, mapping) == []
    assert schema_differences(client, NAME, plain) == ["`multi-tenancy` should be off, and is on"]
    assert schema_differences(client, "Plain_1", MAPPING) == ["`multi-tenancy` should be on, and is off"]
    assert tenants_found(client.collections.use(NAME)) == []
    assert tenants_found(client.collections.use("Plain_1")) is None
    assert tenants_of(client.collections.use("Plain_1"), plain) is None


def test_every_object_is_in_its_own_tenant(tenanted: Collection[Any, Any]) -> None:
    assert tuple(tenants_of(tenanted, MAPPING) or ()) == tuple(sorted(TENANTS)) == TENANTS
    for tenant in TENANTS:
        found = tenanted.with_tenant(tenant).query.fetch_objects(limit=100).objects
        assert {each.properties["noteId"] for each in found} == {address(tenant, each) for each in UUIDS}


@pytest.mark.parametrize("page", [1, 3, 4, 5000])
def test_a_walk_ascends_by_address(tenanted: Collection[Any, Any], page: int) -> None:
    assert walked(tenanted, EVERYTHING, page) == ADDRESSES == sorted(ADDRESSES)


@pytest.mark.parametrize("page", [1, 3, 5000])
def test_each_object_is_in_one_range(tenanted: Collection[Any, Any], page: int) -> None:
    """Bounds within a tenant, between two, and of tenants that are not there."""
    bounds = [ADDRESSES[1], ADDRESSES[2], ADDRESSES[8], address("9", UUIDS[2]), address("a-", UUIDS[0]), ADDRESSES[-1]]
    bounds = sorted([*bounds, *(address(letter, UUIDS[0]) for letter in "cdefghijk")])
    assert len(bounds) == len(PARTITION_KEYS) - 1
    ranges = [partition_range(bounds, key) for key in PARTITION_KEYS]
    assert [each for within in ranges for each in walked(tenanted, within, page)] == ADDRESSES
    for within in ranges:
        held = [each for each in ADDRESSES if (within.low or "") <= each < (within.high or "~")]
        assert walked(tenanted, within, page) == held
        assert any_object_in_range(tenanted, within, tenants=TENANTS) is bool(held)


@pytest.mark.parametrize(
    ("limit", "has_stubs"), [*((limit, True) for limit in (1, 2, 4, 5, 43, 44, 45, 1000)), (4, False)]
)
def test_pages_are_what_the_client_reads(
    client: weaviate.WeaviateClient,
    tenanted: Collection[Any, Any],
    limit: int,
    has_stubs: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not has_stubs:
        monkeypatch.setattr("weaviate_migration.target.read_back.search_reply", None)
    pages = ObjectPages(client, NAME, MAPPING)
    for within in (EVERYTHING, UuidRange(ADDRESSES[3], ADDRESSES[9]), UuidRange(address("c", UUIDS[0]), None)):
        expected = list(objects_in_range(tenanted, within, vectors=["seen"], tenants=TENANTS))
        found, is_whole = pages.read(within, limit, TENANTS)
        assert found is not None
        assert found.uuids == [each.uuid for each in expected[:limit]]
        assert found.properties["noteId"] == found.uuids
        assert found.properties["size"] == [each.properties["size"] for each in expected[:limit]]
        seen = [each.vectors["seen"] for each in expected[:limit]]
        assert found.vectors.get("seen", []) == [struct.pack(f"<{len(each)}f", *each) for each in seen]
        assert is_whole or limit <= len(expected)
        assert not is_whole or len(found) == len(expected)


@pytest.mark.parametrize("has_stubs", [True, False])
def test_objects_by_their_addresses(
    tenanted: Collection[Any, Any], has_stubs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_stubs:
        monkeypatch.setattr("weaviate_migration.target.read_back.search_reply", None)
    absent = [address("A", str(uuid.uuid4())), address("none", UUIDS[0]), address("", UUIDS[0])]
    wanted = [ADDRESSES[9], ADDRESSES[0], *absent, ADDRESSES[40]]
    found = objects_by_uuid(tenanted, wanted, vectors=["seen"], blobs=("picture",))
    assert {of: (each.uuid, each.properties["noteId"]) for of, each in found.items()} == {
        each: (each, each) for each in wanted if each not in absent
    }
    assert uuids_present(tenanted, wanted) == set(wanted) - set(absent)
    vectors = vectors_by_uuid(tenanted, wanted, ["seen"])
    assert {of: list(each["seen"]) for of, each in vectors.items()} == {
        each: [1.0, float(ADDRESSES.index(each))] for each in wanted if each not in absent
    }
    assert objects_by_uuid(tenanted, absent) == {}
    assert uuids_present(tenanted, absent) == set()


def test_an_object_is_removed_from_its_own_tenant_alone(tenanted: Collection[Any, Any]) -> None:
    assert remove_object(tenanted, ADDRESSES[5])
    assert not remove_object(tenanted, ADDRESSES[5])
    assert not remove_object(tenanted, address("none", UUIDS[1]))
    assert not remove_object(tenanted, address("", UUIDS[1]))
    gone = [*ADDRESSES[8:11], ADDRESSES[30], address("none", UUIDS[1]), address("", UUIDS[1])]
    assert remove_objects(tenanted, gone) == 4
    assert remove_objects(tenanted, gone) == 0
    assert walked(tenanted, EVERYTHING) == [each for each in ADDRESSES if each not in {ADDRESSES[5], *gone}]
    # No removal makes a tenant.
    assert tenants_of(tenanted, MAPPING) == list(TENANTS)


def test_objects_are_counted_and_searched_in_their_tenants(tenanted: Collection[Any, Any]) -> None:
    assert count_objects(tenanted, TENANTS) == len(ADDRESSES)
    assert count_objects(tenanted, []) == 0
    (seen,) = MAPPING.vectors
    for each in (ADDRESSES[0], ADDRESSES[20], ADDRESSES[-1]):
        number = ADDRESSES.index(each)
        assert finds_by_word(tenanted, "body", "cauliflower", each)
        assert finds_by_value(tenanted, "size", number, each)
        assert not finds_by_value(tenanted, "size", number - 1, each)
        assert finds_by_vector(tenanted, seen, [1.0, float(number)], each)


def test_what_the_server_tells_is_of_all_tenants(
    client: weaviate.WeaviateClient, tenanted: Collection[Any, Any], server: ServerAddress
) -> None:
    ensure_collection(client, "Plain_1", EVERY_TYPE, Origin("1", "/data/app.db", "digest"))
    client.collections.use("Plain_1").data.insert({"noteId": "a"}, uuid=UUIDS[1])
    told = server_figures(server, None, {tenanted.name, "Plain_1"})
    assert told.objects == {tenanted.name: len(ADDRESSES), "Plain_1": 1}
    tenanted.tenants.remove(list(TENANTS))
    assert server_figures(server, None, {tenanted.name}).objects.get(tenanted.name, 0) == 0


def test_a_tenant_that_is_put_to_rest_wakes(tenanted: Collection[Any, Any]) -> None:
    tenanted.tenants.update(Tenant(name="A", activity_status=TenantActivityStatus.INACTIVE))
    assert tenanted.tenants.get_by_name("A").activity_status.value == "INACTIVE"  # type: ignore[union-attr]
    assert walked(tenanted, EVERYTHING) == ADDRESSES


@pytest.mark.parametrize("way", ["batch_request", "sending"])
def test_a_refused_object_is_the_one_that_was_refused(
    tenanted: Collection[Any, Any], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of several tenants: an object of another type of value is refused alone, and in none of the others."""
    if way == "sending":
        monkeypatch.setattr(f"{write.__name__}.way_to_send", lambda _: _insert_by_tenant)
    wrong = {ADDRESSES[2], ADDRESSES[9], ADDRESSES[43]}
    drafts = [draft(each) for each in ADDRESSES]
    bad = [each._replace(properties={**each.properties, "size": "many"}) for each in drafts if each.uuid in wrong]
    good = [each for each in drafts if each.uuid not in wrong]
    mixed = sorted([*bad, *good], key=lambda each: each.uuid)
    assert set(write_all(tenanted, mixed)) == wrong
    # What was there of them is not what their rows say.
    assert walked(tenanted, EVERYTHING) == [each for each in ADDRESSES if each not in wrong]


def test_what_remains_is_removed_before_it_is_written(tenanted: Collection[Any, Any]) -> None:
    drafts = tuple(draft(each) for each in ADDRESSES[2:10])
    batch = Batch("00", 1, drafts, 0, remains=(*ADDRESSES[2:10], address("none", UUIDS[0])))
    outcome = ObjectWriter(tenanted, SETTINGS).write_batch(batch)
    assert outcome.written == len(drafts)
    assert walked(tenanted, EVERYTHING) == ADDRESSES


ORGS = ("acme", "Acme", 7, None)
MAPPED = NOTES.model_copy(
    update={
        "tenant": TenantMapping(column="title", of_null="none"),
        "vectors": (VectorMapping(name="seen", column="picture"),),
    }
)
ORG_NOTES = [
    row(f"key {number}", title=org, body=f"cauliflower {number}", size=number, score=0.0, picture=b"\0\0\x80?")
    for number, org in enumerate(ORGS * 100)
]


@pytest.fixture
def migrated(client: weaviate.WeaviateClient, tmp_path: Path) -> SmallMigration:
    """A hundred rows of each tenant, loaded."""
    migration = SmallMigration.begin(tmp_path, client, ORG_NOTES, MAPPED)
    assert migration.load().written == len(ORG_NOTES)
    return migration


def found_of_tenants(compared: list[PartitionComparison]) -> dict[str, tuple[int, int, int]]:
    """Rows, objects and differences of each tenant."""
    found: dict[str, tuple[int, int, int]] = {}
    for partition in compared:
        for name, each in partition.tenants.items():
            rows, objects, differences = found.get(name, (0, 0, 0))
            found[name] = (rows + each.rows, objects + each.objects, differences + each.differences)
    return found


def test_all_tenants_agree(migrated: SmallMigration) -> None:
    proof = migrated.proof
    assert [verdict for partition in PARTITION_KEYS for verdict in proof.verdicts(partition)] == []
    compared = migrated.compare_all()
    assert found_of_tenants(compared) == dict.fromkeys(("7", "Acme", "acme", "none"), (100, 100, 0))
    searched = proof.search(compared)
    assert searched.passed, searched.failures
    assert "aggregate of 4 tenants" in searched.searches
    for tenant in ("7", "Acme", "acme", "none"):
        assert {each.split(":")[0] for each in searched.searches if each.startswith(f"{tenant}, ")} >= {
            f"{tenant}, body",
            f"{tenant}, vector seen",
        }


def test_damage_is_found_in_its_tenant_and_loading_again_mends_it(migrated: SmallMigration) -> None:
    """An object is moved to another tenant, one is altered, one is gone, one of a tenant of nobody's is there."""
    objects = migrated.collection.with_tenant
    moved, altered, gone = objects("acme").query.fetch_objects(limit=3, include_vector=True).objects
    objects("acme").data.delete_by_id(moved.uuid)
    objects("Acme").data.insert(moved.properties, uuid=moved.uuid, vector=moved.vector)
    objects("acme").data.update(altered.uuid, properties={"size": 1_000_000})
    objects("acme").data.delete_by_id(gone.uuid)
    objects("stranger").data.insert({"body": "from nowhere"}, uuid=UUIDS[2])
    compared = migrated.compare_all()
    assert {(each.uuid, each.kind) for partition in compared for each in partition.differences} == {
        (address("acme", str(moved.uuid)), "missing"),
        (address("Acme", str(moved.uuid)), "extra"),
        (address("acme", str(altered.uuid)), "altered"),
        (address("acme", str(gone.uuid)), "missing"),
        (address("stranger", UUIDS[2]), "extra"),
    }
    found = found_of_tenants(compared)
    assert {name: counts[:2] for name, counts in found.items()} == {
        "7": (100, 100),
        "Acme": (100, 101),
        "acme": (100, 98),
        "none": (100, 100),
        "stranger": (0, 1),
    }
    assert [found[name][2] > 0 for name in ("7", "Acme", "acme", "none", "stranger")] == [
        False,
        True,
        True,
        False,
        True,
    ]
    assert not all(each.passed for each in compared)
    assert migrated.load().removed == 2
    assert all(each.passed for each in migrated.compare_all())


def test_tenants_that_do_not_count_what_they_should_are_named(migrated: SmallMigration) -> None:
    compared = migrated.compare_all()
    proof = migrated.proof
    migrated.collection.with_tenant("stranger").data.insert({"body": "from nowhere"}, uuid=UUIDS[2])
    first = next(iter(migrated.collection.with_tenant("acme").iterator(return_properties=[])))
    migrated.collection.with_tenant("acme").data.delete_by_id(first.uuid)
    assert proof.search(compared).failures == (
        "an aggregate counts 99 objects in tenant acme, there should be 100 (and so on in 1 tenant more)",
    )


def test_a_sample_of_rows_is_compared_in_their_tenants(migrated: SmallMigration) -> None:
    assert migrated.compare().differences == ()
    migrated.collection.tenants.remove("Acme")
    differences = migrated.compare().differences
    assert {each.kind for each in differences} == {"missing"}
    assert {split_address(each.uuid or "")[0] for each in differences} == {"Acme"}
    assert len(differences) == 100


def test_rows_without_a_tenant_are_refused_and_no_other(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    mapping = MAPPED.model_copy(update={"tenant": TenantMapping(column="title")})
    migration = SmallMigration.begin(tmp_path, client, ORG_NOTES[:40], mapping)
    tally = migration.load()
    assert (tally.written, tally.refused) == (30, 10)
    assert tenants_of(migration.collection, mapping) == ["7", "Acme", "acme"]
    assert {split_address(each.uuid or "")[0] for _, each in migration.quarantine.rows()} == {""}
    assert found_of_tenants(migration.compare_all())[""] == (10, 0, 10)


def test_a_load_that_goes_on_knows_which_partitions_are_whole(migrated: SmallMigration) -> None:
    def still_whole() -> list[str]:
        tenants = tenants_of(migrated.collection, MAPPED)
        return [
            key
            for key, extract in migrated.extracts.items()
            if is_still_whole(migrated.collection, extract, migrated.ranges[key], Changes(), tenants)
        ]

    assert still_whole() == list(PARTITION_KEYS)
    lost = list(migrated.extracts["05"].uuids())[3]
    assert lost is not None
    assert remove_object(migrated.collection, lost)
    assert still_whole() == [key for key in PARTITION_KEYS if key != "05"]
    migrated.collection.tenants.remove("acme")
    of_others = [
        key
        for key, extract in migrated.extracts.items()
        if not any(split_address(each or "")[0] == "acme" for each in extract.uuids()) and key != "05"
    ]
    assert still_whole() == of_others


def test_what_an_earlier_load_left_is_replaced_where_nobody_reads(migrated: SmallMigration) -> None:
    """Objects that are stored already are removed before they are written, in their own tenants."""
    migrated.collection.tenants.remove("Acme")
    migrated.collection.with_tenant("stranger").data.insert({"body": "from nowhere"}, uuid=UUIDS[2])
    tally = migrated.load(has_readers=False)
    assert (tally.written, tally.removed) == (len(ORG_NOTES), 1)
    assert all(each.passed for each in migrated.compare_all())
