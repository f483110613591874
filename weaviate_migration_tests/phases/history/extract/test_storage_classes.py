import json
from pathlib import Path

import pandas
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from weaviate_migration.mapping.parents import ParentKey
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage import open_partition, write_partition
from weaviate_migration.phases.history.extract.storage_classes import (
    OTHER_CLASSES,
    UUID_COLUMN,
    ExtractRow,
    RowLayout,
    decode,
    encode,
    extract_schema,
)
from weaviate_migration.phases.validation.row_comparer import same_value
from weaviate_migration_tests.strategies import SQL_VALUES

LAYOUT = RowLayout("notes", ("id", 'odd "name" of 🎉', "select", "", "a.b"), ("id",))
ROWID_LAYOUT = RowLayout("notes", ("a",), ())
NOT_UTF8 = b"a\xff".decode("utf-8", "surrogateescape")


def row_of(*values: SqlValue) -> ExtractRow:
    return ExtractRow("00000000-0000-4000-8000-000000000001", (values[0],), values)


def through_arrow(layout: RowLayout, rows: list[ExtractRow]) -> list[ExtractRow]:
    return list(decode(encode(rows, extract_schema(layout, rows))))


def through_parquet(path: Path, layout: RowLayout, rows: list[ExtractRow]) -> list[ExtractRow]:
    schema = extract_schema(layout, rows)
    write_partition(UPath(path), pa.RecordBatchReader.from_batches(schema, [encode(rows, schema)]))
    return list(open_partition(UPath(path)).extract_rows())


def assert_same(one: list[ExtractRow], other: list[ExtractRow]) -> None:
    assert len(one) == len(other)
    for expected, found in zip(one, other, strict=True):
        assert expected.uuid == found.uuid
        assert all(map(same_value, expected.key + expected.values, found.key + found.values)), (expected, found)


@given(st.lists(st.builds(row_of, *[SQL_VALUES] * len(LAYOUT.columns)), max_size=6))
def test_every_value_comes_back_exactly(rows: list[ExtractRow]) -> None:
    assert_same(rows, through_arrow(LAYOUT, rows))


@given(st.lists(SQL_VALUES, min_size=1, max_size=6), st.lists(SQL_VALUES, max_size=6))
def test_a_schema_made_from_other_rows_holds_every_value_too(
    values: list[SqlValue], seen_before: list[SqlValue]
) -> None:
    layout = RowLayout("notes", ("a",), ("a",))
    rows = [row_of(value) for value in values]
    schema = extract_schema(layout, [row_of(value) for value in seen_before])
    assert_same(rows, list(decode(encode(rows, schema))))


def test_through_a_file(tmp_path: Path) -> None:
    rows = [
        row_of("key", 2**63 - 1, 1.5, b"\x00", "a\0b"),
        row_of("other", -(2**63), float("inf"), "text", ""),
        row_of(None, 7, float("-inf"), NOT_UTF8, None),
        row_of(b"blob", "7", -0.0, None, NOT_UTF8),
        row_of(NOT_UTF8, None, 1, 0.0, "🎉"),
    ]
    assert_same(rows, through_parquet(tmp_path / "a.parquet", LAYOUT, rows))


def test_rows_told_apart_by_rowid(tmp_path: Path) -> None:
    rows = [ExtractRow(None, (-5,), ("a",)), ExtractRow(None, (2**63 - 1,), (None,))]
    assert_same(rows, through_parquet(tmp_path / "a.parquet", ROWID_LAYOUT, rows))


def test_no_rows(tmp_path: Path) -> None:
    assert through_parquet(tmp_path / "a.parquet", LAYOUT, []) == []
    assert RowLayout.of_schema(open_partition(UPath(tmp_path / "a.parquet")).schema) == LAYOUT


def test_the_layout_is_in_the_schema() -> None:
    parents = (ParentKey("b", "p", "TEXT", "parentId"), ParentKey("a", "q", "INTEGER", "", "parent"))
    for layout in (LAYOUT, ROWID_LAYOUT, RowLayout("t", ("b", "a"), ("a", "b"), parents)):
        assert RowLayout.of_schema(extract_schema(layout, [])) == layout


def test_a_layout_without_parents_is_written_as_older_versions_wrote_and_read_it() -> None:
    (text,) = LAYOUT.to_metadata().values()
    assert json.loads(text) == {"table": "notes", "columns": list(LAYOUT.columns), "key": ["id"]}


def test_composite_keys_are_read_from_their_columns_in_the_keys_order() -> None:
    layout = RowLayout("t", ("b", "a"), ("a", "b"))
    assert [row.key for row in through_arrow(layout, [ExtractRow("u", (1, "x"), ("x", 1))])] == [(1, "x")]


@pytest.mark.parametrize(
    ("values", "arrow_type"),
    [
        ([None, None], pa.string()),
        ([1, 2, "three"], pa.int64()),
        ([1.5, None, 2], pa.float64()),
        (["a", "b", 1, 2, "c"], pa.string()),
        ([b"a", None], pa.binary()),
    ],
)
def test_a_column_has_the_type_that_it_holds_most(values: list[SqlValue], arrow_type: pa.DataType) -> None:
    layout = RowLayout("t", ("c",), ("c",))
    assert extract_schema(layout, [row_of(value) for value in values]).field("c").type == arrow_type


def test_pandas_reads_plain_columns(tmp_path: Path) -> None:
    layout = RowLayout("t", ("id", "size", "score", "body"), ("id",))
    rows = [row_of("a", 1, 0.5, b"x"), row_of("b", 2, 1.5, b"y"), row_of("c", "three", None, b"z")]
    through_parquet(tmp_path / "a.parquet", layout, rows)
    frame = pandas.read_parquet(tmp_path / "a.parquet")
    assert list(frame.columns) == [UUID_COLUMN, "id", "size", "score", "body", OTHER_CLASSES]
    assert frame["id"].tolist() == ["a", "b", "c"]
    assert frame["size"].dropna().tolist() == [1, 2]
    assert frame["score"].dropna().tolist() == [0.5, 1.5]
    assert frame["body"].tolist() == [b"x", b"y", b"z"]
    assert frame[OTHER_CLASSES].tolist()[:2] == [None, None]
    assert [name for name, _ in frame[OTHER_CLASSES].tolist()[2]] == ["size"]
