import hashlib
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from weaviate_migration.base.errors import ConfigurationError, SourceError, SourceNotUsableError
from weaviate_migration.source import snapshot as snapshot_module
from weaviate_migration.source.snapshot import Snapshot, open_snapshot, take_snapshot
from weaviate_migration_tests.source.databases import (
    connect,
    count_notes,
    fingerprint,
    make,
    make_notes,
    open_folder,
    read_only,
    with_file_limit,
    with_hot_journal,
    with_unsaved_wal,
    without_rights,
)


def quiet(_: str) -> None:
    pass


def snapshot_of(source: Path, work: Path, say: Callable[[str], None] = quiet, *, allow_pause: bool = False) -> Snapshot:
    return take_snapshot(
        source, work / "snapshot.db", allow_pause=allow_pause, say=say, scratch=work, busy_timeout_seconds=0.01
    )


def failure(source: Path, work: Path) -> tuple[str, str, list[str]]:
    """Message and hint of the SourceError, and what is left in the work folder."""
    try:
        snapshot_of(source, work)
    except SourceError as error:
        return error.message, error.hint, sorted(path.name for path in work.iterdir())
    return "no error", "", []


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Adds two notes in each transaction, without pause, in a thread of its own; the first is committed."""
    started, stop = threading.Event(), threading.Event()
    failures: list[sqlite3.Error] = []

    def write() -> None:
        with closing(connect(path)) as connection:
            while not stop.is_set() and not failures:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute("INSERT INTO notes (body) VALUES ('first')")
                    connection.execute("INSERT INTO notes (body) VALUES ('second')")
                    connection.execute("COMMIT")
                except sqlite3.Error as error:
                    failures.append(error)
                started.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        started.wait()
        yield
    finally:
        stop.set()
        thread.join()
    assert not failures


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_what_a_snapshot_is(tmp_path: Path, journal_mode: str) -> None:
    (tmp_path / "source").mkdir()
    source = make_notes(tmp_path / "source" / "odd 'name'?%20#.db", 100, journal_mode)
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    work = tmp_path / "new" / "work"
    taken = snapshot_of(source, work)
    content = taken.path.read_bytes()
    assert taken == Snapshot(
        path=work / "snapshot.db",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        seconds=taken.seconds,
        journal_mode=journal_mode,
        pause_estimate_seconds=0 if journal_mode == "wal" else len(content) / 1e9 * 5,
    )
    assert taken.seconds > 0
    assert content[18:20] == b"\x01\x01", "a rollback-journal file: https://www.sqlite.org/fileformat.html 1.3.3"
    assert [path.name for path in work.iterdir()] == ["snapshot.db"]
    assert taken.path.stat().st_mode & 0o077 == 0
    with closing(open_snapshot(taken.path)) as connection:
        assert count_notes(connection) == 100
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_while_others_write(tmp_path: Path, journal_mode: str) -> None:
    source = make_notes(tmp_path / "app.db", 2000, journal_mode)
    with writing(source):
        taken = take_snapshot(
            source, tmp_path / "work" / "snapshot.db", allow_pause=False, say=quiet, scratch=tmp_path / "work"
        )
    with closing(open_snapshot(taken.path)) as connection:
        (rows, last) = connection.execute("SELECT count(*), max(id) FROM notes").fetchone()
    assert rows == last
    assert rows >= 2002, "what was committed before is in it"
    assert rows % 2 == 0, "a transaction is in it as a whole, or not at all"
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["snapshot.db"]


def test_what_is_only_in_the_wal_is_in_the_snapshot(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db", journal_mode="wal")
    with closing(connect(source)) as writer:
        writer.execute("INSERT INTO notes (body) VALUES ('late')")
        before = {name: hash_ for name, hash_ in fingerprint(tmp_path).items() if not name.endswith("-shm")}
        taken = snapshot_of(source, tmp_path / "work")
        after = {name: hash_ for name, hash_ in fingerprint(tmp_path).items() if not name.endswith("-shm")}
        assert after == before
    with closing(open_snapshot(taken.path)) as connection:
        assert count_notes(connection) == 4


@pytest.mark.parametrize("leave", [with_unsaved_wal, with_hot_journal])
def test_a_source_that_must_be_copied_first(leave: Callable[[Path], Path]) -> None:
    with open_folder() as folder, open_folder() as work:
        source = leave(folder)
        with read_only(folder):
            before = fingerprint(folder)
            taken = without_rights(snapshot_of, source, work)
            assert fingerprint(folder) == before
        assert [path.name for path in work.iterdir()] == ["snapshot.db"]
        assert taken.pause_estimate_seconds == 0, "nobody waits while a private copy is read"
        with closing(open_snapshot(taken.path)) as connection:
            assert count_notes(connection) == (5 if leave is with_unsaved_wal else 3)


def test_a_snapshot_cannot_be_written_to(tmp_path: Path) -> None:
    taken = snapshot_of(make_notes(tmp_path / "app.db"), tmp_path / "work")
    with (
        closing(open_snapshot(taken.path)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM notes")


def test_no_snapshot_to_open(tmp_path: Path) -> None:
    with pytest.raises(SourceNotUsableError, match=r"none\.db: cannot be opened"):
        open_snapshot(tmp_path / "none.db")


def test_a_new_snapshot_takes_the_old_ones_place(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db")
    snapshot_of(source, tmp_path / "work")
    (tmp_path / "work" / "snapshot.db.partial").write_text("left by a killed process")
    make(source, "DELETE FROM notes WHERE id = 1")
    taken = snapshot_of(source, tmp_path / "work")
    with closing(open_snapshot(taken.path)) as connection:
        assert count_notes(connection) == 2
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["snapshot.db"]


def test_the_source_itself_is_not_replaced(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db")
    (tmp_path / "snapshot.db").symlink_to(source)
    before = fingerprint(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot replace the source itself"):
        snapshot_of(source, tmp_path)
    assert fingerprint(tmp_path) == before


def test_writers_waiting_time_is_said_first(tmp_path: Path) -> None:
    said: list[tuple[str, bool]] = []
    source = make_notes(tmp_path / "app.db")
    snapshot_of(source, tmp_path / "work", lambda line: said.append((line, (tmp_path / "work").exists())))
    assert said == [(f"{source} has a rollback journal: its writers wait about 0.1 s for the snapshot", False)]


def test_nobody_waits_with_a_wal(tmp_path: Path) -> None:
    said: list[str] = []
    snapshot_of(make_notes(tmp_path / "app.db", journal_mode="wal"), tmp_path / "work", said.append)
    assert said == []


def test_a_long_pause_must_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_module, "PAUSE_SECONDS_PER_GB", 1e6)
    source = make_notes(tmp_path / "app.db")
    bytes_ = source.stat().st_size
    with pytest.raises(ConfigurationError) as error:
        snapshot_of(source, tmp_path / "work")
    assert error.value.message.endswith(f"its writers wait about {bytes_ / 1000:.1f} s for the snapshot")
    assert "`--allow-pause`" in error.value.hint
    assert not (tmp_path / "work").exists()
    said: list[str] = []
    taken = snapshot_of(source, tmp_path / "work", said.append, allow_pause=True)
    assert taken.pause_estimate_seconds == pytest.approx(bytes_ / 1000)
    assert said == [error.value.message]


def test_too_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_notes(tmp_path / "app.db", journal_mode="wal")
    with closing(connect(source)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.executemany("INSERT INTO notes (body) VALUES (?)", [("x" * 1000,)] * 100)
        bytes_without_wal = source.stat().st_size
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=bytes_without_wal))
        message, hint, left = failure(source, tmp_path / "work")
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
    assert pages * 4096 > bytes_without_wal
    assert message == (
        f"the snapshot needs {pages * 4096:,} bytes in {tmp_path / 'work'}, and only {bytes_without_wal:,} are free"
    )
    assert "Make room" in hint
    assert left == []


def test_the_disk_is_full_while_it_is_written(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db", 200)
    (tmp_path / "work").mkdir()
    message, hint, left = with_file_limit(failure, source, tmp_path / "work")
    assert message.startswith(f"the snapshot {tmp_path / 'work' / 'snapshot.db'} cannot be written: ")
    assert message.endswith(f"; it needs {source.stat().st_size:,} bytes")
    assert "Make room" in hint
    assert left == []


def test_sqlite_says_that_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def back_up(_: sqlite3.Connection, partial: Path) -> None:
        make(partial, "PRAGMA max_page_count = 2", "CREATE TABLE a (b)", "INSERT INTO a VALUES (zeroblob(100000))")

    monkeypatch.setattr(snapshot_module, "_back_up", back_up)
    message, _, left = failure(make_notes(tmp_path / "app.db"), tmp_path / "work")
    assert "cannot be written: database or disk is full; it needs " in message
    assert left == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="cannot be written: Not a directory"):
        snapshot_of(make_notes(tmp_path / "app.db"), tmp_path / "file" / "work")


def test_a_page_that_was_overwritten(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db", 200)
    (tmp_path / "work").mkdir()
    with source.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xa5" * 4096)
    before = fingerprint(tmp_path)
    message, hint, left = failure(source, tmp_path / "work")
    assert message.startswith(f"{source}: is damaged; `PRAGMA integrity_check` says: ")
    assert "page 21" in message.lower(), "its other words differ between versions of SQLite"
    assert "\n" not in message
    assert ".recover" in hint
    assert left == []
    assert fingerprint(tmp_path) == before


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db", 200)
    (tmp_path / "work").mkdir()
    with source.open("r+b") as file:
        file.truncate(10 * 4096)
    message, _, left = failure(source, tmp_path / "work")
    assert message.startswith(f"{source}: is damaged")
    assert left == []


def test_rows_that_break_constraints_are_no_damage(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE t (a INT CHECK (a > 0), b TEXT)",
        "PRAGMA ignore_check_constraints = ON",
        "INSERT INTO t VALUES (-1, NULL)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'b TEXT', 'b TEXT NOT NULL')",
    )
    with closing(connect(source)) as connection:
        assert len(connection.execute("PRAGMA integrity_check").fetchall()) == 2
    snapshot_of(source, tmp_path / "work")


def test_an_index_with_a_collation_of_the_applications_own(tmp_path: Path) -> None:
    source = tmp_path / "app.db"
    with closing(connect(source)) as connection:
        connection.create_collation("mine", lambda one, other: (one > other) - (one < other))
        connection.execute("CREATE TABLE t (a TEXT COLLATE mine UNIQUE)")
        connection.execute("INSERT INTO t VALUES ('a')")
    said: list[str] = []
    snapshot_of(source, tmp_path / "work", said.append)
    assert said[1:] == [f"{source}: cannot be checked for damage: no such collation sequence: mine"]


def test_a_file_that_stays_locked(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db")
    (tmp_path / "work").mkdir()
    with closing(connect(source)) as other:
        other.execute("BEGIN EXCLUSIVE")
        message, hint, left = failure(source, tmp_path / "work")
    assert message == f"{source}: is locked by another program, for longer than 0.01 s"
    assert hint == "Stop that program, or try again when it is idle."
    assert left == []


def test_a_lock_that_comes_between_looking_and_copying(tmp_path: Path) -> None:
    source = make_notes(tmp_path / "app.db")
    with closing(connect(source)) as other:

        def lock(_: str) -> None:
            other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(SourceError, match="is locked by another program, for longer than 0"):
            snapshot_of(source, tmp_path / "work", lock)
    assert list((tmp_path / "work").iterdir()) == []


def test_an_interrupted_snapshot_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(snapshot_module, "_finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        snapshot_of(make_notes(tmp_path / "app.db"), tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []
