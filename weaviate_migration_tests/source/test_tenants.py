"""Rows and changes of a collection with tenants: in the order of (tenant, UUID), each change in its tenant."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import address, object_uuid, split_address
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.partitions import partition_bounds
from weaviate_migration.phases.history.extract.refusals import DUPLICATE_KEY, NO_KEY, NO_TENANT, judged
from weaviate_migration.phases.history.extract.scan import scan_partitions, table_bounds
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, decode
from weaviate_migration.source.capture import Capture, install_capture
from weaviate_migration.source.change_log import ChangeLog
from weaviate_migration.source.changed_rows import ChangedRow
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, plan_migration
from weaviate_migration.source.rows import KeyedRow, TableReader, sample_rows
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.source.captures import ID
from weaviate_migration_tests.source.databases import connect, make

TABLE = "CREATE TABLE notes (id TEXT PRIMARY KEY, org, body)"
NO_KEY_TABLE = "CREATE TABLE notes (id, org, body)"
UUIDS = [f"{number}0000000-0000-0000-0000-000000000000" for number in range(10)]


def planned(
    path: Path, of_null: str | None = None, key: tuple[str, ...] = (), only: str | None = None
) -> MigrationPlan:
    collection: dict[str, Any] = {
        "name": "Note",
        "table": "notes",
        "key": key,
        "properties": [{"name": "body", "column": "body", "index": "words"}],
        "tenant": {"column": "org", "of_null": of_null, "only": only},
    }
    mapping = Mapping.model_validate({"name": "test", "collections": [collection]})
    return plan_migration(mapping, inspect_database(path, mapping))


def plan_of(path: Path, of_null: str | None = None, key: tuple[str, ...] = ()) -> CollectionPlan:
    return planned(path, of_null, key).collections[0]


def file_of(path: Path, rows: list[tuple[object, ...]], table: str = TABLE, encoding: str = "UTF-8") -> Path:
    make(path, f"PRAGMA encoding = '{encoding}'", table)
    with closing(connect(path)) as connection:
        marks = ", ".join("?" * (len(rows[0]) if rows else 3))
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO notes VALUES ({marks})", rows)
        connection.execute("COMMIT")
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


def read(path: Path, plan: CollectionPlan, low: str | None = None, high: str | None = None) -> list[KeyedRow]:
    with TableReader(path, plan, object_uuid, 4, path.parent) as reader:
        return list(reader.rows(low, high))


# Each of another storage class, or with a name that cannot be the tenant's, in every way that one can.
ODD_VALUES: list[SqlValue] = [
    "acme",
    "Acme",
    7,
    "7",
    -1,
    7.0,
    2.5,
    b"acme",
    "",
    "a b",
    "Zoë",
    "t_1",
    "none",
    "a\x00b",
    "é" * 40,
    None,
]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
@pytest.mark.parametrize("of_null", [None, "none"])
def test_rows_come_in_the_order_of_tenant_and_uuid(database: Path, of_null: str | None, encoding: str) -> None:
    rows: list[tuple[str, SqlValue, str]] = [(f"{at}", value, "x") for at, value in enumerate(ODD_VALUES * 3)]
    file_of(database, list(rows), encoding=encoding)
    found = read(database, plan_of(database, of_null))
    expected = [(tenant_name(org, of_null), object_uuid("notes", (key,)), key) for key, org, _ in rows]
    assert [(*split_address(each or ""), *key) for each, key, _ in found] == sorted(expected)
    assert [each for each, _, _ in found] == sorted(address(name, uuid or "") for name, uuid, _ in expected)


def test_text_that_is_no_utf8_names_a_tenant(database: Path) -> None:
    make(database, TABLE, "INSERT INTO notes VALUES ('1', CAST(X'61FF' AS TEXT), 'x')")
    ((found, _, values),) = read(database, plan_of(database))
    assert values[1] == "a\udcff"
    assert found == address(tenant_name("a\udcff"), object_uuid("notes", ("1",)) or "")


def test_keys_that_are_uuids_are_cut_by_tenant_and_uuid(database: Path) -> None:
    rows = [(f"{at:08x}-0000-0000-0000-000000000000", f"org-{at % 3}", "x") for at in range(96)]
    plan = plan_of(file_of(database, list(rows)))
    addresses = sorted(address(org, key) for key, org, _ in rows)
    assert table_bounds(database, plan, DEFAULT_PARTITIONS, 4, database.parent) == tuple(
        addresses[6 * part] for part in range(1, 16)
    )


@pytest.mark.parametrize("sizes", [[320], [100, 5, 1, 80, 134], [1] * 320])
def test_partitions_are_even_for_one_tenant_a_few_and_many(database: Path, sizes: list[int]) -> None:
    orgs = itertools.chain.from_iterable([f"org{number}"] * size for number, size in enumerate(sizes))
    plan = plan_of(file_of(database, [(f"note {at}", org, "x") for at, org in enumerate(orgs)]))
    bounds = table_bounds(database, plan, DEFAULT_PARTITIONS, 4, database.parent)
    streams = scan_partitions(database, plan, bounds, PARTITION_KEYS, 4, database.parent)
    cut = [[row for batch in stream.batches for row in decode(batch)] for stream in streams]
    assert [len(rows) for rows in cut] == [20] * 16
    whole = [row.uuid for rows in cut for row in rows if row.uuid]
    assert whole == sorted(whole)
    assert {row.values[0]: split_address(row.uuid or "")[0] for rows in cut for row in rows} == {
        values[0]: values[1] for _, _, values in read(database, plan)
    }


def test_a_table_of_few_rows_has_addresses_as_bounds_all_the_same(database: Path) -> None:
    plan = plan_of(file_of(database, [("1", "acme", "x")]))
    bounds = table_bounds(database, plan, DEFAULT_PARTITIONS, 4, database.parent)
    assert bounds == partition_bounds([], DEFAULT_PARTITIONS, has_tenants=True)
    assert len(bounds) == len(PARTITION_KEYS) - 1
    assert list(bounds) == sorted(set(bounds))
    assert all(tenant and len(tenant) == 1 for tenant, _ in map(split_address, bounds))


def test_a_range_of_addresses(database: Path) -> None:
    file_of(database, [(uuid, org, "x") for uuid in UUIDS[:4] for org in ("a", "b")], NO_KEY_TABLE)
    found = read(database, plan_of(database, key=("id",)), address("a", UUIDS[2]), address("b", UUIDS[1]))
    assert [each for each, _, _ in found] == [address("a", UUIDS[2]), address("a", UUIDS[3]), address("b", UUIDS[0])]


def test_samples_have_addresses(database: Path) -> None:
    rows = [(f"note {at}", f"org-{at % 3}", "x") for at in range(30)]
    plan = plan_of(file_of(database, list(rows)))
    sample = sample_rows(database, plan, object_uuid, database.parent, 30)
    assert sample == read(database, plan)


def test_rows_without_a_tenant_are_refused_unless_the_mapping_has_a_name_for_it(database: Path) -> None:
    rows = [("a", None, "1"), ("b", "acme", "2"), ("b", "acme", "3"), ("b", "other", "4"), (None, None, "5")]
    file_of(database, list(rows), NO_KEY_TABLE)

    def reasons(of_null: str | None) -> dict[object, str | None]:
        plan = plan_of(database, of_null, key=("id",))
        found = judged((ExtractRow(*row) for row in read(database, plan)), plan.mapping, plan.columns)
        return {row.values[2]: reason for row, reason in found}

    expected = {"1": NO_TENANT, "2": DUPLICATE_KEY, "3": DUPLICATE_KEY, "4": None, "5": NO_KEY}
    assert reasons(None) == expected
    assert reasons("none") == {**expected, "1": None}


class Followed:
    """A captured file."""

    def __init__(self, path: Path, of_null: str | None = None, only: str | None = None) -> None:
        self.path = path
        plan = planned(path, of_null, only=only)
        self.plan = plan.collections[0]
        self.capture: Capture = install_capture(path, plan, ID)
        self.log = ChangeLog(path, ID, object_uuid, path.parent)

    def execute(self, *statements: str) -> None:
        with closing(connect(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def changed(self, **bounds: str) -> list[ChangedRow]:
        with self.log.reading():
            copied = self.log.changed_rows(self.plan, 0, self.log.last_position(), **bounds)
        with closing(copied):
            return list(copied.rows())

    def told(self) -> list[tuple[str | None, object]]:
        """The address of each change, and the body of its row."""
        return [(each.uuid, each.values and each.values[2]) for each in self.changed()]


@pytest.fixture
def followed(database: Path) -> Iterator[Followed]:
    found = Followed(file_of(database, [(UUIDS[1], "acme", "x"), (UUIDS[2], "acme", "y"), (UUIDS[3], None, "z")]))
    yield found
    found.log.close()


def test_a_row_that_moves_is_removed_there_and_written_here(followed: Followed) -> None:
    followed.execute("UPDATE notes SET org = 'other', body = 'moved' WHERE id = '" + UUIDS[1] + "'")
    assert followed.told() == [(address("acme", UUIDS[1]), None), (address("other", UUIDS[1]), "moved")]
    assert {each.key for each in followed.changed()} == {(UUIDS[1],)}
    assert followed.changed(low="b")[0].uuid == address("other", UUIDS[1])
    followed.execute("UPDATE notes SET org = 'third' WHERE id = '" + UUIDS[1] + "'")
    followed.execute("UPDATE notes SET org = 'acme' WHERE id = '" + UUIDS[1] + "'")
    assert followed.told() == [
        (address("acme", UUIDS[1]), "moved"),
        (address("other", UUIDS[1]), None),
        (address("third", UUIDS[1]), None),
    ]


def test_a_value_of_another_class_but_the_same_name_is_no_move(followed: Followed) -> None:
    followed.execute(
        f"UPDATE notes SET org = 7 WHERE id = '{UUIDS[1]}'", f"UPDATE notes SET org = '7' WHERE id = '{UUIDS[1]}'"
    )
    assert followed.told() == [(address("acme", UUIDS[1]), None), (address("7", UUIDS[1]), "x")][::-1]
    (row,) = [each for each in followed.changed() if each.values is not None]
    assert row.values == (UUIDS[1], "7", "x")


def test_null_is_a_tenant_where_the_mapping_names_it_and_else_none(database: Path) -> None:
    file_of(database, [(UUIDS[1], None, "x"), (UUIDS[2], "acme", "y")])
    found = Followed(database, of_null="none")
    found.execute(
        f"UPDATE notes SET org = 'acme' WHERE id = '{UUIDS[1]}'", "UPDATE notes SET org = NULL WHERE body = 'y'"
    )
    expected = [
        (address("acme", UUIDS[1]), "x"),
        (address("acme", UUIDS[2]), None),
        (address("none", UUIDS[1]), None),
        (address("none", UUIDS[2]), "y"),
    ]
    assert found.told() == expected
    found.log.close()


def test_of_one_tenant_alone_its_own_changes_are_told(database: Path) -> None:
    found = Followed(file_of(database, [(UUIDS[1], "acme", "x"), (UUIDS[2], "other", "y")]), only="acme")
    found.execute(
        "UPDATE notes SET body = 'changed'",
        f"UPDATE notes SET org = 'acme' WHERE id = '{UUIDS[2]}'",
        f"INSERT INTO notes VALUES ('{UUIDS[3]}', 'other', 'z'), ('{UUIDS[4]}', 'acme', 'new')",
    )
    changed = [(address("acme", UUIDS[at]), body) for at, body in ((1, "changed"), (2, "changed"), (4, "new"))]
    assert found.told() == changed
    found.execute(f"UPDATE notes SET org = 'other' WHERE id = '{UUIDS[1]}'", "DELETE FROM notes WHERE body = 'new'")
    assert found.told() == [(changed[0][0], None), changed[1], (changed[2][0], None)]
    found.log.close()


def test_rows_without_a_tenant_come_first(followed: Followed) -> None:
    followed.execute(
        "UPDATE notes SET body = 'w' WHERE org IS NULL", f"UPDATE notes SET org = NULL WHERE id = '{UUIDS[2]}'"
    )
    assert followed.told() == [
        (address("", UUIDS[2]), "y"),
        (address("", UUIDS[3]), "w"),
        (address("acme", UUIDS[2]), None),
    ]


def test_rows_that_replace_evicts_are_removed_where_they_were(followed: Followed) -> None:
    followed.execute(
        f"INSERT OR REPLACE INTO notes VALUES ('{UUIDS[1]}', 'other', 'new')", "DELETE FROM notes WHERE org IS NULL"
    )
    assert followed.told() == [
        (address("", UUIDS[3]), None),
        (address("acme", UUIDS[1]), None),
        (address("other", UUIDS[1]), "new"),
    ]


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, org INTEGER NOT NULL DEFAULT 7, body UNIQUE)",
        "CREATE TABLE notes (id TEXT PRIMARY KEY, org TEXT COLLATE NOCASE DEFAULT 'acme', body UNIQUE) WITHOUT ROWID",
        "CREATE TABLE notes (id TEXT, org TEXT NOT NULL DEFAULT 'd', body UNIQUE, PRIMARY KEY (org, id))",
        "CREATE TABLE notes (id TEXT PRIMARY KEY, org AS (substr(body, 1, 1)), body UNIQUE)",
        "CREATE TABLE notes (id TEXT PRIMARY KEY, org AS (substr(body, 1, 1)) STORED, body UNIQUE)",
    ],
)
def test_whatever_happens_each_object_is_where_its_row_is(database: Path, table: str) -> None:
    """What the log says leads from the objects of before to those of the rows as they are."""
    make(database, table)
    is_computed = "org AS" in table
    columns = "(id, body)" if is_computed else "(id, org, body)"

    def values(*row: object) -> str:
        given = (row[0], row[2]) if is_computed else row
        return f"{columns} VALUES ({', '.join(map(repr, given))})".replace("None", "NULL")

    found = Followed(database, of_null="none")

    def stored() -> dict[str | None, object]:
        return {each: row for each, _, row in read(database, found.plan)}

    found.execute(*(f"INSERT INTO notes {values(at, at % 3, f'{at % 2}{at}')}" for at in range(1, 10)))
    objects = stored()
    moves = [
        "UPDATE notes SET org = 'Acme' WHERE id IN (3, 20)",
        "UPDATE OR REPLACE notes SET org = 1",
        "INSERT INTO notes (id, body) VALUES (40, 'default')",
    ]
    with found.log.reading():
        before = found.log.last_position()
    found.execute(
        f"INSERT OR REPLACE INTO notes {values(1, 4, '04')}",  # Evicts 1 and 4.
        f"INSERT INTO notes {values(20, 'ACME', 'new')}",
        "UPDATE notes SET id = 30 WHERE id = 2",
        "UPDATE OR REPLACE notes SET body = '05', id = 31 WHERE id = 5",
        "UPDATE notes SET body = 'z' || body WHERE id IN (6, 7)",
        "DELETE FROM notes WHERE id = 8",
        *([] if is_computed else moves),
        *(["UPDATE notes SET org = NULL WHERE id = 9"] if not is_computed and "NOT NULL" not in table else []),
    )
    with found.log.reading():
        copied = found.log.changed_rows(found.plan, before, found.log.last_position())
    for each in copied.rows():
        objects.pop(each.uuid, None)
        if each.values is not None:
            objects[each.uuid] = each.values
    found.log.close()
    assert objects == stored()
    assert len(objects) > 5


@pytest.mark.parametrize("of_null", [None, "none"])
def test_parents_are_named_with_their_tenant(database: Path, of_null: str | None) -> None:
    file_of(database, [("a", "acme", "x"), ("b", None, "x"), ("c", "Zoë", "x")])
    make(database, "CREATE TABLE words (note, body)", "INSERT INTO words VALUES ('a', 1), ('b', 2), ('c', 3), ('d', 4)")
    parent = plan_of(database, of_null)
    words: dict[str, Any] = {"name": "Word", "table": "words", "properties": parent.mapping.properties}
    child = plan_migration(
        Mapping.model_validate({"name": "test", "collections": [words]}), inspect_database(database)
    ).collections[0]
    with TableReader(database, child, object_uuid, 4, database.parent) as reader:
        found = {each.value: (each.key, each.tenant) for each in reader.named_parents("note", parent)}
        plain = {each.tenant for each in reader.named_parents("note", child)}
    assert found == {"a": ("a", "acme"), "b": ("b", of_null or ""), "c": ("c", tenant_name("Zoë")), "d": (None, "")}
    assert plain == {None}
