"""The store in PostgreSQL: the same as the file, what goes wrong with a server, and what is done about it."""

import threading
from multiprocessing import get_context

import pytest
import sqlalchemy as db
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from weaviate_migration.base.errors import StateConnectionError, StateNotUsableError
from weaviate_migration.work_folder.state_schema.opening import VERSION_TABLE, prepare
from weaviate_migration.work_folder.state_schema.upgrade import upgrade
from weaviate_migration.work_folder.state_store import Document, StateStore, close_stores
from weaviate_migration.work_folder.state_tables import metadata
from weaviate_migration_tests.cluster.postgres_server import PostgresServer, run_postgres
from weaviate_migration_tests.live.free_ports import free_port

THREADS, WRITTEN = 4, 10


pytestmark = pytest.mark.usefixtures("closed_stores")


@pytest.fixture
def store(url: str) -> StateStore:
    return of(url)


def of(url: str) -> StateStore:
    """A work folder of its own is nothing to it."""
    return StateStore.of(None, url)  # type: ignore[arg-type]


def test_documents_are_those_of_a_file(store: StateStore) -> None:
    assert store.all("loaded") == {}
    store.write("migration", "m1", '{"a": 1}')
    store.write("migration", "m1", '{"a": "\\u0000"}', durable=False)
    store.write_all([Document("loaded", owner, part, "[]") for owner in ("b", "B", "a") for part in ("01", "00")])
    assert store.read("migration", "m1") == '{"a": "\\u0000"}'
    assert [owner for owner, part in store.all("loaded") if part == "00"] == ["B", "a", "b"]
    assert list(store.parts("loaded", "B")) == ["00", "01"]
    assert store.parts("loaded", "B")["00"].utcoffset() is not None
    store.remove("loaded", "a", "00")
    store.remove("loaded", "b")
    assert list(store.all("loaded")) == [("B", "00"), ("B", "01"), ("a", "01")]


def test_a_transaction_is_all_or_nothing(store: StateStore) -> None:
    def write_half() -> None:
        with store.transaction():
            store.write("migration", "m1", "[1]")
            assert store.read("migration", "m1") == "[1]"
            raise ValueError("in between")

    with pytest.raises(ValueError, match="in between"):
        write_half()
    assert store.read("migration", "m1") is None
    with store.room_for("[2]"):
        store.write("migration", "m1", "[2]")
    assert store.read("migration", "m1") == "[2]"


def _write(url: str, owner: str) -> None:
    store = of(url)
    for number in range(WRITTEN):
        store.write("loaded", owner, "[]", f"{number:02}", durable=False)


def write_in_forks(url: str, processes: int) -> None:
    forks = [get_context("fork").Process(target=_write, args=[url, f"fork {number}"]) for number in range(processes)]
    for each in forks:
        each.start()
    for each in forks:
        each.join()
    assert [each.exitcode for each in forks] == [0] * processes


def test_threads_and_forks_have_connections_of_their_own(store: StateStore, url: str) -> None:
    threads = [threading.Thread(target=_write, args=[url, f"thread {number}"]) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    write_in_forks(url, 2)
    assert len(store.all("loaded")) == (THREADS + 2) * WRITTEN


def test_those_who_come_first_at_once_make_the_tables_once(url: str) -> None:
    write_in_forks(url, THREADS)
    assert len(of(url).all("loaded")) == THREADS * WRITTEN


def test_both_ways_make_the_same_tables(postgres_server: PostgresServer) -> None:
    made = []
    for make in (prepare, upgrade):
        with db.create_engine(postgres_server.new_database(), poolclass=db.NullPool).connect() as connection:
            make(connection)
            connection.commit()
            assert (
                compare_metadata(
                    MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}), metadata
                )
                == []
            )
            columns = (
                "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default "
                "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
            )
            made.append(connection.exec_driver_sql(columns).all())
    assert made[0] == made[1]


def test_a_newer_store_is_refused(store: StateStore, url: str) -> None:
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE weaviate_migration_version SET version_num = '9999'")
    close_stores()
    with pytest.raises(StateNotUsableError, match=r"^postgresql\+psycopg2://.* was made by a newer version: "):
        of(url).read("migration", "m1")


def refusal(url: str) -> StateNotUsableError:
    with pytest.raises(StateNotUsableError) as raised:
        of(url).read("migration", "m1")
    assert raised.value.exit_code == 2
    assert "\n" not in raised.value.message
    return raised.value


def test_what_is_not_there_is_told(postgres_server: PostgresServer) -> None:
    told = refusal(postgres_server.url("no_such_database"))
    assert 'database "no_such_database" does not exist' in told.message
    assert "createdb" in told.hint


def test_a_server_that_is_away_is_told_soon() -> None:
    told = refusal(f"postgresql+psycopg2://me@127.0.0.1:{free_port()}/migration")
    assert "Connection refused" in told.message
    assert "See that it runs" in told.hint


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with run_postgres(password="a-secret") as server:
        url = server.new_database()
        for wrong, said in ((None, "no password supplied"), ("another-secret", "password authentication failed")):
            if wrong is not None:
                monkeypatch.setenv("PGPASSWORD", wrong)
            told = refusal(url)
            assert said in told.message
            assert "PGPASSWORD" in told.hint
            assert "secret" not in str(told)
        monkeypatch.setenv("PGPASSWORD", "a-secret")
        store = of(url)
        store.write("migration", "m1", "[1]")
        assert store.read("migration", "m1") == "[1]"


def test_a_server_that_comes_back_is_used_again() -> None:
    """What was written is there; what is written while it is away waits for it; of a half transaction is nothing."""
    with run_postgres() as server:
        store = of(server.new_database())
        store.write("migration", "m1", "[1]")

        def kill_within() -> None:
            with store.transaction():
                store.write("migration", "m1", "[2]")
                server.kill()
                store.write("migration", "m2", "[2]")

        with pytest.raises(StateConnectionError, match="cannot be used") as raised:
            kill_within()
        assert "goes on" in raised.value.hint
        again = threading.Timer(1.0, server.start)
        again.start()
        store.write("migration", "m3", "[3]")
        again.join()
        assert store.all("migration") == {("m1", ""): "[1]", ("m3", ""): "[3]"}
        server.kill()
        server.start()
        assert store.read("migration", "m1") == "[1]", "a connection that has died is not used"
