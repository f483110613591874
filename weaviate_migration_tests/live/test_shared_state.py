"""Commands whose state is in PostgreSQL: another machine's work folder knows what this one's does."""

from pathlib import Path
from uuid import uuid4

import pytest
import weaviate

from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.free_ports import free_port
from weaviate_migration_tests.live.notes import NoteMigration, add_notes

ROWS = 64


def test_a_second_machine_goes_on_with_what_the_first_has_begun(
    notes: NoteMigration,
    client: weaviate.WeaviateClient,
    postgres_server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was begun in a file of the first one's work folder."""
    storage = ["--storage", tmp_path / "storage"]
    migrated = notes.migrate("--live", "--no-cutover", "--json", *storage)
    assert migrated.code == 0, migrated.stderr
    first = ["--work-dir", notes.work_dir, *storage, *at(notes.server)]
    with monkeypatch.context() as shared:
        shared.setenv("WEAVIATE_MIGRATION_STATE_URL", postgres_server.new_database())
        assert (ended := run_here("cutover", *first)).code == 0, ended.stderr
        _another_machine_goes_on(notes, client, migrated.json["migration_id"], first, tmp_path / "second machine")
    refused = run_here("status", *first)
    assert (refused.code, "--state-url" in refused.stderr) == (2, True), refused.stderr


def _another_machine_goes_on(
    notes: NoteMigration, client: weaviate.WeaviateClient, migration_id: str, first: list[object], folder: Path
) -> None:
    assert sum(1 for _ in client.collections.use("Note").iterator()) == ROWS
    assert not list(notes.work_dir.glob("state.sqlite*"))
    second = ["--work-dir", folder, *first[2:]]
    told = run_here("status", "--json", *second)
    assert told.code == 0, told.stderr
    assert told.json["migrations"] == {migration_id: "cut over"}
    add_notes(notes.source, [(str(uuid4()), "new", ROWS, "2024-01-01 00:00:00")])
    synced = run_here("sync", "--json", *second)
    assert synced.code == 0, synced.stderr
    assert [each["written"] for each in synced.json["migrations"]] == [1], synced.stderr
    assert sum(1 for _ in client.collections.use("Note").iterator()) == ROWS + 1
    again = run_here("sync", "--json", *first)
    assert [each["changes"] for each in again.json["migrations"]] == [0], again.stderr


def test_a_state_that_is_away_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    url = f"postgresql+psycopg2://me@127.0.0.1:{free_port()}/migration"
    ended = run_here("status", "--state-url", url, "--work-dir", tmp_path / "work")
    assert ended.code == 2
    told = url.replace("//me@", "//***@")
    assert f"{told}, which keeps the state of the migrations, cannot be used: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "work").exists()
