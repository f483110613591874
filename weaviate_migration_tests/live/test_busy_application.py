"""An application without a busy timeout goes on undisturbed while sync follows it: it would fail if it had to wait."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.sync import SyncTally
from weaviate_migration_tests.live.followed_notes import FollowedNotes


@pytest.mark.parametrize("pauses", [0.0, 0.02])
def test_the_application_never_finds_the_file_locked(
    tmp_path: Path, client: weaviate.WeaviateClient, pauses: float
) -> None:
    notes = FollowedNotes.begin(tmp_path, client, [("key", "body", 0)])
    stop, done = threading.Event(), dict[str, SyncTally]()

    def follow() -> None:
        with notes.followed() as group:
            group.follow(stop, done)

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        with closing(sqlite3.connect(notes.source, isolation_level=None, timeout=0)) as application:
            for number in range(300):
                application.execute("UPDATE notes SET size = ?", (number,))
                stop.wait(pauses)
    finally:
        stop.set()
        follower.join()
    with notes.syncing() as migration:
        migration.run_pass()
    assert notes.held() == notes.rows()
