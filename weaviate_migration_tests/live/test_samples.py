"""The sample finds what is wrong on a real server."""

from pathlib import Path
from typing import Any

import pytest
import weaviate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation import samples
from weaviate_migration.target import read_back
from weaviate_migration.target.read_back import StoredObject, mapped_objects_by_uuid
from weaviate_migration_tests.live.small_migration import FULL_NOTES, SmallMigration
from weaviate_migration_tests.strategies import ROWS


@given(st.lists(ROWS, min_size=1, max_size=60))
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_any_rows_come_back_as_they_were(
    client: weaviate.WeaviateClient, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[SqlValue, ...]]
) -> None:
    client.collections.delete_all()
    numbered = [(number, *values[1:]) for number, values in enumerate(rows)]
    migration = SmallMigration.begin(tmp_path_factory.mktemp("any"), client, numbered)
    assert migration.load().refused == 0
    assert migration.compare().differences == ()


def test_a_sample_is_drawn_anew_from_its_seed(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)

    def drawn(size: int, seed: int) -> list[str]:
        compared = migration.compare(size, seed)
        assert compared.rows == min(size, len(FULL_NOTES))
        # Nothing is loaded, so each row that was drawn is a difference.
        return [each.key for each in compared.differences]

    assert len(set(drawn(10, 1))) == 10
    assert drawn(10, 1) == drawn(10, 1)
    assert drawn(10, 1) != drawn(10, 2)
    assert sorted(drawn(1000, 1)) == sorted(f"key {number}" for number in range(40))
    seen = {key for seed in range(30) for key in drawn(10, seed)}
    assert len(seen) == 40


def test_objects_are_asked_for_by_number_and_by_size(
    client: weaviate.WeaviateClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)
    migration.load()
    asked: list[int] = []

    def counting(collection: Any, mapping: CollectionMapping, uuids: list[str]) -> dict[str, StoredObject]:
        asked.append(len(uuids))
        return mapped_objects_by_uuid(collection, mapping, uuids)

    monkeypatch.setattr(samples, "mapped_objects_by_uuid", counting)
    monkeypatch.setattr(read_back, "OBJECTS_PER_REQUEST", 15)
    assert migration.compare().differences == ()
    assert asked == [15, 15, 10]
    asked.clear()
    monkeypatch.setattr(read_back, "PAGE_BYTES", 1)
    assert migration.compare(5).differences == ()
    assert asked == [1] * 5


@pytest.mark.parametrize("altered", [{"size": 8}, {"body": None}, {"tags": ["a"]}, {"done": False}, {"title": "other"}])
def test_one_damaged_object_is_found(client: weaviate.WeaviateClient, tmp_path: Path, altered: dict[str, Any]) -> None:
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)
    migration.load()
    uuid = object_uuid("notes", ("key 3",))
    assert uuid is not None
    migration.collection.data.update(uuid, properties=altered)
    found = migration.compare().differences
    assert {each.key for each in found} == {"key 3"}
    assert set(altered) <= {each.property for each in found}
