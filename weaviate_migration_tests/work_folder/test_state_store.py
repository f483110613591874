"""The store of what a migration knows: documents, transactions, and what happens to the file below them."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
import sqlalchemy as db
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from weaviate_migration.base.errors import StateNotUsableError, StorageError
from weaviate_migration.base.permissions import is_open_to_others
from weaviate_migration.work_folder.state_schema.opening import VERSION_TABLE, prepare
from weaviate_migration.work_folder.state_schema.upgrade import alembic_config, upgrade
from weaviate_migration.work_folder.state_store import FILE_NAME, Document, StateStore, close_stores
from weaviate_migration.work_folder.state_tables import SCHEMA, documents, metadata
from weaviate_migration_tests.small_disk import SmallDisk, small_disk

THREADS, WRITTEN = 4, 20


pytestmark = pytest.mark.usefixtures("closed_stores")


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore.of(tmp_path / "work")


def test_a_document_is_read_as_it_was_written(store: StateStore) -> None:
    store.write("migration", "m1", '{"a": 1}')
    store.write("migration", "m1", '{"a": 2}')
    store.write("loaded", "Note_m1", "[1]", "00", durable=False)
    store.write("loaded", "Note_m1", "[2]", "01", durable=False)
    store.write("loaded", "Tag_m1", "[3]", "00", durable=False)
    assert store.read("migration", "m1") == '{"a": 2}'
    assert store.read("loaded", "Note_m1", "01") == "[2]"
    assert store.read("loaded", "Note_m1") is None
    assert store.all("loaded", "Note_m1") == {("Note_m1", "00"): "[1]", ("Note_m1", "01"): "[2]"}
    assert list(store.all("loaded")) == [("Note_m1", "00"), ("Note_m1", "01"), ("Tag_m1", "00")]
    assert list(store.parts("loaded", "Note_m1")) == ["00", "01"]


def test_what_is_removed_is_gone_and_nothing_else(store: StateStore) -> None:
    store.write_all([Document("loaded", owner, part, "[]") for owner in ("a", "b") for part in ("00", "01")])
    store.remove("loaded", "a", "00")
    store.remove("loaded", "none")
    assert list(store.all("loaded")) == [("a", "01"), ("b", "00"), ("b", "01")]
    store.remove("loaded", "b")
    assert list(store.all("loaded")) == [("a", "01")]
    store.remove("loaded")
    assert store.all("loaded") == {}


def test_parts_say_when_they_were_written(store: StateStore) -> None:
    store.write("loaded", "a", "[]", "00")
    first = store.parts("loaded", "a")["00"]
    store.write("loaded", "a", "[]", "00")
    assert first.utcoffset() is not None
    assert store.parts("loaded", "a")["00"] > first


def test_a_lone_surrogate_is_kept_as_json_says_it(store: StateStore) -> None:
    store.write("check", "a", json.dumps({"key": "a\udc80\0ü"}, ensure_ascii=False))
    assert json.loads(store.read("check", "a") or "") == {"key": "a\udc80\0ü"}


def test_reading_makes_nothing(store: StateStore, tmp_path: Path) -> None:
    assert store.read("migration", "m1") is None
    assert store.all("migration") == {}
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_for_its_owner_alone(store: StateStore, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.write("migration", "m1", "{}")
    finally:
        os.umask(before)
    made = [tmp_path / "work", *(tmp_path / "work").iterdir()]
    assert FILE_NAME in {each.name for each in made}
    assert [each for each in made if is_open_to_others(each)] == []


def test_a_transaction_is_all_or_nothing(store: StateStore) -> None:
    store.write("migration", "m1", "[0]")

    def write_half() -> None:
        with store.transaction():
            store.write("migration", "m1", "[1]")
            store.write("migration", "m2", "[1]")
            raise ValueError("in between")

    with pytest.raises(ValueError, match="in between"):
        write_half()
    assert store.all("migration") == {("m1", ""): "[0]"}
    with store.transaction():
        store.write("migration", "m1", "[1]")
        store.write("migration", "m2", "[1]")
        assert store.read("migration", "m2") == "[1]"
    assert list(store.all("migration").values()) == ["[1]", "[1]"]


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_a_durable_transaction_is_synced(store: StateStore, durable: bool, synchronous: int) -> None:
    with store.transaction(durable=durable) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_threads_write_beside_each_other(store: StateStore) -> None:
    def write(owner: str) -> None:
        for number in range(WRITTEN):
            with store.transaction(durable=False):
                before = store.read("sum", "all")
                store.write("sum", "all", str(int(before or 0) + 1))
                store.write("loaded", owner, "[]", f"{number:02}")

    threads = [threading.Thread(target=write, args=[str(number)]) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert store.read("sum", "all") == str(THREADS * WRITTEN)
    assert len(store.all("loaded")) == THREADS * WRITTEN


def _add_to_sum(work_dir: Path) -> None:
    store = StateStore.of(work_dir)
    for _ in range(WRITTEN):
        with store.transaction(durable=False):
            store.write("sum", "all", str(int(store.read("sum", "all") or 0) + 1))


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_write_beside_each_other(store: StateStore, tmp_path: Path, is_open: bool) -> None:
    """They make the file at the same moment, or are forked from one that has it open."""
    if is_open:
        store.write("sum", "all", "0")
    context = get_context("fork")
    processes = [context.Process(target=_add_to_sum, args=[tmp_path / "work"]) for _ in range(2)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    assert [each.exitcode for each in processes] == [0, 0]
    assert store.read("sum", "all") == str(2 * WRITTEN)


def test_another_file_in_its_place_is_noticed(store: StateStore, tmp_path: Path) -> None:
    store.write("migration", "m1", "[1]")
    other = StateStore.of(tmp_path / "other")
    other.write("migration", "m1", "[2]")
    close_stores()
    assert store.read("migration", "m1") == "[1]"
    (tmp_path / "other" / FILE_NAME).replace(tmp_path / "work" / FILE_NAME)
    assert store.read("migration", "m1") == "[2]"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 8) as mounted:
        yield mounted
        close_stores()


@pytest.mark.parametrize("hindrance", ["full", "read_only"])
@pytest.mark.parametrize("log", ["checkpointed", "left by a killed process"])
def test_it_is_read_from_a_disk_that_takes_nothing(disk: SmallDisk, hindrance: str, log: str) -> None:
    store = StateStore.of(disk.path)
    store.write("migration", "m1", "[1]")
    if log != "checkpointed":
        kept = {each: each.read_bytes() for each in disk.path.iterdir() if not each.name.endswith("-shm")}
        assert any(each.name.endswith("-wal") for each in kept)
        close_stores()
        for path, content in kept.items():
            path.write_bytes(content)
    close_stores()
    before = sorted(disk.path.iterdir())
    with disk.full() if hindrance == "full" else disk.read_only():
        assert store.read("migration", "m1") == "[1]"
        assert sorted(each for each in disk.path.iterdir() if each.name != "filler") == before
        with pytest.raises(StorageError) as raised:
            store.write("migration", "m1", "[2]")
    assert str(disk.path / FILE_NAME) in raised.value.message
    store.write("migration", "m1", "[3]")
    assert store.read("migration", "m1") == "[3]"


def test_there_is_room_for_what_was_announced(disk: SmallDisk) -> None:
    store = StateStore.of(disk.path)
    content = json.dumps("a" * 100_000)
    store.write("migration", "m1", "[1]")
    done = []
    with disk.full(), pytest.raises(StorageError, match="bytes are needed"), store.room_for(content):
        done.append("moved the aliases")
    assert done == []
    with store.room_for(content):
        disk.fill()
    store.write("migration", "m1", content)
    assert store.read("migration", "m1") == content
    assert sorted(each.suffix for each in disk.path.iterdir() if not each.name.startswith(FILE_NAME)) == [""], "filler"


def test_a_file_that_is_locked_for_too_long_is_told(
    store: StateStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("migration", "m1", "[1]")
    close_stores()
    monkeypatch.setattr("weaviate_migration.base.sqlite_connections.BUSY_TIMEOUT_SECONDS", 0)
    with closing(sqlite3.connect(tmp_path / "work" / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"state\.sqlite is locked by another program"):
            store.write("migration", "m1", "[2]")
        assert store.read("migration", "m1") == "[1]", "who reads does not wait"


def test_a_damaged_file_is_told(store: StateStore, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / FILE_NAME).write_bytes(b"nothing of SQLite's " * 100)
    with pytest.raises(StorageError, match=r"state\.sqlite, which keeps the state .*, is damaged: ") as raised:
        store.read("migration", "m1")
    assert raised.value.hint
    with pytest.raises(StorageError, match="is damaged"):
        store.write("migration", "m1", "[]")


def opened(path: Path) -> db.Engine:
    return db.create_engine(f"sqlite:///{path}", poolclass=db.NullPool)


def test_both_ways_make_the_same_tables(tmp_path: Path) -> None:
    """A new store's tables are made at once, an older one's by the steps between the versions."""
    made = {}
    for name, make in {"at_once": prepare, "by_steps": upgrade}.items():
        with opened(tmp_path / name).connect() as connection:
            make(connection)
            connection.commit()
            assert (
                compare_metadata(
                    MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}), metadata
                )
                == []
            )
            tables = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            )
            made[name] = {table: (" ".join(sql.split()).endswith("WITHOUT ROWID")) for table, sql in tables}
            assert connection.exec_driver_sql("SELECT version_num FROM weaviate_migration_version").all() == [(SCHEMA,)]
    assert made["at_once"] == made["by_steps"]


def test_the_newest_version_is_the_one_that_is_made_at_once(tmp_path: Path) -> None:
    with opened(tmp_path / "none").connect() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_heads() == [SCHEMA]


def test_an_older_store_is_brought_to_this_version(store: StateStore, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with opened(tmp_path / "work" / FILE_NAME).begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE weaviate_migration_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
    store.write("migration", "m1", "[1]")
    assert store.read("migration", "m1") == "[1]"
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM weaviate_migration_version").all() == [(SCHEMA,)]
        assert db.inspect(connection).get_table_names() == sorted([*metadata.tables, VERSION_TABLE])


def test_a_newer_store_is_refused(store: StateStore, tmp_path: Path) -> None:
    store.write("migration", "m1", "[1]")
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE weaviate_migration_version SET version_num = '9999'")
    close_stores()
    before = (tmp_path / "work" / FILE_NAME).read_bytes()
    with pytest.raises(StateNotUsableError, match=r"state\.sqlite was made by a newer version: .*9999") as raised:
        store.write("migration", "m1", "[2]")
    assert "Install that version" in raised.value.hint
    close_stores()
    assert (tmp_path / "work" / FILE_NAME).read_bytes() == before


def test_a_connection_is_opened_once(store: StateStore, tmp_path: Path) -> None:
    with store.transaction() as first:
        pass
    with StateStore.of(tmp_path / "work").transaction() as second:
        assert second is first
        assert second.scalar(db.select(db.func.count()).select_from(documents)) == 0
