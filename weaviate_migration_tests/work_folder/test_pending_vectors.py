"""Objects without a vector that we make: noted by collection, until they have it."""

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import StorageError
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.work_folder.pending_vectors import PendingVectors, take_over
from weaviate_migration.work_folder.state_store import StateStore, close_stores
from weaviate_migration_tests.small_disk import small_disk

EVERYTHING = UuidRange(None, None)
KILLED_AFTER_A_NOTE = """
import os, signal, sys
from pathlib import Path
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.state_store import StateStore
PendingVectors(StateStore.of(Path(sys.argv[1])), "Note_1").add([("a", "body")])
os.kill(os.getpid(), signal.SIGKILL)
"""


OF_AN_EARLIER_VERSION = """
CREATE TABLE pending (
    collection TEXT NOT NULL, address TEXT NOT NULL, vector TEXT NOT NULL, PRIMARY KEY (collection, address, vector)
) WITHOUT ROWID
"""


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore.of(tmp_path / "work")


def test_nothing_is_pending_and_nothing_is_made_before_the_first_note(store: StateStore, tmp_path: Path) -> None:
    pending = PendingVectors(store, "Note_1")
    pending.add([])
    pending.remove(["a"])
    pending.discard()
    assert pending.counts() == {}
    assert list(pending.within(EVERYTHING)) == []
    assert not (tmp_path / "work").exists()


def test_notes_are_of_one_collection_once_each_and_in_order(store: StateStore) -> None:
    pending, other = PendingVectors(store, "Note_1"), PendingVectors(store, "Note_2")
    pending.add([("b", "title"), ("a", "title"), ("b", "body")])
    pending.add([("a", "title")])
    other.add([("c", "title")])
    assert list(pending.within(EVERYTHING)) == [("a", "title"), ("b", "body"), ("b", "title")]
    assert pending.counts() == {"body": 1, "title": 2}
    pending.remove(["b"])
    assert list(pending.within(EVERYTHING)) == [("a", "title")]
    pending.discard()
    assert pending.counts() == {}
    assert other.counts() == {"title": 1}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(None, None, "abc"), ("b", None, "bc"), (None, "b", "a"), ("b", "c", "b"), ("d", None, "")],
)
def test_a_range_has_its_low_end_and_not_its_high_one(
    store: StateStore, low: str | None, high: str | None, expected: str
) -> None:
    pending = PendingVectors(store, "Note_1")
    pending.add([(each, "body") for each in "abc"])
    assert "".join(address for address, _ in pending.within(UuidRange(low, high))) == expected


def test_many_notes_are_read_while_they_are_removed(store: StateStore) -> None:
    pending = PendingVectors(store, "Note_1")
    addresses = [f"{number:06}" for number in range(2_500)]
    pending.add((each, "body") for each in addresses)
    found = []
    for address, _ in pending.within(EVERYTHING):
        found.append(address)
        if len(found) % 1_000 == 0:
            pending.remove(found)
    assert found == addresses
    assert pending.counts() == {"body": 500}


def test_a_note_outlives_the_process_that_made_it(store: StateStore, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_A_NOTE, tmp_path / "work"], env={**os.environ}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert PendingVectors(store, "Note_1").counts() == {"body": 1}


def test_several_processes_note_at_once(store: StateStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: PendingVectors(store, "Note_1").add([(f"{number}", "body")]), range(40)))
    assert PendingVectors(store, "Note_1").counts() == {"body": 40}


def test_what_cannot_be_written_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        pending = PendingVectors(StateStore.of(disk.path), "Note_1")
        pending.add([("a", "body")])
        with disk.full(), pytest.raises(StorageError, match=r"state.sqlite cannot be written: .* are free"):
            pending.add([(f"{number:06}", "body") for number in range(10_000)])
        close_stores()  # No disk becomes read-only while a file is open for writing.
        with disk.read_only(), pytest.raises(StorageError, match=r"state.sqlite cannot be written"):
            pending.add([("b", "body")])
        assert pending.counts() == {"body": 1}
        close_stores()


def test_the_file_of_an_earlier_version_is_taken_over(store: StateStore, tmp_path: Path) -> None:
    path = tmp_path / "pending_vectors.sqlite"
    assert take_over(tmp_path, store) == []
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(OF_AN_EARLIER_VERSION)
        connection.executemany(
            "INSERT INTO pending VALUES (?, ?, ?)", [("Note_1", "a", "body"), ("Note_2", "b", "title")]
        )
    assert take_over(tmp_path, store) == [path]
    assert PendingVectors(store, "Note_1").counts() == {"body": 1}
    assert list(PendingVectors(store, "Note_2").within(EVERYTHING)) == [("b", "title")]


def test_an_empty_file_of_an_earlier_version_has_no_notes(store: StateStore, tmp_path: Path) -> None:
    """A process that was killed before its first note has left it."""
    path = tmp_path / "pending_vectors.sqlite"
    path.touch()
    assert take_over(tmp_path, store) == [path]
    assert PendingVectors(store, "Note_1").counts() == {}
