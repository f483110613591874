"""A source in use: its changes are captured before the snapshot, and are in Weaviate after each sync."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import weaviate

from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, note_id


@pytest.fixture
def live(notes: NoteMigration) -> Iterator[sqlite3.Connection]:
    """The notes, migrated while they may change, and a connection that changes them."""
    ended = notes.migrate("--live")
    assert ended.code == 0, ended.stderr
    with closing(sqlite3.connect(notes.source, isolation_level=None)) as connection:
        yield connection


def bodies(client: weaviate.WeaviateClient) -> dict[str, Any]:
    """What Weaviate holds behind the alias: body by UUID."""
    return {str(each.uuid): each.properties["body"] for each in client.collections.use("Note").iterator()}


def rows(connection: sqlite3.Connection) -> dict[str, Any]:
    return dict(connection.execute("SELECT id, body FROM notes").fetchall())


def sync(notes: NoteMigration, *more: object) -> dict[str, Any]:
    ended = run_here(
        "sync", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server), "--json", *more
    )
    assert ended.code == 0, ended.stderr
    found: dict[str, Any] = ended.json
    return found


def test_what_changed_since_the_snapshot_is_applied(
    notes: NoteMigration, live: sqlite3.Connection, client: weaviate.WeaviateClient
) -> None:
    add_notes(notes.source, [("new", "a new note", 1, "2024-02-03 04:05:06")])
    live.execute("UPDATE notes SET body = 'changed' WHERE id = ?", (note_id(3),))
    live.execute("DELETE FROM notes WHERE id = ?", (note_id(4),))
    live.execute("UPDATE notes SET id = 'moved' WHERE id = ?", (note_id(5),))
    (done,) = sync(notes)["migrations"]
    assert (done["written"], done["removed"], done["lag_changes"]) == (3, 2, 0)
    assert sorted(bodies(client).values()) == sorted(rows(live).values())
    assert bodies(client)[note_id(3)] == "changed"
    (again,) = sync(notes)["migrations"]
    assert (again["changes"], again["position"]) == (0, done["position"])


def test_verify_compares_with_the_source_as_it_is_now(
    notes: NoteMigration, live: sqlite3.Connection, client: weaviate.WeaviateClient
) -> None:
    live.execute("UPDATE notes SET body = 'changed' WHERE id = ?", (note_id(3),))
    note = client.collections.use("Note")
    found = verify(notes)
    assert (found["exit_code"], found["total_differences"], found["collections"]["Note"]["rows"]) == (0, 0, 64)
    assert bodies(client)[note_id(3)] == "changed"
    note.data.delete_by_id(note_id(7))
    live.execute("DELETE FROM notes WHERE id = ?", (note_id(8),))
    found = verify(notes)
    assert found["exit_code"] == 3
    assert [(each["kind"], each["uuid"]) for each in found["differences"]] == [("missing", note_id(7))]
    assert verify(notes, "--repair")["exit_code"] == 0
    assert sorted(bodies(client).values()) == sorted(rows(live).values())


def verify(notes: NoteMigration, *more: object) -> dict[str, Any]:
    options = ["--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server)]
    ended = run_here("verify", *options, "--json", *more)
    found: dict[str, Any] = ended.json
    assert found["exit_code"] in (0, 3), ended.stderr
    return found


def test_without_live_the_source_is_not_touched_and_migrate_says_what_is_not_followed(notes: NoteMigration) -> None:
    with closing(sqlite3.connect(notes.source)) as connection:
        before = connection.execute("SELECT * FROM sqlite_schema").fetchall()
        ended = notes.migrate()
        assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == before
    assert "after the snapshot is not followed" in ended.stderr
    refused = run_here("sync", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server))
    assert refused.code == 2
    assert refused.complaint[-1] == "Begin one with `weaviate-migration migrate --live`."
