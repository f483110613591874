"""Vectors that a service makes before the rows are written: once for each text, whatever happens on the way."""

import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import dagster as dg
import numpy as np
import pytest
import weaviate

from weaviate_migration.mapping import read_mapping
from weaviate_migration.monitoring.postflight import vectors
from weaviate_migration.runs.materializations import newest_by_partition
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.runs.steps import RunSteps
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.embedding_service import Answer, Request, embedding_service
from weaviate_migration_tests.live.command_line import Ended, empty, started, until
from weaviate_migration_tests.live.embedded_notes import KEY, KEY_VARIABLE, EmbeddedNotes, vectors_by_body
from weaviate_migration_tests.live.notes import NoteMigration, note_rows

BODIES = [body for _, body, _, _ in note_rows()]


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory,
    server: ServerAddress,
    connected: weaviate.WeaviateClient,
    static_model: Path,
) -> Iterator[tuple[EmbeddedNotes, Ended, Ended]]:
    """A migration that was killed while it embedded, then found the service away, and then went on to its end.

    With what the last two commands have said.
    """
    empty(connected)
    with embedding_service(static_model) as service:
        embedded = EmbeddedNotes.fresh(tmp_path_factory.mktemp("made"), server, service)
        answered = _killed_while_embedding(embedded)
        service.down = Answer(503)
        away = embedded.migrate("--max-retries", 0)
        service.down = None
        service.forget()
        service.requests.extend(answered)
        yield embedded, away, embedded.migrate("--json")


def _killed_while_embedding(embedded: EmbeddedNotes) -> list[Request]:
    """Kills `migrate` in the middle of its sixth call; returns the requests that were answered."""
    service, hold = embedded.service, threading.Event()
    service.bad_answers.extend([*[Answer()] * 5, Answer(hold=hold)])
    with started("migrate", *embedded.notes.options, **{KEY_VARIABLE: KEY}) as process:
        until(lambda: service.calls > 5)
        answered = service.requests[:5]
        process.kill()
        process.wait()
    hold.set()
    return answered


def test_no_text_is_asked_for_twice(made: tuple[EmbeddedNotes, Ended, Ended]) -> None:
    embedded, _, done = made
    assert done.code == 0, done.stderr
    assert Counter(embedded.service.texts) == Counter(f"passage: {body}" for body in BODIES)


def test_a_service_that_is_away_is_named_and_nothing_is_rolled_back(made: tuple[EmbeddedNotes, Ended, Ended]) -> None:
    embedded, away, done = made
    assert away.code == 1
    (error,) = (line for line in away.complaint if line.startswith("error: "))
    assert "static" in error
    assert embedded.service.base_url in error
    assert "Traceback" not in away.stderr
    assert "the same command goes on with it" in away.stderr
    (record,) = WorkFolder(embedded.notes.work_dir).records.all()
    assert record.id == done.json["migration_id"]


def test_each_object_has_the_vector_that_the_service_made(
    made: tuple[EmbeddedNotes, Ended, Ended], connected: weaviate.WeaviateClient
) -> None:
    embedded, *_ = made
    found = vectors_by_body(connected)
    assert sorted(found) == sorted(BODIES)
    for body, wanted in zip(BODIES, embedded.wanted(BODIES), strict=True):
        assert np.array_equal(np.asarray(found[body], np.float32), wanted)


def test_what_it_took_is_shown(made: tuple[EmbeddedNotes, Ended, Ended]) -> None:
    embedded, _, done = made
    figures = done.json["metrics"]["collections"]["Note"]["vectors"]["content"]
    assert (figures["texts"], figures["hits"], figures["misses"], figures["left_out"]) == (64, 10, 54, 0)
    assert (figures["dimension"], figures["calls"] >= 27, figures["tokens"]) == (256, True, 54 * 3)
    assert figures["money"] == pytest.approx(54 * 3 * 2.5 / 1_000_000, abs=1e-6)
    assert "vectors" in done.json["phases"]
    status = embedded.run("status", "--json").json
    assert status["made_vectors"]["Note"]["content"]["texts"] == 64
    assert "Note.content by" in embedded.run("status").stdout
    (collection,) = embedded.run("report", "--json").json["collections"]
    assert collection["vectors"]["content"] == figures


def test_the_asset_tells_of_each_partition(made: tuple[EmbeddedNotes, Ended, Ended]) -> None:
    embedded, *_ = made
    with dagster_instance(embedded.notes.work_dir) as instance:
        found = newest_by_partition(instance, dg.AssetKey("note_vectors"))
        pool = instance.event_log_storage.get_concurrency_info("embedding")
    assert (pool.slot_count, pool.claimed_slots) == (1, []), "what was killed holds no slot any more"
    assert len(found) == 16
    metadata = [each.asset_materialization.metadata for each in found.values() if each.asset_materialization]
    assert [each["texts"].value for each in metadata] == [4] * 16


def test_the_record_says_which_model_it_was(made: tuple[EmbeddedNotes, Ended, Ended]) -> None:
    embedded, *_ = made
    (record,) = WorkFolder(embedded.notes.work_dir).records.all()
    digests = record.model_digests
    assert list(digests) == ["Note"]
    assert len(digests["Note"]["content"]) == 64


def test_the_key_of_the_service_is_nowhere(made: tuple[EmbeddedNotes, Ended, Ended]) -> None:
    """Neither in Dagster's storage, nor in any other file of the work folder, nor in what commands say."""
    embedded, away, done = made
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in embedded.service.requests)
    files = [path for path in embedded.notes.work_dir.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in away.stdout + away.stderr + done.stdout + done.stderr


def test_a_vector_that_was_altered_is_named_and_mended_without_a_call(
    made: tuple[EmbeddedNotes, Ended, Ended], connected: weaviate.WeaviateClient
) -> None:
    embedded, _, done = made
    assert checked(done)["vectors"]["description"] == "64 vectors compared, each number bit for bit: no difference."
    assert checked(done)["recall"]["passed"]
    embedded.service.forget()
    notes = connected.collections.use("Note")
    one, other, third = notes.query.fetch_objects(limit=3, include_vector=True).objects
    altered = np.asarray(one.vector["content"], np.float32)
    altered[7:8].view(np.uint32)[:] ^= 1
    notes.data.update(one.uuid, vector={"content": altered.tolist()})
    notes.data.update(other.uuid, vector=cast(Any, third.vector))
    found = embedded.run("verify", "--json")
    assert found.code == 3
    vectors = checked(found)["vectors"]
    assert (vectors["passed"], vectors["severity"]) == (False, "ERROR")
    assert "62 vectors compared, each number bit for bit: 2 objects differ" in vectors["description"]
    differences = [(each["uuid"], each["property"]) for each in found.json["differences"]]
    assert sorted(differences) == sorted((str(each.uuid), "vector content") for each in (one, other))
    mended = embedded.run("verify", "--repair", "--json")
    assert mended.code == 0, mended.stderr
    assert checked(mended)["vectors"]["passed"]
    assert embedded.service.calls == 0


def test_the_postflight_searches_by_each_vector(
    made: tuple[EmbeddedNotes, Ended, Ended], connected: weaviate.WeaviateClient
) -> None:
    embedded, *_ = made
    found = {each["name"]: each for each in embedded.run("postflight", "--json").json["items"]}
    assert found["vectors"]["verdict"] == "passed"
    assert found["vectors"]["figure"].startswith("searched by 1 vector, each finds something")
    mapping = read_mapping(embedded.notes.mapping)
    (note,) = mapping.collections
    record = WorkFolder(embedded.notes.work_dir).records.current()
    gone = note.model_copy(update={"name": "Gone"})
    item = vectors(connected, mapping.model_copy(update={"collections": (gone,)}), record)
    assert item.verdict == "failed"
    assert item.figure.startswith("Gone: ")


def checked(ended: Ended) -> dict[str, Any]:
    return {each["name"]: each for each in ended.json["checks"]}


def test_a_second_migration_asks_for_nothing(made: tuple[EmbeddedNotes, Ended, Ended]) -> None:
    embedded, *_ = made
    embedded.service.forget()
    metrics = embedded.notes.folder / "metrics.prom"
    again = embedded.migrate("--json", "--metrics-file", metrics)
    assert again.code == 0, again.stderr
    assert embedded.service.calls == 0
    figures = again.json["metrics"]["collections"]["Note"]["vectors"]["content"]
    assert (figures["texts"], figures["hits"], figures["calls"], figures["money"]) == (64, 64, 0, 0)
    exposed = metrics.read_text().splitlines()
    labels = '{collection="Note",vector="content"}'
    for name in ("vector_texts_total", "vector_cache_hits_total"):
        assert f"weaviate_migration_{name}{labels} 64.0" in exposed
    for name in ("vectors_left_out", "embedding_calls_total", "embedding_tokens_total", "embedding_money_total"):
        assert f"weaviate_migration_{name}{labels} 0.0" in exposed


# The notes, with the model in a folder.
IN_FOLDER = """\
name: notes
models: {{static: {{folder: {model}}}}}
collections:
  - name: Note
    table: notes
    vectors: [{{name: content, from: [body], model: static}}]
    properties: [{{name: body, column: body, index: words}}]
"""
COPIES = """\
  - name: Copy
    table: copies
    key: [id]
    vectors: [{name: content, from: [body], model: static}]
    properties: [{name: body, column: body, index: words}]
"""


def test_side_by_side_one_step_at_a_time_makes_vectors(notes: NoteMigration, static_model: Path) -> None:
    """With the model in a folder, of which each process opens its own."""
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("CREATE TABLE copies AS SELECT * FROM notes")
        connection.execute("CREATE UNIQUE INDEX ids ON copies (id)")
    notes.mapping.write_text(IN_FOLDER.format(model=static_model) + COPIES)
    done = notes.migrate("--json", "--parallel", "--workers", 2)
    assert done.code == 0, done.stderr
    made = {alias: each["vectors"]["content"] for alias, each in done.json["metrics"]["collections"].items()}
    assert sorted((each["texts"], each["hits"]) for each in made.values()) == [(64, 0), (64, 64)]
    with dagster_instance(notes.work_dir) as instance:
        steps = RunSteps(instance, done.json["run_id"]).read()
    first, second = sorted((steps["note_vectors"], steps["copy_vectors"]), key=lambda each: each.began)
    assert first.ended is not None
    assert second.began >= first.ended


def test_a_model_that_was_exchanged_in_its_folder_is_refused_before_it_makes_anything(
    notes: NoteMigration, static_model: Path
) -> None:
    """What is followed gets its vectors from the same folder: it could not be followed any more."""
    model = notes.folder / "model"
    shutil.copytree(static_model, model)
    notes.mapping.write_text(IN_FOLDER.format(model=model))
    done = notes.migrate("--live")
    assert done.code == 0, done.stderr
    cache, records = notes.work_dir / "vectors.sqlite", WorkFolder(notes.work_dir).records
    before = cache.read_bytes()
    (model / "config.json").write_text((model / "config.json").read_text() + " ")
    refused = notes.migrate("--live")
    assert refused.code == 2
    assert "is another one than the migration was begun with" in refused.stderr
    assert (cache.read_bytes(), len(records.all())) == (before, 1)
    model.rename(notes.folder / "newer")
    notes.mapping.write_text(IN_FOLDER.format(model=notes.folder / "newer"))
    done = notes.migrate("--live")
    assert done.code == 0, done.stderr
    assert len(records.all()) == 2
