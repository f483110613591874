from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.property_mapping import UnfitPolicy
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.refusals import DUPLICATE_KEY, NO_KEY, judged_rows, with_unusable_keys
from weaviate_migration.phases.history.extract.storage import open_partition, write_partition
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout, encode, extract_schema


def judged(*uuids: str | None) -> list[tuple[str | None, str | None]]:
    return [(row.uuid, reason) for row, reason in with_unusable_keys(ExtractRow(each, (), ()) for each in uuids)]


def test_rows_with_keys_of_their_own_can_be_used() -> None:
    assert judged() == []
    assert judged("a") == [("a", None)]
    assert judged("a", "b") == [("a", None), ("b", None)]


def test_every_row_that_shares_a_key_is_refused() -> None:
    assert judged("a", "a", "b") == [("a", DUPLICATE_KEY), ("a", DUPLICATE_KEY), ("b", None)]
    assert judged("a", "b", "b", "b") == [("a", None), *[("b", DUPLICATE_KEY)] * 3]


def test_rows_without_a_key_are_not_duplicates_of_each_other() -> None:
    assert judged(None, None, "a") == [(None, NO_KEY), (None, NO_KEY), ("a", None)]


@given(st.lists(st.none() | st.sampled_from("abcde")))
def test_a_row_can_be_used_if_its_uuid_is_there_once(uuids: list[str | None]) -> None:
    ordered = sorted(uuids, key=lambda each: each or "")
    usable = [each for each, reason in judged(*ordered) if reason is None]
    assert usable == [each for each in ordered if each is not None and ordered.count(each) == 1]


LAYOUT = RowLayout("notes", ("id", "Size"), ("id",))


def judged_sizes(folder: Path, on_unfit: UnfitPolicy, *rows: tuple[str | None, SqlValue]) -> list[str | None]:
    """The reasons for rows of an extract, given their UUID and their size."""
    size = PropertyMapping(name="bytes", column="size", type="int", on_unfit=on_unfit)
    extracted = [ExtractRow(uuid, (uuid,), (uuid, value)) for uuid, value in rows]
    schema = extract_schema(LAYOUT, extracted)
    path = UPath(folder / "00.parquet")
    write_partition(path, pa.RecordBatchReader.from_batches(schema, [encode(extracted, schema)]))
    mapping = CollectionMapping(name="Note", table="notes", properties=(size,))
    judged = list(judged_rows(open_partition(path), mapping))
    assert [row for row, _ in judged] == extracted
    return [reason for _, reason in judged]


def test_rows_are_refused_for_values_only_where_the_mapping_says_so(tmp_path: Path) -> None:
    rows: list[tuple[str | None, SqlValue]] = [("a", 1), ("b", "large"), ("c", 5.0), ("d", None), ("e", 2**53)]
    assert judged_sizes(tmp_path, "keep", *rows) == [None] * 5
    refusal = (
        "column `Size` holds {}, which property `bytes` of type int cannot hold, and the mapping says on_unfit: refuse"
    )
    assert judged_sizes(tmp_path, "refuse", *rows) == [
        None,
        refusal.format("a text"),
        None,
        None,
        refusal.format("an integer"),
    ]


def test_a_key_that_cannot_be_used_is_the_first_reason(tmp_path: Path) -> None:
    rows: list[tuple[str | None, SqlValue]] = [(None, "large"), ("a", "large"), ("a", 1)]
    assert judged_sizes(tmp_path, "refuse", *rows) == [NO_KEY, DUPLICATE_KEY, DUPLICATE_KEY]
