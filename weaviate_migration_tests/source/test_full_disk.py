"""The source's own disk is full, or that of what is sorted: the application fails as with SQLite alone, and goes on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import SourceStorageError, StorageError
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.source.capture import install_capture, read_capture
from weaviate_migration.source.connect import readable_source
from weaviate_migration.source.inspect import quoted
from weaviate_migration.source.rows import TableReader
from weaviate_migration.source.snapshot import take_snapshot
from weaviate_migration_tests.small_disk import SmallDisk, small_disk
from weaviate_migration_tests.source.captures import ID, install, plan_of
from weaviate_migration_tests.source.databases import connect, make, make_notes, with_unsaved_wal
from weaviate_migration_tests.source.test_rows import plan_of as notes_plan

LARGE = "INSERT INTO t (p) VALUES (zeroblob(200000))"
SMALL = "INSERT INTO t (p) VALUES ('small')"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 4) as found:
        yield found


def make_table(folder: Path, journal_mode: str = "wal") -> Path:
    return make(
        folder / "app.db", f"PRAGMA journal_mode = {journal_mode}", "CREATE TABLE t (id INTEGER PRIMARY KEY, p)"
    )


def entries(path: Path) -> int:
    with closing(connect(path)) as connection:
        capture = read_capture(connection, ID)
        assert capture is not None
        (found,) = connection.execute(f"SELECT count(*) FROM {quoted(capture.changes)}").fetchone()
    return int(found)


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_captured_commit_fails_as_sqlites_own_would(disk: SmallDisk, journal_mode: str) -> None:
    """Neither row nor entry is there then, no lock is left, and the next one that fits succeeds."""
    path = make_table(disk.path, journal_mode)
    install(path, "t")
    before = entries(path)
    with closing(connect(path)) as application:
        application.execute("PRAGMA busy_timeout = 0")
        with disk.full(), pytest.raises(sqlite3.OperationalError) as raised:
            application.execute(LARGE)
        assert raised.value.sqlite_errorname in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
        assert not application.in_transaction
        assert entries(path) == before
        application.execute(SMALL)
    assert entries(path) == before + 1


def test_capture_is_installed_whole_or_not_at_all(disk: SmallDisk) -> None:
    path = make_table(disk.path)
    plan = plan_of(path, "t")
    with closing(connect(path)) as application:
        before = application.execute("SELECT * FROM sqlite_schema").fetchall()
        with (
            disk.full(),
            pytest.raises(SourceStorageError, match=r"app\.db: cannot be written: .* bytes are free") as told,
        ):
            install_capture(path, plan, ID)
        assert "Make room" in told.value.hint
        assert application.execute("SELECT * FROM sqlite_schema").fetchall() == before
        application.execute("PRAGMA busy_timeout = 0")
        application.execute(SMALL)


def test_it_is_copied_where_nothing_can_be_made_beside_it(disk: SmallDisk, tmp_path: Path) -> None:
    """SQLite reads a WAL by a file beside it: without room for that the file, its WAL too, is read from a copy."""
    path = with_unsaved_wal(disk.path)
    with disk.full():
        with readable_source(path, tmp_path / "scratch") as readable, closing(connect(readable)) as connection:
            assert readable != path
            (rows,) = connection.execute("SELECT count(*) FROM notes").fetchone()
        taken = take_snapshot(
            path, tmp_path / "snapshot.db", allow_pause=False, say=lambda _: None, scratch=tmp_path / "scratch"
        )
    with closing(connect(taken.path)) as snapshot, closing(connect(path)) as source:
        assert snapshot.execute("SELECT count(*) FROM notes").fetchone() == (rows,)
        assert source.execute("SELECT count(*) FROM notes").fetchone() == (rows,)


def test_what_is_sorted_does_not_fit(disk: SmallDisk, tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db", 1)
    with closing(connect(path)) as connection:
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)"
        connection.execute(f"INSERT INTO notes (body) {numbers} SELECT hex(randomblob(500)) FROM n")
    plan = notes_plan(path)
    with (
        TableReader(path, plan, object_uuid, 1, disk.path) as reader,
        pytest.raises(StorageError, match=r"app\.db cannot be written to .*disk: .* bytes are free") as told,
    ):
        list(reader.rows())
    assert "Make room" in told.value.hint
    assert not isinstance(told.value, SourceStorageError), "what was loaded before is worth keeping"
    (tmp_path / "larger").mkdir()
    with TableReader(path, plan, object_uuid, 1, tmp_path / "larger") as reader:
        assert len(list(reader.rows())) == 8001
