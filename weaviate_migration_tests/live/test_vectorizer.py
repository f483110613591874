"""Vectors that the server's own modules make: a real server with modules, and a real service that embeds for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import weaviate
import yaml

from weaviate_migration.base.errors import MappingError
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.target.connect import connect
from weaviate_migration.target.schema import Origin, ensure_collection, schema_differences
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.vector_config import vector_configs
from weaviate_migration.work_folder.folder import WorkFolder
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
    settings = {"ENABLE_MODULES": MODULES, "API_BASED_MODULES_DISABLED": "false"}
    settings["TRANSFORMERS_WAIT_FOR_STARTUP"] = "false"
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


# What each kind of module has to be told, by weaviate-client or by the server, beside the texts.
_TOLD: dict[str, dict[str, object]] = {
    "text2vec_aws_bedrock": {"model": "amazon.titan-embed-text-v2:0", "region": "us-east-1"},
    "text2vec_cohere": {"model": "embed-multilingual-v3.0", "truncate": "END"},
    "text2vec_databricks": {"endpoint": "https://host/v1", "instruction": "embed"},
    "text2vec_google_gemini": {"model": "gemini-embedding-001", "dimensions": 768},
    "text2vec_huggingface": {"model": "sentence-transformers/all-MiniLM-L6-v2", "wait_for_model": True},
    "text2vec_jinaai": {"model": "jina-embeddings-v3", "dimensions": 256},
    "text2vec_mistral": {"model": "mistral-embed", "base_url": "https://host"},
    "text2vec_nvidia": {"model": "any", "truncate": True},
    "text2vec_openai": {"model": "text-embedding-3-small", "dimensions": 256, "base_url": "https://host"},
    "text2vec_transformers": {"pooling_strategy": "cls", "inference_url": "http://host:80"},
    "text2vec_voyageai": {"model": "voyage-3", "truncate": False},
    "text2vec_weaviate": {"model": "Snowflake/snowflake-arctic-embed-l-v2.0", "dimensions": 256},
    "multi2vec_cohere": {"model": "embed-multilingual-v3.0"},
    "multi2vec_jinaai": {"model": "jina-clip-v2", "dimensions": 64},
    "custom": {"module_name": "text2vec-openai", "module_config": {"model": "text-embedding-3-large"}},
}


def test_what_the_server_has_of_a_vectorizer_is_what_the_mapping_says(embedded: weaviate.WeaviateClient) -> None:
    """Of each module that such a server has: options, properties, and that no collection's name is in a text."""
    for number, (vectorizer, options) in enumerate(_TOLD.items()):
        vector = {"name": "v", "from": ["title"], "vectorizer": vectorizer, "options": options}
        title = {"name": "title", "column": "title", "index": "words"}
        made, other = (
            CollectionMapping.model_validate({"name": "Note", "table": "n", "properties": [title], "vectors": [each]})
            for each in (vector, {"name": "v"})
        )
        name = f"Note_{number}"
        ensure_collection(embedded, name, made, Origin("1", "/data/app.db", "digest"))
        assert schema_differences(embedded, name, made) == []
        config = (embedded.collections.use(name).config.get().vector_config or {})["v"].to_dict()["vectorizer"]
        assert config["model"].get("vectorizeClassName", False) is False
        assert schema_differences(embedded, name, other) == [
            f"`vector v` should be self-provided, and is of {config['vectorizer']}"
        ]


def test_another_model_than_the_mapping_says_is_told(embedded: weaviate.WeaviateClient) -> None:
    title = {"name": "title", "column": "title", "index": "words"}
    said, other = (
        CollectionMapping.model_validate(
            {
                "name": "Note",
                "table": "n",
                "properties": [title],
                "vectors": [{"name": "v", "from": ["title"], "vectorizer": "text2vec_jinaai", "options": each}],
            }
        )
        for each in ({"model": "jina-embeddings-v3"}, {"model": "jina-embeddings-v2-base-en"})
    )
    ensure_collection(embedded, "Note_1", said, Origin("1", "/data/app.db", "digest"))
    assert schema_differences(embedded, "Note_1", other) == [
        "`model of vector v` should be jina-embeddings-v2-base-en, and is jina-embeddings-v3"
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"modle": "x"}, "Note: vector `v`: `modle` is no option of text2vec_openai; did you mean `model`?"),
        ({"dimensions": "many"}, "Note: vector `v`: weaviate-client refuses its `options`"),
    ],
)
def test_options_that_the_client_does_not_have(options: dict[str, object], told: str) -> None:
    title = {"name": "title", "column": "title", "index": "words"}
    vector = {"name": "v", "from": ["title"], "vectorizer": "text2vec_openai", "options": options}
    mapping = CollectionMapping.model_validate(
        {"name": "Note", "table": "n", "properties": [title], "vectors": [vector]}
    )
    with pytest.raises(MappingError) as error:
        vector_configs(mapping)
    assert str(error.value).startswith(told)


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


def foretold(notes: NoteMigration) -> dict[str, dict[str, str]]:
    """What `preflight` says, by item."""
    return {each["name"]: each for each in run_here("preflight", *notes.options, "--json").json["items"]}


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
    items = foretold(notes)
    assert (items["keys"]["verdict"], VARIABLE in items["keys"]["figure"]) == ("failed", True)
    assert embedded.collections.list_all() == {}
    assert WorkFolder(notes.work_dir).records.all() == []
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
    looked = foretold(notes)
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
