"""Pages over REST are what the client returns of the same objects, by column."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import weaviate
from weaviate.classes.data import DataObject

from weaviate_migration.base.errors import TargetError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.mapping import CollectionMapping, read_mapping
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.phases.history.extract.partitions import partition_bounds, partition_range
from weaviate_migration.target.connect import connect
from weaviate_migration.target.object_pages import ObjectPages
from weaviate_migration.target.read_back import objects_in_range
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.locked_server import KEY
from weaviate_migration_tests.live.small_demo import write_small_demo_file
from weaviate_migration_tests.live.small_migration import FULL_NOTES, NAME, NOTES, SmallMigration, row
from weaviate_migration_tests.live.test_read_back import UUIDS, make
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.strategies import EVERY_TYPE

EVERYTHING = UuidRange(None, None)


@pytest.mark.parametrize("partition", PARTITION_KEYS)
def test_the_objects_of_a_range(client: weaviate.WeaviateClient, partition: str) -> None:
    make(client, UUIDS)
    pages = ObjectPages(client, "Note_1", EVERY_TYPE)
    within = partition_range(partition_bounds([], DEFAULT_PARTITIONS), partition)
    expected = [each for each in UUIDS if (within.low or "") <= each < (within.high or "g")]
    for limit in (1, len(expected) - 1, len(expected), len(expected) + 1, 1000):
        found, is_whole = pages.read(within, limit)
        assert found is not None
        assert found.uuids == expected[:limit]
        assert is_whole or limit <= len(expected)
        assert not is_whole or len(found) == len(expected)


def test_every_property_as_the_client_returns_it(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    reals = (0.0, -0.0, 5e-324, 1.7976931348623157e308, 1e21)
    zeros = [row(f"zero {value}", score=value, scores=f"[{value}, 1.0]") for value in reals]
    zeros += [row(f"empty {name}", **{name: "[]"}) for name in ("tags", "counts", "scores", "flags", "moments")]
    migration = SmallMigration.begin(tmp_path, client, [*FULL_NOTES, *zeros])
    migration.load()
    found, is_whole = ObjectPages(client, NAME, migration.mapping).read(EVERYTHING, 1000)
    assert found is not None
    assert is_whole
    expected = list(objects_in_range(migration.collection, EVERYTHING, blobs=NOTES.blobs))
    assert found.uuids == [each.uuid for each in expected]
    for prop in migration.mapping.properties:
        column = found.properties[prop.name]
        column = [each if each is None else read_as(prop.type, each) for each in column]
        assert list(map(repr, column)) == [repr(_comparable(each.properties.get(prop.name))) for each in expected]
    kept = [each.properties["metadata"]["source_columns"] for each in expected]
    assert found.provenance["source_columns"] == kept


def read_as(of_type: str, told: Any) -> Any:
    """What REST tells as the client returns it."""
    match of_type:
        case "date":
            return datetime.fromisoformat(told)
        case "date[]":
            return list(map(datetime.fromisoformat, told))
        case "uuid":
            return UUID(told)
    return told


def _comparable(value: Any) -> Any:
    """Dates in the time zone that Python's own reader gives them."""
    if isinstance(value, list):
        return list(map(_comparable, value))
    return datetime.fromisoformat(value.isoformat()) if isinstance(value, datetime) else value


def test_what_agrees_needs_no_verdict_of_its_own(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    forms = [row(f"date {at}", at=at) for at in ("2026-01-02", "2026-01-02T03:04:05+02:00", "noon", 7)]
    zeros = [row(f"zero {value}", score=value) for value in (0.0, -0.0, 0)]
    migration = SmallMigration.begin(tmp_path, client, [*FULL_NOTES, *forms, *zeros])
    migration.load()
    proof = migration.proof
    assert [verdict for partition in PARTITION_KEYS for verdict in proof.verdicts(partition)] == []
    assert sum(each.objects for each in migration.compare_all()) == len(FULL_NOTES) + 7


def test_with_the_key_of_the_client(locked_server: ServerAddress) -> None:
    with connect(locked_server, KEY) as client:
        ensure_collection(client, "Locked_1", EVERY_TYPE, Origin("1", "/data/app.db", "digest"))
        client.collections.use("Locked_1").data.insert_many([DataObject({"noteId": "a"}, UUIDS[3])])
        found, is_whole = ObjectPages(client, "Locked_1", EVERY_TYPE).read(EVERYTHING, 10)
        client.collections.delete("Locked_1")
    assert found is not None
    assert found.uuids == [UUIDS[3]]
    assert is_whole


def test_a_collection_that_is_gone(client: weaviate.WeaviateClient) -> None:
    with pytest.raises(TargetError, match="reading objects"):
        ObjectPages(client, "Gone_1", EVERY_TYPE).read(EVERYTHING, 10)


@pytest.mark.parametrize("mapping", read_mapping(None).collections, ids=lambda each: each.table)
def test_the_demo_file_needs_no_verdict(
    client: weaviate.WeaviateClient, tmp_path: Path, mapping: CollectionMapping
) -> None:
    migration = SmallMigration(tmp_path, client, mapping.model_copy(update={"name": "Note", "relations": ()}))
    write_small_demo_file(tmp_path / "demo.sqlite")
    migration.extract_file(tmp_path / "demo.sqlite")
    migration.load()
    proof = migration.proof
    assert [verdict for partition in PARTITION_KEYS for verdict in proof.verdicts(partition)] == []
    compared = migration.compare_all()
    assert sum(each.objects for each in compared) == migration.count() > 0
    assert all(each.passed for each in compared)
