"""The clock a year ahead or behind between two commands: nothing depends on what it says.

libfaketime gives a process another clock, and all that it starts. What has happened is in the order in which it did.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import Ended, at, holdings, run_command
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.notes import NoteMigration, add_notes

AHEAD, BEHIND = "+1y", "-1y"
# All orders of clocks take two minutes: `make chaos` runs them.
CLOCKS: Sequence[tuple[str, str]] = ((BEHIND, AHEAD), (AHEAD, BEHIND))
TRIED = CLOCKS if "CHAOS_MOMENTS" in os.environ else CLOCKS[:1]


@pytest.fixture(scope="module")
def library() -> str:
    """libfaketime, as Debian, Fedora and others install it."""
    found = [*Path("/usr").glob("lib*/**/faketime/libfaketimeMT.so*")]
    assert found, "there is no libfaketime: `apt-get install libfaketime`"
    return str(found[0])


def run(notes: NoteMigration, library: str, clock: str, *words: object) -> Ended:
    """A command whose clock is wrong; how long something takes it measures as ever."""
    ended = run_command(
        *(*words, "--work-dir", notes.work_dir, *at(notes.server)),
        LD_PRELOAD=library,
        FAKETIME=clock,
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    assert ended.code == 0, ended.stderr
    return ended


@pytest.mark.parametrize(("first", "second"), TRIED)
def test_which_is_the_newest_no_clock_says(
    first: str, second: str, library: str, kept_notes: KeptNotes, connected: weaviate.WeaviateClient
) -> None:
    kept_notes.migrated("--live")
    notes = NoteMigration(kept_notes.folder, kept_notes.server)
    add_notes(notes.source, [("late", "late", 1, None)])
    run(notes, library, first, "migrate", "--live", "--sqlite-url", notes.source)
    older, newer = (each.id for each in WorkFolder(notes.work_dir).records.all())
    assert (newer < older) == (first == BEHIND)
    assert holdings(connected)[1] == {"Note": f"Note_{newer}"}
    assert run(notes, library, second, "sync", "--json").json["migrations"][0]["migration_id"] == newer
    assert rows_in(connected) == 65
    assert newer in run(notes, library, second, "rollback").stdout
    assert holdings(connected)[1] == {"Note": f"Note_{older}"}
    assert rows_in(connected) == 65  # It was followed all the while.
    run(notes, library, first, "cleanup", "--yes")
    assert holdings(connected) == ([f"Note_{older}"], {"Note": f"Note_{older}"})


def rows_in(client: weaviate.WeaviateClient) -> int | None:
    return client.collections.use("Note").aggregate.over_all(total_count=True).total_count
