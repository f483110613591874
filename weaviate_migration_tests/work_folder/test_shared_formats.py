"""What asks a store by statements of its own, on PostgreSQL as on SQLite."""

from pathlib import Path

import pytest

from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.work_folder import timeline
from weaviate_migration.work_folder.load_tally import LoadTally
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.pending_vectors import PendingVectors, discard_all, size_of_all
from weaviate_migration.work_folder.progress import KeptProgress, Progress, forget_progress, read_progress
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.timeline import KeptHistory, LagMoment, read_history
from weaviate_migration_tests.cluster.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def store(postgres_server: PostgresServer) -> StateStore:
    return StateStore.of(Path(), postgres_server.new_database())


def test_loads_are_noted_and_forgotten(store: StateStore) -> None:
    loaded = LoadedPartitions(store, "Note_1", "of this snapshot")
    loaded.begin(["00", "01"])
    for partition in ("00", "01"):
        loaded.note(partition, LoadTally(rows=1, written=1))
    loaded.note("01", LoadTally(rows=2, written=2))
    loaded.forget(["00"])
    assert loaded.tallies(["00", "01", "02"]) == {"01": LoadTally(rows=2, written=2)}
    loaded.begin(["01"])
    assert list(loaded.measured()) == ["00"]


def test_progress_is_of_the_last_run(store: StateStore) -> None:
    KeptProgress(store, "Note", 10).finish()
    assert read_progress(store) == [Progress("Note", 10, finished=True)]
    forget_progress(store)
    assert read_progress(store) == []


def test_history_is_in_order_and_thinned_out(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MOST_MOMENTS", 5)
    kept = KeptHistory(store, "1")
    for number in range(6):
        kept.note(LagMoment(float(number), number, 0.0), last=True)
    assert read_history(store, "1") == [LagMoment(float(number), number, 0.0) for number in (0, 2, 4)]


def test_lacking_vectors_are_noted_once_in_order_and_removed(store: StateStore) -> None:
    pending, other = PendingVectors(store, "Note_1"), PendingVectors(store, "Note_2")
    for _ in range(2):
        pending.add([("b", "title"), ("a", "title"), ("b", "body")])
    other.add([("c", "title")])
    assert list(pending.within(UuidRange(None, None))) == [("a", "title"), ("b", "body"), ("b", "title")]
    assert list(pending.within(UuidRange("a", "b"))) == [("a", "title")]
    assert (pending.counts(), pending.has("b", "body")) == ({"body": 1, "title": 2}, True)
    pending.remove(["b", "c"])
    assert (pending.counts(), other.counts()) == ({"title": 1}, {"title": 1})
    assert size_of_all(store) > 0
    discard_all(store)
    assert (pending.counts(), size_of_all(store)) == ({}, 0)
