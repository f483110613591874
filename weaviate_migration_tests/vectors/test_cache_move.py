"""Vectors that were made before the state was moved to PostgreSQL: they follow it, and none is paid for again."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from weaviate_migration.api.migrate import _move_vectors
from weaviate_migration.vectors import cache_move
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.vectors.cache_move import PUT_ASIDE
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import command_name
from weaviate_migration.work_folder.state_store import close_stores
from weaviate_migration_tests.cluster.postgres_server import PostgresServer

TEXTS = [f"text {number}" for number in range(7)]
MADE = [np.array([number, -0.0, 1e-45], dtype=np.float32) for number in range(len(TEXTS))]
MADE_THERE = np.array([9, 9, 9], dtype=np.float32)


def test_all_of_them_follow_the_state_and_whoever_is_stopped_on_the_way_goes_on(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(close_stores)
    monkeypatch.setattr(cache_move, "_ROWS_AT_ONCE", 3)
    work_folder = WorkFolder(tmp_path, state_url=postgres_server.new_database())
    file = tmp_path / "vectors.sqlite"
    with closing(VectorCache(file)) as old, closing(VectorCache(work_folder.state_url)) as new:
        old.write("model", TEXTS, MADE)
        new.write("model", TEXTS[:1], [MADE_THERE])
    assert place_of(work_folder) == file

    with monkeypatch.context() as stopped:
        stopped.setattr(cache_move, "put_aside", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            _move_vectors(work_folder)
    assert place_of(work_folder) == file

    lock = work_folder.sync_lock(command_name("sync"))
    lock.acquire()  # It writes to the file still.
    _move_vectors(work_folder)
    assert place_of(work_folder) == file
    lock.release()

    _move_vectors(work_folder)
    assert place_of(work_folder) == work_folder.state_url
    assert [each.name for each in tmp_path.glob("vectors*")] == [PUT_ASIDE]
    with closing(VectorCache(work_folder.state_url)) as new:
        kept = [each.tobytes() for each in new.read("model", TEXTS) if each is not None]
        assert kept == [each.tobytes() for each in [MADE_THERE, *MADE[1:]]]
        new.write("model", ["one more"], [MADE_THERE])  # Its number is none of those that were taken over.


def place_of(work_folder: WorkFolder) -> object:
    return work_folder.vector_cache_place


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
