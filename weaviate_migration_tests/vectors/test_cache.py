"""The file of made vectors: what it keeps, for whom, and what it says when it cannot be used."""

import multiprocessing
import os
import signal
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from weaviate_migration.base.errors import EmbeddingError, VectorCacheError
from weaviate_migration.vectors.cache import Vector, VectorCache

# A process that is forked from one with threads may hang.
SPAWN = multiprocessing.get_context("spawn")
NOT_EVERYDAY = ["", " ", "a\0b", "ä", "a\u0308", "\ud800", "x" * 100_000, "'; DROP TABLE vectors; --"]


def numbers(*values: float) -> Vector:
    return np.array(values, dtype=np.float32)


def bits(vectors: list[Vector] | list[Vector | None]) -> list[bytes | None]:
    return [None if each is None else each.tobytes() for each in vectors]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "vectors.sqlite"


def test_it_gives_back_every_bit(path: Path) -> None:
    given = [numbers(0.1, -0.0, 3.4e38), numbers(1e-45, 1.0, 2.0)]
    with closing(VectorCache(path)) as cache:
        cache.write("model", ["one", "two"], given)
    with closing(VectorCache(path)) as again:
        assert bits(again.read("model", ["two", "none", "one"])) == [given[1].tobytes(), None, given[0].tobytes()]


def test_texts_of_every_kind_are_told_apart(path: Path) -> None:
    given = [numbers(place) for place in range(len(NOT_EVERYDAY))]
    with closing(VectorCache(path)) as cache:
        cache.write("model", NOT_EVERYDAY, given)
        assert bits(cache.read("model", NOT_EVERYDAY)) == bits(given)


def test_models_are_told_apart(path: Path) -> None:
    with closing(VectorCache(path)) as cache:
        cache.write("one", ["text"], [numbers(1)])
        assert cache.read("two", ["text"]) == [None]


def test_more_texts_than_a_statement_takes_parameters(path: Path) -> None:
    texts = [f"text {number}" for number in range(40_000)]
    with closing(VectorCache(path)) as cache:
        cache.write("model", texts, (numbers(number) for number in range(40_000)))
        assert [float(each[0]) for each in cache.read("model", texts) if each is not None] == list(range(40_000))


def test_reading_what_is_not_there_makes_nothing(path: Path) -> None:
    with closing(VectorCache(path)) as cache:
        assert cache.read("model", ["text"]) == [None]
    assert not path.parent.exists()


def test_of_two_vectors_for_one_text_the_first_stays_and_is_told(path: Path) -> None:
    with closing(VectorCache(path)) as one, closing(VectorCache(path)) as other:
        one.write("model", ["text"], [numbers(1, 2)])
        kept = other.write("model", ["new", "text"], [numbers(5, 6), numbers(1, 2.0000002)])
    assert bits(kept) == bits([numbers(5, 6), numbers(1, 2)])


def test_a_text_that_another_makes_is_not_ours(path: Path) -> None:
    with closing(VectorCache(path)) as one, closing(VectorCache(path)) as other:
        with one.claimed("model", ["a", "b"]) as first:
            with other.claimed("model", ["b", "c"]) as second:
                pass
            one.write("model", first, [numbers(1), numbers(2)])
        with other.claimed("model", ["a", "b", "d"]) as third:
            pass
    assert (first, second, third) == (["a", "b"], ["c"], ["d"])


def test_what_could_not_be_made_is_free_again(path: Path) -> None:
    with closing(VectorCache(path)) as one, closing(VectorCache(path)) as other:
        with pytest.raises(InterruptedError), one.claimed("model", ["a"]):
            raise InterruptedError
        with other.claimed("model", ["a"]) as ours:
            assert ours == ["a"]


def claim_and_die(path: Path) -> None:
    with VectorCache(path).claimed("model", ["a"]) as ours:
        assert ours == ["a"]
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_was_making_is_free_again_and_leaves_nothing(path: Path) -> None:
    killed = SPAWN.Process(target=claim_and_die, args=(path,))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    with closing(VectorCache(path)) as cache, cache.claimed("model", ["a"]) as ours:
        assert ours == ["a"]
        cache.write("model", ours, [numbers(1)])
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def fill(path: Path, number: int) -> None:
    with closing(VectorCache(path)) as cache:
        for place in range(50):
            cache.write("model", [f"{place}", f"{number}:{place}"], [numbers(number), numbers(number)])


def test_many_processes_make_and_write_one_file(path: Path) -> None:
    processes = [SPAWN.Process(target=fill, args=(path, number)) for number in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    assert [each.exitcode for each in processes] == [0] * 4
    with closing(VectorCache(path)) as cache:
        own = cache.read("model", [f"{number}:{place}" for number in range(4) for place in range(50)])
        assert bits(own) == bits([numbers(number) for number in range(4) for _ in range(50)])
        assert None not in cache.read("model", [f"{place}" for place in range(50)])


def test_calls_are_counted_over_all_who_share_the_file(path: Path) -> None:
    with closing(VectorCache(path)) as one, closing(VectorCache(path)) as other:
        counted = [each.count_call("run", 3) for each in (one, other, one, other, one)]
        assert counted == [True, True, True, False, False]
        assert one.count_call("run", 4)
        assert other.count_call("another run", 1)


def test_its_owner_alone_can_read_it_whatever_the_umask(path: Path) -> None:
    os.umask(0)  # Each test begins with the user's again.
    with closing(VectorCache(path)) as cache, cache.claimed("model", ["text"]) as ours:
        cache.write("model", ours, [numbers(1)])
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert {path.name, f"{path.name}-wal", f"{path.name}-shm"} < modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)


def make_other_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")


def make_of_the_future(path: Path) -> None:
    fill(path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def damage_pages(path: Path) -> None:
    fill(path, 1)
    overwrite(path, path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))


def cut_vectors(path: Path) -> None:
    fill(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE vectors SET vector = substr(vector, 2)")


def alter_a_bit(path: Path) -> None:
    fill(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE vectors SET vector = ?", [numbers(1.0000001).tobytes()])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_text("a text, and no database at all\n" * 100), "no SQLite database"),
        (make_other_tables, "has other tables"),
        (make_of_the_future, "its format is 99"),
        (damage_pages, "malformed"),
        (cut_vectors, "a vector in it is none"),
        (alter_a_bit, "a vector in it is none"),
        (Path.mkdir, "Is a directory"),
    ],
)
def test_a_file_that_is_none_of_ours_says_so(path: Path, spoil: Callable[[Path], object], told: str) -> None:
    path.parent.mkdir()
    spoil(path)
    before = path.is_file() and path.read_bytes()
    with closing(VectorCache(path)) as cache, pytest.raises(VectorCacheError, match=told) as raised:
        cache.read("model", ["1", "1:1"])
    assert str(path) in raised.value.message
    assert "--vector-cache" in raised.value.hint
    assert (path.is_file() and path.read_bytes()) == before


def test_a_model_that_gives_another_length_is_refused_and_nothing_of_it_is_kept(path: Path) -> None:
    with closing(VectorCache(path)) as cache:
        cache.write("model", ["a"], [numbers(1, 2)])
    with closing(VectorCache(path)) as later:
        with pytest.raises(EmbeddingError, match="gave 3 numbers for a text, and not 2"):
            later.write("model", ["b", "c"], [numbers(1, 2, 3), numbers(4, 5, 6)])
        assert bits(later.read("model", ["a", "b", "c"])) == [numbers(1, 2).tobytes(), None, None]
        later.write("another", ["b"], [numbers(1, 2, 3)])
        later.write("model", ["b"], [numbers(3, 4)])
        assert bits(later.read("model", ["b"])) == [numbers(3, 4).tobytes()]
