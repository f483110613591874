"""The cutover of a source in use: what was changed is applied and compared, and who writes on is not waited for."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import weaviate

from weaviate_migration.phases.history.collection_locks import writing_lock
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import CutoverRecord, MigrationRecord
from weaviate_migration_tests.chaos.killing import Boundary, run_killed
from weaviate_migration_tests.live.command_line import Ended, at, holdings, run_here, until
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, note_id


def options(notes: NoteMigration) -> list[object]:
    return ["--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server)]


def cut_over(notes: NoteMigration, *more: object) -> Ended:
    return run_here("cutover", *options(notes), *more)


def record_of(notes: NoteMigration) -> MigrationRecord:
    return WorkFolder(notes.work_dir).records.all()[-1]


def journal_of(notes: NoteMigration) -> CutoverRecord:
    journal = record_of(notes).cutover
    assert journal is not None
    return journal


def change(notes: NoteMigration) -> None:
    """One note more, one altered, one gone."""
    add_notes(notes.source, [("another", "another", 1, None)])
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("UPDATE notes SET body = 'altered' WHERE id = ?", (note_id(3),))
        connection.execute("DELETE FROM notes WHERE id = ?", (note_id(5),))


def bodies(client: weaviate.WeaviateClient, name: str = "Note") -> dict[str, str]:
    return {
        str(each.properties["noteId"]): str(each.properties["body"]) for each in client.collections.use(name).iterator()
    }


def rows(notes: NoteMigration) -> dict[str, str]:
    with closing(sqlite3.connect(notes.source)) as connection:
        return dict(connection.execute("SELECT id, body FROM notes").fetchall())


@pytest.fixture
def notes(kept_notes: KeptNotes, client: weaviate.WeaviateClient) -> NoteMigration:  # noqa: ARG001
    return kept_notes.begin()


@pytest.fixture
def followed(notes: NoteMigration, kept_notes: KeptNotes) -> NoteMigration:
    """A migration that is loaded and proven, whose source has changed since, and that is not switched to."""
    kept_notes.migrated("--live", "--no-cutover")
    change(notes)
    return notes


def test_what_was_changed_is_applied_before_the_switch(
    followed: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    assert bodies(client, f"Note_{record_of(followed).id}") != rows(followed)
    ended = cut_over(followed)
    assert ended.code == 0, ended.stderr
    assert bodies(client) == rows(followed)
    assert list(journal_of(followed).reached) == ["begun", "applied", "compared", "switching", "switched"]


@contextmanager
def writing_on(notes: NoteMigration) -> Iterator[list[int]]:
    """An application that writes without a pause; gives what it has written."""
    stop, written = threading.Event(), [0]

    def write() -> None:
        with closing(sqlite3.connect(notes.source, timeout=60)) as connection:
            while not stop.is_set():
                number = written[0]
                with connection:
                    connection.execute(
                        "INSERT INTO notes (id, body, size) VALUES (?, ?, ?)", (f"on {number}", "on and on", number)
                    )
                written[0] += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        until(lambda: written[0] > 100)
        yield written
    finally:
        stop.set()
        writer.join()


def test_an_application_that_writes_on_does_not_hold_it_up(
    followed: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    with writing_on(followed) as written:
        begun_at = written[0]
        ended = cut_over(followed)
        assert ended.code == 0, ended.stderr
        assert written[0] > begun_at
        assert holdings(client)[1] == {"Note": f"Note_{record_of(followed).id}"}
    ended = run_here("sync", *options(followed))
    assert ended.code == 0, ended.stderr
    assert bodies(client) == rows(followed)


def test_a_change_that_did_not_arrive_stops_it(followed: NoteMigration, client: weaviate.WeaviateClient) -> None:
    """Damage after the last full comparison, in a row that was changed since the snapshot: nobody else compares it."""
    assert run_here("sync", *options(followed)).code == 0
    collection = client.collections.use(f"Note_{record_of(followed).id}")
    collection.data.update(note_id(3), properties={"body": "altered by somebody"})
    ended = cut_over(followed)
    assert ended.code == 3, ended.stderr
    assert note_id(3) in ended.stderr
    assert "`weaviate-migration verify --repair`" in ended.stderr
    assert holdings(client)[1] == {}
    assert journal_of(followed).step == "applied"


def test_when_time_is_up_nothing_was_moved(followed: NoteMigration, client: weaviate.WeaviateClient) -> None:
    """Somebody else works with the collection, and does not end."""
    lock = writing_lock(WorkFolder(followed.work_dir), f"Note_{record_of(followed).id}")
    with lock:
        ended = cut_over(followed, "--timeout", 1)
    assert ended.code == 1, ended.stderr
    position = journal_of(followed).position
    assert f"waited 1 s in vain for the changes up to position {position} to be applied" in ended.stderr
    assert "--timeout" in ended.stderr
    # The same where all is applied already, and only the comparison has to wait.
    assert run_here("sync", *options(followed)).code == 0
    with lock:
        ended = cut_over(followed, "--timeout", 1)
    assert ended.code == 1, ended.stderr
    assert "waited 1 s in vain for the collections, which somebody else loads or compares" in ended.stderr
    assert holdings(client)[1] == {}
    assert record_of(followed).state == "unfinished"
    assert cut_over(followed).code == 0
    assert bodies(client) == rows(followed)


def test_changes_that_may_have_been_missed_stop_it(followed: NoteMigration, client: weaviate.WeaviateClient) -> None:
    work_folder, record = WorkFolder(followed.work_dir), record_of(followed)
    known = work_folder.sync_positions.read(record.id)
    assert known is not None
    work_folder.sync_positions.save(record.id, known.model_copy(update={"epoch": 0}))
    ended = cut_over(followed)
    assert ended.code == 3, ended.stderr
    assert "may have been missed" in ended.stderr
    assert holdings(client)[1] == {}


CUTOVER = "weaviate_migration.phases.cutover.switch"
KILLS = {
    "when it has begun": Boundary(f"{CUTOVER}:Cutover._begin", "after", 1),
    "when some changes are applied": Boundary(f"{CUTOVER}:_apply_some", "after", 1),
    "when all are applied": Boundary(f"{CUTOVER}:Cutover._note", "after", 1),
    "when they are compared": Boundary(f"{CUTOVER}:Cutover._note", "after", 2),
    "when the switch is written down": Boundary(f"{CUTOVER}:Cutover._note", "after", 3),
    "when the aliases are moved": Boundary(f"{CUTOVER}:point_aliases", "after", 1),
}


@pytest.mark.parametrize("kill", KILLS)
def test_killed_at_a_step_the_same_command_completes_it(
    followed: NoteMigration, client: weaviate.WeaviateClient, kill: str
) -> None:
    run_killed(KILLS[kill], "cutover", *options(followed))
    ended = cut_over(followed)
    assert ended.code == 0, ended.stderr
    assert bodies(client) == rows(followed)
    assert (record_of(followed).state, journal_of(followed).step) == ("cut over", "switched")
    assert holdings(client)[1] == {"Note": f"Note_{record_of(followed).id}"}
