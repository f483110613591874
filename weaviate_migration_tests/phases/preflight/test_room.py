"""The room in the work folder that is foretold, against what is taken: snapshot, extracts, and what SQLite sorts."""

import random
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from upath import UPath

from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.base.settings import MINIMUM_MEMORY_MB, create_migration_config, sort_memory_mb
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.phases.history.extract.partitions import cut_into_partitions
from weaviate_migration.phases.history.extract.scan import row_layout, table_bounds
from weaviate_migration.phases.history.extract.storage import write_partition
from weaviate_migration.phases.preflight import disk_and_memory
from weaviate_migration.phases.preflight.disk_and_memory import Need
from weaviate_migration.phases.preflight.room import TableRoom
from weaviate_migration.phases.preflight.source_side import Source
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, plan_migration
from weaviate_migration.source.rows import KeyedRow, TableReader
from weaviate_migration.source.snapshot import take_snapshot
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.source.databases import sizes_of_removed_files

RANDOM = random.Random(5)
WORDS = ["weather", "harbour", "of", "the", "and", "letter", "seldom", "a", "window", "to", "yesterday", "green"]
SORT_MEMORY = sort_memory_mb(MINIMUM_MEMORY_MB)


def chat(connection: sqlite3.Connection) -> None:
    """Many small rows of text, with random keys: two tables of which one is sorted on disk."""
    connection.execute("CREATE TABLE talks (id INTEGER PRIMARY KEY, title TEXT)")
    connection.executemany("INSERT INTO talks VALUES (?, ?)", ((each, f"Talk {each}") for each in range(500)))
    connection.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, talk INTEGER, body TEXT, at TEXT)")
    rows = (
        (_uuid(), each % 500, " ".join(RANDOM.choices(WORDS, k=RANDOM.randint(5, 80))), f"2026-01-01T00:{each}:00Z")
        for each in range(25_000)
    )
    connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)
    connection.execute("CREATE INDEX messages_talk ON messages (talk)")


def files(connection: sqlite3.Connection) -> None:
    """Few large rows that cannot be compressed, of very different sizes."""
    connection.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT, content BLOB)")
    rows = ((f"file {each}", RANDOM.randbytes(RANDOM.choice([2_000, 20_000, 200_000]))) for each in range(400))
    connection.executemany("INSERT INTO files (name, content) VALUES (?, ?)", rows)


def readings(connection: sqlite3.Connection) -> None:
    """Numbers alone, with indexes that are as large as the table."""
    connection.execute("CREATE TABLE readings (id INTEGER PRIMARY KEY, sensor INTEGER, at INTEGER, value REAL)")
    rows = ((each % 40, 1_700_000_000 + each, RANDOM.random()) for each in range(120_000))
    connection.executemany("INSERT INTO readings (sensor, at, value) VALUES (?, ?, ?)", rows)
    for column in ("sensor", "at", "value"):
        connection.execute(f"CREATE INDEX readings_{column} ON readings ({column})")


def _uuid() -> str:
    return str(uuid.UUID(int=RANDOM.getrandbits(128)))


@pytest.mark.parametrize("fill", [chat, files, readings])
def test_the_room_in_the_work_folder_is_right_within_a_fifth(
    tmp_path: Path, fill: Callable[[sqlite3.Connection], None]
) -> None:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        fill(connection)
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    mapping = Mapping.model_validate({"name": "test", "collections": [_collection(each) for each in tables]})
    config = create_migration_config(str(path), memory_limit_mb=MINIMUM_MEMORY_MB)
    source = Source.of(path, inspect_database(path, mapping), mapping)
    foretold = Need.of(source, config, DEFAULT_PARTITIONS, 1, tmp_path, storage_elsewhere=False).work_folder
    elsewhere = Need.of(source, config, DEFAULT_PARTITIONS, 1, tmp_path, storage_elsewhere=True).work_folder
    snapshot = tmp_path / "snapshot.sqlite"
    take_snapshot(path, snapshot, allow_pause=True, say=lambda _: None, scratch=tmp_path)
    extracts, sorting = _taken(snapshot, plan_migration(mapping, inspect_database(snapshot, mapping)), tmp_path)
    # Of large rows the addresses alone are sorted, and in memory.
    assert (sorting > SORT_MEMORY * 1024 * 1024) is (fill is not files)
    assert foretold == pytest.approx(snapshot.stat().st_size + extracts + sorting, rel=0.2)
    assert foretold - elsewhere == pytest.approx(extracts, rel=0.2)


def _collection(table: str) -> dict[str, object]:
    key = {"name": "noteId", "column": "id", "index": "whole"}
    return {"name": table.capitalize(), "table": table, "properties": [key]}


def _taken(snapshot: Path, plan: MigrationPlan, folder: Path) -> tuple[int, int]:
    """Bytes of all extracts, and of what SQLite has on disk while it sorts the largest table."""
    extracts, sorting = 0, [0]
    for each in plan.collections:
        bounds = table_bounds(snapshot, each, DEFAULT_PARTITIONS, SORT_MEMORY, folder)
        with TableReader(snapshot, each, object_uuid, SORT_MEMORY, folder) as reader:
            rows = _watched(reader.rows(), folder, sorting)
            for stream in cut_into_partitions(rows, row_layout(each), bounds, PARTITION_KEYS):
                file = UPath(folder) / each.mapping.extract_name / f"{stream.partition}.parquet"
                write_partition(file, stream.batches)
                extracts += file.stat().st_size
    return extracts, max(sorting)


def _watched(rows: Iterator[KeyedRow], folder: Path, sorting: list[int]) -> Iterator[KeyedRow]:
    """The rows; when the first comes all are sorted."""
    for number, row in enumerate(rows):
        if number == 0:
            sorting.append(sum(sizes_of_removed_files(folder)))
        yield row


def test_each_process_sorts_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest ones, as many as there are processes."""
    path, sizes = tmp_path / "app.db", {"small": 10, "large": 1_000, "middle": 100}
    with closing(sqlite3.connect(path)) as connection, connection:
        for each in sizes:
            connection.execute(f"CREATE TABLE {each} (id INTEGER PRIMARY KEY, title TEXT)")
    mapping = Mapping.model_validate({"name": "test", "collections": [_collection(each) for each in sizes]})
    source = Source.of(path, inspect_database(path, mapping), mapping)

    def room(_: Source, plan: CollectionPlan, *__: object) -> TableRoom:
        return TableRoom(sorting=sizes[plan.mapping.table])

    monkeypatch.setattr(disk_and_memory, "table_room", room)
    config = create_migration_config(str(path))
    sorted_at_once = [
        Need.of(source, config, DEFAULT_PARTITIONS, processes, tmp_path, storage_elsewhere=False).work_folder
        - source.look.bytes
        for processes in (1, 2, 4)
    ]
    assert sorted_at_once == [1_000, 1_100, 1_110]
