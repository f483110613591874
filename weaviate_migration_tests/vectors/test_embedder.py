"""From texts to vectors: what is asked of the model, and what is not."""

import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import EmbeddingError, EmbeddingLimitError, TransientEmbeddingError
from weaviate_migration.base.vector_tally import EmbeddingTally
from weaviate_migration.vectors.cache import Vector, VectorCache
from weaviate_migration.vectors.embedder import CallLimit, Embedder
from weaviate_migration.vectors.provider import Embedded
from weaviate_migration_tests.vectors.letters import LetterModel

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "vectors.sqlite")) as made:
        yield made


def test_each_text_is_asked_for_once(cache: VectorCache) -> None:
    model = LetterModel()
    embedder = Embedder(model, cache)
    found = embedder.vectors_of(["aa b", None, "c", "aa b"])
    assert [None if each is None else each[:3].tolist() for each in found] == [[2, 1, 0], None, [0, 0, 1], [2, 1, 0]]
    embedder.vectors_of(["c", "d"])
    Embedder(model, cache).vectors_of(["d", "aa b"])
    assert model.asked == [["aa b", "c"], ["d"]]


def test_what_it_counts(cache: VectorCache) -> None:
    embedder = Embedder(LetterModel(batch=2), cache, price_per_million_tokens=2.0)
    embedder.vectors_of(["a b", "c", "c", None, "d"])
    embedder.vectors_of(["d"])
    found = embedder.tally
    assert found == EmbeddingTally(5, 2, 3, 2, 4, found.seconds, 8e-6)
    assert found + EmbeddingTally(texts=1, hits=1) == EmbeddingTally(6, 3, 3, 2, 4, found.seconds, 8e-6)


def test_what_is_known_asks_nothing(cache: VectorCache) -> None:
    model = LetterModel()
    embedder = Embedder(model, cache)
    assert embedder.known(["a", None]) == [None, None]
    embedder.vectors_of(["a"])
    known = embedder.known(["b", None, "a"])
    assert [each is None for each in known] == [True, True, False]
    assert model.asked == [["a"]]


def test_a_model_that_changed_its_length_is_named_and_takes_no_text_away(cache: VectorCache) -> None:
    Embedder(LetterModel(), cache).vectors_of(["a"])
    changed = Embedder(LetterModel(), cache)
    with pytest.raises(EmbeddingError, match=r"^letters: the model gave 2 numbers for a text, and not 26") as raised:
        changed.vectors_of(["b"], lambda _: {"b": np.ones(2, np.float32)})
    assert "changed under its name" in raised.value.hint
    assert changed.known(["a", "b"])[1] is None
    (found,) = changed.vectors_of(["b"])
    assert found is not None
    assert len(found) == 26


def test_what_is_held_elsewhere_is_not_made_and_is_kept(cache: VectorCache) -> None:
    model, wanted = LetterModel(), list[list[str]]()
    elsewhere = {"b": np.full(26, 2, np.float32)}

    def held(texts: Sequence[str]) -> dict[str, Vector]:
        wanted.append(list(texts))
        return {text: elsewhere[text] for text in texts if text in elsewhere}

    embedder = Embedder(model, cache)
    embedder.vectors_of(["a"], held)
    found = embedder.vectors_of(["b", "a", None, "c", "b"], held)
    assert [None if each is None else float(each.sum()) for each in found] == [52, 1, None, 1, 52]
    assert model.asked == [["a"], ["c"]]
    assert wanted == [["a"], ["b", "c"]]
    embedder.vectors_of(["b", "c"], held)
    assert wanted == [["a"], ["b", "c"]]
    assert Embedder(model, cache).known(["b"])[0] is not None
    assert (embedder.tally.texts, embedder.tally.hits, embedder.tally.misses) == (7, 5, 2)


class FailingOnce(LetterModel):
    """A model whose service is away at one call."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        answer = super().embed(texts)
        if len(self.asked) == 2:
            raise TransientEmbeddingError("letters: away")
        return answer


def test_a_wait_for_another_process_ends_with_the_deadline_and_when_it_is_stopped(cache: VectorCache) -> None:
    model = LetterModel()
    stop = threading.Event()
    stop.set()
    with closing(VectorCache(cache.named)) as other, other.claimed(model.digest, ["a"]):
        for limits in ({"seconds": 0.1}, {"stop": stop}):
            with bounded(**limits), pytest.raises(TransientEmbeddingError, match="another process makes vectors"):
                Embedder(model, cache).vectors_of(["b", "a"])
    assert model.asked == [["b"]]
    assert Embedder(model, cache).vectors_of(["a"])[0] is not None


def test_what_was_made_before_a_failure_is_kept(cache: VectorCache) -> None:
    model = FailingOnce(batch=2)
    with pytest.raises(TransientEmbeddingError):
        Embedder(model, cache).vectors_of(list("abcdef"))
    Embedder(model, cache).vectors_of(list("abcdef"))
    assert model.asked == [["a", "b"], ["c", "d"], ["c", "d"], ["e", "f"]]


def test_a_limit_stops_before_it_is_exceeded_and_the_next_goes_on(cache: VectorCache) -> None:
    model = LetterModel(batch=2)
    limited = Embedder(model, cache, CallLimit("first", 2))
    with pytest.raises(EmbeddingLimitError, match=r"letters: vectors were asked for 2 times, as --max-"):
        limited.vectors_of(list("abcdef"))
    assert limited.tally.misses == 4
    with pytest.raises(EmbeddingLimitError):  # What is free costs no call.
        Embedder(model, cache, CallLimit("first", 2)).vectors_of(["a", "g"])
    Embedder(model, cache, CallLimit("second", 1)).vectors_of(list("abcdef"))
    assert model.asked == [["a", "b"], ["c", "d"], ["e", "f"]]


def embed_all(cache: Path | str, note: Path, start: int) -> None:
    texts = [f"text {(start + place) % 200}" for place in range(200)]
    with closing(VectorCache(cache)) as opened:
        Embedder(LetterModel(note=note), opened).vectors_of(texts)


@pytest.mark.parametrize("place", ["file", "server"])
def test_processes_side_by_side_ask_for_no_text_twice(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    note = tmp_path / "asked.txt"
    cache = (
        tmp_path / "vectors.sqlite" if place == "file" else request.getfixturevalue("postgres_server").new_database()
    )
    processes = [SPAWN.Process(target=embed_all, args=(cache, note, start)) for start in (0, 1, 50, 100)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    assert [each.exitcode for each in processes] == [0] * 4
    assert sorted(note.read_text().splitlines()) == sorted(f"text {number}" for number in range(200))
