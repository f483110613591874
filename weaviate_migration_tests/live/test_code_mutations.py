"""The product's own code is made wrong on purpose: the comparisons find it, and `migrate` does not switch to it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.mapping import converters, row_to_object
from weaviate_migration.mapping.converters import CONVERTERS, MEMBER_CONVERTERS
from weaviate_migration.mapping.dates import EPOCH_CONVERTERS, pattern_property
from weaviate_migration.mapping.decimals import scaled_integer_property
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import Converted, Converter, SqlValue, verbatim_json
from weaviate_migration.phases.history.extract import scan
from weaviate_migration.target.write import Batch, BatchOutcome, ObjectWriter
from weaviate_migration_tests.live.command_line import holdings
from weaviate_migration_tests.live.notes import NoteMigration
from weaviate_migration_tests.live.small_migration import FULL_NOTES, SmallMigration, row
from weaviate_migration_tests.partition_keys import PARTITION_KEYS


def counting_from_one(value: SqlValue) -> Converted:
    return (value + 1, True) if isinstance(value, int) else (None, value is None)


def an_hour_late(value: SqlValue) -> Converted:
    converted, exact = CONVERTERS["date"](value)
    return (converted.replace("T03:", "T04:") if isinstance(converted, str) else None), exact


def lost_without_a_word(_: SqlValue) -> Converted:
    return None, True


def lost_but_kept(value: SqlValue) -> Converted:
    return None, value is None


def upside_down(value: SqlValue) -> Converted:
    return value == 0, True


def trimmed(value: SqlValue) -> Converted:
    return (value[:10], True) if isinstance(value, str) else (None, value is None)


def kept_but_altered(value: SqlValue) -> Converted:
    return (0.25, False) if isinstance(value, float) else (None, value is None)


def as_single_precision(value: SqlValue) -> Converted:
    return (0.5000000298023224, True) if isinstance(value, float) else (None, value is None)


def backwards(value: SqlValue) -> Converted:
    return (json.loads(value)[::-1], True) if isinstance(value, str) else (None, value is None)


def another_uuid(value: SqlValue) -> Converted:
    return (f"{value[:-1]}0", True) if isinstance(value, str) else (None, value is None)


def a_bit_off(value: SqlValue) -> Converted:
    return ("AP4=", True) if isinstance(value, bytes) else (None, value is None)


def items_as_single_precision(value: SqlValue) -> Converted:
    return ([0.5, 1.0000000298023224], True) if isinstance(value, str) else (None, value is None)


WRONG_CONVERSIONS: list[tuple[str, Converter, str]] = [
    ("int", counting_from_one, "size"),
    ("int", lost_without_a_word, "size"),
    ("date", an_hour_late, "at"),
    ("boolean", upside_down, "done"),
    ("text", trimmed, "body"),
    ("text[]", lost_without_a_word, "tags"),
    ("text[]", backwards, "tags"),
    ("number", as_single_precision, "score"),
    ("uuid", another_uuid, "ident"),
    ("blob", a_bit_off, "picture"),
    ("int[]", backwards, "counts"),
    ("number[]", items_as_single_precision, "scores"),
    ("boolean[]", backwards, "flags"),
    ("date[]", lost_but_kept, "moments"),
    # The row can still be rebuilt from its object: only the property says something else.
    ("number", kept_but_altered, "score"),
    ("date", lost_but_kept, "at"),
]


def assert_found(migration: SmallMigration, name: str) -> None:
    """By the full comparison in every object, and by a sample of three rows."""
    found = [each for partition in migration.compare_all() for each in partition.differences]
    assert {each.kind for each in found} == {"altered"}
    assert sum(each.property == name for each in found) == len(FULL_NOTES)
    assert sum(each.property == name for each in migration.compare(size=3).differences) == 3


@pytest.mark.parametrize(("of_type", "wrong", "name"), WRONG_CONVERSIONS)
def test_a_wrong_conversion(
    client: weaviate.WeaviateClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    of_type: str,
    wrong: Converter,
    name: str,
) -> None:
    monkeypatch.setattr(converters, "CONVERTERS", {**CONVERTERS, of_type: wrong})
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)
    migration.load()
    assert_found(migration, name)


def always_true(_true: object, _false: object) -> Converter:
    return lambda value: (None if value is None else True, True)


def month_first(_pattern: str) -> Converter:
    return pattern_property("%m/%d/%Y %H:%M")


def without_a_point(value: SqlValue) -> Converted:
    return (float(value.replace(".", "")), False) if isinstance(value, str) else (None, value is None)


def another_scale(scale: int) -> Converter:
    return scaled_integer_property(scale + 1)


@pytest.mark.parametrize(
    ("part", "wrong", "column", "value", "name"),
    [
        ("spelled_boolean", always_true, "spelled", "f", "spelled"),
        ("pattern_property", month_first, "by_pattern_0", "02/01/2026 03:04", "byPattern0"),
        ("decimal_text_property", without_a_point, "price", "12.50", "price"),
        ("scaled_integer_property", another_scale, "cents", 1250, "cents"),
        (
            "EPOCH_CONVERTERS",
            {**EPOCH_CONVERTERS, "apple": EPOCH_CONVERTERS["epoch_seconds"]},
            "since_2001",
            789015600,
            "since2001",
        ),
    ],
)
def test_a_column_that_is_read_in_a_wrong_way(
    client: weaviate.WeaviateClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    wrong: object,
    column: str,
    value: SqlValue,
    name: str,
) -> None:
    monkeypatch.setattr(converters, part, wrong)
    migration = SmallMigration.begin(tmp_path, client, [row("key", **{column: value})])
    migration.load()
    (found,) = [
        each for partition in migration.compare_all() for each in partition.differences if each.property == name
    ]
    assert found.kind == "altered"
    assert [each.property for each in migration.compare(size=1).differences if each.property == name] == [name]


def test_a_wrong_member(client: weaviate.WeaviateClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_member(_: str) -> Converter:
        return lambda _: ("something else", False)

    monkeypatch.setattr(converters, "MEMBER_CONVERTERS", {**MEMBER_CONVERTERS, "text": other_member})
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)
    migration.load()
    assert_found(migration, "memberA")


def forgetting_all(_: dict[str, SqlValue]) -> str:
    return "{}"


def forgetting_blobs(columns: dict[str, SqlValue]) -> str:
    return verbatim_json({name: value for name, value in columns.items() if not isinstance(value, bytes)})


def blobs_as_text(columns: dict[str, SqlValue]) -> str:
    return verbatim_json({name: str(value) if isinstance(value, bytes) else value for name, value in columns.items()})


def broken_off(columns: dict[str, SqlValue]) -> str:
    return verbatim_json(columns)[:-1]


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (forgetting_all, "metadata.source_columns.unmapped"),
        (forgetting_blobs, "metadata.source_columns.unmapped"),
        (blobs_as_text, "metadata.source_columns.unmapped"),
        (broken_off, "metadata.source_columns"),
    ],
)
def test_wrong_source_columns(
    client: weaviate.WeaviateClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[dict[str, SqlValue]], str],
    name: str,
) -> None:
    monkeypatch.setattr(row_to_object, "verbatim_json", wrong)
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)
    migration.load()
    assert_found(migration, name)


def of_any_class(table: str, key: tuple[SqlValue, ...]) -> str | None:
    return object_uuid(table, tuple(map(str, key)))


def of_any_table(_: str, key: tuple[SqlValue, ...]) -> str | None:
    return object_uuid("", key)


def of_any_case(table: str, key: tuple[SqlValue, ...]) -> str | None:
    return object_uuid(table, tuple(part.lower() if isinstance(part, str) else part for part in key))


@pytest.mark.parametrize(
    ("wrong", "wrong_uuids", "missing"), [(of_any_class, 0, 2), (of_any_table, 4, 0), (of_any_case, 0, 2)]
)
def test_wrong_uuids(
    client: weaviate.WeaviateClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[str, tuple[SqlValue, ...]], str | None],
    wrong_uuids: int,
    missing: int,
) -> None:
    """Those that do not follow from their key are counted, and rows whose objects fall together are missing."""
    monkeypatch.setattr(scan, "object_uuid", wrong)
    keys: list[SqlValue] = [1, "1", "Key", "key"]
    migration = SmallMigration.begin(tmp_path, client, map(row, keys))
    migration.load()
    compared = migration.compare_all()
    assert sum(each.wrong_uuid_count for each in compared) == wrong_uuids
    assert sum(each.missing for each in compared) == missing


def dropping_the_first(self: ObjectWriter, batch: Batch) -> BatchOutcome:
    outcome = BatchOutcome(batch)
    self._send_until_acknowledged(list(batch.drafts[1:]), outcome)
    return outcome


def test_a_writer_that_drops_objects(
    client: weaviate.WeaviateClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ObjectWriter, "write_batch", dropping_the_first)
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)
    tally = migration.load()
    assert tally.written == len(FULL_NOTES), "it says that it wrote them all"
    compared = migration.compare_all()
    assert [each.missing for each in compared] == [1] * tally.batches
    assert sum(each.total for each in compared) == tally.batches


def test_a_load_that_skips_a_partition(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    migration = SmallMigration.begin(tmp_path, client, FULL_NOTES)
    migration.load([partition for partition in PARTITION_KEYS if partition != "05"])
    compared = {each.partition: each for each in migration.compare_all()}
    skipped = compared.pop("05")
    assert skipped.missing == skipped.rows > 0
    assert all(each.passed for each in compared.values())


def test_migrate_does_not_switch_to_what_a_wrong_conversion_made(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(converters, "CONVERTERS", {**CONVERTERS, "int": counting_from_one})
        wrong = notes.migrate("--json")
    assert wrong.code == 3, wrong.stderr
    failed = {(each["name"], each["partition"]) for each in wrong.json["checks"] if not each["passed"]}
    assert failed == {("sample", None)} | {("every_object", partition) for partition in PARTITION_KEYS}
    made = wrong.json["collections"]["Note"]["collection"]
    assert holdings(client) == ([made], {})
    right = notes.migrate("--json")
    assert right.code == 0, right.stderr
    assert holdings(client) == ([made], {"Note": made})
