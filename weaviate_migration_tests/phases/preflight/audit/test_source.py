"""Audits of real SQLite files: columns, keys, relations, sizes, and what goes nowhere."""

import json
import math
import sqlite3
import struct
import uuid
from base64 import b64encode
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.errors import SourceNotUsableError
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping, RelationMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.preflight.audit import (
    ColumnReport,
    Finding,
    SourceAudit,
    TableReport,
    audit_source,
    tables,
    verdict,
)
from weaviate_migration.phases.preflight.audit.kinds import FATES
from weaviate_migration.phases.preflight.audit.misfits import misfits
from weaviate_migration.phases.preflight.audit.report import VectorReport
from weaviate_migration.phases.preflight.audit.vectors import VECTOR_KINDS
from weaviate_migration.source import slices
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration_tests.source.databases import connect, make

ID = PropertyMapping(name="noteId", column="id", index="whole")
BODY = PropertyMapping(name="body", column="body", index="words")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


def notes(*properties: PropertyMapping, **fields: Any) -> CollectionMapping:
    return CollectionMapping(name="Note", table="notes", properties=(ID, *properties), **fields)


def audited(file: Path, *collections: CollectionMapping, missing: Any = "refuse") -> list[TableReport]:
    mapping = Mapping(name="test", missing=missing, collections=collections)
    return list(audit_source(file, mapping, file.parent / "scratch").tables)


def audit_one(file: Path, collection: CollectionMapping) -> TableReport:
    (report,) = audited(file, collection)
    return report


def column_of(report: TableReport, name: str) -> ColumnReport:
    (column,) = [each for each in report.columns if each.name == name]
    return column


def insert(file: Path, *rows: tuple[Any, ...]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(f"INSERT INTO notes VALUES ({', '.join('?' * len(rows[0]))})", rows)


def test_storage_classes_with_smallest_and_largest(file: Path) -> None:
    make(
        file,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)",
        "INSERT INTO notes (body) VALUES (NULL), (7), (-3), (0.5), (9e999), (-9e999), ('b'), ('a'), (x'00ff'), (NULL)",
    )
    column = column_of(audit_one(file, notes(BODY)), "body")
    assert column.storage_classes == {"null": 2, "integer": 2, "real": 3, "text": 2, "blob": 1}
    assert column.smallest == {"integer": -3, "real": "-Infinity", "text": "a", "blob": "x'00ff'"}
    assert column.largest == {"integer": 7, "real": "Infinity", "text": "b", "blob": "x'00ff'"}
    assert {each.kind: (each.count, each.examples) for each in column.findings} == {
        "real_in_text": (3, ("4", "5", "6")),
        "integer_in_text": (2, ("2", "3")),
        "blob_in_text": (1, ("9",)),
    }


def test_long_and_odd_values_are_shown_so_that_json_takes_them(file: Path) -> None:
    make(
        file,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)",
        "INSERT INTO notes (body) VALUES (CAST(x'61ff' AS TEXT)), (printf('%.1000c', 'x')), (zeroblob(1000))",
    )
    report = audit_one(file, notes(BODY))
    column = column_of(report, "body")
    assert column.smallest == {"text": "a\\udcff", "blob": f"x'{'0' * 60}…'"}
    assert column.largest["text"] == f"{'x' * 60}…"
    (not_utf8,) = [each for each in column.findings if each.kind == "text_not_utf8"]
    assert (not_utf8.count, not_utf8.examples) == (1, ("1",))
    mapping = Mapping(name="test", collections=(notes(BODY),))
    printed = json.dumps(audit_source(file, mapping, file.parent).to_dict(), ensure_ascii=False, allow_nan=False)
    assert json.loads(printed)["tables"][0]["columns"][1]["smallest"] == column.smallest
    assert printed.encode()


# A column as an application declares it, a literal as it writes it, and what is found; SQLite converts some of them.
IN_A_FILE: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("INTEGER", {"type": "int"}, "9007199254740993", "integer_beyond_2_53"),
    ("INTEGER", {"type": "int"}, "5.5", "real_in_int"),
    ("INTEGER", {"type": "int"}, "5.0", None),
    ("INTEGER", {"type": "int"}, "'about 5'", "text_in_int"),
    ("INTEGER", {"type": "int"}, "'5'", None),
    ("", {"type": "int"}, "5.0", "whole_real_in_int"),
    ("REAL", {"type": "number"}, "5", None),
    ("", {"type": "number"}, "5", "integer_in_number"),
    ("", {"type": "number"}, "-0.0", "negative_zero"),
    ("REAL", {"type": "number"}, "9e999", "infinity"),
    ("BOOLEAN", {"type": "boolean"}, "2", "integer_other_than_0_1"),
    ("BOOLEAN", {"type": "boolean"}, "'true'", "text_in_boolean"),
    ("TEXT", {"index": "words"}, "x'00'", "blob_in_text"),
    ("TEXT", {"index": "words"}, "5", None),
    ("VARCHAR", {"index": "words"}, "CAST(x'ff' AS TEXT)", "text_not_utf8"),
    ("VARCHAR", {"index": "words"}, "CAST(x'eda080' AS TEXT)", "surrogates"),
    ("DATETIME", {"type": "date"}, "'2026-01-02 03:04:05.123456'", None),
    ("DATETIME", {"type": "date"}, "'2026-01-02T03:04:05'", "date_with_t"),
    ("DATETIME", {"type": "date"}, "'2026-01-02 03:04:05Z'", "date_with_offset"),
    ("DATETIME", {"type": "date"}, "unixepoch('2026-01-02')", "epoch_seconds"),
    ("DATETIME", {"type": "date"}, "unixepoch('2026-01-02') * 1000", "epoch_milliseconds"),
    ("DATETIME", {"type": "date"}, "julianday('2026-01-02')", "julian_day"),
    ("DATETIME", {"type": "date", "date_format": "epoch_seconds"}, "unixepoch('2026-01-02')", None),
    ("JSON", {"type": "text[]", "index": "whole"}, "json_array('a', 'b')", "json_other_form"),
    ("JSON", {"type": "text[]", "index": "whole"}, "'null'", "json_null"),
    ("JSON", {"index": "whole", "json_key": "a"}, "json_object('a', 1)", "json_member_of_other_type"),
]


@pytest.mark.parametrize(("declared", "fields", "literal", "kind"), IN_A_FILE)
def test_a_value_in_a_file(file: Path, declared: str, fields: dict[str, Any], literal: str, kind: str | None) -> None:
    make(
        file,
        f"CREATE TABLE notes (id VARCHAR PRIMARY KEY, value {declared})",
        "INSERT INTO notes VALUES ('none', NULL)",
        f"INSERT INTO notes VALUES ('odd', {literal})",
    )
    column = column_of(audit_one(file, notes(PropertyMapping(name="value", column="value", **fields))), "value")
    assert [(each.property, each.kind, each.count, list(each.examples)) for each in column.findings] == (
        [("value", kind, 1, ["odd"])] if kind else []
    )


def test_defaults_and_several_properties_of_one_column(file: Path) -> None:
    title = PropertyMapping(name="title", column="title", index="words", default="none", default_for_empty=True)
    number = PropertyMapping(name="number", column="title", type="int")
    make(
        file, "CREATE TABLE notes (id PRIMARY KEY, title)", "INSERT INTO notes VALUES ('1', NULL), ('2', ''), ('3', 5)"
    )
    report = audit_one(file, notes(title, number))
    assert [(column, each.property, each.kind, each.fate, list(each.examples)) for column, each in report.findings] == [
        ("title", "title", "null_replaced", "default", ["1"]),
        ("title", "title", "empty_replaced", "default", ["2"]),
        ("title", "title", "integer_in_text", "left out", ["3"]),
        ("title", "number", "text_in_int", "left out", ["2"]),
    ]


def test_all_are_counted_and_the_first_three_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when they come in several slices, whose rowids have gaps."""
    monkeypatch.setattr(slices, "SLICE_ROWS", 5)
    make(file, "CREATE TABLE notes (id VARCHAR PRIMARY KEY, body)")
    insert(file, *((f"note {number}", number if number % 2 else "text") for number in range(40)))
    make(file, "DELETE FROM notes WHERE rowid % 7 = 3")
    report = audit_one(file, notes(BODY))
    assert report.rows == 40 - 6
    (finding,) = column_of(report, "body").findings
    assert finding == Finding(
        "body", "integer_in_text", "left out", "integers where texts belong", 17, ("note 1", "note 3", "note 5")
    )
    assert column_of(report, "body").largest == {"integer": 39, "text": "text"}


STORED: dict[str, list[str]] = {
    "rowid": ["CREATE TABLE notes (id INTEGER PRIMARY KEY, body)"],
    "no key": ["CREATE TABLE notes (id, body)"],
    "rowid is a column": [
        "CREATE TABLE notes (id VARCHAR PRIMARY KEY, body, rowid AS (id), oid AS (1), _rowid_ AS (1))"
    ],
    "without rowid": ["CREATE TABLE notes (id PRIMARY KEY, body) WITHOUT ROWID"],
    "view": ["CREATE TABLE others (id, body)", "CREATE VIEW notes AS SELECT id, body FROM others"],
}


@pytest.mark.parametrize("how", STORED)
def test_every_row_is_read_once_however_it_is_stored(file: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 64)
    make(file, *STORED[how])
    table = "others" if how == "view" else "notes"
    make(
        file,
        "WITH RECURSIVE ids(id) AS (SELECT -9 UNION ALL SELECT id + 1 FROM ids WHERE id < 290) "
        f"INSERT INTO {table} (id, body) SELECT id, id || '' FROM ids",
    )
    report = audit_one(file, notes(BODY, key=("id",) if how in ("view", "no key") else ()))
    assert report.rows == 300
    assert column_of(report, "body").storage_classes == {"text": 300}
    assert report.read_in == ("slices" if how in ("rowid", "no key") else "one statement")


KEY_IN_MAPPING = "CREATE TABLE notes (id, body)"


def test_keys_that_are_null_or_given_twice(file: Path) -> None:
    make(file, KEY_IN_MAPPING)
    insert(file, ("a", 1), (None, 2), ("a", 3), (1, 4), (1.0, 5), ("1", 6), (None, 7), ("b", 8), ("a", 9))
    report = audit_one(file, notes(BODY, key=("id",)))
    assert report.key is not None
    assert (report.key.null, report.key.null_examples) == (2, ("rowid 2", "rowid 7"))
    # 1, 1.0 and '1' are three keys.
    assert (report.key.duplicate, report.key.duplicate_examples) == (3, ("a",))
    assert (report.refused, report.rows) == (5, 9)


def test_null_in_a_declared_key(file: Path) -> None:
    make(file, "CREATE TABLE notes (id VARCHAR PRIMARY KEY, body)", "INSERT INTO notes VALUES (NULL, 1), (NULL, 2)")
    report = audit_one(file, notes(BODY))
    assert report.key is not None
    assert (report.key.null, report.key.duplicate, report.refused) == (2, 0, 2)


def test_keys_of_several_columns(file: Path) -> None:
    make(file, KEY_IN_MAPPING)
    insert(file, ("a", 1), ("a", 2), ("a", 1), ("A", 2), ("b", None))
    report = audit_one(file, notes(BODY, key=("id", "body")))
    assert report.key is not None
    assert (report.key.duplicate, report.key.duplicate_examples) == (2, ("('a', 1)",))
    assert (report.key.case_only, report.key.case_only_examples) == (2, ("('A', 2)", "('a', 2)"))
    assert (report.key.null, report.key.null_examples) == (1, ("rowid 5",))


def test_keys_of_a_view_without_rowids(file: Path) -> None:
    make(file, "CREATE TABLE others (id, body)", "CREATE VIEW notes AS SELECT * FROM others")
    make(file, "INSERT INTO others VALUES ('a', 1), ('a', NULL), ('b', 1), ('b', 1)")
    key = audit_one(file, notes(BODY, key=("id", "body"))).key
    assert key is not None
    assert (key.null, key.null_examples) == (1, ("('a', NULL)",))
    assert (key.duplicate, key.duplicate_examples) == (2, ("('b', 1)",))


@pytest.mark.parametrize("table", ["CREATE TABLE notes (id VARCHAR PRIMARY KEY, body)", KEY_IN_MAPPING])
def test_keys_that_differ_only_in_case(file: Path, table: str) -> None:
    make(file, table)
    keys = ["abc", "ABC", "Abc", "Ärger", "ärger", "Other", "7", str(uuid.uuid4())]
    insert(file, *((key, 1) for key in keys), (b"ABC", 1), *([(7, 1)] if table == KEY_IN_MAPPING else []))
    key = audit_one(file, notes(BODY, key=("id",))).key
    assert key is not None
    assert (key.case_only, key.case_only_examples) == (5, ("ABC", "Abc", "abc"))
    assert key.duplicate == 0


def test_keys_wait_for_the_first_with_an_upper_case_letter(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In slices of 64 keys: the first with capitals comes in the last slice, and is like one of the first."""
    monkeypatch.setattr(slices, "SLICE_ROWS", 64)
    make(file, "CREATE TABLE notes (id VARCHAR PRIMARY KEY, body)")
    insert(file, *((f"note {number}", 1) for number in range(200)), ("NOTE 0", 1), ("Other", 1))
    key = audit_one(file, notes(BODY, key=("id",))).key
    assert key is not None
    assert (key.case_only, key.case_only_examples) == (2, ("NOTE 0", "note 0"))


def test_a_column_that_is_all_null_counts_each_row(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 64)
    make(file, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    insert(file, *((number, None) for number in range(130)))
    body = PropertyMapping(name="body", column="body", index="words", default="none")
    (found,) = (finding for column, finding in audit_one(file, notes(body)).findings if column == "body")
    assert (found.kind, found.count, found.examples) == ("null_replaced", 130, ("0", "1", "2"))


def test_keys_in_case_of_text_that_is_not_utf8(file: Path) -> None:
    make(file, KEY_IN_MAPPING, "INSERT INTO notes VALUES (CAST(x'61ff' AS TEXT), 1), (CAST(x'41ff' AS TEXT), 2)")
    key = audit_one(file, notes(BODY, key=("id",))).key
    assert key is not None
    assert (key.case_only, key.duplicate) == (2, 0)


@pytest.mark.parametrize(
    ("key_of", "largest", "uneven"),
    [
        (lambda number: number, 100, False),
        (lambda number: str(uuid.UUID(int=number)), 100, False),
        # One key has a fifth of the rows: the partition that it is in has more than twice its share.
        (lambda number: number if number % 5 else "same", 320, True),
        (lambda number: number % 3, 533, True),
        (lambda number: number % 800, 100, False),
    ],
    ids=["distinct", "uuids", "one often", "three", "each twice"],
)
def test_partitions_that_cannot_be_even(file: Path, key_of: Callable[[int], Any], largest: int, uneven: bool) -> None:
    make(file, KEY_IN_MAPPING)
    insert(file, *((key_of(number), 1) for number in range(1600)))
    key = audit_one(file, notes(BODY, key=("id",))).key
    assert key is not None
    assert largest <= key.largest_partition <= largest + 100
    assert key.uneven is uneven


@pytest.mark.parametrize("partitions", [1, 7, 16, 1024])
@pytest.mark.parametrize("different", [3, 799])
def test_largest_partition_is_that_of_the_cut(file: Path, partitions: int, different: int) -> None:
    make(file, KEY_IN_MAPPING)
    keys = [number % different for number in range(1600)]
    insert(file, *((key, 1) for key in keys))
    mapping = Mapping(name="test", collections=(notes(BODY, key=("id",)),))
    key = audit_source(file, mapping, file.parent / "scratch", partitions).tables[0].key
    assert key is not None
    uuids = sorted(str(object_uuid("notes", (each,))) for each in keys)
    bounds = [uuids[part * len(uuids) // partitions] for part in range(1, partitions)]
    assert key.largest_partition == max(Counter(bisect_right(bounds, each) for each in uuids).values())


@pytest.mark.parametrize(("rows", "uneven"), [(999, False), (1000, True)])
def test_small_tables_are_never_uneven(file: Path, rows: int, uneven: bool) -> None:
    make(file, KEY_IN_MAPPING)
    insert(file, *(("same", 1) for _ in range(rows)))
    key = audit_one(file, notes(BODY, key=("id",))).key
    assert key is not None
    assert (key.largest_partition, key.uneven) == (rows, uneven)


@pytest.mark.parametrize(
    ("table", "rows"),
    [("CREATE TABLE notes (id INTEGER PRIMARY KEY, body)", 32), ("CREATE TABLE notes (body, id)", 33)],
)
def test_keys_that_the_file_keeps_apart_are_even(file: Path, table: str, rows: int) -> None:
    make(file, table, *(f"INSERT INTO notes (id) VALUES ({number})" for number in range(rows)))
    key = audit_one(file, notes(BODY)).key
    assert key is not None
    assert (key.largest_partition, key.null, key.duplicate) == (math.ceil(rows / 16), 0, 0)


PARENT = CollectionMapping(
    name="Parent", table="parents", properties=(PropertyMapping(name="key", column="id", index="whole"),)
)
CHILD = notes(BODY, relations=(RelationMapping(column="parent", to_table="parents"),))
FOREIGN_KEYS = [
    # Declared types of the parent's key and of the child's column; parents; children and whether they are orphans.
    ("VARCHAR", "VARCHAR", ["'a'", "'b'"], {"'a'": False, "'A'": True, "'c'": True, "NULL": False}),
    ("TEXT COLLATE NOCASE", "TEXT", ["'a'"], {"'A'": False, "'b'": True}),
    ("TEXT", "TEXT COLLATE NOCASE", ["'a'"], {"'A'": True, "'a'": False}),
    ("INTEGER", "TEXT", ["1"], {"'1'": False, "'2'": True, "'x'": True}),
    ("TEXT", "INTEGER", ["'1'", "'02'"], {"1": False, "2": True}),
    ("", "", ["1", "'2'"], {"1": False, "1.0": False, "'1'": True, "2": True, "x'31'": True}),
]


@pytest.mark.parametrize("key", ["PRIMARY KEY", "UNIQUE", ""], ids=["declared", "in the mapping", "without index"])
@pytest.mark.parametrize(("parent_type", "child_type", "parents", "children"), FOREIGN_KEYS)
def test_orphans_are_those_that_sqlite_itself_would_refuse(
    file: Path, parent_type: str, child_type: str, parents: list[str], children: dict[str, bool], key: str
) -> None:
    make(
        file,
        f"CREATE TABLE parents (id {parent_type} {key})",
        f"CREATE TABLE notes (id VARCHAR PRIMARY KEY, body, parent {child_type} REFERENCES parents(id))",
        *(f"INSERT INTO parents VALUES ({each})" for each in parents),
        *(f"INSERT INTO notes VALUES ('{number}', '', {each})" for number, each in enumerate(children)),
    )
    parent = PARENT if key == "PRIMARY KEY" else PARENT.model_copy(update={"key": ("id",)})
    if not key:
        make(file, f"INSERT INTO parents VALUES ({parents[0]}), (NULL)")
    (orphans,) = audited(file, CHILD, parent)[0].orphans
    expected = [str(number) for number, is_orphan in enumerate(children.values()) if is_orphan]
    assert (orphans.count, orphans.examples) == (len(expected), tuple(expected[:3]))
    if key:
        with closing(connect(file)) as connection:
            refused = connection.execute("SELECT DISTINCT rowid FROM pragma_foreign_key_check('notes')").fetchall()
        assert len(refused) == len(expected)


def test_orphans_are_counted_and_the_first_named_in_all_slices(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ROWS", 10)
    make(file, "CREATE TABLE parents (id INTEGER PRIMARY KEY)", "INSERT INTO parents VALUES (2), (4)")
    make(file, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body, parent)")
    insert(file, *((number, "", number % 5) for number in range(50)))
    (orphans,) = audited(file, CHILD, PARENT)[0].orphans
    assert (orphans.count, orphans.examples) == (30, ("0", "1", "3"))


def test_children_of_rowids_of_the_table_itself_and_of_a_table_that_is_missing(file: Path) -> None:
    relations = (RelationMapping(column="parent", to_table="notes"), RelationMapping(column="body", to_table="parents"))
    make(file, "CREATE TABLE notes (id, body, parent)", "INSERT INTO notes VALUES ('a', 'x', 1), ('b', NULL, 3)")
    report = audited(file, notes(relations=relations), PARENT, missing="warn")[0]
    assert [(each.to_table, each.count, list(each.examples)) for each in report.orphans] == [
        ("notes", 1, ["2"]),
        ("parents", 1, ["1"]),
    ]


def test_rows_that_are_too_large(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weighed as objects: text in a property weighs once, blobs more in `source_columns`, NUL six bytes there."""
    monkeypatch.setattr(tables, "MESSAGE_BYTES", 100_000)
    make(file, KEY_IN_MAPPING.replace("body", "body, other"))
    insert(
        file,
        ("text fits", "x" * 99_000, None),
        ("text", "x" * 99_990, None),
        ("blob fits", "", b"x" * 74_000),
        ("blob", "", b"x" * 75_000),
        ("odd text fits", "", "\0" * 16_000),
        ("odd text", "", "\0" * 17_000),
        ("umlauts fit", "ä" * 49_000, None),
        ("umlauts", "ä" * 50_000, None),
        (None, "x" * 200_000, None),
    )
    report = audit_one(file, notes(BODY, key=("id",)))
    assert (report.too_large, report.too_large_examples) == (4, ("text", "blob", "odd text"))
    assert report.refused == 5


def test_arrays_weigh_most_for_their_length(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MESSAGE_BYTES", 100_000)
    make(file, "CREATE TABLE notes (id INTEGER PRIMARY KEY, tags)")
    insert(file, (1, json.dumps([""] * 6_000)), (2, json.dumps([""] * 6_250)))
    tags = PropertyMapping(name="tags", column="tags", type="text[]", index="whole")
    assert list(audit_one(file, notes(tags)).too_large_examples) == ["2"]


def test_vectors_weigh_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of two characters a number is in `source_columns`, and four bytes a number are in the vector."""
    monkeypatch.setattr(tables, "MESSAGE_BYTES", 100_000)
    make(file, "CREATE TABLE notes (id INTEGER PRIMARY KEY, embedding)")
    insert(file, *((numbers, f"[{','.join('1' * numbers)}]") for numbers in (16_000, 17_000)))
    report = audit_one(file, notes(vectors=(VectorMapping(name="embedding", column="embedding"),)))
    assert report.too_large_examples == ("17000",)


def doubles(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


def floats(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def vectors_of(file: Path, vector: dict[str, Any], *values: Any) -> TableReport:
    """The audit of a table that has these values in a column that is a vector."""
    make(file, "CREATE TABLE notes (id VARCHAR PRIMARY KEY, embedding)")
    insert(file, *enumerate(values, 1))
    return audit_one(
        file, notes(vectors=(VectorMapping.model_validate({"name": "v", "column": "embedding", **vector}),))
    )


@pytest.mark.parametrize(
    ("vector", "value", "kind", "fate"),
    [
        ({}, b"123", "no_vector", "left out"),
        ({}, b"", "no_vector", "left out"),
        ({}, "none", "no_vector", "left out"),
        ({}, "[1e39]", "no_vector", "left out"),
        ({}, 7, "no_vector", "left out"),
        ({}, floats(1, math.nan), "vector_not_finite", "left out"),
        ({}, floats(math.inf, 1), "vector_not_finite", "left out"),
        ({}, floats(1, 2, 3), "vector_other_length", "quarantine"),
        ({"length": 2}, floats(1, 2, 3), "vector_not_of_length", "left out"),
        ({}, floats(1, -1e7), "vector_not_meant", "taken"),
        ({}, "[1, 1000001]", "vector_not_meant", "taken"),
        ({}, struct.pack("<d", struct.unpack("<d", floats(1e20, 1))[0]), "vector_of_doubles", "taken"),
        ({"bytes": "float32"}, "[1, 2]", "no_vector", "left out"),
        ({"bytes": "float64"}, doubles(1, 1e7), "vector_not_meant", "taken"),
        ({"bytes": "float64"}, floats(1, 2, 3), "no_vector", "left out"),
        ({"bytes": "base64"}, "AAAA", "no_vector", "left out"),
    ],
)
def test_a_value_of_a_vector_in_a_file(file: Path, vector: dict[str, Any], value: Any, kind: str, fate: str) -> None:
    sound = {"float64": doubles(1, 2), "base64": b64encode(floats(1, 2)).decode()}.get(
        vector.get("bytes", ""), floats(1, 2)
    )
    report = vectors_of(file, vector, sound, None, value)
    ((column, found),) = report.findings
    assert (column, found.property, found.kind, found.fate) == ("embedding", "vector v", kind, fate)
    assert (found.count, found.examples) == (1, ("3",))
    assert report.refused == (kind == "vector_other_length")


def test_every_kind_of_vector_has_a_fate_and_a_sentence() -> None:
    assert all(each.name == name and each.fate in FATES and each.sentence for name, each in VECTOR_KINDS.items())


def test_lengths_of_vectors_are_counted_and_those_that_differ_from_the_first_refused(file: Path) -> None:
    report = vectors_of(file, {}, None, *[floats(1, 2)] * 3, *[floats(1)] * 2, "[1, 2]", b"?")
    assert report.vectors == (VectorReport("v", "embedding", 1, {2: 4, 1: 2}),)
    assert report.refused == 2
    found = verdict(SourceAudit((report,), {}, ()))
    assert (found.passed, found.stops) == (False, True)
    assert "2 with vectors of another length than the first in embedding, such as 5, 6" in found.text
    assert "vector v has several lengths (4 of 2, 2 of 1 numbers)" in found.text
    assert "`length: 2`" in found.text
    assert "key` of" not in found.text


def test_each_length_has_a_vector_of_its_own_and_all_rows_go_through(file: Path) -> None:
    make(file, "CREATE TABLE notes (id VARCHAR PRIMARY KEY, embedding)")
    insert(file, *enumerate([floats(1, 2)] * 3 + [floats(1)] * 40))
    parted = [VectorMapping(name=f"of{length}", column="embedding", length=length) for length in (1, 2)]
    report = audit_one(file, notes(vectors=tuple(parted)))
    assert [(each.name, dict(each.lengths)) for each in report.vectors] == [("of1", {1: 40}), ("of2", {2: 3})]
    found = verdict(SourceAudit((report,), {}, ()))
    assert (report.refused, found.passed, list(misfits(report))) == (0, True, [])


def test_the_length_of_a_row_that_is_refused_anyway_decides_nothing(file: Path) -> None:
    size = PropertyMapping(name="size", column="size", type="int", on_unfit="refuse")
    make(file, "CREATE TABLE notes (id VARCHAR PRIMARY KEY, size, embedding)")
    insert(file, (1, "many", floats(1)), (2, 2, floats(1, 2)), (3, 3, floats(1, 2)))
    report = audit_one(file, notes(size, vectors=(VectorMapping(name="v", column="embedding"),)))
    assert {each.kind for _, each in report.findings} == {"text_in_int"}
    assert report.refused == 1


def hardly(file: Path, prop: dict[str, Any], *values: Any) -> list[str]:
    make(file, "CREATE TABLE notes (id VARCHAR PRIMARY KEY, value)")
    insert(file, *enumerate(values))
    made = PropertyMapping.model_validate({"name": "made", "column": "value", **prop})
    return list(misfits(audit_one(file, notes(made))))


@pytest.mark.parametrize(
    ("prop", "values", "told"),
    [
        ({"type": "boolean"}, ["t", "f", None], "0 of 2 do; 2 are texts where booleans belong: `values` says which"),
        ({"type": "number"}, ["1.5"] * 19 + [1.5], "1 of 20 do; 19 are texts where reals belong: `decimal: text`"),
        (
            {"type": "date"},
            [1767322800123456],
            "1 are numbers that look like microseconds since 1970: `date_format: epoch_m",
        ),
        (
            {"type": "date"},
            ["02/01/2026"] * 3,
            "3 are text that is no date: a pattern in `date_format` reads other forms",
        ),
        ({"type": "date"}, [b"1", "x", "y"], "0 of 3 do; 2 are text that is no date"),
        ({"index": "words", "default": "x", "default_for_empty": True}, ["", "", 5], None),
        ({"type": "date"}, ["2026-01-02"] + ["x"] * 9, None),
        ({"type": "date"}, [None] * 20, None),
        ({"type": "number"}, [1, 2, 3], None),
        ({"type": "int", "on_unfit": "refuse"}, ["x"], "0 of 1 do; 1 are texts where integers belong"),
    ],
)
def test_a_column_of_which_hardly_a_value_fits(
    file: Path, prop: dict[str, Any], values: list[Any], told: str | None
) -> None:
    found = hardly(file, prop, *values)
    if told is None:
        assert found == []
    else:
        (sentence,) = found
        assert sentence.startswith("Note: hardly a value of column value fits property made: ")
        assert told in sentence


def test_a_vector_that_is_hardly_one(file: Path) -> None:
    report = vectors_of(file, {}, *[doubles(*map(math.sin, range(8 * at, 8 * at + 8))) for at in range(1, 20)])
    (sentence,) = misfits(report)
    assert sentence.startswith("Note: hardly a value of column embedding fits vector v: ")
    assert "vectors with numbers beyond ±1,000,000, but not as doubles: `bytes: float64`" in sentence


def test_each_refused_row_counts_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it: value, key, size."""
    monkeypatch.setattr(tables, "MESSAGE_BYTES", 100_000)
    monkeypatch.setattr(slices, "SLICE_ROWS", 2)
    size = PropertyMapping(name="size", column="size", type="int", on_unfit="refuse")
    make(file, "CREATE TABLE notes (id, body, size)")
    insert(
        file,
        ("fits", "", 1),
        ("value", "", "many"),
        ("twice", "", 1),
        ("twice", "", "many"),
        ("three", "x" * 200_000, 1),
        ("three", "", 5.0),
        ("three", "x" * 200_000, "many"),
        (None, "", "many"),
        ("large", "x" * 200_000, 2**60),
    )
    report = audit_one(file, notes(BODY, size, key=("id",)))
    assert report.key is not None
    assert (report.key.null, report.key.duplicate, report.too_large) == (1, 5, 1)
    assert {each.kind: (each.count, each.fate) for _, each in report.findings} == {
        "text_in_int": (4, "quarantine"),
        "integer_beyond_2_53": (1, "quarantine"),
        "whole_real_in_int": (1, "filled"),
    }
    assert (report.rows, report.refused) == (9, 8)


def test_the_limit_is_the_servers() -> None:
    assert vars(tables)["MESSAGE_BYTES"] == MESSAGE_BYTES


def test_what_goes_nowhere(file: Path) -> None:
    make(file, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body, mood, password)", "CREATE TABLE users (id)")
    make(file, "INSERT INTO users VALUES (1), (2)", "CREATE VIEW shown AS SELECT * FROM users")
    make(file, "INSERT INTO notes VALUES (1, 'a', 'good', 'secret')")
    gone = PropertyMapping(name="gone", column="gone", index="words")
    collections = (notes(BODY, gone, omit={"password": "a secret"}), PARENT)
    audit = audit_source(file, Mapping(name="test", missing="warn", collections=collections), file.parent / "scratch")
    report, missing = audit.tables
    assert audit.not_migrated == {"users": 2}
    assert list(report.in_source_columns_only) == ["mood"]
    assert report.left_out == {"password": "a secret"}
    assert list(report.missing_columns) == ["gone"]
    assert (missing.table, missing.exists, missing.rows) == ("parents", False, 0)
    assert [each.name for each in report.columns] == ["id", "body", "mood"]
    assert "secret" not in json.dumps(audit.to_dict()).replace("a secret", "")
    assert len(audit.warnings) == 2


def test_an_empty_table(file: Path) -> None:
    make(file, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)")
    report = audit_one(file, notes(BODY))
    assert (report.exists, report.rows, report.refused) == (True, 0, 0)
    assert column_of(report, "body").storage_classes == {}


def test_odd_names(file: Path) -> None:
    make(file, 'CREATE TABLE "no""tes" ("a b" INTEGER PRIMARY KEY, "select", "t" REFERENCES "no""tes")')
    make(file, """INSERT INTO "no""tes" VALUES (1, 'x', 1), (2, x'00', 9)""")
    odd = CollectionMapping(
        name="Note",
        table='no"tes',
        properties=(PropertyMapping(name="select", column="select", index="words"),),
        relations=(RelationMapping(column="t", to_table='no"tes'),),
    )
    report = audit_one(file, odd)
    assert [(name, each.kind, each.examples) for name, each in report.findings] == [("select", "blob_in_text", ("2",))]
    assert report.orphans[0].examples == ("2",)


def test_nothing_is_left_behind_and_the_source_is_as_before(file: Path) -> None:
    make(file, KEY_IN_MAPPING, "INSERT INTO notes VALUES ('A', 1), ('a', 2)")
    before = file.read_bytes()
    audit_one(file, notes(BODY, key=("id",)))
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["app.db", "scratch"]
    assert list((file.parent / "scratch").iterdir()) == []


def test_what_is_no_source(file: Path) -> None:
    with pytest.raises(SourceNotUsableError, match="No such file"):
        audit_one(file, notes(BODY))
