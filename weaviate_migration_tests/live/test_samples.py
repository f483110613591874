"""The sample finds what is wrong on a real server: in an object, and in a conversion that is wrong for every row."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import weaviate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weaviate_migration.target.read_back import StoredObject, objects_by_uuid
from weaviate_migration.transform import row_to_object
from weaviate_migration.transform.object_ids import object_uuid
from weaviate_migration.transform.values import CONVERTERS, MEMBER_CONVERTERS, Converted, Converter, SqlValue
from weaviate_migration.verify import samples
from weaviate_migration_tests.live.small_migration import SmallMigration, row
from weaviate_migration_tests.strategies import ROWS

FULL: dict[str, SqlValue] = {
    "body": "text of the note",
    "tags": '["a", "b"]',
    "size": 7,
    "score": 0.5,
    "done": 1,
    "at": "2026-01-02 03:04:05",
    "document": '{"a": "member", "b": ["x"]}',
    "title": "",
    "unmapped": b"\x00\xff",
}
NOTES = [row(f"key {number}", **FULL) for number in range(40)]


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
    migration = SmallMigration.begin(tmp_path, client, NOTES)

    def drawn(size: int, seed: int) -> list[str]:
        compared = migration.compare(size, seed)
        assert compared.rows == min(size, len(NOTES))
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
    migration = SmallMigration.begin(tmp_path, client, NOTES)
    migration.load()
    asked: list[int] = []

    def counting(collection: Any, uuids: list[str], **names: Any) -> dict[str, StoredObject]:
        asked.append(len(uuids))
        return objects_by_uuid(collection, uuids, **names)

    monkeypatch.setattr(samples, "objects_by_uuid", counting)
    monkeypatch.setattr(samples, "OBJECTS_PER_REQUEST", 15)
    assert migration.compare().differences == ()
    assert asked == [15, 15, 10]
    asked.clear()
    monkeypatch.setattr(samples, "BATCH_SIZE", 1)
    assert migration.compare(5).differences == ()
    assert asked == [1] * 5


@pytest.mark.parametrize("altered", [{"size": 8}, {"body": None}, {"tags": ["a"]}, {"done": False}, {"title": "other"}])
def test_one_damaged_object_is_found(client: weaviate.WeaviateClient, tmp_path: Path, altered: dict[str, Any]) -> None:
    migration = SmallMigration.begin(tmp_path, client, NOTES)
    migration.load()
    uuid = object_uuid("notes", ("key 3",))
    assert uuid is not None
    migration.collection.data.update(uuid, properties=altered)
    found = migration.compare().differences
    assert {each.key for each in found} == {"key 3"}
    assert set(altered) <= {each.property for each in found}


def counting_from_one(value: SqlValue) -> Converted:
    return (value + 1, True) if isinstance(value, int) else (None, value is None)


def an_hour_late(value: SqlValue) -> Converted:
    converted, exact = CONVERTERS["date"](value)
    return (converted.replace("T03:", "T04:") if isinstance(converted, str) else None), exact


def lost_without_a_word(_: SqlValue) -> Converted:
    return None, True


def upside_down(value: SqlValue) -> Converted:
    return value == 0, True


def trimmed(value: SqlValue) -> Converted:
    return (value[:10], True) if isinstance(value, str) else (None, value is None)


def kept_but_altered(value: SqlValue) -> Converted:
    return (0.25, False) if isinstance(value, float) else (None, value is None)


WRONG: list[tuple[str, Callable[[SqlValue], Converted], str]] = [
    ("int", counting_from_one, "size"),
    ("int", lost_without_a_word, "size"),
    ("date", an_hour_late, "at"),
    ("boolean", upside_down, "done"),
    ("text", trimmed, "body"),
    ("text[]", lost_without_a_word, "tags"),
    # The row can still be rebuilt from its object: only the property says something else.
    ("number", kept_but_altered, "score"),
    ("date", lambda value: (None, value is None), "at"),
]


@pytest.mark.parametrize(("of_type", "wrong", "name"), WRONG)
def test_a_wrong_conversion_is_found_by_a_small_sample(
    client: weaviate.WeaviateClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    of_type: str,
    wrong: Converter,
    name: str,
) -> None:
    monkeypatch.setattr(row_to_object, "CONVERTERS", {**CONVERTERS, of_type: wrong})
    migration = SmallMigration.begin(tmp_path, client, NOTES)
    migration.load()
    compared = migration.compare(size=3)
    assert sum(each.property == name for each in compared.differences) == 3


def test_a_wrong_member_is_found(
    client: weaviate.WeaviateClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_member(_: str) -> Converter:
        return lambda _: ("something else", False)

    monkeypatch.setattr(row_to_object, "MEMBER_CONVERTERS", {**MEMBER_CONVERTERS, "text": other_member})
    migration = SmallMigration.begin(tmp_path, client, NOTES)
    migration.load()
    assert "memberA" in {each.property for each in migration.compare(size=1).differences}


def test_source_columns_that_forget_are_found(
    client: weaviate.WeaviateClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_to_object, "verbatim_json", lambda _: "{}")
    migration = SmallMigration.begin(tmp_path, client, NOTES)
    migration.load()
    assert "metadata.source_columns.unmapped" in {each.property for each in migration.compare(size=1).differences}
