"""A full comparison while the source is written to and sync applies it: no false alarm, and no difference missed."""

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.phases.validation.changed_rows import compare_changes
from weaviate_migration.phases.validation.differences import Difference
from weaviate_migration_tests.live.followed_notes import FollowedNotes, uuid_of
from weaviate_migration_tests.live.test_followed_notes import random_statement

# Writers touch the keys `key …` and numbers; nobody touches these.
QUIET = [(f"quiet {number}", f"body {number}", 1000 + number) for number in range(60)]
BUSY = [(f"key {number}", f"body {number}", number) for number in range(60)]


def replaced(notes: FollowedNotes, uuid: str, **properties: object) -> None:
    """Puts another object there: with these properties in place of its own."""
    found = notes.objects.query.fetch_object_by_id(uuid)
    assert found is not None
    notes.objects.data.replace(uuid, {**found.properties, **properties})


# For each kind of damage what is done to an object, and what has to be found of it.
DAMAGES: dict[str, tuple[Callable[[FollowedNotes, str], object], str]] = {
    "removed": (lambda notes, uuid: notes.objects.data.delete_by_id(uuid), "missing"),
    "a text altered": (lambda notes, uuid: replaced(notes, uuid, body="other"), "altered"),
    "a number altered": (lambda notes, uuid: replaced(notes, uuid, size=-7), "altered"),
    "a property removed": (lambda notes, uuid: replaced(notes, uuid, size=None), "altered"),
    "the origin altered": (lambda notes, uuid: replaced(notes, uuid, metadata={"original_id": "x"}), "altered"),
    "everything removed": (lambda notes, uuid: notes.objects.data.replace(uuid, {}), "altered"),
}


@contextmanager
def under_load(notes: FollowedNotes, seed: int) -> Iterator[None]:
    """Two writers without pause, and sync that follows them."""
    stop = threading.Event()

    def write(number: int) -> None:
        rng = random.Random(seed + number)
        with closing(sqlite3.connect(notes.source, isolation_level=None, timeout=60)) as connection:
            while not stop.wait(0.002):
                connection.execute(*random_statement(rng))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        with notes.following():
            yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def verify(notes: FollowedNotes) -> list[Difference]:
    """As the command does: a new snapshot, all of it compared, and then what has changed since by itself."""
    newest = notes.snapshotted()
    assert newest.captured is not None
    found = [each for compared in newest.compare() for each in compared.differences]
    with newest.syncing() as migration:
        changed = compare_changes(migration, newest.captured.position)
    return found + [each for compared in changed.collections for each in compared.differences]


@pytest.fixture
def notes(tmp_path: Path, client: weaviate.WeaviateClient) -> FollowedNotes:
    return FollowedNotes.begin(tmp_path, client, [*QUIET, *BUSY])


def test_no_false_alarm_and_nothing_missed(notes: FollowedNotes) -> None:
    seed = random.SystemRandom().getrandbits(32)
    rng = random.Random(seed)
    with under_load(notes, seed):
        for _ in range(3):
            assert verify(notes) == [], f"seed {seed}"
        for kind, (damage, expected) in DAMAGES.items():
            key, _, _ = rng.choice(QUIET)
            original = notes.objects.query.fetch_object_by_id(uuid_of(key))
            assert original is not None
            damage(notes, uuid_of(key))
            found = verify(notes)
            assert {(each.kind, each.uuid) for each in found} == {(expected, uuid_of(key))}, f"{kind}, seed {seed}"
            notes.objects.data.delete_by_id(uuid_of(key))
            notes.objects.data.insert(original.properties, uuid=uuid_of(key))
        notes.objects.data.insert({"body": "nobody's"}, uuid=uuid_of("nobody"))
        assert {(each.kind, each.uuid) for each in verify(notes)} == {("extra", uuid_of("nobody"))}, f"seed {seed}"
        notes.objects.data.delete_by_id(uuid_of("nobody"))
    with notes.syncing() as migration:
        migration.run_pass(SyncTally())
    assert notes.held() == notes.rows(), f"seed {seed}"
