"""Collections that are no whole table: what a statement gives, and the rows that a condition picks."""

from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, plan_migration
from weaviate_migration.source.rows import TableReader
from weaviate_migration_tests.source.databases import make

DOCUMENTS = "CREATE TABLE Documents (id INTEGER PRIMARY KEY, title TEXT COLLATE NOCASE, size REAL)"
CHUNKS = "CREATE TABLE Chunks (id TEXT PRIMARY KEY, document INTEGER, body TEXT)"
TITLED = "SELECT c.id, c.body, d.title FROM chunks c JOIN documents d ON d.id = c.document"


def collection(name: str, column: str = "id", **fields: Any) -> dict[str, Any]:
    return {"name": name, "properties": [{"name": "text", "column": column, "index": "stored"}], **fields}


def mapping_of(*collections: dict[str, Any]) -> Mapping:
    return Mapping.model_validate({"name": "library", "collections": collections})


def plan_of(path: Path, *collections: dict[str, Any]) -> MigrationPlan:
    mapping = mapping_of(*collections)
    return plan_migration(mapping, inspect_database(path, mapping))


def rows_of(path: Path, plan: CollectionPlan) -> dict[SqlValue, tuple[str | None, tuple[SqlValue, ...]]]:
    """By their keys."""
    with TableReader(path, plan, object_uuid, 4, path.parent) as reader:
        return {key[0]: (uuid, values) for uuid, key, values in reader.rows()}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return make(
        tmp_path / "app.db",
        DOCUMENTS,
        CHUNKS,
        "INSERT INTO documents VALUES (1, 'One', 2.0), (2, 'Two', NULL), (3, 'Three', 1)",
        "INSERT INTO chunks VALUES ('a', 1, 'x'), ('b', 1, 'y'), ('c', 2, x'ff'), ('d', NULL, 'z')",
    )


def test_a_statement_gives_rows_with_the_columns_that_it_names(library: Path) -> None:
    (plan,) = plan_of(library, collection("Chunk", select=TITLED, key=["id"])).collections
    assert plan.columns == ("id", "body", "title")
    assert plan.table is not None
    assert [column.declared_type for column in plan.table.columns] == ["TEXT", "TEXT", "TEXT"]
    assert {key: values for key, (_, values) in rows_of(library, plan).items()} == {
        "a": ("a", "x", "One"),
        "b": ("b", "y", "One"),
        "c": ("c", b"\xff", "Two"),
    }


def test_rows_of_a_table_have_its_uuids_whatever_statement_gives_them(library: Path) -> None:
    whole, joined, named = plan_of(
        library,
        collection("Chunk", table="chunks"),
        collection("TitledChunk", select=TITLED, table="chunks", key=["id"]),
        collection("Other", select=TITLED, key=["id"]),
    ).collections
    uuids = {key: uuid for key, (uuid, _) in rows_of(library, whole).items()}
    assert {key: uuid for key, (uuid, _) in rows_of(library, joined).items()} == {key: uuids[key] for key in "abc"}
    assert all(uuid != uuids[key] for key, (uuid, _) in rows_of(library, named).items())


def test_conditions_part_the_rows_of_a_table(library: Path) -> None:
    large, small = plan_of(
        library,
        collection("Large", "title", table="documents", where="size >= 2 -- in megabytes"),
        collection("Small", "title", table="documents", where="size < 2 OR size IS NULL;"),
    ).collections
    assert rows_of(library, large).keys() == {1}
    assert rows_of(library, small).keys() == {2, 3}
    assert large.key == ("id",)
    assert (large.mapping.rows_of, small.mapping.rows_of) == ("documents/Large", "documents/Small")


def test_a_condition_goes_with_rows_that_have_only_a_rowid(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "CREATE TABLE t (rowid, a)", "INSERT INTO t VALUES (7, 1), (8, 2), (9, 3)")
    (plan,) = plan_of(path, collection("T", "a", table="t", where="a > 1")).collections
    assert plan.key == ("_rowid_",)
    assert rows_of(path, plan).keys() == {2, 3}
