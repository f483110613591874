"""Vectors that are made from columns, and vectors of the application's own, on a real server."""

import json
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pytest
import weaviate
from upath import UPath

from weaviate_migration.base.errors import TargetConnectionError
from weaviate_migration.mapping import VectorMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.row_to_object import ObjectDraft, Vectors
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import Distance
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.phases.validation.collection_proof import CollectionProof
from weaviate_migration.phases.validation.differences import Difference
from weaviate_migration.phases.validation.partition_comparison import VectorCounts, vector_counts
from weaviate_migration.phases.validation.repair import PartitionRepair
from weaviate_migration.phases.validation.search import SearchComparison, compare_search
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.read_back import vectors_by_uuid
from weaviate_migration.target.write import BatchOutcome, ObjectWriter, WriteSettings
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_id
from weaviate_migration_tests.live.small_migration import NAME, NOTES, SmallMigration, not_followed, row
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.strategies import LARGEST_FLOAT32

# A blob that no property holds, JSON that one does, and one that the application sets.
SEEN = NOTES.model_copy(
    update={
        "vectors": (
            VectorMapping(name="blob", column="unmapped"),
            VectorMapping(name="listed", column="document"),
            VectorMapping(name="own"),
        )
    }
)
ALL = ("blob", "listed", "own")


def blob(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def note(number: int, *, listed: SqlValue = None) -> tuple[SqlValue, ...]:
    numbers = [number + 0.5, -0.0, 0.1]
    return row(f"key {number}", body="note", unmapped=blob(1.0, number), document=listed or json.dumps(numbers))


def uuid_of(key: SqlValue) -> str:
    found = object_uuid("notes", (key,))
    assert found is not None
    return found


def stored(migration: SmallMigration, key: SqlValue) -> Vectors:
    return vectors_by_uuid(migration.collection, [uuid_of(key)], ALL)[uuid_of(key)]


def proof(migration: SmallMigration, client: weaviate.WeaviateClient) -> CollectionProof:
    record = MigrationRecord.model_validate(
        {
            "id": NAME.removeprefix("Note_"),
            "began_at": "2026-11-22T09:30:15Z",
            "source": "/data/app.db",
            "mapping_name": "test",
            "mapping_digest": "digest",
            "collection_names": ["Note"],
            "bounds": {"notes": [each.high for each in migration.ranges.values() if each.high is not None]},
        }
    )
    extracts = {partition: UPath(migration.folder / f"{partition}.parquet") for partition in PARTITION_KEYS}
    return CollectionProof(SEEN, record, extracts, client, not_followed(migration.folder, record))


def differences(migration: SmallMigration, client: weaviate.WeaviateClient) -> list[Difference]:
    compared = [proof(migration, client).compare_partition(partition) for partition in PARTITION_KEYS]
    assert sum(each.rows for each in compared) == sum(each.rows for each in migration.extracts.values())
    return [found for each in compared for found in each.differences]


def rows_of(migration: SmallMigration) -> list[ExtractRow]:
    return [each for extract in migration.extracts.values() for each in extract.extract_rows()]


def search(migration: SmallMigration, rows: list[ExtractRow] | None = None) -> SearchComparison:
    rows = rows_of(migration) if rows is None else rows
    return compare_search(SEEN, migration.comparer.layout, rows, migration.collection, None)


@pytest.fixture
def migration(tmp_path: Path, client: weaviate.WeaviateClient) -> SmallMigration:
    """Forty notes, each with both vectors that are made from columns, and loaded."""
    migration = SmallMigration.begin(tmp_path, client, map(note, range(40)), SEEN)
    assert migration.load().refused == 0
    return migration


def test_vectors_come_back_as_they_were(migration: SmallMigration, client: weaviate.WeaviateClient) -> None:
    assert stored(migration, "key 3") == {"blob": [1.0, 3.0], "listed": [3.5, -0.0, 0.10000000149011612]}
    assert differences(migration, client) == []
    assert migration.compare().differences == ()


def test_the_borders_of_float32_come_back_and_what_is_no_vector_makes_none(
    client: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    numbers = [(0.0, -0.0), (1e-45, -1e-45), (LARGEST_FLOAT32, -LARGEST_FLOAT32), (1.1754943508222875e-38, 1e-40)]
    none: list[SqlValue] = [
        b"",
        blob(1.0, float("nan")),
        blob(float("inf"), 1.0),
        b"\x00",
        "[1e39, 1]",
        "text",
        7,
        None,
    ]
    rows = [row(f"vector {at}", unmapped=blob(*each), document=json.dumps(each)) for at, each in enumerate(numbers)]
    rows += [row(f"none {at}", unmapped=value, document=value) for at, value in enumerate(none)]
    migration = SmallMigration.begin(tmp_path, client, rows, SEEN)
    assert migration.load().written == len(rows)
    for at, each in enumerate(numbers):
        for found in stored(migration, f"vector {at}").values():
            assert blob(*found) == blob(*each)
    assert [dict(stored(migration, f"none {at}")) for at in range(len(none))] == [{}] * len(none)
    assert differences(migration, client) == []
    assert migration.compare().differences == ()


def test_an_altered_a_dropped_and_an_added_vector_are_found(
    migration: SmallMigration, client: weaviate.WeaviateClient
) -> None:
    one_ulp = struct.unpack("<f", struct.pack("<I", struct.unpack("<I", blob(3.0))[0] + 1))[0]
    migration.collection.data.update(uuid_of("key 3"), vector={"blob": [1.0, one_ulp]})
    kept = migration.collection.query.fetch_object_by_id(uuid_of("key 4"))
    migration.collection.data.replace(uuid_of("key 4"), dict(kept.properties), vector={"blob": [1.0, 4.0]})
    migration.collection.data.update(uuid_of("key 5"), vector={"own": [1.0]})
    expected = {
        ("key 3", "vector blob", "[1.0, 3.0]", f"[1.0, {one_ulp}]"),
        ("key 3", "metadata.source_columns.unmapped", repr(blob(1.0, 3.0)), repr(blob(1.0, one_ulp))),
        ("key 4", "vector listed", "[4.5, -0.0, 0.10000000149011612]", "None"),
    }
    for found in (differences(migration, client), migration.compare().differences):
        assert {(each.key, each.property, each.expected, each.found) for each in found} == expected
        assert {(each.kind, each.uuid) for each in found} == {("altered", uuid_of(f"key {key}")) for key in (3, 4)}
    counts = vector_counts(proof(migration, client).compare_partition(each) for each in PARTITION_KEYS)
    assert counts == {"blob": VectorCounts(compared=39, differing=1), "listed": VectorCounts(compared=39, differing=1)}
    migration.load()
    assert differences(migration, client) == []


def test_vectors_of_the_application_outlive_another_load(
    migration: SmallMigration, client: weaviate.WeaviateClient
) -> None:
    migration.collection.data.update(uuid_of("key 3"), vector={"own": [0.25, 0.5]})
    migration.collection.data.update(uuid_of("key 4"), vector={"blob": [9.0, 9.0]})
    migration.extract([*map(note, range(39)), row("key 39", unmapped=b"no vector any more")])
    assert migration.load().written == 40
    assert stored(migration, "key 3") == {**stored(migration, "key 3"), "own": [0.25, 0.5], "blob": [1.0, 3.0]}
    assert stored(migration, "key 4")["blob"] == [1.0, 4.0]
    assert dict(stored(migration, "key 39")) == {}
    assert differences(migration, client) == []


def test_vectors_of_the_application_outlive_a_load_that_ends_just_before_it_writes(
    migration: SmallMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is loaded again is removed first where nobody reads it: not what only the object itself has."""
    migration.collection.data.update(uuid_of("key 3"), vector={"own": [0.25, 0.5]})

    send = ObjectWriter._send_until_acknowledged

    def end(writer: ObjectWriter, pending: list[ObjectDraft], outcome: BatchOutcome) -> None:
        if uuid_of("key 3") in (each.uuid for each in pending):
            raise TargetConnectionError("ended here")
        send(writer, pending, outcome)

    with monkeypatch.context() as ending:
        ending.setattr(ObjectWriter, "_send_until_acknowledged", end)
        with pytest.raises(TargetConnectionError, match="ended here"):
            migration.load(has_readers=False)
    migration.load(has_readers=False)
    assert stored(migration, "key 3") == {**stored(migration, "key 3"), "own": [0.25, 0.5], "blob": [1.0, 3.0]}


def test_vectors_of_the_application_outlive_a_repair(
    migration: SmallMigration, client: weaviate.WeaviateClient
) -> None:
    migration.collection.data.update(uuid_of("key 3"), vector={"own": [0.25, 0.5], "blob": [9.0, 9.0]})
    settings = WriteSettings(100, MESSAGE_BYTES, MESSAGE_BYTES, 2, 0, 0.0)
    with migration.quarantine as quarantine:
        repairs = [PartitionRepair(proof(migration, client), key, settings, quarantine).run() for key in PARTITION_KEYS]
    assert sum(each.written for each in repairs) == 1
    assert stored(migration, "key 3") == {**stored(migration, "key 3"), "own": [0.25, 0.5], "blob": [1.0, 3.0]}
    assert differences(migration, client) == []


def test_a_vector_of_another_length_is_quarantined(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, map(note, range(40)), SEEN)
    migration.load()
    migration.extract([*map(note, range(39)), note(39, listed="[1, 2, 3, 4]"), note(40, listed="[1]")])
    tally = migration.load()
    assert (tally.written, tally.refused, tally.removed) == (39, 2, 1)
    refused = {each.key: each.reason for _, each in migration.quarantine.rows()}
    assert refused.keys() == {"key 39", "key 40"}
    assert "vector with length 4. Existing nodes have vectors with length 3" in refused["key 39"]
    assert {(each.key, each.kind) for each in differences(migration, client)} == {
        ("key 39", "missing"),
        ("key 40", "missing"),
    }


def test_what_is_refused_is_not_left_behind_in_a_new_collection(
    client: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    """In one batch for a new index the server stores an object and reports that its vector is refused."""
    rows = [note(number, listed="[1, 2]" if number % 2 else "[1, 2, 3]") for number in range(40)]
    migration = SmallMigration.begin(tmp_path, client, rows, SEEN)
    tally = migration.load()
    assert tally.refused
    assert tally.written + tally.refused == 40
    assert migration.count() == tally.written
    assert {each.key for _, each in migration.quarantine.rows()} == {
        each.key for each in differences(migration, client) if each.kind == "missing"
    }


def test_a_search_near_a_rows_own_vector_finds_it(migration: SmallMigration) -> None:
    found = search(migration)
    assert found.passed
    assert [each.partition(":")[0] for each in found.searches if each.startswith("vector")] == [
        "vector blob",
        "vector listed",
    ]


@pytest.mark.parametrize("vectors", [{"listed": [0.5, -0.0, 0.1]}, {"blob": [0.0, 1.0], "listed": [0.5, -0.0, 0.1]}])
def test_a_search_does_not_find_a_vector_that_is_gone_or_another(migration: SmallMigration, vectors: Vectors) -> None:
    (first,) = [each for each in rows_of(migration) if each.key == ("key 0",)]
    assert search(migration, [first]).passed
    migration.collection.data.replace(uuid_of("key 0"), {"noteId": "key 0"}, vector=vectors)
    failures = search(migration, [first]).failures
    assert [each for each in failures if "vector" in each] == ["the vector blob of key 0 does not find it"]


def test_a_search_that_weaviate_refuses_is_a_failure(migration: SmallMigration) -> None:
    """The row says a vector of another length than those that are there."""
    migration.extract([row("key 0", unmapped=blob(1.0, 2.0, 3.0))])
    (failure,) = search(migration).failures
    assert failure.startswith("the vector blob of key 0 does not find it (")
    assert "lengths don't match" in failure


@pytest.mark.parametrize("distance", get_args(Distance))
def test_a_search_finds_a_row_by_any_distance(client: weaviate.WeaviateClient, tmp_path: Path, distance: Any) -> None:
    mapping = NOTES.model_copy(update={"vectors": (VectorMapping(name="blob", column="unmapped", distance=distance),)})
    migration = SmallMigration.begin(tmp_path, client, map(note, range(4)), mapping)
    assert migration.load().written == 4
    (first,) = [each for each in rows_of(migration) if each.key == ("key 3",)]
    layout = migration.comparer.layout
    assert compare_search(mapping, layout, [first], migration.collection, None).passed
    migration.collection.data.update(
        uuid_of("key 3"), vector={"blob": [1.0, 9.0] if distance != "cosine" else [3.0, 1.0]}
    )
    failures = compare_search(mapping, layout, [first], migration.collection, None).failures
    assert "the vector blob of key 3 does not find it" in failures


def test_vectors_that_have_no_cosine_are_not_searched_for(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    rows = [row("zero", unmapped=blob(0, 0)), row("huge", unmapped=blob(1e30, 1e30)), row("none", unmapped="none")]
    migration = SmallMigration.begin(tmp_path, client, rows, SEEN)
    migration.load()
    found = search(migration)
    assert found.passed
    assert {"vector blob", "vector listed"} <= set(found.untried)
    assert "No sampled row has what to search for in" in found.to_text()


def test_migrate_checks_the_vectors_of_columns(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    make_mapping(notes.mapping, more="vectors: [{name: seen, column: body}, own]")
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("UPDATE notes SET body = '[0.5, ' || size || ']'")
    ended = notes.migrate("--json")
    assert ended.code == 0, ended.stderr
    checks = {each["name"]: each for each in ended.json["checks"]}
    assert checks["search"]["passed"]
    assert checks["vectors"]["description"] == "64 vectors compared, each number bit for bit: no difference."
    assert checks["recall"]["description"].startswith("seen: recall@10 ")
    assert checks["vectors"]["passed"]
    assert checks["recall"]["passed"]
    found = client.collections.use("Note").query.fetch_object_by_id(note_id(3), include_vector=True)
    assert found.vector == {"seen": [0.5, 3.0]}
