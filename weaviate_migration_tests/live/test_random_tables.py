"""Random tables through the real server: what is missing is what has no usable key, and nothing else differs."""

import os
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from math import ceil
from pathlib import Path

import pytest
import weaviate
from hypothesis import HealthCheck, given, settings

from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.mapping.object_to_row import object_to_row
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.source.inspect import quoted
from weaviate_migration.target.read_back import objects_in_range
from weaviate_migration_tests.live.small_migration import SmallMigration
from weaviate_migration_tests.random_tables import ROWID_NAMES, ROWS, RandomTable, random_tables

# `make fuzz` asks for more.
ROW_CASES = int(os.environ.get("ROW_CASES", "2000"))

# A value's storage class, and its bytes or the integer.
Classed = tuple[str, bytes | int | None]


def test_every_row_of_random_tables_is_proven(
    client: weaviate.WeaviateClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = 0

    @given(random_tables())
    @settings(max_examples=ceil(ROW_CASES / ROWS), print_blob=True, suppress_health_check=list(HealthCheck))
    def each_row_is_proven(table: RandomTable) -> None:
        nonlocal rows
        client.collections.delete_all()
        rows += migrate_and_compare(table, client, tmp_path_factory.mktemp("random"))

    each_row_is_proven()
    assert rows >= ROW_CASES


def migrate_and_compare(table: RandomTable, client: weaviate.WeaviateClient, folder: Path) -> int:
    """Returns how many rows were compared."""
    database = table.make(folder / "app.db")
    migration = SmallMigration(folder, client, table.mapping)
    migration.extract_file(database)
    migration.load()
    source = list(read_by_sqlite(database, table))
    keys = Counter(key for key, _ in source)
    unusable = [key for key, _ in source if ("null", None) in key or keys[key] > 1]
    assert_full_comparison(migration, unusable)
    usable = Counter(row for key, row in source if key not in set(unusable))
    assert Counter(rebuilt_rows(migration)) == usable
    return len(source)


def assert_full_comparison(migration: SmallMigration, unusable: list[tuple[Classed, ...]]) -> None:
    compared = migration.compare_all()
    differences = [each for partition in compared for each in partition.differences]
    assert [each for each in differences if each.kind != "missing"] == []
    assert sorted(each.key for each in differences) == sorted(key_text(tuple(map(unclassed, key))) for key in unusable)
    for partition in compared:
        assert (partition.source_digest == partition.target_digest) == partition.passed
        assert (partition.wrong_uuids, partition.wrong_types) == ([], {})
    assert sum(each.objects for each in compared) == migration.count()


def read_by_sqlite(database: Path, table: RandomTable) -> Iterator[tuple[tuple[Classed, ...], tuple[Classed, ...]]]:
    """Key and columns of each row, each value with the storage class that SQLite itself names."""
    omitted = set(map(folded, table.mapping.omit))
    columns = [name for name in table.columns if folded(name) not in omitted]
    taken = set(map(folded, table.columns))
    key = table.key or [next(name for name in sorted(ROWID_NAMES) if name not in taken)]
    read = ", ".join(f"typeof({quoted(name)}), {quoted(name)}" for name in [*key, *columns])
    with closing(sqlite3.connect(database)) as connection:
        connection.text_factory = bytes
        for row in connection.execute(f"SELECT {read} FROM {quoted(table.name)}"):
            values = tuple(
                (kind.decode(), struct.pack(">d", value) if kind == b"real" else value)
                for kind, value in zip(row[::2], row[1::2], strict=True)
            )
            yield values[: len(key)], values[len(key) :]


def rebuilt_rows(migration: SmallMigration) -> Iterator[tuple[Classed, ...]]:
    columns = migration.comparer.layout.columns
    for each in objects_in_range(migration.collection, UuidRange(None, None), 1000, blobs=migration.mapping.blobs):
        row = object_to_row(migration.mapping, columns, each.properties)
        yield tuple(map(classed, row))


def classed(value: SqlValue) -> Classed:
    match value:
        case None:
            return "null", None
        case int():
            return "integer", value
        case float():
            return "real", struct.pack(">d", value)
        case str():
            return "text", value.encode(errors="surrogateescape")
        case bytes():
            return "blob", value


def unclassed(value: Classed) -> SqlValue:
    kind, held = value
    if kind == "text" and isinstance(held, bytes):
        return held.decode(errors="surrogateescape")
    if kind == "real" and isinstance(held, bytes):
        return float(struct.unpack(">d", held)[0])
    return held
