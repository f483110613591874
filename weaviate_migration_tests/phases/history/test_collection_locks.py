"""One at a time works with a collection; who waits does so for as long as it was told, and no longer."""

import threading
from pathlib import Path

import pytest
from filelock import Timeout

from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.phases.history import collection_locks
from weaviate_migration.phases.history.collection_locks import alone_with, alone_with_one, writing_lock
from weaviate_migration.work_folder.folder import WorkFolder


@pytest.fixture
def folder(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path)


def test_nobody_else_has_it_meanwhile_and_anybody_afterwards(folder: WorkFolder) -> None:
    with alone_with_one(folder, "Note"):
        for wait in (0, 0.01):
            with pytest.raises(Timeout), alone_with_one(folder, "Note", wait=wait):
                pass
        with alone_with_one(folder, "Thread", wait=0):
            pass
    with alone_with_one(folder, "Note", wait=0):
        pass


def test_without_a_limit_the_other_one_is_waited_for(folder: WorkFolder) -> None:
    other, begun, has_it = writing_lock(folder, "Note"), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        with alone_with_one(folder, "Note"):
            has_it.set()

    other.acquire()
    waiting = threading.Thread(target=work)
    waiting.start()
    begun.wait()
    assert not has_it.is_set()
    other.release()
    waiting.join()
    assert has_it.is_set()


def test_whoever_removes_collections_is_told_who_works_with_them(
    folder: WorkFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection_locks, "LONGEST_CHUNK_SECONDS", 0.0)
    with folder.locked("`weaviate-migration verify`"), alone_with_one(folder, "Note"):
        told = pytest.raises(MigrationConflictError, match=r"`Note`: `weaviate-migration verify` \(process")
        with told, alone_with(folder, ["Thread", "Note"]):
            pass
        with alone_with(folder, ["Thread"]):  # It was given back.
            pass
