"""Vectors that the server's own modules make: a real server with modules, and a real service that embeds for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import weaviate
import yaml

from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.embedding_service import Answer, EmbeddingService, embedding_service
from weaviate_migration_tests.live.command_line import empty, run_here
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes, note_id
from weaviate_migration_tests.live.own_server import run_server

KEY = "sk-canary-of-the-vectorizer"
VARIABLE = "KEY_OF_THE_VECTORIZER"
MODULES = "text2vec-transformers,text2vec-nvidia"


@pytest.fixture(scope="module")
def service(static_model: Path) -> Iterator[EmbeddingService]:
    with embedding_service(static_model) as running:
        yield running


@pytest.fixture(scope="module")
def with_modules(tmp_path_factory: pytest.TempPathFactory, service: EmbeddingService) -> Iterator[ServerAddress]:
    settings = {"ENABLE_MODULES": MODULES, "TRANSFORMERS_WAIT_FOR_STARTUP": "false"}
    settings["TRANSFORMERS_INFERENCE_API"] = service.origin
    with run_server(tmp_path_factory.mktemp("with_modules"), **settings) as address:
        yield address


@pytest.fixture
def embedded(with_modules: ServerAddress, service: EmbeddingService) -> Iterator[weaviate.WeaviateClient]:
    service.forget()
    service.key = None
    with connect(with_modules, None) as client:
        empty(client)
        yield client


def notes_with(folder: Path, server: ServerAddress, *vectors: dict[str, object]) -> NoteMigration:
    """Notes of which one has no text; the first column that `from` names comes last by the name of its property."""
    notes = fresh_notes(folder, server)
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("UPDATE notes SET body = '' WHERE id = ?", (note_id(5),))
        connection.execute("ALTER TABLE notes ADD title TEXT")
        connection.execute("ALTER TABLE notes ADD embedding BLOB")
        connection.execute("UPDATE notes SET title = 'title of ' || size WHERE body <> ''")
        vector = np.arange(1, 257, dtype=np.float32).tobytes()
        connection.execute("UPDATE notes SET embedding = ? WHERE body <> ''", (vector,))
    content = yaml.safe_load(notes.mapping.read_text())
    (collection,) = content["collections"]
    collection["properties"].append({"name": "title", "column": "title", "index": "words"})
    collection["vectors"] = list(vectors)
    notes.mapping.write_text(yaml.safe_dump(content))
    return notes


def served(service: EmbeddingService, **more: object) -> dict[str, object]:
    options = {"inference_url": service.origin, "pooling_strategy": "masked_mean"}
    made = {"name": "served", "from": ["title", "body"], "vectorizer": "text2vec_transformers", "options": options}
    return {**made, "index": {"quantizer": "rq"}, **more}


def keyed(service: EmbeddingService) -> dict[str, object]:
    options = {"base_url": service.origin, "model": "any"}
    keyed = {"name": "keyed", "from": ["body"], "vectorizer": "text2vec_nvidia", "options": options}
    return {**keyed, "headers": {"X-NVIDIA-Api-Key": VARIABLE}}


def test_the_server_makes_the_vectors_of_the_texts_and_of_nothing_else(
    tmp_path: Path, with_modules: ServerAddress, embedded: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    """No collection's name is in a text. An object without any text has no vector, which no check takes for damage."""
    notes = notes_with(tmp_path, with_modules, served(service))
    migrated = notes.migrate()
    assert migrated.code == 0, migrated.stderr
    texts = service.texts
    assert sorted(texts) == sorted(f"note {number} title of {number}" for number in range(64) if number != 5)
    objects = embedded.collections.use("Note")
    found = {each.properties["size"]: each.vector for each in objects.iterator(include_vector=True)}
    assert found[5] == {}
    np.testing.assert_allclose(found[7]["served"], service.vectors(("note 7 title of 7",))[0], rtol=1e-6)
    hits = objects.query.near_text("note 7 title of 7", limit=1, target_vector="served").objects
    assert [each.properties["size"] for each in hits] == [7]
    service.forget()
    compared = run_here("verify", "--work-dir", notes.work_dir, *notes.options[-4:])
    assert compared.code == 0, compared.stderr
    assert service.calls == 0


def test_a_vector_that_is_known_is_sent_along_and_the_module_serves_queries(
    tmp_path: Path, with_modules: ServerAddress, embedded: weaviate.WeaviateClient, service: EmbeddingService
) -> None:
    carried = served(service, name="carried", column="embedding", bytes="float32")
    notes = notes_with(tmp_path, with_modules, carried)
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("UPDATE notes SET embedding = NULL WHERE id = ?", (note_id(6),))
    migrated = notes.migrate()
    assert migrated.code == 0, migrated.stderr
    assert service.texts == ["note 6 title of 6"]  # Of this one no vector is known.
    service.forget()
    objects = embedded.collections.use("Note")
    stored = objects.query.fetch_object_by_id(note_id(7), include_vector=True)
    assert stored.vector["carried"] == list(range(1, 257))
    assert objects.query.near_text("note 7", limit=1).objects
    assert service.texts == ["note 7"]


def test_a_key_that_is_not_set_stops_everything_before_it_begins(
    tmp_path: Path,
    with_modules: ServerAddress,
    embedded: weaviate.WeaviateClient,
    service: EmbeddingService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes = notes_with(tmp_path, with_modules, keyed(service))
    monkeypatch.delenv(VARIABLE, raising=False)
    ended = notes.migrate()
    assert (ended.code, VARIABLE in ended.stderr, "vector `keyed` of Note" in ended.stderr) == (2, True, True)
    items = {each["name"]: each for each in run_here("preflight", *notes.options, "--json").json["items"]}
    assert (items["keys"]["verdict"], VARIABLE in items["keys"]["figure"]) == ("failed", True)
    assert embedded.collections.list_all() == {}
    assert not (notes.work_dir / "migrations").exists()
    assert service.calls == 0


def test_a_key_is_sent_from_its_variable_and_stays_nowhere(
    tmp_path: Path,
    with_modules: ServerAddress,
    embedded: weaviate.WeaviateClient,
    service: EmbeddingService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key that the service refuses, and a service that is away, are no faults of rows: none is in quarantine."""
    notes = notes_with(tmp_path, with_modules, keyed(service))
    monkeypatch.setenv(VARIABLE, "another-key")
    service.key = KEY
    looked = {each["name"]: each for each in run_here("preflight", *notes.options, "--json").json["items"]}
    assert (looked["keys"]["verdict"], looked["duration"]["verdict"]) == ("passed", "passed")
    assert service.calls == 0  # Before anything is begun nothing is spent.
    refused = notes.migrate("--no-rollback", "--retry-delay", 0)
    assert (refused.code, "401" in refused.stderr, "another key" in refused.stderr) == (1, True, True)
    monkeypatch.setenv(VARIABLE, KEY)
    service.down = Answer(503)
    away = notes.migrate("--no-rollback", "--max-retries", 0)
    service.down = None
    assert (away.code, "the same command goes on with it" in away.stderr) == (1, True)
    assert [*notes.work_dir.glob("quarantine/*.jsonl")] == []
    migrated = notes.migrate()
    assert migrated.code == 0, migrated.stderr
    objects = embedded.collections.use("Note")
    assert objects.query.fetch_object_by_id(note_id(7), include_vector=True).vector
    written = [path for path in notes.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert written == []
    assert KEY not in migrated.stdout + migrated.stderr
