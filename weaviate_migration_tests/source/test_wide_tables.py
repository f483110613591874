"""Tables of as many columns as SQLite allows, and what is more than it takes in one statement."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import MappingError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.phases.preflight.audit.tables import audit_table
from weaviate_migration.source.capture import install_capture, uncaptured_tables
from weaviate_migration.source.change_log import ChangeLog
from weaviate_migration.source.connect import connect_read_only
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import MigrationPlan, plan_migration
from weaviate_migration.source.rows import TableReader, sample_rows
from weaviate_migration.source.slices import table_slices
from weaviate_migration.source.wide_select import WideSelect
from weaviate_migration_tests.source.captures import ID
from weaviate_migration_tests.source.databases import connect, make

ROWS = 30


def wide_file(folder: Path, columns: int, key: str = "key TEXT PRIMARY KEY", end: str = "") -> Path:
    """A table of so many columns and 30 rows, whose values all differ."""
    path = folder / "app.db"
    names = [f"c{number}" for number in range(1, columns)]
    with closing(connect(path)) as connection:
        connection.execute(f"CREATE TABLE wide ({', '.join([key, *names])}) {end}")
        for row in range(ROWS):
            values = [f"k{row:02}", *(row * 10_000 + number for number in range(1, columns))]
            connection.execute(f"INSERT INTO wide VALUES ({', '.join('?' * columns)})", values)
    return path


def planned(path: Path, table: str = "wide", **fields: object) -> MigrationPlan:
    properties = [{"name": "first", "column": "c1", "type": "int"}]
    collection = {"name": "Wide", "table": table, "properties": properties, **fields}
    return plan_migration(Mapping.model_validate({"name": "x", "collections": [collection]}), inspect_database(path))


def value_of(row: tuple[object, ...]) -> bool:
    """Whether the values of a row belong together, and are in their order."""
    key, *values = row
    return values == [int(str(key)[1:]) * 10_000 + number for number in range(1, len(row))]


@pytest.mark.parametrize("columns", [1_998, 1_999, 2_000])
@pytest.mark.parametrize(
    ("key", "end"), [("key TEXT PRIMARY KEY", ""), ("key TEXT PRIMARY KEY", "WITHOUT ROWID"), ("key TEXT", "")]
)
def test_all_columns_that_sqlite_allows_are_read(tmp_path: Path, columns: int, key: str, end: str) -> None:
    path = wide_file(tmp_path, columns, key, end)
    plan = planned(path)
    (wide,) = plan.collections
    assert wide.table is not None
    with TableReader(path, wide, object_uuid, 4, tmp_path) as reader:
        rows = list(reader.rows())
        again = list(reader.rows(rows[10][0], rows[20][0]))
    assert [uuid for uuid, _, _ in rows] == sorted(str(object_uuid("wide", key)) for _, key, _ in rows)
    assert len(rows) == ROWS
    assert all(value_of(values) and len(values) == columns for _, _, values in rows)
    assert again == rows[10:20]
    sampled = sample_rows(path, wide, object_uuid, tmp_path, 500)
    assert sampled == rows
    with closing(connect_read_only(path)) as connection:
        (found,) = table_slices(connection, wide.table, wide.columns, ["t.c1 + t.c2"])
        assert not connection.in_transaction
        report = audit_table(connection, wide, plan, DEFAULT_PARTITIONS, tmp_path)
    assert all(value_of(row) for row in zip(*found.columns, strict=True))
    assert list(found.computed[0]) == [a + b for a, b in zip(found.columns[1], found.columns[2], strict=True)]  # type: ignore[operator]
    assert (report.rows, report.refused, len(report.columns)) == (ROWS, 0, columns)


def test_rows_with_one_key_keep_their_values_together(tmp_path: Path) -> None:
    path = wide_file(tmp_path, 2_000, "key TEXT")
    make(path, "UPDATE wide SET key = 'same'")
    (wide,) = planned(path, key=["key"]).collections
    with TableReader(path, wide, object_uuid, 4, tmp_path) as reader:
        rows = [values for _, _, values in reader.rows()]
    assert sorted(str(values[1]) for values in rows) == sorted(str(row * 10_000 + 1) for row in range(ROWS))
    assert all(values[-1] - values[1] == 1_998 for values in rows)  # type: ignore[operator]


def test_a_wide_view_has_a_limit(tmp_path: Path) -> None:
    path = wide_file(tmp_path, 2_000)
    make(path, "CREATE VIEW looked AS SELECT * FROM wide")
    with pytest.raises(MappingError, match=r"has 2,001 columns to read, .* SQLite's limit of 2,000 holds") as error:
        planned(path, "looked", key=["key"])
    assert "`omit`" in str(error.value)
    (view,) = planned(path, "looked", key=["key"], omit={"c5": "too many", "c6": "too many"}).collections
    with TableReader(path, view, object_uuid, 4, tmp_path) as reader:
        assert [len(values) for _, _, values in reader.rows()] == [1_998] * ROWS


def test_a_key_of_many_columns(tmp_path: Path) -> None:
    def keyed(name: str, columns: int) -> str:
        names = [f"c{number}" for number in range(columns)]
        return f"CREATE TABLE {name} ({', '.join(names)}, PRIMARY KEY ({', '.join(names)}))"

    path = make(tmp_path / "app.db", keyed("wide", 63), keyed("wider", 64))
    make(path, f"INSERT INTO wide VALUES ({', '.join(map(str, range(63)))})")
    (wide,) = planned(path).collections
    with TableReader(path, wide, object_uuid, 4, tmp_path) as reader:
        assert [key for _, key, _ in reader.rows()] == [tuple(range(63))]
    with pytest.raises(MappingError, match="the key of `wider` has 64 columns, and SQLite's functions take 63 of it"):
        planned(path, "wider")


def test_changes_of_as_many_columns_as_sqlite_can_copy(tmp_path: Path) -> None:
    path = wide_file(tmp_path, 2_000)
    assert uncaptured_tables(planned(path)) == [
        "changes of wide are not followed: 4 columns of it are more than SQLite takes; leave as many out with `omit`"
    ]
    (wide,) = (plan := planned(path, omit={f"c{number}": "too many" for number in range(5, 9)})).collections
    assert uncaptured_tables(plan) == []
    make(path, "CREATE UNIQUE INDEX sums ON wide (c1 + c1999)")
    install_capture(path, plan, ID)
    make(path, "UPDATE wide SET c1999 = -1 WHERE key = 'k03'", "DELETE FROM wide WHERE key = 'k04'")
    with ChangeLog(path, ID, object_uuid, tmp_path) as log:
        with log.reading():
            changed = log.changed_rows(wide, 0, log.last_position())
        rows = {row.key: row.values for row in changed.rows()}
    assert rows[("k04",)] is None
    assert len(rows[("k03",)] or ()) == 1_996
    assert (rows[("k03",)] or ())[-1] == -1


def test_a_unique_index_of_more_columns_than_an_expression_is_deep(tmp_path: Path) -> None:
    path = wide_file(tmp_path, 1_500)
    names = ", ".join(f"c{number}" for number in range(1, 1_500))
    make(path, f"CREATE UNIQUE INDEX everything ON wide ({names})")
    plan = planned(path)
    install_capture(path, plan, ID)
    make(path, "INSERT OR REPLACE INTO wide SELECT 'new', " + names + " FROM wide WHERE key = 'k07'")
    with ChangeLog(path, ID, object_uuid, tmp_path) as log:
        with log.reading():
            changed = log.changed_rows(plan.collections[0], 0, log.last_position())
        assert {row.key: row.values is None for row in changed.rows()} == {("k07",): True, ("new",): False}


def test_more_relations_than_sqlite_joins_tables(tmp_path: Path) -> None:
    columns = [f"c{number}" for number in range(1, 71)]
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, c1 TEXT)",
        "INSERT INTO parents (c1) VALUES ('there')",
        f"CREATE TABLE wide (id INTEGER PRIMARY KEY, {', '.join(columns)})",
        f"INSERT INTO wide ({', '.join(columns)}) VALUES (" + ", ".join(["'there'", "'gone'"] * 35) + ")",
    )
    relations = [{"column": column, "to_table": "parents"} for column in columns]
    properties = [{"name": "first", "column": "c1", "index": "whole"}]
    children = {"name": "Wide", "table": "wide", "properties": properties, "relations": relations}
    parents = {"name": "Parent", "table": "parents", "key": ["c1"], "properties": properties}
    mapping = Mapping.model_validate({"name": "x", "collections": [children, parents]})
    plan = plan_migration(mapping, inspect_database(path))
    with closing(connect_read_only(path)) as connection:
        report = audit_table(connection, plan.collections[0], plan, DEFAULT_PARTITIONS, tmp_path)
    assert [each.count for each in report.orphans] == [0, 1] * 35


def test_statements_that_disagree_on_the_order_are_an_error(tmp_path: Path) -> None:
    path = wide_file(tmp_path, 5)
    with closing(connect_read_only(path)) as connection:
        assert value_of(next(iter(WideSelect(connection, "key", ["c1"], "FROM wide"))))
        connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, 3)
        rows = WideSelect(connection, "random()", ["c1", "c2", "c3"], "FROM wide")
        with pytest.raises(AssertionError, match="in another order each"):
            list(rows)
        rows.close()
        with WideSelect(connection, "key", ["c1", "c2", "c3", "c4"], "FROM wide ORDER BY rowid") as rows:
            assert all(value_of(row) for row in rows.fetchmany(7) + list(rows))
