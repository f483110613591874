"""Rows whose model is away go without its vector where the mapping says so, and get it from the next pass that can."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.phases.dual_write import migration_sync
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.vectors import made_vectors
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.chaos.killing import Boundary, run_killed
from weaviate_migration_tests.embedding_service import EmbeddingService, embedding_service
from weaviate_migration_tests.live.command_line import Ended, at, empty, until
from weaviate_migration_tests.live.embedded_notes import (
    KEY,
    KEY_VARIABLE,
    EmbeddedNotes,
    make_embedded_mapping,
    vectors_by_body,
)
from weaviate_migration_tests.live.notes import note_id
from weaviate_migration_tests.live.vector_changes import BODIES, assert_vectors_are_of, away, change, following, rewrite

WITHOUT = ", on_failure: without_vector"


@pytest.fixture(scope="module")
def service(static_model: Path) -> Iterator[EmbeddingService]:
    with embedding_service(static_model) as running:
        yield running


def lacking(notes: EmbeddedNotes) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = notes.run("status", "--json").json["lacking_vectors"]
    return found


def nearest(notes: EmbeddedNotes, client: weaviate.WeaviateClient, body: str) -> list[str]:
    """The bodies of all notes that a search by the vector of this body finds, the nearest first."""
    (vector,) = notes.wanted([body])
    found = client.collections.use("Note").query.near_vector(vector.tolist(), target_vector="content", limit=200)
    return [str(each.properties["body"]) for each in found.objects]


@pytest.fixture(scope="module")
def begun(
    tmp_path_factory: pytest.TempPathFactory,
    server: ServerAddress,
    connected: weaviate.WeaviateClient,
    service: EmbeddingService,
) -> tuple[EmbeddedNotes, Ended]:
    """A migration whose service was away all the while, and how it ended."""
    empty(connected)
    notes = EmbeddedNotes.fresh(tmp_path_factory.mktemp("without"), server, service)
    make_embedded_mapping(notes.notes.mapping, service, of_vector=WITHOUT)
    with away(service):
        return notes, notes.migrate("--live", "--max-retries", 0)


@pytest.fixture(scope="module")
def notes(begun: tuple[EmbeddedNotes, Ended]) -> EmbeddedNotes:
    return begun[0]


def test_all_rows_are_there_and_the_switch_waits(
    begun: tuple[EmbeddedNotes, Ended], connected: weaviate.WeaviateClient
) -> None:
    notes, ended = begun
    assert ended.code == 3, ended.stderr
    assert "64 of Note lack content" in ended.stderr
    assert "`weaviate-migration sync`" in ended.stderr
    record = WorkFolder(notes.notes.work_dir).records.current()
    assert connected.collections.use(f"Note_{record.id}").aggregate.over_all().total_count == 64
    assert lacking(notes) == {"Note": {"content": 64}}
    assert not connected.alias.exists(alias_name="Note")


@pytest.mark.parametrize(
    "boundary",
    [
        Boundary("weaviate_migration.vectors.cache:VectorCache.write", call=2),
        Boundary("weaviate_migration.target.write:ObjectWriter.write_batch"),
        Boundary("weaviate_migration.work_folder.pending_vectors:PendingVectors.remove", "before"),
    ],
    ids=str,
)
def test_killed_while_it_fills_them_all_are_still_known(
    notes: EmbeddedNotes, boundary: Boundary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    run_killed(boundary, "sync", "--work-dir", notes.notes.work_dir, *at(notes.notes.server))
    assert lacking(notes) == {"Note": {"content": 64}}


def test_the_next_pass_fills_them_and_the_switch_goes_on(
    notes: EmbeddedNotes, connected: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    ended = notes.run("cutover")
    assert ended.code == 0, ended.stderr
    assert lacking(notes) == {}
    assert_vectors_are_of(notes, connected, *BODIES)
    answered = [each for request in service.requests for each in request.texts]
    assert set(answered) == {f"passage: {body}" for body in BODIES}
    assert notes.run("verify").code == 0


def test_no_vector_of_an_older_text_stays(
    notes: EmbeddedNotes, connected: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    assert nearest(notes, connected, "note 9")[0] == "note 9"
    rewrite(notes, 9, "later")
    with away(service):
        ended = notes.run("sync", "--max-retries", 0)
    assert ended.code == 0, ended.stderr
    assert "1 of Note lack content" in ended.stdout + ended.stderr
    assert "later" not in vectors_by_body(connected)
    found = nearest(notes, connected, "note 9")
    assert (len(found), "later" in found, "note 9" in found) == (63, False, False)
    assert notes.run("cleanup", "--yes").code == 2
    rewrite(notes, 9, "later still")
    service.forget()
    assert notes.run("sync").code == 0
    assert service.texts == ["passage: later still"]
    assert lacking(notes) == {}
    assert_vectors_are_of(notes, connected, "later still")


def test_a_follower_fills_them_while_nothing_else_changes(
    notes: EmbeddedNotes,
    connected: weaviate.WeaviateClient,
    service: EmbeddingService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    for module in (made_vectors, migration_sync):
        monkeypatch.setattr(module, "SECONDS_AWAY", 0.1)
    with ExitStack() as stack:
        with away(service):
            rewrite(notes, 12, "followed")
            follower = stack.enter_context(following(notes))
            until(lambda: follower.done() or lacking(notes) == {"Note": {"content": 1}})
        until(lambda: follower.done() or lacking(notes) == {})
    assert_vectors_are_of(notes, connected, "followed")


def test_one_that_is_deleted_lacks_nothing(notes: EmbeddedNotes, service: EmbeddingService) -> None:
    rewrite(notes, 10, "gone soon")
    with away(service):
        assert notes.run("sync", "--max-retries", 0).code == 0
    assert lacking(notes) == {"Note": {"content": 1}}
    change(notes, "DELETE FROM notes WHERE id = ?", note_id(10))
    assert notes.run("sync").code == 0
    assert lacking(notes) == {}


def test_without_the_cache_the_collection_that_readers_have_gives_them(
    notes: EmbeddedNotes, connected: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    """Also where the mapping is another: one text is another now, and only that is asked for."""
    for path in notes.notes.work_dir.glob("vectors.sqlite*"):
        path.unlink()
    rewrite(notes, 11, "not yet applied")
    mapping = notes.notes.mapping.read_text(encoding="utf-8")
    notes.notes.mapping.write_text(mapping.replace("name: noteId", "name: noteKey"), encoding="utf-8")
    service.forget()
    ended = notes.migrate("--live")
    assert ended.code == 0, ended.stderr
    assert Counter(service.texts) == Counter(["passage: not yet applied"])
    assert_vectors_are_of(notes, connected, "note 1", "later still", "not yet applied")


def test_another_model_builds_another_version_beside(
    notes: EmbeddedNotes, connected: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    before = len(WorkFolder(notes.notes.work_dir).records.all())
    make_embedded_mapping(notes.notes.mapping, service, of_vector=WITHOUT, of_model=", dimensions: 64")
    service.forget()
    assert notes.migrate("--live").code == 0
    assert len(WorkFolder(notes.notes.work_dir).records.all()) == before + 1
    assert Counter(service.texts) == Counter(f"passage: {body}" for body in vectors_by_body(connected))
    assert {len(each) for each in vectors_by_body(connected).values()} == {64}
    make_embedded_mapping(notes.notes.mapping, service, of_vector=WITHOUT)
    service.forget()
    assert notes.migrate("--live").code == 0
    assert service.calls == 0
    assert {len(each) for each in vectors_by_body(connected).values()} == {256}
