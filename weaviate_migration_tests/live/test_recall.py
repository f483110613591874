"""The check `recall` on a real server: an index that finds what is near, and some that do not."""

import random
import struct
from pathlib import Path
from typing import Any, cast, get_args

import pytest
import weaviate
from weaviate.classes.query import Filter

from weaviate_migration.mapping import CollectionMapping, VectorMapping
from weaviate_migration.mapping.property_mapping import TenantMapping
from weaviate_migration.mapping.vector_mapping import Distance
from weaviate_migration.phases.validation.recall import (
    BROKEN_RECALL,
    NEIGHBOURS,
    QUERIES,
    WANTED_RECALL,
    VectorRecall,
)
from weaviate_migration_tests.live.small_migration import NOTES, SmallMigration, row

NUMBERS = 24
NUMBERS_OF = random.Random(7)


def blob() -> bytes:
    return struct.pack(f"<{NUMBERS}f", *(NUMBERS_OF.gauss(0, 1) for _ in range(NUMBERS)))


def mapped(**vector: Any) -> CollectionMapping:
    own = VectorMapping.model_validate({"name": "seen", "column": "unmapped", **vector})
    return NOTES.model_copy(update={"vectors": (own,)})


def loaded(folder: Path, client: weaviate.WeaviateClient, mapping: CollectionMapping, rows: int) -> SmallMigration:
    notes = [row(f"key {at}", body="note", unmapped=blob()) for at in range(rows)]
    migration = SmallMigration.begin(folder, client, notes, mapping)
    assert migration.load().written == rows
    return migration


def recall(migration: SmallMigration) -> VectorRecall:
    compared = migration.proof.recall()
    assert not compared.waiting
    (found,) = compared.vectors
    assert compared.passed == found.passed
    assert compared.is_broken == found.is_broken
    return found


@pytest.mark.parametrize("distance", get_args(Distance))
def test_the_nearest_are_found_by_any_distance(
    client: weaviate.WeaviateClient, tmp_path: Path, distance: Distance
) -> None:
    found = recall(loaded(tmp_path, client, mapped(distance=distance, recall=0.9), 300))
    assert (found.queries, found.nearest) == (QUERIES, QUERIES * NEIGHBOURS)
    assert found.passed, found.to_text()


def test_an_index_that_finds_few_is_a_warning_unless_the_mapping_wants_more(
    client: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    """One bit of each number, and nothing is measured again."""
    index = {"type": "flat", "quantizer": {"type": "bq", "rescore_limit": 0}}
    migration = loaded(tmp_path, client, mapped(index=index), 400)
    found = recall(migration)
    assert found.recall < WANTED_RECALL
    assert not found.passed
    assert found.is_broken == (found.recall < BROKEN_RECALL)
    migration.mapping = mapped(index=index, recall=0.95)
    assert recall(migration).is_broken
    migration.mapping = mapped(index=index, recall=0)
    assert recall(migration).passed


def exchange(migration: SmallMigration, objects: int) -> None:
    """Gives each of so many objects the vector of the one after it."""
    stored = list(migration.collection.iterator(include_vector=True))[:objects]
    for one, other in zip(stored, [*stored[1:], stored[0]], strict=True):
        migration.collection.data.update(one.uuid, vector=cast(Any, other.vector))


def test_less_is_found_than_the_mapping_wants(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = loaded(tmp_path, client, mapped(recall=1), 60)
    assert recall(migration).passed
    exchange(migration, 3)
    found = recall(migration)
    assert BROKEN_RECALL < found.recall < 1
    assert found.is_broken
    assert found.to_text().endswith(", wanted are 1")
    migration.mapping = mapped(recall=0.5)
    assert recall(migration).passed


def test_vectors_that_are_not_where_they_belong(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    """Each vector is there, at another object: nothing that the mapping wants, and no index either, explains that."""
    migration = loaded(tmp_path, client, mapped(), 60)
    exchange(migration, 60)
    found = recall(migration)
    assert found.recall < BROKEN_RECALL
    assert found.is_broken
    assert (found.is_named, found.wanted) == (False, WANTED_RECALL)


def test_a_search_that_weaviate_refuses_is_no_recall(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = loaded(tmp_path, client, mapped(), 20)
    migration.extract([row("key 0", unmapped=blob()[:-4])])
    found = recall(migration)
    assert found.is_broken
    assert "lengths don't match" in found.to_text()


def test_what_weaviate_has_refused_is_not_searched_for(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    """Its row is in the quarantine: the checks of the rows say so, and the index is not to blame."""
    migration = loaded(tmp_path, client, mapped(), 20)
    migration.extract([row("refused", unmapped=blob()[:-4])])
    found = recall(migration)
    assert (found.queries, found.refusals, found.passed) == (0, (), True)


def test_each_tenant_has_neighbours_of_its_own(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    """The vectors of both are the same: a search in the wrong one would find the other's."""
    mapping = mapped().model_copy(update={"tenant": TenantMapping(column="body")})
    blobs = [blob() for _ in range(40)]
    rows = [row(f"{body} {at}", body=body, unmapped=each) for body in ("one", "two") for at, each in enumerate(blobs)]
    migration = SmallMigration.begin(tmp_path, client, rows, mapping)
    migration.load()
    found = recall(migration)
    assert (found.queries, found.nearest, found.found) == (80, 800, 800)
    migration.collection.with_tenant("two").data.delete_many(Filter.by_property("noteId").like("two *"))
    assert recall(migration).found == 400


def test_rows_without_a_vector_are_left_out(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    rows = [row(f"key {at}", unmapped=blob() if at < 5 else None) for at in range(20)]
    migration = SmallMigration.begin(tmp_path, client, rows, mapped())
    migration.load()
    found = recall(migration)
    assert (found.queries, found.nearest, found.found) == (5, 25, 25)
    migration.extract([row("key 7")])
    none = recall(migration)
    assert (none.queries, none.passed, none.to_text()) == (0, True, "seen: no sampled row has one")
