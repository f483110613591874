"""Objects without a vector that we make: noted on disk, by collection, until they have it."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import StorageError
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration_tests.small_disk import small_disk

EVERYTHING = UuidRange(None, None)
KILLED_AFTER_A_NOTE = """
import os, signal, sys
from pathlib import Path
from weaviate_migration.work_folder.pending_vectors import PendingVectors
PendingVectors(Path(sys.argv[1]), "Note_1").add([("a", "body")])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "pending_vectors.sqlite"


def test_nothing_is_pending_and_nothing_is_made_before_the_first_note(path: Path) -> None:
    pending = PendingVectors(path, "Note_1")
    pending.add([])
    pending.remove(["a"])
    pending.discard()
    assert pending.counts() == {}
    assert list(pending.within(EVERYTHING)) == []
    assert not path.parent.exists()


def test_notes_are_of_one_collection_once_each_and_in_order(path: Path) -> None:
    pending, other = PendingVectors(path, "Note_1"), PendingVectors(path, "Note_2")
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
    path: Path, low: str | None, high: str | None, expected: str
) -> None:
    pending = PendingVectors(path, "Note_1")
    pending.add([(each, "body") for each in "abc"])
    assert "".join(address for address, _ in pending.within(UuidRange(low, high))) == expected


def test_many_notes_are_read_while_they_are_removed(path: Path) -> None:
    pending = PendingVectors(path, "Note_1")
    addresses = [f"{number:06}" for number in range(2_500)]
    pending.add((each, "body") for each in addresses)
    found = []
    for address, _ in pending.within(EVERYTHING):
        found.append(address)
        if len(found) % 1_000 == 0:
            pending.remove(found)
    assert found == addresses
    assert pending.counts() == {"body": 500}


def test_a_note_outlives_the_process_that_made_it(path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED_AFTER_A_NOTE, path], env={**os.environ}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert PendingVectors(path, "Note_1").counts() == {"body": 1}


def test_several_processes_note_at_once(path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: PendingVectors(path, "Note_1").add([(f"{number}", "body")]), range(40)))
    assert PendingVectors(path, "Note_1").counts() == {"body": 40}


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    umask = os.umask(0)
    try:
        PendingVectors(path, "Note_1").add([("a", "body")])
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        pending = PendingVectors(disk.path / "pending_vectors.sqlite", "Note_1")
        pending.add([("a", "body")])
        with disk.full(), pytest.raises(StorageError, match=r"pending_vectors.sqlite cannot be written: .* are free"):
            pending.add([(f"{number:06}", "body") for number in range(10_000)])
        with disk.read_only(), pytest.raises(StorageError, match=r"pending_vectors.sqlite cannot be written"):
            pending.add([("b", "body")])
        assert pending.counts() == {"body": 1}


def test_a_damaged_file_is_named_with_what_to_do(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, of whatever kind" * 100)
    for use in (PendingVectors(path, "Note_1").counts, lambda: PendingVectors(path, "Note_1").remove(["a"])):
        with pytest.raises(StorageError, match=r"pending_vectors.sqlite, .*: file is not a database") as told:
            use()
        assert "`weaviate-migration verify`" in told.value.hint


def test_a_file_without_its_table_has_no_notes(path: Path) -> None:
    """A process that was killed before its first note leaves an empty file."""
    path.parent.mkdir()
    path.touch()
    assert PendingVectors(path, "Note_1").counts() == {}
    PendingVectors(path, "Note_1").remove(["a"])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (1,)
