"""What SQLAlchemy commits is told of, after it is committed, and nothing else: with real engines on real files."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import PoolProxiedConnection

from weaviate_migration.phases.dual_write.commit_hook import commit_hook

INSERT = text("INSERT INTO notes (body) VALUES ('new')")
COUNT = "SELECT count(*) FROM notes"


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]


class Heard(list[int]):
    """For each commit the number of notes that another connection saw just then."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __call__(self, connection: PoolProxiedConnection) -> None:
        assert connection.driver_connection is not None
        with closing(sqlite3.connect(self._path)) as other:
            self.append(other.execute(COUNT).fetchone()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    return path


@pytest.fixture
def heard(path: Path) -> Heard:
    return Heard(path)


@pytest.fixture
def engine(path: Path, heard: Heard) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{path}")
    with commit_hook(engine, heard):
        yield engine
    engine.dispose()


def test_a_commit_of_a_connection_is_told_when_others_see_it(engine: Engine, heard: Heard) -> None:
    with engine.begin() as connection:
        connection.execute(INSERT)
        assert heard == []
    assert heard == [1]


def test_each_commit_of_a_connection_that_stays_open(engine: Engine, heard: Heard) -> None:
    with engine.connect() as connection:
        for _ in range(3):
            connection.execute(INSERT)
            connection.commit()
    assert heard == [1, 2, 3]


def test_a_commit_of_a_session(engine: Engine, heard: Heard) -> None:
    with sessionmaker(engine).begin() as session:
        session.add_all([Note(body="one"), Note(body="two")])
    assert heard == [2]


def test_a_session_inside_a_transaction_of_its_own_connection(engine: Engine, heard: Heard) -> None:
    with engine.begin() as connection:
        connection.execute(INSERT)
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(Note(body="one"))
            session.commit()
        assert heard == []
    assert heard == [2]


def test_what_is_rolled_back_is_not_told(engine: Engine, heard: Heard) -> None:
    with engine.connect() as connection:
        connection.execute(INSERT)
        connection.rollback()
        connection.execute(INSERT)  # Rolled back when the connection is closed.
    assert heard == []


def test_a_transaction_that_only_reads_is_not_told(engine: Engine, heard: Heard) -> None:
    with engine.begin() as connection:
        connection.execute(text(COUNT)).all()
    assert heard == []


def test_a_commit_that_fails_is_not_told(engine: Engine, heard: Heard, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE parts (note INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)")
    event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA foreign_keys = ON"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO parts VALUES (7)"))
        with pytest.raises(Exception, match="FOREIGN KEY"):
            connection.commit()
    assert heard == []


def test_savepoints_are_told_with_their_transaction(engine: Engine, heard: Heard) -> None:
    with engine.begin() as connection:
        connection.execute(INSERT)
        with connection.begin_nested():
            connection.execute(INSERT)
        with connection.begin_nested() as undone:
            connection.execute(INSERT)
            undone.rollback()
        assert heard == []
    assert heard == [2]


def test_a_savepoint_that_pysqlite_commits_is_told(engine: Engine, heard: Heard) -> None:
    """It begins no transaction before a savepoint: releasing it is a commit."""
    with engine.connect() as connection:
        with connection.begin_nested():
            connection.execute(INSERT)
        assert heard == [1]
        connection.rollback()
    assert heard == [1]


def test_transactions_that_are_begun_by_the_application(path: Path, heard: Heard) -> None:
    """As SQLAlchemy's documentation has it for savepoints: pysqlite's own transactions are off."""
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def no_transactions_of_the_driver(driver: sqlite3.Connection, _: object) -> None:
        driver.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    with commit_hook(engine, heard):
        with engine.begin() as connection:
            with connection.begin_nested():
                connection.execute(INSERT)
            assert heard == []
        assert heard == [1]
        with engine.connect() as connection:
            connection.execute(INSERT)
        assert heard == [1]
    engine.dispose()


def test_autocommit(path: Path, heard: Heard) -> None:
    engine = create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")
    with commit_hook(engine, heard):
        with engine.connect() as connection:
            connection.execute(INSERT)
            assert heard == [1]
            connection.execute(text(COUNT)).all()
            assert heard == [1]
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO notes (body) VALUES ('x') RETURNING id")).all()
        assert heard[-1] == 2
    engine.dispose()


def test_two_phases_are_not_for_sqlite(engine: Engine, heard: Heard) -> None:
    with engine.connect() as connection, pytest.raises(NotImplementedError):
        connection.begin_twophase()
    assert heard == []


def test_an_engine_with_other_options_is_the_same_engine(engine: Engine, heard: Heard) -> None:
    with engine.execution_options(logging_token="other").begin() as connection:
        connection.execute(INSERT)
    assert heard == [1]


def test_nothing_is_left_when_it_ends(path: Path, heard: Heard) -> None:
    engine = create_engine(f"sqlite:///{path}")
    before = engine.dialect.do_commit
    with commit_hook(engine, heard):
        pass
    assert engine.dialect.do_commit == before
    with engine.begin() as connection:
        connection.execute(INSERT)
    assert heard == []
    engine.dispose()


def test_two_hooks_end_in_any_order(path: Path, heard: Heard) -> None:
    engine = create_engine(f"sqlite:///{path}")
    first, second = commit_hook(engine, heard), commit_hook(engine, heard)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with engine.begin() as connection:
        connection.execute(INSERT)
    assert heard == [1]
    second.__exit__(None, None, None)
    with engine.begin() as connection:
        connection.execute(INSERT)
    assert heard == [1]
    engine.dispose()


async def commit_with_connection(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(INSERT)


async def commit_with_session(engine: AsyncEngine) -> None:
    make_session: async_sessionmaker[AsyncSession] = async_sessionmaker(engine)
    async with make_session.begin() as session:
        session.add(Note(body="one"))


@pytest.mark.parametrize("commit", [commit_with_connection, commit_with_session])
def test_asyncio(path: Path, heard: Heard, commit: object) -> None:
    async def application() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        with commit_hook(engine.sync_engine, heard):
            await commit(engine)  # type: ignore[operator]
            async with engine.connect() as connection:
                await connection.execute(INSERT)
                await connection.rollback()
        await engine.dispose()

    asyncio.run(application())
    assert heard == [1]
