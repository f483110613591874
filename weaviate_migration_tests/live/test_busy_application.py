"""An application without a busy timeout goes on undisturbed while sync follows it: it would fail if it had to wait."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration_tests.live.followed_notes import FollowedNotes


@pytest.mark.parametrize("pauses", [0.0, 0.02])
def test_the_application_never_finds_the_file_locked(
    tmp_path: Path, client: weaviate.WeaviateClient, pauses: float
) -> None:
    notes = FollowedNotes.begin(tmp_path, client, [("key", "body", 0)])
    pause = threading.Event()
    with (
        notes.following(),
        closing(sqlite3.connect(notes.source, isolation_level=None, timeout=0)) as application,
    ):
        for number in range(300):
            application.execute("UPDATE notes SET size = ?", (number,))
            pause.wait(pauses)
    with notes.syncing() as migration:
        migration.run_pass(SyncTally())
    assert notes.held() == notes.rows()
