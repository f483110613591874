"""Collections that are no whole table: what a statement gives, and the rows that a condition picks."""

from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.errors import MappingError
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.other_tables import read_other_tables
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, plan_migration
from weaviate_migration.source.rows import TableReader
from weaviate_migration_tests.source.databases import make, make_as_its_application

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


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"select": "SELECT c.id, d.titel FROM chunks c JOIN documents d ON d.id = c.document", "key": ["id"]},
            "Chunk: `select` cannot be read in this file: no such column: d.titel; did you mean `title`? Allowed: ",
        ),
        (
            {"select": "SELECT id FROM chunk", "key": ["id"]},
            "Chunk: `select` cannot be read in this file: no such table: chunk; did you mean `Chunks`? Allowed: ",
        ),
        (
            {"table": "chunks", "where": "dokument > 1"},
            "Chunk: `where` cannot be read in this file: no such column: dokument; did you mean `document`? Allowed: ",
        ),
        (
            {"table": "chunks", "where": 'body = "value"'},
            "Chunk: `where` cannot be read in this file: no such column: value; a text stands in single quotes",
        ),
        (
            {"select": 'SELECT id, json_extract(body, "$.a") AS a FROM chunks', "key": ["id"]},
            "Chunk: `select` cannot be read in this file: no such column: $.a; a text stands in single quotes",
        ),
        (
            {"table": "chunks", "where": "shout(body) = 'X!'"},
            "Chunk: `where` cannot be read in this file: no such function: shout",
        ),
        (
            {"select": "SELECT c.id, d.ID FROM chunks c, documents d", "key": ["id"]},
            "Chunk: `select` gives two columns `id`: call one of them otherwise, with AS",
        ),
        (
            {"select": "SELECT id AS chunk FROM chunks", "table": "chunks", "key": ["chunk"]},
            "Chunk: `key` is chunk, and the rows of table `chunks` are told apart by id: select it under this name",
        ),
        (
            {"select": "SELECT id FROM chunks", "key": ["chunk"]},
            "Chunk: key: `select` gives no column `chunk`; Allowed: id",
        ),
        ({"table": "chunk", "where": "true"}, "Chunk: there is no table `chunk`; did you mean `Chunks`?"),
    ],
)
def test_statements_that_the_file_cannot_follow(library: Path, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(MappingError) as error:
        plan_of(library, collection("Document", table="documents"), collection("Chunk", **fields))
    assert said in error.value.message


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("random() > 0", "random"),
        ("hex( RandomBlob ( 4 ) ) > title", "randomblob"),
        ("size > changes()", "changes"),
        ("title > date('now', '-1 year')", "date"),
        ("title > date()", "date"),
        ("title > strftime('%Y')", "strftime"),
        ("title < Current_Timestamp", "current_timestamp"),
        ("title > date('2024-01-01', '+1 month')", ""),
        ("title = 'random() at CURRENT_DATE' -- now", ""),
        ("title IN ('random', 'now') AND size > 1", ""),
    ],
)
def test_what_gives_other_rows_each_time(library: Path, sql: str, name: str) -> None:
    condition = collection("Document", table="documents", where=sql)
    statement = collection("Document", select=f"SELECT id, {sql}\n AS held FROM documents", key=["id"])
    for given, field in ((condition, "where"), (statement, "select")):
        if name:
            with pytest.raises(MappingError, match=f"Document: `{field}`: `{name}` gives another value each time"):
                plan_of(library, given)
        else:
            plan_of(library, given)


def test_a_condition_that_only_the_application_compares_by_is_a_warning(tmp_path: Path) -> None:
    path = make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE by_length)",
        "INSERT INTO t VALUES (1, 'a'), (2, 'bb')",
    )
    plan = plan_of(path, collection("T", "a", table="t", where="a > 'zz'"))
    assert ["`by_length`: where `where` of table `t` compares by it" in each for each in plan.warnings] == [True]
    assert rows_of(path, plan.collections[0]) == {}


def test_more_columns_than_a_condition_leaves_room_for(tmp_path: Path) -> None:
    columns = ", ".join(f"c{number}" for number in range(2000))
    path = make(tmp_path / "app.db", f"CREATE TABLE wide ({columns})")
    with pytest.raises(MappingError, match="wide` has 2,000 columns, which is one too many beside `where`"):
        plan_of(path, collection("Wide", "c1", table="wide", where="c1 > 0", key=["c0"]))


@pytest.mark.parametrize(
    ("collections", "in_none", "in_several"),
    [
        ([{"where": "size >= 2"}, {"where": "size < 2"}], (1, ("2",)), (0, ())),
        ([{"where": "size >= 1"}, {"where": "size < 2 or size is null"}], (0, ()), (1, ("3",))),
        ([{"where": "size >= 1"}, {}], (0, ()), (2, ("1", "3"))),
        ([{"where": "size = 5 -- none"}], (3, ("1", "2", "3")), (0, ())),
        ([{"where": "id IN (SELECT document FROM chunks)"}], (1, ("3",)), (0, ())),
        ([{"where": "documents.size > 0 AND title LIKE 't%'"}], (2, ("1", "2")), (0, ())),
        (
            [
                {"select": "SELECT d.id, c.body FROM documents d JOIN chunks c ON c.document = d.id", "key": ["ID"]},
                {"where": "size IS NULL"},
            ],
            (1, ("3",)),
            (1, ("2",)),
        ),
        ([{"select": "SELECT * FROM documents", "key": ["id"], "where": "size > 1"}], (2, ("2", "3")), (0, ())),
    ],
)
def test_rows_that_are_in_no_collection_or_in_several(
    library: Path,
    collections: list[dict[str, Any]],
    in_none: tuple[int, tuple[str, ...]],
    in_several: tuple[int, tuple[str, ...]],
) -> None:
    named = [collection(f"C{number}", table="documents", **each) for number, each in enumerate(collections)]
    mapping = mapping_of(*named)
    database = inspect_database(library, mapping)
    found = read_other_tables(library, database, plan_migration(mapping, database))
    parted = found.parted["Documents"]
    assert (parted.rows, (parted.in_none.count, parted.in_none.examples)) == (3, in_none)
    assert (parted.in_several.count, parted.in_several.examples) == in_several
    assert ("Documents: " in " ".join(found.warnings)) == bool(in_none[0] or in_several[0])


def test_keys_that_are_told_by_their_bytes(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE t (a, b, PRIMARY KEY (a, b))",
        "INSERT INTO t VALUES (1, 'x'), ('1', 'x'), (CAST(x'ff' AS TEXT), NULL)",
    )
    mapping = mapping_of(collection("T", "b", table="t", select="SELECT a, b FROM t WHERE a = 1", key=["a", "b"]))
    database = inspect_database(path, mapping)
    found = read_other_tables(path, database, plan_migration(mapping, database)).parted["t"]
    assert (found.in_none.count, found.in_several.count) == (2, 0)


def test_rows_of_other_tenants_are_meant_to_be_left_out(library: Path) -> None:
    mapping = mapping_of(collection("Chunk", table="chunks", tenant={"column": "document", "only": "1"}))
    database = inspect_database(library, mapping)
    found = read_other_tables(library, database, plan_migration(mapping, database))
    assert found.parted["Chunks"].in_none.count == 2
    assert found.rows_in_none == {"Chunks": 2}
    assert not any("Chunks" in warning for warning in found.warnings)


def test_each_table_without_conditions_is_taken_as_a_whole(library: Path) -> None:
    mapping = mapping_of(collection("Document", table="documents"), collection("Chunk", table="chunks"))
    database = inspect_database(library, mapping)
    assert read_other_tables(library, database, plan_migration(mapping, database)).parted == {}


def test_parents_in_several_collections_have_the_same_key(library: Path) -> None:
    with pytest.raises(MappingError, match=r"relation `document`: the collections of .* keys \(id; title\): give them"):
        plan_of(
            library,
            collection("Large", "title", table="documents", where="size >= 2"),
            collection("Small", "title", table="documents", where="size < 2", key=["title"]),
            collection("Chunk", table="chunks", relations=[{"column": "document", "to_table": "documents"}]),
        )


def test_a_parent_may_be_in_any_of_its_tables_collections(library: Path) -> None:
    plan = plan_of(
        library,
        collection("Large", "title", table="documents", where="size >= 2"),
        collection("Small", "title", table="documents", where="size < 2"),
        collection("Chunk", table="chunks", relations=[{"column": "document", "to_table": "documents"}]),
    )
    large, small, chunk = plan.collections
    (relation,) = chunk.mapping.relations
    assert plan.parents_of(relation) == (large, small)
    with TableReader(library, chunk, object_uuid, 4, library.parent) as reader:
        of_large = [(each.value, each.key) for each in reader.named_parents("document", large, [small])]
        of_small = [(each.value, each.key) for each in reader.named_parents("document", small, [large])]
    assert (of_large, of_small) == ([(1, 1), (2, None)], [(2, None)])
