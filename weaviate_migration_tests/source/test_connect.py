import gzip
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError, SourceError, SourceNotUsableError
from weaviate_migration.source.connect import (
    connect_read_only,
    connect_to_snapshot,
    readable_source,
    require_space,
    require_writable,
    source_errors,
    sqlite_path,
)
from weaviate_migration_tests.source.databases import (
    connect,
    count_notes,
    fingerprint,
    make,
    make_notes,
    open_folder,
    read_only,
    with_hot_journal,
    with_unsaved_wal,
    without_rights,
)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("app.db", "app.db"),
        ("/var/lib/app.db", "/var/lib/app.db"),
        ("odd name?%20#.db", "odd name?%20#.db"),
        ("sqlite:///app.db", "app.db"),
        ("sqlite:///../data/app.db", "../data/app.db"),
        ("sqlite:////var/lib/app.db", "/var/lib/app.db"),
        ("sqlite+pysqlite:////var/lib/app.db", "/var/lib/app.db"),
        ("sqlite+aiosqlite:///app.db", "app.db"),
        ("sqlite:///app.db?timeout=10", "app.db"),
    ],
)
def test_path_of_a_url(url: str, path: str) -> None:
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://me:secret@host/app", "the source must be a SQLite file, not postgresql"),
        ("sqlite+pysqlcipher://:secret@/app.db", "the source must be a SQLite file, not sqlite+pysqlcipher"),
        (":memory:", "the source must be a SQLite file, not a database in memory"),
        ("sqlite:///:memory:", "the source must be a SQLite file, not a database in memory"),
        ("sqlite://", "the source must be a SQLite file, not nothing"),
        ("", "the source must be a SQLite file, not nothing"),
        ("file:app.db?mode=ro", "the source must be a SQLite file, not the URI file:app.db?mode=ro"),
        ("sqlite:///file:app.db?uri=true", "the source must be a SQLite file, not the URI file:app.db"),
        ("sqlite://app.db", "sqlite://app.db: a slash is missing: SQLite has no host"),
        ("sqlite:app.db", "the source is no URL that SQLAlchemy understands"),
    ],
)
def test_what_names_no_file(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        sqlite_path(url)
    assert error.value.message == message
    assert error.value.hint == "Give a path, sqlite:///relative.db or sqlite:////absolute.db."


def test_nothing_can_be_written(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "odd 'name'?%20#\".db")
    before = fingerprint(tmp_path)
    with closing(connect_read_only(path)) as connection:
        assert count_notes(connection) == 3
        for statement in ("DELETE FROM notes", "CREATE TABLE a (b)", "PRAGMA user_version = 7", "VACUUM"):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute(statement)
    assert fingerprint(tmp_path) == before


def test_a_live_file_is_read_in_place(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db", journal_mode="wal")
    with closing(connect(path)) as writer:
        writer.execute("INSERT INTO notes (body) VALUES ('late')")
        with readable_source(path, tmp_path / "scratch") as readable, closing(connect_read_only(readable)) as reader:
            assert readable == path
            assert count_notes(reader) == 4
    assert not (tmp_path / "scratch").exists()


def refused(path: Path, busy_timeout_seconds: float = 0.01) -> tuple[str, str, str]:
    """Class, message and hint of what readable_source raises."""
    try:
        with readable_source(path, path.parent / "scratch", busy_timeout_seconds) as readable:
            return "", "read", str(readable)
    except (SourceNotUsableError, SourceError) as error:
        return type(error).__name__, error.message.replace(str(path), path.name), error.hint


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.db")[:2] == ("SourceNotUsableError", "none.db: No such file or directory")
    assert not (tmp_path / "none.db").exists()


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "app.db").mkdir()
    assert refused(tmp_path / "app.db")[:2] == ("SourceNotUsableError", "app.db: is a folder")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "app.db")
    assert refused(tmp_path / "app.db")[:2] == ("SourceNotUsableError", "app.db: is no regular file")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "app.db").touch()
    assert refused(tmp_path / "app.db")[:2] == ("SourceNotUsableError", "app.db: is empty")


@pytest.mark.parametrize("content", [b"id,title\n1,Hello\n", b"abc", b"\x00" * 4096, Path(__file__).read_bytes()])
def test_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "app.db"
    path.write_bytes(content)
    assert refused(path)[:2] == ("SourceNotUsableError", "app.db: is no SQLite file")


@pytest.mark.parametrize(
    "content",
    [random.Random(1).randbytes(8192), random.Random(2).randbytes(512), gzip.compress(Path(__file__).read_bytes())],
    ids=["random_pages", "few_random_bytes", "gzip"],  # As an id, the bytes of gzip would be others each second.
)
def test_encrypted_or_compressed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "app.db"
    path.write_bytes(content)
    name, message, hint = refused(path)
    assert (name, message) == (
        "SourceNotUsableError",
        "app.db: is no SQLite file: its bytes look encrypted or compressed",
    )
    assert "SQLCipher" in hint


def test_a_damaged_first_page(tmp_path: Path) -> None:
    path = make_notes(tmp_path / "app.db")
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 8)
    name, message, hint = refused(path)
    assert name == "SourceError"
    assert message.startswith("app.db: is damaged: ")
    assert ".recover" in hint


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_locked_by_another_program(tmp_path: Path, journal_mode: str) -> None:
    path = make_notes(tmp_path / "app.db", journal_mode=journal_mode)
    with closing(connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO notes (body) VALUES ('a')")
        name, message, hint = refused(path)
    assert (name, message) == ("SourceBusyError", "app.db: is locked by another program, for longer than 0.01 s")
    assert hint == "Stop that program, or try again when it is idle."


def rows_and_place(path: Path, scratch: Path) -> tuple[int, bool, bool]:
    """Rows seen, whether a copy was read, and whether the copy is gone afterwards."""
    with readable_source(path, scratch) as readable, closing(connect_read_only(readable)) as connection:
        rows = count_notes(connection)
    return rows, readable != path, readable == path or not readable.exists()


def test_no_permission() -> None:
    with open_folder() as folder:
        path = make_notes(folder / "app.db")
        path.chmod(0)
        assert without_rights(refused, path)[:2] == ("SourceNotUsableError", "app.db: Permission denied")
        folder.chmod(0)
        assert without_rights(refused, path)[:2] == ("SourceNotUsableError", "app.db: Permission denied")


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_file_in_a_read_only_folder(journal_mode: str) -> None:
    with open_folder() as folder, open_folder() as scratch:
        path = make_notes(folder / "app.db", journal_mode=journal_mode)
        with read_only(folder):
            before = fingerprint(folder)
            # A clean WAL file cannot be read in place: without a `-shm`, a writer could change it unseen.
            assert without_rights(rows_and_place, path, scratch / "new") == (3, journal_mode == "wal", True)
            assert fingerprint(folder) == before


def test_a_wal_in_a_read_only_folder_loses_nothing() -> None:
    with open_folder() as folder, open_folder() as scratch:
        path = with_unsaved_wal(folder)
        with read_only(folder):
            before = fingerprint(folder)
            assert without_rights(rows_and_place, path, scratch) == (5, True, True)
            assert fingerprint(folder) == before


def test_a_live_wal_of_another_user_is_read_in_place() -> None:
    with open_folder() as folder, open_folder() as scratch:
        path = make_notes(folder / "app.db", journal_mode="wal")
        with closing(connect(path)) as writer:
            writer.execute("INSERT INTO notes (body) VALUES ('late')")
            with read_only(folder):
                assert without_rights(rows_and_place, path, scratch) == (4, False, True)


def test_a_wal_behind_a_link() -> None:
    with open_folder() as folder, open_folder() as elsewhere, open_folder() as scratch:
        (elsewhere / "link.db").symlink_to(with_unsaved_wal(folder))
        with read_only(folder):
            assert without_rights(rows_and_place, elsewhere / "link.db", scratch) == (5, True, True)


def test_a_crashed_transaction_is_rolled_back_in_a_copy(tmp_path: Path) -> None:
    path = with_hot_journal(tmp_path)
    before = fingerprint(tmp_path)
    assert rows_and_place(path, tmp_path / "scratch") == (3, True, True)
    assert fingerprint(tmp_path) == before


def test_a_crashed_transaction_in_a_read_only_folder() -> None:
    with open_folder() as folder, open_folder() as scratch:
        path = with_hot_journal(folder)
        with read_only(folder):
            assert without_rights(rows_and_place, path, scratch) == (3, True, True)


def test_a_work_folder_that_cannot_be_written_to() -> None:
    with open_folder() as folder:
        path = with_unsaved_wal(folder)
        with read_only(folder):
            name, message, _ = without_rights(refused, path)
    assert name == "SourceError"
    assert message == f"the work folder {folder / 'scratch'} cannot be written to: Permission denied"


def test_a_source_that_changes_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_hot_journal(tmp_path)

    def copy_and_write(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes())
        with path.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr("shutil.copyfile", copy_and_write)
    name, message, hint = refused(path)
    assert (name, message, hint) == ("SourceError", "app.db: was written to while it was copied", "Try again.")
    assert not list((tmp_path / "scratch").iterdir())


def test_required_space_is_named_with_the_free_space(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        require_space(tmp_path, 10**18, "the snapshot")
    assert error.value.message.startswith(
        f"the snapshot needs 1,000,000,000,000,000,000 bytes in {tmp_path}, and only "
    )


def test_a_file_that_may_only_be_read_is_told_with_the_rights_that_it_takes(tmp_path: Path) -> None:
    """SQLite says so of a WAL whose folder may not be written to, too, though it is only read."""
    path = make(tmp_path / "app.db", "CREATE TABLE t (a)")
    with (
        pytest.raises(SourceNotUsableError, match="cannot be written to") as raised,
        source_errors(path),
        closing(connect_read_only(path)) as connection,
    ):
        connection.execute("INSERT INTO t VALUES (1)")
    assert "to write to its folder" in raised.value.hint


def test_trying_whether_a_file_may_be_written_to_changes_nothing(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", "PRAGMA journal_mode = delete", "PRAGMA user_version = 7", "CREATE TABLE t (a)")
    before = path.read_bytes()
    require_writable(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["app.db"]


@pytest.mark.parametrize("connected", [connect_read_only, connect_to_snapshot])
def test_ctrl_c_ends_a_statement_without_end(tmp_path: Path, connected: Callable[[Path], sqlite3.Connection]) -> None:
    file = make_notes(tmp_path / "app.db")
    began = threading.Event()

    def press() -> None:
        began.wait()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with closing(connected(file)) as connection:
        connection.create_function("begin", 0, began.set)
        endless = "WITH RECURSIVE n(x) AS (SELECT begin() UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n"
        with pytest.raises(KeyboardInterrupt), source_errors(file):
            connection.execute(endless).fetchone()
    thread.join()
