"""What models have made: what is kept in a file and on a server, for whom, and what is said where it cannot be used."""

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
import sqlalchemy as db

from weaviate_migration.base.errors import EmbeddingError, VectorCacheError
from weaviate_migration.vectors.cache import Vector, VectorCache
from weaviate_migration.vectors.cache_places import bytes_on_server
from weaviate_migration_tests.cluster.postgres_server import PostgresServer

# A process that is forked from one with threads may hang.
SPAWN = multiprocessing.get_context("spawn")
# As the first version has made its files; a vector of [1, 2] is in it.
FIRST_FORMAT = """
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL, checksum INTEGER NOT NULL
);
CREATE TABLE models (digest TEXT PRIMARY KEY, length INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE claims (key BLOB PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE calls (command TEXT PRIMARY KEY, made INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id = 2003662435;
PRAGMA user_version = 1;
INSERT INTO vectors (key, vector, checksum)
VALUES (x'28ae071bd7e3eb058721f0ceeee7c9da67abf493acf108fa577e7bd4747e645d', x'0000803f00000040', 775923062);
"""
NOT_EVERYDAY = ["", " ", "a\0b", "ä", "a\u0308", "\ud800", "x" * 100_000, "'; DROP TABLE vectors; --"]


def numbers(*values: float) -> Vector:
    return np.array(values, dtype=np.float32)


def bits(vectors: list[Vector] | list[Vector | None]) -> list[bytes | None]:
    return [None if each is None else each.tobytes() for each in vectors]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "vectors.sqlite"


@pytest.fixture(params=["file", "server"])
def named(request: pytest.FixtureRequest, path: Path) -> Path | str:
    """Where vectors are kept: a file, or a database of PostgreSQL."""
    if request.param == "file":
        return path
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


def test_it_gives_back_every_bit(named: Path | str) -> None:
    given = [numbers(0.1, -0.0, 3.4e38), numbers(1e-45, 1.0, 2.0)]
    with closing(VectorCache(named)) as cache:
        cache.write("model", ["one", "two"], given)
    with closing(VectorCache(named)) as again:
        assert bits(again.read("model", ["two", "none", "one"])) == [given[1].tobytes(), None, given[0].tobytes()]


def test_texts_of_every_kind_are_told_apart(named: Path | str) -> None:
    given = [numbers(place) for place in range(len(NOT_EVERYDAY))]
    with closing(VectorCache(named)) as cache:
        cache.write("model", NOT_EVERYDAY, given)
        assert bits(cache.read("model", NOT_EVERYDAY)) == bits(given)


def test_models_are_told_apart(named: Path | str) -> None:
    with closing(VectorCache(named)) as cache:
        cache.write("one", ["text"], [numbers(1)])
        assert cache.read("two", ["text"]) == [None]


def test_more_texts_than_a_statement_takes_parameters(named: Path | str) -> None:
    texts = [f"text {number}" for number in range(40_000)]
    with closing(VectorCache(named)) as cache:
        cache.write("model", texts, (numbers(number) for number in range(40_000)))
        assert [float(each[0]) for each in cache.read("model", texts) if each is not None] == list(range(40_000))


def test_reading_what_is_not_there_makes_nothing(path: Path) -> None:
    with closing(VectorCache(path)) as cache:
        assert cache.read("model", ["text"]) == [None]
    assert not path.parent.exists()


def test_of_two_vectors_for_one_text_the_first_stays_and_is_told(named: Path | str) -> None:
    with closing(VectorCache(named)) as one, closing(VectorCache(named)) as other:
        one.write("model", ["text"], [numbers(1, 2)])
        kept = other.write("model", ["new", "text"], [numbers(5, 6), numbers(1, 2.0000002)])
    assert bits(kept) == bits([numbers(5, 6), numbers(1, 2)])


def test_a_text_that_another_makes_is_not_ours(named: Path | str) -> None:
    with closing(VectorCache(named)) as one, closing(VectorCache(named)) as other:
        with one.claimed("model", ["a", "b"]) as first:
            with other.claimed("model", ["b", "c"]) as second:
                pass
            one.write("model", first, [numbers(1), numbers(2)])
        with other.claimed("model", ["a", "b", "d"]) as third:
            pass
    assert (first, second, third) == (["a", "b"], ["c"], ["d"])


def test_what_could_not_be_made_is_free_again(named: Path | str) -> None:
    with closing(VectorCache(named)) as one, closing(VectorCache(named)) as other:
        with pytest.raises(InterruptedError), one.claimed("model", ["a"]):
            raise InterruptedError
        with other.claimed("model", ["a"]) as ours:
            assert ours == ["a"]


def claim_and_die(named: Path | str) -> None:
    with VectorCache(named).claimed("model", ["a"]) as ours:
        assert ours == ["a"]
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_was_making_is_free_again_and_leaves_nothing(named: Path | str, path: Path) -> None:
    killed = SPAWN.Process(target=claim_and_die, args=(named,))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    with closing(VectorCache(named)) as cache:
        ours = list[str]()
        while not ours:  # A server takes a moment to see that the connection of the killed one has ended.
            with cache.claimed("model", ["a"]) as ours:
                cache.write("model", ours, [numbers(1)] * len(ours))
        assert ours == ["a"]
    assert named != path or [each.name for each in path.parent.iterdir()] == [path.name]


def fill(named: Path | str, number: int) -> None:
    with closing(VectorCache(named)) as cache:
        for place in range(50):
            cache.write("model", [f"{place}", f"{number}:{place}"], [numbers(number), numbers(number)])


def test_many_processes_make_and_write_one_cache(named: Path | str) -> None:
    processes = [SPAWN.Process(target=fill, args=(named, number)) for number in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    assert [each.exitcode for each in processes] == [0] * 4
    with closing(VectorCache(named)) as cache:
        own = cache.read("model", [f"{number}:{place}" for number in range(4) for place in range(50)])
        assert bits(own) == bits([numbers(number) for number in range(4) for _ in range(50)])
        assert None not in cache.read("model", [f"{place}" for place in range(50)])


def test_calls_are_counted_over_all_who_share_the_cache(named: Path | str) -> None:
    with closing(VectorCache(named)) as one, closing(VectorCache(named)) as other:
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


def test_a_file_of_the_first_version_is_read_and_written(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_FORMAT)
    with closing(VectorCache(path)) as cache:
        with cache.claimed("model", ["text", "new"]) as ours:
            assert ours == ["new"]
            cache.write("model", ours, [numbers(3, 4)])
        assert bits(cache.read("model", ["text", "new"])) == bits([numbers(1, 2), numbers(3, 4)])


def carry_out(url: str, statement: str) -> None:
    engine = db.create_engine(url)
    with engine.begin() as connection:
        connection.execute(db.text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("UPDATE vector_cache_vectors SET vector = '\\x00'", "a vector in it is none"),
        ("UPDATE vector_cache_format SET version = 99", "its format is 99"),
    ],
)
def test_a_database_that_is_none_of_ours_says_so(postgres_server: PostgresServer, spoil: str, told: str) -> None:
    fill(url := postgres_server.new_database(), 1)
    carry_out(url, spoil)
    with closing(VectorCache(url)) as cache, pytest.raises(VectorCacheError, match=told) as raised:
        cache.read("model", ["1"])
    assert url.replace("//postgres@", "//***@") in str(raised.value)
    assert "--vector-cache" in raised.value.hint


def test_whoever_has_lost_the_connection_that_claims_goes_on(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    with closing(VectorCache(url)) as one, closing(VectorCache(url)) as other:
        with one.claimed("model", ["a"]) as ours:
            postgres_server.end_connections(url)
            one.write("model", ours, [numbers(1)])
        with one.claimed("model", ["a", "b"]) as again, other.claimed("model", ["b", "c"]) as others:
            assert (ours, again, others) == (["a"], ["b"], ["c"])


def test_what_a_database_takes_is_told_and_asking_makes_nothing(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    assert bytes_on_server(url) == 0
    assert db.inspect(db.create_engine(url, poolclass=db.NullPool)).get_table_names() == []
    with closing(VectorCache(url)) as cache:
        cache.write("model", [f"{number}" for number in range(100)], [np.arange(384, dtype=np.float32)] * 100)
    assert 150_000 < bytes_on_server(url) < 1_000_000


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
        (lambda path: path.write_text("a text, and no database at all\n" * 100), "file is not a database"),
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


def test_a_model_that_gives_another_length_is_refused_and_nothing_of_it_is_kept(named: Path | str) -> None:
    with closing(VectorCache(named)) as cache:
        cache.write("model", ["a"], [numbers(1, 2)])
    with closing(VectorCache(named)) as later:
        with pytest.raises(EmbeddingError, match="gave 3 numbers for a text, and not 2"):
            later.write("model", ["b", "c"], [numbers(1, 2, 3), numbers(4, 5, 6)])
        assert bits(later.read("model", ["a", "b", "c"])) == [numbers(1, 2).tobytes(), None, None]
        later.write("another", ["b"], [numbers(1, 2, 3)])
        later.write("model", ["b"], [numbers(3, 4)])
        assert bits(later.read("model", ["b"])) == [numbers(3, 4).tobytes()]
