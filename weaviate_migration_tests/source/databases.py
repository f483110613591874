"""Real SQLite files for the tests of the source side, and a process without rights to read them."""

import hashlib
import multiprocessing
import os
import re
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil

_P = ParamSpec("_P")
_R = TypeVar("_R")
_NOBODY = 65534
_VIRTUAL = re.compile("CREATE VIRTUAL TABLE (?P<name>[a-z_]+) USING ")
_FILE_LIMIT = 100_000  # bytes


def connect(path: Path) -> sqlite3.Connection:
    """Opens it for writing; each statement is its own transaction, unless one is begun."""
    return sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)


def make(path: Path, *statements: str) -> Path:
    with closing(connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def is_open(path: Path) -> bool:
    """Whether this process has a file open: a connection that nobody closed holds it."""
    return str(path) in {each.path for each in psutil.Process().open_files()}


def sizes_of_removed_files(folder: Path) -> list[int]:
    """Bytes of the files that this process has open in a folder and that have no name any more: those SQLite sorts in.

    Linux alone lists them, in /proc.
    """
    sizes: list[int] = []
    for each in Path("/proc/self/fd").iterdir():
        # The folder of descriptors is itself open while it is listed, and gone afterwards.
        with suppress(FileNotFoundError):
            target = str(each.readlink())
            if target.startswith(f"{folder}/") and target.endswith(" (deleted)"):
                sizes.append(each.stat().st_size)
    return sizes


def make_as_its_application(path: Path, *statements: str) -> Path:
    """A file with what only its application has: the function `shout`, the collation `by_length`, and any module.

    Args:
        statements: a CREATE VIRTUAL TABLE is written into the schema alone.
    """
    with closing(connect(path)) as connection:
        connection.create_function("shout", 1, lambda text: f"{text}!".upper(), deterministic=True)
        connection.create_collation("by_length", lambda one, other: len(one) - len(other))
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            if (virtual := _VIRTUAL.match(statement)) is not None:
                row = ("table", virtual["name"], virtual["name"], 0, statement)
                connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)
            else:
                connection.execute(statement)
    return path


def make_notes(path: Path, rows: int = 3, journal_mode: str = "delete") -> Path:
    """A file with the table `notes`: ids from 1, and a body of 1,000 characters."""
    return make(
        path,
        f"PRAGMA journal_mode = {journal_mode}",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)",
        "WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < "
        f"{rows}) INSERT INTO notes SELECT id, printf('%.1000c', 'x') FROM ids",
    )


def count_notes(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM notes").fetchone()
    return int(count)


def with_unsaved_wal(folder: Path, rows: int = 3) -> Path:
    """A WAL file whose last two rows are in the WAL only, without `-shm`: as a crash or a plain copy leaves it."""
    with tempfile.TemporaryDirectory() as elsewhere:
        live = make_notes(Path(elsewhere) / "app.db", rows, "wal")
        with closing(connect(live)) as connection:
            connection.execute("INSERT INTO notes (body) VALUES ('late'), ('later')")
            for suffix in ("", "-wal"):
                shutil.copy(f"{live}{suffix}", folder / f"app.db{suffix}")
    return folder / "app.db"


def with_hot_journal(folder: Path, rows: int = 3) -> Path:
    """A file as a crash leaves it in the middle of a transaction that had begun to write to it."""
    with tempfile.TemporaryDirectory() as elsewhere:
        live = make_notes(Path(elsewhere) / "app.db", rows)
        with closing(connect(live)) as connection:
            connection.execute("PRAGMA cache_size = 5")
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO notes (body) VALUES (?)", [("y" * 1000,)] * 1000)
            for suffix in ("", "-journal"):
                shutil.copy(f"{live}{suffix}", folder / f"app.db{suffix}")
    return folder / "app.db"


def fingerprint(folder: Path) -> dict[str, str]:
    """Names and hashes of all files in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing in the folder can be changed, added or removed, but by root."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o777)


def without_rights(action: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Runs it in a process of its own, where mode bits hold even if the tests are run by root."""
    return _elsewhere(_drop_rights, action, *args, **kwargs)


def with_file_limit(action: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Runs it in a process of its own that can write `_FILE_LIMIT` bytes to a file, and no more."""
    return _elsewhere(_limit_files, action, *args, **kwargs)


def _elsewhere(prepare: Callable[[object], None], action: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    context = multiprocessing.get_context("spawn")
    # The action goes to the initializer, too, so that its module is imported while the rights to read it are there.
    with ProcessPoolExecutor(1, mp_context=context, initializer=prepare, initargs=(action,)) as executor:
        return executor.submit(action, *args, **kwargs).result()


def _drop_rights(_: object) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _limit_files(_: object) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_LIMIT, _FILE_LIMIT))
