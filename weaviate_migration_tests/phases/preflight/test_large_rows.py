"""Rows that are too large for the memory are named, with what they need, and without being read."""

import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import MINIMUM_MEMORY_MB, largest_row_bytes, memory_for_row_mb
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.preflight.large_rows import refuse_large_rows
from weaviate_migration_tests.source.databases import make

MOST = largest_row_bytes(MINIMUM_MEMORY_MB)


def mapping_of(**fields: object) -> Mapping:
    key = {"name": "docId", "column": "id", "index": "whole"}
    collection = {"name": "Doc", "table": "docs", "properties": [key], **fields}
    return Mapping.model_validate({"name": "test", "missing": "warn", "collections": [collection]})


def file_of(folder: Path, columns: str, *rows: tuple[object, ...]) -> Path:
    path = make(folder / "app.db", f"CREATE TABLE docs ({columns})")
    with closing(sqlite3.connect(path)) as connection, connection:
        for each in rows:
            connection.execute(f"INSERT INTO docs VALUES ({', '.join('?' * len(each))})", each)
    return path


def refusal(path: Path, mapping: Mapping, memory_limit_mb: int = MINIMUM_MEMORY_MB) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        refuse_large_rows(path, mapping, path.parent, memory_limit_mb)
    return raised.value


def test_the_largest_are_named_with_what_they_need(tmp_path: Path) -> None:
    half = MOST // 2 + 1
    rows = [
        ("exactly", "x" * (MOST - 7), None),
        ("text", "x" * (MOST + 1), None),
        ("blob", None, bytes(2 * MOST)),
        ("both", "x" * half, bytes(half)),
        ("umlauts", "ü" * half, None),
        ("numbers", 1, 2.5),
    ]
    path = file_of(tmp_path, "id TEXT PRIMARY KEY, body, picture", *rows)
    found = refusal(path, mapping_of())
    assert found.exit_code == 2
    assert found.message.startswith(f"docs: 4 rows too large for --memory-limit-mb {MINIMUM_MEMORY_MB}: blob (")
    enough = memory_for_row_mb(2 * MOST + 4)
    assert f"--memory-limit-mb {enough}" in found.hint
    refuse_large_rows(path, mapping_of(), tmp_path, enough)
    # A column that goes nowhere is not read.
    assert "text" in refusal(path, mapping_of(omit={"picture": "private"})).message
    refuse_large_rows(path, mapping_of(omit={"picture": "private", "body": "private"}), tmp_path, MINIMUM_MEMORY_MB)


def test_no_row_leaves_sqlite(tmp_path: Path) -> None:
    path = file_of(tmp_path, "id TEXT PRIMARY KEY, body", *((f"{each}", "x" * 2 * MOST) for each in range(3)))
    tracemalloc.start()
    try:
        refusal(path, mapping_of())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST


@pytest.mark.parametrize("columns", [1, 1_500])
def test_tables_of_any_width_and_without_a_key(tmp_path: Path, columns: int) -> None:
    names = [f"c{number}" for number in range(columns)]
    path = file_of(tmp_path, ", ".join(names), ("x" * 2 * MOST, *([None] * (columns - 1))))
    key = {"name": "docId", "column": "c0", "index": "whole"}
    assert "1 row too large" in refusal(path, mapping_of(properties=[key])).message


def test_a_table_that_is_not_there_has_none(tmp_path: Path) -> None:
    path = file_of(tmp_path, "id TEXT PRIMARY KEY, body", ("large", "x" * 2 * MOST))
    other = Mapping.model_validate(
        {
            "name": "test",
            "missing": "warn",
            "collections": [
                {"name": name, "table": table, "properties": [{"name": "docId", "column": "id", "index": "whole"}]}
                for name, table in (("Other", "others"), ("Doc", "docs"))
            ],
        }
    )
    assert refusal(path, other).message.startswith("docs: 1 row")
