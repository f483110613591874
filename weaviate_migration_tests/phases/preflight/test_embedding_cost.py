"""What embedding would cost, as it is said beforehand, against what it then takes."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.phases.preflight.embedding_cost import (
    SAMPLE_TEXTS,
    TIMED_TEXTS,
    EmbeddingCost,
    embedding,
    embedding_costs,
)
from weaviate_migration.source.plan import planned_source
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.vectors.embedder import Embedder
from weaviate_migration_tests.vectors.letters import LetterModel

MAPPING = """\
name: letters
models:
  letters: {{{model}}}
collections:
  - name: Note
    table: notes
    properties:
      - {{name: noteId, column: id, type: int}}
      - {{name: title, column: title, index: words}}
      - {{name: body, column: body, index: words}}
    vectors:
      - {{name: content, from: [title, body], model: letters}}
      - {{name: title, from: [title], model: letters}}
  - name: Tag
    table: tags
    properties: [{{name: name, column: name, index: words}}]
    vectors: [{{name: word, from: [name], model: letters}}]
"""
LOCAL = "folder: somewhere"
SERVICE = 'service: "http://localhost:1/v1", model: letters, price_per_million_tokens: 250000'
NOTES = [("one", "a b c"), ("one", "a b c"), ("two", None), (None, None), ("", b"\x01")]


def make_mapping(folder: Path, model: str) -> Mapping:
    path = folder / "mapping.yaml"
    path.write_text(MAPPING.format(model=model), encoding="utf-8")
    return read_mapping(path)


def make_source(folder: Path) -> Path:
    path = folder / "source.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, body TEXT)")
        connection.execute("CREATE TABLE tags (name TEXT PRIMARY KEY)")
        connection.executemany("INSERT INTO notes (title, body) VALUES (?, ?)", NOTES)
        connection.executemany("INSERT INTO tags VALUES (?)", [("two",), ("three words here",)])
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "vectors.sqlite")) as made:
        yield made


Costs = Callable[..., EmbeddingCost]


@pytest.fixture
def cost(tmp_path: Path, cache: VectorCache) -> Costs:
    """Of the source, with this model: all vectors are made by one."""

    def told(model: LetterModel, kind: str = LOCAL) -> EmbeddingCost:
        path, mapping = make_source(tmp_path), make_mapping(tmp_path, kind)
        with planned_source(path, mapping, tmp_path) as (database, plan):
            (found,) = embedding_costs(path, database.path, mapping, plan, lambda _: Embedder(model, cache), tmp_path)
        path.unlink()
        return found

    return told


def test_texts_are_counted_over_all_that_one_model_makes(cost: Costs) -> None:
    found = cost(LetterModel(), SERVICE)
    assert found.vectors == ("Note.content", "Note.title", "Tag.word")
    # Each of `one\na b c`, `two`, `one` and `three words here` is made once, wherever it stands.
    assert (found.texts, found.distinct, found.cached, found.missing) == (8, 4, 0, 4)
    assert (found.tokens, found.calls, found.money) == (9, 1, 2.25)
    assert str(found) == ("letters: 8 texts, 4 distinct, 0 in the cache; about 9 tokens in 1 call at least, price 2.25")


def test_what_is_in_the_cache_costs_nothing(cost: Costs, cache: VectorCache) -> None:
    model = LetterModel(batch=2)
    Embedder(model, cache).vectors_of(["two", "one"])
    found = cost(model, SERVICE)
    assert (found.distinct, found.cached, found.tokens, found.calls) == (4, 2, 7, 1)
    Embedder(model, cache).vectors_of(["one\na b c", "three words here"])
    assert str(cost(model, SERVICE)) == "letters: 8 texts, 4 distinct, 4 in the cache; nothing is to be made"


def test_a_service_is_not_asked_and_a_model_of_this_machine_is(cost: Costs) -> None:
    model = LetterModel()
    assert cost(model, SERVICE).seconds is None
    assert model.asked == []
    seconds = cost(model, LOCAL).seconds
    assert seconds is not None
    assert seconds > 0
    assert sorted(text for call in model.asked for text in call) == ["one", "one\na b c", "three words here", "two"]
    assert cost(model, LOCAL).missing == 4, "it was only looked how long it takes"


def test_tokens_that_nobody_counts_are_told_by_the_characters(cost: Costs) -> None:
    assert cost(LetterModel(counts_tokens=False), SERVICE).tokens == 8  # Of 31 characters.


def test_of_many_texts_a_sample_is_counted(tmp_path: Path, cache: VectorCache) -> None:
    path, mapping, model = make_source(tmp_path), make_mapping(tmp_path, LOCAL), LetterModel(batch=64)
    words = 5 * SAMPLE_TEXTS
    with closing(sqlite3.connect(path)) as connection, connection:
        rows = ((f"{number} two three", None) for number in range(words))
        connection.executemany("INSERT INTO notes (title, body) VALUES (?, ?)", rows)
    with planned_source(path, mapping, tmp_path) as (database, plan):
        (found,) = embedding_costs(path, database.path, mapping, plan, lambda _: Embedder(model, cache), tmp_path)
    assert found.distinct == words + 4
    assert found.tokens == pytest.approx(3 * found.missing, rel=0.01)
    assert sum(map(len, model.asked)) == TIMED_TEXTS
    assert list(tmp_path.glob("texts-*")) == [], "what was on disk meanwhile is gone"


def test_more_calls_than_are_allowed_fail_beforehand(cost: Costs) -> None:
    found = cost(LetterModel(batch=1), SERVICE)
    assert embedding([found], None).verdict == "passed"
    assert embedding([found, found], 8).verdict == "passed"
    refused = embedding([found, found], 7)
    assert refused.verdict == "failed"
    assert refused.figure.endswith("in 4 calls at least, price 2.25: 7 calls are allowed")
    assert "--max-embedding-calls" in refused.remedy
