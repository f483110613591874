"""Changes of rows whose vectors a service makes: what changed is embedded and no more, and waits where it is away."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import weaviate
from sqlalchemy import create_engine, text

from weaviate_migration.phases.dual_write.dual_writer import DualWriter
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.embedding_service import EmbeddingService, embedding_service
from weaviate_migration_tests.live.command_line import empty, until
from weaviate_migration_tests.live.embedded_notes import KEY, KEY_VARIABLE, EmbeddedNotes, vectors_by_body
from weaviate_migration_tests.live.notes import note_id
from weaviate_migration_tests.live.vector_changes import BODIES, assert_vectors_are_of, away, change, following, rewrite


@pytest.fixture(scope="module")
def service(static_model: Path) -> Iterator[EmbeddingService]:
    with embedding_service(static_model) as running:
        yield running


@pytest.fixture(scope="module")
def notes(
    tmp_path_factory: pytest.TempPathFactory,
    server: ServerAddress,
    connected: weaviate.WeaviateClient,
    service: EmbeddingService,
) -> EmbeddedNotes:
    empty(connected)
    made = EmbeddedNotes.fresh(tmp_path_factory.mktemp("waiting"), server, service)
    ended = made.migrate("--live")
    assert ended.code == 0, ended.stderr
    return made


def test_only_a_changed_text_is_embedded(
    notes: EmbeddedNotes, connected: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    service.forget()
    change(notes, "UPDATE notes SET size = size + 1000")
    assert notes.run("sync").code == 0
    assert service.calls == 0
    assert_vectors_are_of(notes, connected, *BODIES)
    rewrite(notes, 3, "another body")
    rewrite(notes, 4, "note 5")
    change(notes, "DELETE FROM notes WHERE id = ?", note_id(6))
    assert notes.run("sync").code == 0
    assert service.texts == ["passage: another body"]
    assert_vectors_are_of(notes, connected, "another body", "note 5")


def test_a_service_that_is_away_holds_back_the_rows(
    notes: EmbeddedNotes, connected: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    rewrite(notes, 7, "while it was away")
    with away(service):
        ended = notes.run("sync", "--max-retries", 0)
    assert ended.code == 1
    assert service.base_url in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "note 7" in vectors_by_body(connected)
    assert notes.run("status", "--json").json["capture"]["changes"] == 1
    assert notes.run("sync").code == 0
    assert_vectors_are_of(notes, connected, "while it was away")


def test_a_follower_goes_on_once_it_answers(
    notes: EmbeddedNotes,
    connected: weaviate.WeaviateClient,
    service: EmbeddingService,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with ExitStack() as stack:
        with away(service):
            rewrite(notes, 12, "followed")
            follower = stack.enter_context(following(notes))
            until(lambda: follower.done() or any("; trying again in" in said for said in caplog.messages))
            assert not follower.done()
            assert "note 12" in vectors_by_body(connected)
        until(lambda: follower.done() or notes.notes.is_all_applied(), pause=0.2)
    (done,) = follower.result().migrations
    assert (done.changes, done.lag_changes) == (1, 0)
    assert any(service.base_url in said for said in caplog.messages)
    assert_vectors_are_of(notes, connected, "followed")


def test_a_dual_writer_goes_on_once_it_answers(
    notes: EmbeddedNotes,
    connected: weaviate.WeaviateClient,
    service: EmbeddingService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    engine = create_engine(f"sqlite:///{notes.notes.source}")
    with DualWriter(notes.config) as writer:
        writer.attach(engine)
        with away(service):
            with engine.begin() as connection:
                connection.execute(text("UPDATE notes SET body = 'dual' WHERE id = :id"), {"id": note_id(8)})
            until(lambda: writer.counters.failures > 0)
        assert service.base_url in writer.counters.last_error
        assert "note 8" in vectors_by_body(connected)
        assert writer.flush(60)
    assert_vectors_are_of(notes, connected, "dual")
    engine.dispose()
