"""A collection belongs to the work folder that its description names: no command of another folder touches it.

Two folders have a migration of the same id: as an earlier version could begin them in one second.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import weaviate

from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.mapping import read_mapping
from weaviate_migration.phases.cutover.way_back import roll_back
from weaviate_migration.phases.dual_write.collection_load import load_collection
from weaviate_migration.phases.history.versioned_collections import ensure_collections
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.write import write_settings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.live.command_line import at, empty, holdings, run_here
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes, note_id


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> Iterator[NoteMigration]:
    """The folder whose collections there are; the record of the other one, with the same id, is put in their place."""
    with connect(server, None) as client:
        empty(client)
        notes = fresh_notes(tmp_path_factory.mktemp("theirs"), server)
        assert notes.migrate("--live", "--no-cutover").code == 0
        yield notes
        empty(client)


@pytest.fixture
def ours(theirs: NoteMigration) -> Iterator[MigrationRecord]:
    """Our record of the same id, as our folder would have it; theirs comes back at the end."""
    records = WorkFolder(theirs.work_dir).records
    before = records.current()
    ours = records.update(before, work_folder="0" * 32)
    yield ours
    assert [each.model_copy(update={"work_folder": before.work_folder}) for each in records.all()] == [before]
    records.save(before)


def refused(client: weaviate.WeaviateClient, theirs: NoteMigration, *words: object) -> str:
    """What a command says that touches nothing."""
    before = holdings(client), objects(client, theirs)
    ended = run_here(*words, "--work-dir", theirs.work_dir, *at(theirs.server))
    assert ended.code == 2, ended.stderr
    assert (holdings(client), objects(client, theirs)) == before
    return " ".join(ended.complaint)


def objects(client: weaviate.WeaviateClient, theirs: NoteMigration) -> dict[str, dict[str, Any]]:
    name = next(iter(WorkFolder(theirs.work_dir).records.current().targets.values()))
    return {str(each.uuid): dict(each.properties) for each in client.collections.use(name).iterator()}


@pytest.mark.parametrize(
    "words",
    [
        ("cutover",),
        ("verify",),
        ("sync",),
        ("quarantine", "retry"),
        ("rollback", "--discard"),
        ("cleanup", "--yes", "--force"),
    ],
    ids=" ".join,
)
def test_a_command_of_another_folder_refuses(
    words: tuple[str, ...], theirs: NoteMigration, ours: MigrationRecord, connected: weaviate.WeaviateClient
) -> None:
    quarantine = WorkFolder(theirs.work_dir).quarantine(ours, read_mapping(theirs.mapping).collections[0])
    if words[0] == "quarantine":
        with quarantine:
            quarantine.add("00", QuarantinedRow(note_id(0), note_id(0), "refused", {}))
    elif words[0] == "sync":
        with closing(sqlite3.connect(theirs.source)) as application, application:
            application.execute("UPDATE notes SET size = size + 1 WHERE id = ?", (note_id(1),))
    try:
        said = refused(connected, theirs, *words)
    finally:
        quarantine.discard()
    name = f"Note_{ours.id}"
    assert f"`{name}` is not migration {ours.id}'s of this work folder: migration {ours.id} of" in said
    assert "in another work folder, made it" in said


def test_a_migration_does_not_go_on_with_them(
    theirs: NoteMigration, ours: MigrationRecord, connected: weaviate.WeaviateClient
) -> None:
    before = holdings(connected), objects(connected, theirs)
    ended = theirs.migrate("--live", "--no-cutover", "--no-rollback")
    assert ended.code != 0
    assert f"`Note_{ours.id}` is there already" in ended.stderr
    assert "in another work folder, made it" in ended.stderr
    assert (holdings(connected), objects(connected, theirs)) == before


def test_no_row_is_loaded_into_them(
    theirs: NoteMigration, ours: MigrationRecord, connected: weaviate.WeaviateClient
) -> None:
    """By a run from the UI, say, which begins with the load."""
    mapping, work_folder = read_mapping(theirs.mapping), WorkFolder(theirs.work_dir)
    settings, models = write_settings(theirs.config, connected), OpenModels(work_folder.vector_cache_place)
    (collection,) = mapping.collections
    with pytest.raises(MigrationConflictError, match="in another work folder"):
        load_collection(connected, work_folder, ours, mapping, collection, {}, settings, models, resume=False)


def test_a_folder_that_was_moved_has_its_own(
    theirs: NoteMigration, connected: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    theirs.work_dir.rename(moved)
    try:
        ended = run_here("verify", "--work-dir", moved, *at(theirs.server))
        assert ended.code == 0, ended.stderr
    finally:
        moved.rename(theirs.work_dir)
    assert len(holdings(connected)[0]) == 1


def test_two_that_begin_in_one_second_have_collections_of_their_own(
    tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient
) -> None:
    """On two machines, say; what the one gives up is not the other's."""
    notes = fresh_notes(tmp_path, server)
    mapping = read_mapping(notes.mapping)
    for attempt in count():  # A second may end between the two.
        folders = [WorkFolder(tmp_path / f"{name} {attempt}") for name in ("ours", "theirs")]
        ours, theirs = (each.records.resume_or_begin(notes.source, mapping, "") for each in folders)
        if ours.began_at == theirs.began_at:
            break
    for folder, record in zip(folders, (ours, theirs), strict=True):
        assert ensure_collections(client, folder, record, mapping) == 1
    assert holdings(client)[0] == sorted(f"Note_{each.id}" for each in (ours, theirs))
    _, removed = roll_back(client, folders[0], ours, discard=True)
    assert removed == [f"Note_{ours.id}"]
    assert holdings(client)[0] == [f"Note_{theirs.id}"]
