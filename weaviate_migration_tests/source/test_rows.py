import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import SourceError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS, partition_keys
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.partitions import partition_bounds, partition_range
from weaviate_migration.phases.history.extract.scan import scan_partitions, table_bounds
from weaviate_migration.phases.history.extract.storage_classes import decode
from weaviate_migration.source import rows as rows_module
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, plan_migration
from weaviate_migration.source.rows import KeyedRow, TableReader
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.source.databases import connect, is_open, make, sizes_of_removed_files

NIL = "00000000-0000-0000-0000-000000000000"


def plan_of(
    path: Path, table: str = "notes", column: str = "body", key: tuple[str, ...] = (), omit: tuple[str, ...] = ()
) -> CollectionPlan:
    shown = PropertyMapping(name="shown", column=column, index="words")
    mapping = Mapping(
        name="test",
        missing="warn",
        collections=(
            CollectionMapping(
                name="Note", table=table, key=key, properties=(shown,), omit=dict.fromkeys(omit, "not ours")
            ),
        ),
    )
    return plan_migration(mapping, inspect_database(path)).collections[0]


def reader_of(path: Path, plan: CollectionPlan | None = None, sort_memory_mb: int = 4) -> TableReader:
    return TableReader(path, plan or plan_of(path), object_uuid, sort_memory_mb, path.parent)


def rows_of(path: Path, plan: CollectionPlan | None = None) -> list[KeyedRow]:
    with reader_of(path, plan) as reader:
        return list(reader.rows())


def make_keyed(path: Path, keys: list[SqlValue], declared: str = "id TEXT PRIMARY KEY") -> Path:
    make(path, f"CREATE TABLE notes ({declared}, body)")
    with closing(connect(path)) as connection, connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO notes VALUES (?, 'x')", [(key,) for key in keys])
    return path


WITH_ROWS, ALONE = "sorted with their rows", "sorted alone"
of_small_rows = pytest.mark.parametrize("addresses", [WITH_ROWS], indirect=True)


@pytest.fixture(params=[WITH_ROWS, ALONE], autouse=True)
def addresses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways give the same: that of large rows, too."""
    if request.param == ALONE:
        monkeypatch.setattr(rows_module, "_LARGE_ROW_BYTES", 0)
        monkeypatch.setattr(rows_module, "_SMALL_FILE_BYTES", 0)
    return str(request.param)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


def test_rows_come_in_the_order_of_their_uuids(database: Path) -> None:
    keys: list[SqlValue] = [*(str(uuid.uuid4()) for _ in range(200)), *(f"note {n}" for n in range(200)), NIL, "", "1"]
    rows = rows_of(make_keyed(database, keys))
    assert [found for found, _, _ in rows] == sorted(object_uuid("notes", (key,)) or "" for key in keys)
    assert all(found == object_uuid("notes", key) and values == (*key, "x") for found, key, values in rows)


def test_integer_text_and_blob_keys_that_look_alike(database: Path) -> None:
    make_keyed(database, [1, "1", b"1", 1.5, "1.5"], "id BLOB PRIMARY KEY")
    rows = rows_of(database)
    assert {key for _, key, _ in rows} == {(1,), ("1",), (b"1",), (1.5,), ("1.5",)}
    assert len({found for found, _, _ in rows}) == 5


def test_composite_keys_in_the_keys_order(database: Path) -> None:
    make(
        database,
        "CREATE TABLE notes (body, b TEXT, a INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "INSERT INTO notes VALUES ('x', '1', 2), ('y', '2', 1)",
    )
    assert {(key, values) for _, key, values in rows_of(database)} == {
        ((2, "1"), ("x", "1", 2)),
        ((1, "2"), ("y", "2", 1)),
    }


def test_the_rowid_where_there_is_no_key(database: Path) -> None:
    make(
        database,
        'CREATE TABLE notes (body, "rowid" TEXT)',
        "INSERT INTO notes (_rowid_, body, rowid) VALUES (7, 'a', 'not it'), (-3, 'b', NULL)",
    )
    plan = plan_of(database)
    assert (plan.key, plan.uses_rowid) == (("_rowid_",), True)
    assert {(key, values) for _, key, values in rows_of(database, plan)} == {
        ((7,), ("a", "not it")),
        ((-3,), ("b", None)),
    }


def test_views_are_read_by_the_key_that_the_mapping_names(database: Path) -> None:
    make(
        database,
        "CREATE TABLE pages (id, body)",
        "INSERT INTO pages VALUES (1, 'a'), (2, 'b')",
        "CREATE VIEW notes AS SELECT id, body FROM pages",
    )
    assert {key for _, key, _ in rows_of(database, plan_of(database, key=("id",)))} == {(1,), (2,)}


def test_null_keys_come_first_and_duplicates_side_by_side(database: Path) -> None:
    make(
        database,
        "CREATE TABLE notes (a, b, body)",
        "INSERT INTO notes VALUES ('k', 1, 'x'), (NULL, 1, 'x'), ('l', 2, 'x'), ('k', NULL, 'x'), ('k', 1, 'y')",
    )
    plan = plan_of(database, key=("a", "b"))
    with reader_of(database, plan) as reader:
        rows = list(reader.rows())
        assert (reader.row_count(), reader.rows_without_key()) == (5, 2)
    assert [found for found, _, _ in rows][:2] == [None, None]
    twins = [values[2] for _, key, values in rows if key == ("k", 1)]
    assert sorted(map(str, twins)) == ["x", "y"]
    positions = [place for place, (_, key, _) in enumerate(rows) if key == ("k", 1)]
    assert positions[1] == positions[0] + 1


ODD_NAMES = ["u", "select", 'quo"te', "apo'strophe", "bra[cket]", "semi;colon", "🎉 ñ", "object_uuid", ":low", "", "%s"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_columns_and_tables(database: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    # SQLite has no tables without a name, and columns beside `u` must not be taken for ours.
    table = name or "notes"
    in_sql = '"' + table.replace('"', '""') + '"'
    make(
        database,
        f"CREATE TABLE {in_sql} ({quoted} TEXT PRIMARY KEY, body)",
        f"INSERT INTO {in_sql} VALUES ('{NIL}', 'a'), ('f{NIL[1:]}', 'b')",
    )
    plan = plan_of(database, table=table)
    with reader_of(database, plan) as reader:
        assert [values for _, _, values in reader.rows()] == [(NIL, "a"), (f"f{NIL[1:]}", "b")]
        assert [values for _, _, values in reader.rows(low="8" + NIL[1:])] == [(f"f{NIL[1:]}", "b")]
        assert [values for _, _, values in reader.rows(high="8" + NIL[1:])] == [(NIL, "a")]
        assert reader.address_quantiles(2) == [f"f{NIL[1:]}"]


def test_columns_that_are_called_as_the_uuid_in_our_statements(database: Path) -> None:
    names = ["_weaviate_migration_uuid", "_Weaviate_Migration_UUID_"]
    make(
        database,
        f"CREATE TABLE notes (id TEXT PRIMARY KEY, body, {names[0]}, {names[1]})",
        f"INSERT INTO notes VALUES ('{NIL}', 'a', 'z', NULL), ('f{NIL[1:]}', 'b', NULL, '0'), ('x', 'c', '0', 'z')",
    )
    expected = sorted([NIL, f"f{NIL[1:]}", str(object_uuid("notes", ("x",)))])
    with reader_of(database, plan_of(database, omit=tuple(names))) as reader:
        assert [found for found, _, _ in reader.rows()] == expected
        assert [found for found, _, _ in reader.rows(low=expected[1])] == expected[1:]
        assert [found for found, _, _ in reader.rows(high=expected[1])] == expected[:1]
        assert [found for found, _, _ in reader.rows(*expected[1:])] == expected[1:2]
        assert reader.address_quantiles(3) == expected[1:]


def test_ranges(database: Path) -> None:
    keys = sorted(str(uuid.uuid4()) for _ in range(100))
    make_keyed(database, [*keys, None])
    with reader_of(database) as reader:

        def found(low: str | None, high: str | None) -> list[str | None]:
            return [each for each, _, _ in reader.rows(low, high)]

        assert found(None, None) == [None, *keys]
        assert found(keys[10], None) == keys[10:]
        assert found(None, keys[10]) == [None, *keys[:10]]
        assert found(keys[10], keys[20]) == keys[10:20]
        assert found(keys[10], keys[10]) == []


def test_every_value_is_as_sqlite_holds_it(database: Path) -> None:
    make(
        database,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)",
        "INSERT INTO notes (body) VALUES (NULL), (9223372036854775807), (-9e999), (x'00ff'), ('')",
        "INSERT INTO notes (body) VALUES ('a' || char(0) || 'b'), (CAST(x'61ff' AS TEXT))",
        "INSERT INTO notes (body) VALUES (0.1), (CAST(x'eda080' AS TEXT))",
    )
    found = {key[0]: values[1] for _, key, values in rows_of(database)}
    lone = b"\xed\xa0\x80".decode("utf-8", "surrogateescape")
    assert found == dict(
        enumerate([None, 2**63 - 1, float("-inf"), b"\0\xff", "", "a\0b", "a\udcff", 0.1, lone], start=1)
    )


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_uuids_do_not_depend_on_the_encoding_of_the_file(database: Path, encoding: str) -> None:
    keys: list[SqlValue] = [str(uuid.uuid4()), "ñ🎉", "a\0b", ""]
    make(database, f"PRAGMA encoding = '{encoding}'")
    make_keyed(database, keys)
    assert {found: key for found, key, _ in rows_of(database)} == {object_uuid("notes", (key,)): (key,) for key in keys}


def test_keys_that_are_not_utf8(database: Path) -> None:
    make(
        database,
        "CREATE TABLE notes (id TEXT PRIMARY KEY, body)",
        "INSERT INTO notes VALUES (CAST(x'61ff' AS TEXT), 'a')",
    )
    ((found, key, _),) = rows_of(database)
    assert key == ("a\udcff",)
    assert found == object_uuid("notes", key)


def version_7(milliseconds: int, number: int) -> str:
    """UUIDs as an application makes them today: they begin with the time, so all of a year begin alike."""
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | number))


@pytest.mark.parametrize(
    "key",
    [
        lambda number: version_7(1_790_000_000_000 + number, number),
        lambda number: str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))),
        lambda number: number,
        lambda number: f"note-{number:06}",
    ],
    ids=["version 7", "random", "integers", "texts"],
)
def test_partitions_are_balanced_whatever_the_keys_are(database: Path, key: Callable[[int], SqlValue]) -> None:
    make_keyed(database, [key(number) for number in range(3200)], "id PRIMARY KEY")
    plan = plan_of(database)
    bounds = table_bounds(database, plan, DEFAULT_PARTITIONS, 4, database.parent)
    assert len(bounds) == 15
    with reader_of(database, plan) as reader:
        ranges = [partition_range(bounds, partition) for partition in PARTITION_KEYS]
        assert [sum(1 for _ in reader.rows(each.low, each.high)) for each in ranges] == [200] * 16


@pytest.mark.parametrize("declared", ["id TEXT PRIMARY KEY", "id TEXT", "id TEXT COLLATE NOCASE PRIMARY KEY"])
@pytest.mark.parametrize("other", [None, "not a UUID", NIL + "0", 7, b"x", "A" * 8 + NIL[8:]])
def test_quantiles_are_those_of_the_uuids_sorted(database: Path, declared: str, other: SqlValue) -> None:
    """Whether the keys are UUIDs themselves, whose index is asked, or one of them, the last, is not."""
    keys: list[SqlValue] = [*(str(uuid.uuid4()) for _ in range(100)), other]
    make_keyed(database, keys, declared)
    plan = plan_of(database, key=("id",))
    made = sorted(each for each in (object_uuid("notes", row[1]) for row in rows_of(database, plan)) if each)
    with reader_of(database, plan) as reader:
        assert reader.address_quantiles(16) == [made[part * len(made) // 16] for part in range(1, 16)]


def test_fewer_rows_than_partitions_give_an_even_split(database: Path) -> None:
    make_keyed(database, list(range(15)), "id PRIMARY KEY")
    with reader_of(database) as reader:
        assert reader.address_quantiles(16) == []
        assert len(reader.address_quantiles(15)) == 14
    bounds = table_bounds(database, plan_of(database), DEFAULT_PARTITIONS, 4, database.parent)
    assert bounds == partition_bounds([], DEFAULT_PARTITIONS)


@pytest.mark.parametrize("partitions", [1, 7, 128])
def test_any_number_of_partitions_is_balanced(database: Path, partitions: int) -> None:
    make_keyed(database, list(range(10 * partitions)), "id PRIMARY KEY")
    plan, keys = plan_of(database), partition_keys(partitions)
    bounds = table_bounds(database, plan, partitions, 4, database.parent)
    streams = scan_partitions(database, plan, bounds, keys, 4, database.parent)
    assert [sum(batch.num_rows for batch in stream.batches) for stream in streams] == [10] * partitions


def test_a_missing_table_gives_sixteen_empty_partitions(database: Path) -> None:
    make_keyed(database, [])
    make(database, "CREATE TABLE others (id PRIMARY KEY)")
    plan = CollectionPlan(CollectionMapping(name="X", table="x", properties=plan_of(database).mapping.properties), None)
    bounds = table_bounds(database, plan, DEFAULT_PARTITIONS, 4, database.parent)
    streams = scan_partitions(database, plan, bounds, PARTITION_KEYS, 4, database.parent)
    assert [sum(batch.num_rows for batch in stream.batches) for stream in streams] == [0] * 16


@pytest.mark.parametrize("partitions", [PARTITION_KEYS, PARTITION_KEYS[4:8]], ids=["all", "four"])
@of_small_rows
def test_one_scan_however_many_partitions(
    database: Path, partitions: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_keyed(database, list(range(1000)), "id PRIMARY KEY")
    plan = plan_of(database)
    bounds = table_bounds(database, plan, DEFAULT_PARTITIONS, 4, database.parent)
    statements: list[str] = []
    opened = TableReader.__init__

    def traced(self: TableReader, *args: object) -> None:
        opened(self, *args)  # type: ignore[arg-type]
        self._connection.set_trace_callback(statements.append)

    monkeypatch.setattr(TableReader, "__init__", traced)
    rows = [
        row
        for stream in scan_partitions(database, plan, bounds, partitions, 4, database.parent)
        for batch in stream.batches
        for row in decode(batch)
    ]
    assert len(rows) == 1000 * len(partitions) // 16
    assert [each[:7] for each in statements] == ["SELECT "]


def test_the_uuid_is_made_once_for_each_row_of_a_whole_scan(database: Path) -> None:
    make_keyed(database, list(range(1000)), "id PRIMARY KEY")
    made: list[tuple[SqlValue, ...]] = []

    def counting(table: str, key: tuple[SqlValue, ...]) -> str | None:
        made.append(key)
        return object_uuid(table, key)

    with TableReader(database, plan_of(database), counting, 4, database.parent) as reader:
        assert len(list(reader.rows())) == len(made) == 1000


@pytest.mark.skipif(sys.platform != "linux", reason="open files are looked up in /proc")
@of_small_rows
def test_what_does_not_fit_into_memory_is_sorted_in_the_scratch_folder(tmp_path: Path) -> None:
    database, scratch = tmp_path / "app.db", tmp_path / "it's scratch"
    scratch.mkdir()
    make(
        database,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)",
        "WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 8000) "
        "INSERT INTO notes SELECT id, randomblob(1000) FROM ids",
    )
    plan = plan_of(database)
    for sort_memory_mb, on_disk in ((1, True), (64, False)):
        with TableReader(database, plan, object_uuid, sort_memory_mb, scratch) as reader:
            rows = reader.rows()
            uuids = [next(rows)[0]]
            assert bool(sizes_of_removed_files(scratch)) is on_disk
            uuids += [each for each, _, _ in rows]
        assert len(uuids) == 8000
        assert uuids == sorted(uuids, key=str)
        assert sizes_of_removed_files(scratch) == []
    assert list(scratch.iterdir()) == []


def test_a_scratch_folder_that_is_not_there_is_an_error_that_names_it(database: Path) -> None:
    make_keyed(database, [1])
    with pytest.raises(SourceError, match="not a writable directory") as error:
        TableReader(database, plan_of(database), object_uuid, 4, database.parent / "nothing")
    assert not is_open(database), error.traceback


def test_a_damaged_snapshot_is_an_error_that_names_it(database: Path) -> None:
    make_keyed(database, [f"{n} {'x' * 500}" for n in range(100)])
    plan = plan_of(database)
    data = bytearray(database.read_bytes())
    data[4096 * 4 : 4096 * 6] = b"\xff" * 8192
    database.write_bytes(data)
    with pytest.raises(SourceError, match=r"app\.db: is damaged"), reader_of(database, plan) as reader:
        list(reader.rows())


def test_an_unfinished_scan_ends_with_its_reader(database: Path) -> None:
    make_keyed(database, list(range(100)), "id PRIMARY KEY")
    with reader_of(database) as reader:
        rows = reader.rows()
        next(rows)
    with pytest.raises(SourceError, match="closed database"):
        next(rows)
    with pytest.raises(sqlite3.ProgrammingError):
        reader._connection.execute("SELECT 1")


@of_small_rows
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    """Measured in a process of its own: the peak of one that has done other things says nothing."""
    sizes = {"few": 2_000, "many": 40_000}
    for name, rows in sizes.items():
        make(
            tmp_path / name,
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, body)",
            f"WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < {rows}) "
            "INSERT INTO notes SELECT id, randomblob(2000) FROM ids",
        )
    command = [sys.executable, "-c", _READ_ALL, *(str(tmp_path / name) for name in sizes)]
    measured = subprocess.run(command, check=True, capture_output=True, text=True)
    few, many = map(int, measured.stdout.split())
    # 80 MB of rows; the sorter may hold 4 MB, and each batch of an extract as many.
    assert many - few < 40_000, (few, many)


# Scans tables into batches of an extract and drops them; prints the peak of its memory in KB after each.
_READ_ALL = """
import resource, sys
from pathlib import Path
from weaviate_migration.phases.history.extract.scan import scan_partitions, table_bounds
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.source.test_rows import plan_of

for database in map(Path, sys.argv[1:]):
    plan = plan_of(database)
    bounds = table_bounds(database, plan, len(PARTITION_KEYS), 4, database.parent)
    streams = scan_partitions(database, plan, bounds, PARTITION_KEYS, 4, database.parent)
    assert sum(batch.num_rows for stream in streams for batch in stream.batches) >= 2000
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("relation", ["notes", "shown"])
@pytest.mark.parametrize("kind", ["VIRTUAL", "STORED"])
def test_whole_reals_of_generated_columns_stay_reals(database: Path, kind: str, relation: str) -> None:
    make(
        database,
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, body, half REAL AS (body) {kind}, same AS (body) {kind})",
        "INSERT INTO notes (body) VALUES (4), (-0.0), ('a'), (NULL), (1e999), (x'00')",
        "CREATE VIEW shown AS SELECT * FROM notes",
    )
    rows = rows_of(database, plan_of(database, relation, key=("id",)))
    assert {repr(values[1:]) for _, _, values in rows} == {
        "(4, 4.0, 4)",
        "(-0.0, 0.0, -0.0)",  # SQLite itself keeps no sign of zero in a REAL column.
        "('a', 'a', 'a')",
        "(None, None, None)",
        "(inf, inf, inf)",
        "(b'\\x00', b'\\x00', b'\\x00')",
    }
