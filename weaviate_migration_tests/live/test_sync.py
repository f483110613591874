"""A source in use: its changes are captured before the snapshot, and are in Weaviate after each sync."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import weaviate

from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.notes import TABLE, NoteMigration, add_notes, note_id


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
    (backup,) = (notes.work_dir / "snapshots").iterdir()
    before = backup.read_bytes()
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
    # The first snapshot is the backup; of those that verifications take, the last is kept.
    assert backup.read_bytes() == before
    assert len(list(backup.parent.glob("*.sqlite"))) == 2


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


def in_sync(notes: NoteMigration, connection: sqlite3.Connection, client: weaviate.WeaviateClient) -> bool:
    """Whether a sync says that nothing is missing, and nothing is."""
    (done,) = sync(notes)["migrations"]
    assert not done["needs_comparison"]
    return sorted(bodies(client).values()) == sorted(rows(connection).values())


def test_what_a_gap_let_through_is_found_and_mended(
    notes: NoteMigration, live: sqlite3.Connection, client: weaviate.WeaviateClient
) -> None:
    # As schema-migration tools do it: a new table in place of the old one, which takes the triggers with it.
    live.execute(TABLE.replace("notes", "rebuilt"))
    live.execute("INSERT INTO rebuilt SELECT * FROM notes")
    live.execute("DROP TABLE notes")
    live.execute("ALTER TABLE rebuilt RENAME TO notes")
    live.execute("UPDATE notes SET body = 'missed' WHERE id = ?", (note_id(3),))
    options = ["--mapping", notes.mapping, "--work-dir", notes.work_dir]
    refused = run_here("sync", *options, *at(notes.server))
    assert refused.code == 1
    assert "capture install" in refused.complaint[-1]
    installed = run_here("capture", "install", "--sqlite-url", notes.source, *options)
    assert installed.code == 0, installed.stderr
    warned = run_here("sync", *options, *at(notes.server), "--json")
    assert warned.code == 3
    assert warned.json["migrations"][0]["needs_comparison"]
    found = verify(notes)
    assert [(each["kind"], each["uuid"]) for each in found["differences"]][:1] == [("altered", note_id(3))]
    assert verify(notes, "--repair")["exit_code"] == 0
    assert in_sync(notes, live, client)


def test_a_source_that_was_restored_is_followed_again_after_a_repair(
    notes: NoteMigration, live: sqlite3.Connection, client: weaviate.WeaviateClient
) -> None:
    with closing(sqlite3.connect(notes.folder / "backup.db")) as backup:
        live.backup(backup)
        live.execute("UPDATE notes SET body = 'undone' WHERE id = ?", (note_id(3),))
        sync(notes)
        backup.backup(live)
    for command in ("sync", "verify"):
        refused = run_here(command, "--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server))
        assert refused.code == 1
        assert "restored from a backup" in refused.stderr
        assert "verify --repair" in refused.stderr
    assert verify(notes, "--repair")["exit_code"] == 0
    assert bodies(client)[note_id(3)] == "note 3"
    live.execute("UPDATE notes SET body = 'goes on' WHERE id = ?", (note_id(3),))
    assert in_sync(notes, live, client)


def test_a_migration_that_was_not_followed_is_followed_after_a_full_comparison(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    assert notes.migrate().code == 0
    with closing(sqlite3.connect(notes.source, isolation_level=None)) as connection:
        connection.execute("DELETE FROM notes WHERE id = ?", (note_id(3),))
        options = ["--sqlite-url", notes.source, "--mapping", notes.mapping, "--work-dir", notes.work_dir]
        assert run_here("capture", "install", *options).code == 0
        assert verify(notes, "--repair")["exit_code"] == 0
        connection.execute("UPDATE notes SET body = 'followed' WHERE id = ?", (note_id(4),))
        assert in_sync(notes, connection, client)
