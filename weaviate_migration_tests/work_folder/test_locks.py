"""Who has a lock of the work folder is said to those who are refused, and is nobody once it is given back."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from filelock import FileLock

from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import LocalLock

_CONTEXT = multiprocessing.get_context("spawn")


def test_whoever_is_refused_is_told_who_has_it(tmp_path: Path) -> None:
    work_folder = WorkFolder(tmp_path / "work")
    with (
        work_folder.locked("`weaviate-migration verify`"),
        pytest.raises(MigrationConflictError) as error,
        work_folder.locked("`weaviate-migration migrate`"),
    ):
        pass
    holder = f"`weaviate-migration verify` (process {os.getpid()}, since "
    assert error.value.message.startswith(f"Another migration is running in {tmp_path / 'work'}: {holder}")
    with work_folder.locked("`weaviate-migration migrate`"):
        pass


def test_one_that_does_not_say_who_it_is_is_told_of_without_a_name(tmp_path: Path) -> None:
    """Such as a command of an earlier version."""
    lock = LocalLock(tmp_path / "sync.lock", "one")
    with FileLock(tmp_path / "sync.lock"):
        assert not lock.acquire()
        assert lock.told_holder == ""


def test_nobody_is_told_of_once_it_is_given_back(tmp_path: Path) -> None:
    lock, other = (LocalLock(tmp_path / "sync.lock", name) for name in ("one", "other"))
    assert lock.acquire()
    assert "one (process" in other.told_holder
    other.release()  # It has nothing to give back.
    assert not other.acquire()
    lock.release()
    assert other.told_holder == ""
    assert other.acquire()
    assert "other (process" in lock.told_holder
    other.release()


def test_full_or_closed_disk_keeps_nobody_from_the_lock(tmp_path: Path) -> None:
    """A folder stands where the holder's file would be, so that it cannot be written."""
    (tmp_path / "sync.holder.json" / "in the way").mkdir(parents=True)
    lock = LocalLock(tmp_path / "sync.lock", "one")
    assert lock.acquire()
    assert lock.told_holder == ""
    lock.release()


def _take(path: Path, said: Connection) -> None:
    """Takes a lock, says so, and keeps it until the process is killed."""
    lock = LocalLock(path, "the one that is killed")
    assert lock.acquire()
    said.send("taken")
    said.recv()


@contextmanager
def _taken_by_another_process(path: Path) -> Iterator[multiprocessing.context.SpawnProcess]:
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_take, args=(path, theirs))
    process.start()
    try:
        assert ours.recv() == "taken"
        yield process
    finally:
        process.kill()
        process.join()


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = LocalLock(tmp_path / "sync.lock", "the next one")
    with _taken_by_another_process(tmp_path / "sync.lock") as process:
        assert not lock.acquire()
        assert f"the one that is killed (process {process.pid}, " in lock.told_holder
        process.kill()
        process.join()
        assert lock.acquire()
    assert "the next one (process" in lock.told_holder
    lock.release()
