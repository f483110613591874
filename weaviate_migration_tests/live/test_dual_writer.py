"""What an application commits is in Weaviate soon after, or when the commit returns; whatever happens to the server."""

import asyncio
import itertools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from weaviate.collections import Collection

from weaviate_migration import DualWriter, MigrationConfig
from weaviate_migration.base.errors import TargetError
from weaviate_migration.phases.dual_write import background_sync
from weaviate_migration.phases.dual_write.background_sync import BackgroundSync
from weaviate_migration.phases.dual_write.following import Followed
from weaviate_migration.phases.history.changes import open_change_log
from weaviate_migration.phases.history.collection_locks import writing_lock
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.documentation import CHECKOUT, code_blocks
from weaviate_migration_tests.live.command_line import at, empty, run_here, until
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_file
from weaviate_migration_tests.live.own_server import StoppableServer

SECONDS = 300.0
MANY = 5_000


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]
    size: Mapped[int | None]
    created_at: Mapped[str | None]


def begin_live(folder: Path, server: ServerAddress) -> NoteMigration:
    """A migration that is cut over and followed; a size that is no number is refused."""
    notes = NoteMigration(folder, server)
    note_file(notes.source)
    text = make_mapping(notes.mapping).read_text(encoding="utf-8")
    notes.mapping.write_text(text.replace("type: int}", "type: int, on_unfit: refuse}"), encoding="utf-8")
    ended = notes.migrate("--live")
    assert ended.code == 0, ended.stderr
    return notes


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> NoteMigration:
    """One for the whole module: each test has notes of its own."""
    with connect(server, None) as client:
        empty(client)
    return begin_live(tmp_path_factory.mktemp("live"), server)


@pytest.fixture
def config(notes: NoteMigration) -> MigrationConfig:
    return notes.config


@pytest.fixture
def stored(notes: NoteMigration) -> Iterator[Collection[Any, Any]]:
    """What readers see."""
    with connect(notes.server, None) as client:
        yield client.collections.use("Note")


@pytest.fixture
def engine(notes: NoteMigration) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{notes.source}")
    yield engine
    engine.dispose()


@pytest.fixture
def key() -> str:
    return str(uuid4())


def body_of(stored: Collection[Any, Any], key: str) -> object:
    found = stored.query.fetch_object_by_id(key)
    return found.properties["body"] if found else None


def add(engine: Engine, key: str, **columns: object) -> None:
    with engine.begin() as connection:
        connection.execute(insert(Note).values(id=key, **{"body": "new", **columns}))


def of_background_sync(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.name == BackgroundSync.__module__]


@contextmanager
def others_at_work(notes: NoteMigration) -> Iterator[None]:
    """Somebody loads or compares the collection: no pass gets through meanwhile."""
    work_folder = WorkFolder(notes.work_dir)
    with writing_lock(work_folder, work_folder.records.current().targets["Note"]):
        yield


def test_a_commit_that_waits_is_applied_when_it_returns(
    config: MigrationConfig, engine: Engine, stored: Collection[Any, Any], key: str
) -> None:
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        add(engine, key)
        assert body_of(stored, key) == "new"
        with engine.begin() as connection:
            connection.execute(update(Note).where(Note.id == key).values(body="changed"))
        assert body_of(stored, key) == "changed"
        with engine.begin() as connection:
            connection.execute(delete(Note).where(Note.id == key))
        assert body_of(stored, key) is None
        counters = writer.counters
    assert (counters.commits, counters.applied, counters.failures, counters.timeouts) == (3, 3, 0, 0)
    assert counters.lag_seconds == 0


def test_a_commit_in_the_background_does_not_wait(
    notes: NoteMigration, config: MigrationConfig, engine: Engine, stored: Collection[Any, Any], key: str
) -> None:
    with DualWriter(config) as writer:
        writer.attach(engine)
        with others_at_work(notes):
            add(engine, key)
            assert not writer.flush(0.2)
            assert body_of(stored, key) is None
            assert writer.counters.lag_seconds > 0
        assert writer.flush(SECONDS)
        assert body_of(stored, key) == "new"
        assert (writer.counters.failures, writer.counters.timeouts) == (0, 0)


def test_a_commit_waits_for_so_long_and_no_longer(
    notes: NoteMigration,
    config: MigrationConfig,
    engine: Engine,
    stored: Collection[Any, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    keys = [str(uuid4()) for _ in range(3)]
    with DualWriter(config, wait=True, wait_seconds=0.1) as writer:
        writer.attach(engine)
        with others_at_work(notes):
            for each in keys:
                add(engine, each)
            assert writer.counters.timeouts == 3
            assert [each.levelname for each in of_background_sync(caplog)] == ["WARNING"]
        assert writer.flush(SECONDS)
        assert [body_of(stored, each) for each in keys] == ["new"] * 3


def test_sessions_and_a_transaction_of_many_rows(
    config: MigrationConfig, engine: Engine, stored: Collection[Any, Any]
) -> None:
    keys = [str(uuid4()) for _ in range(MANY)]
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(sessionmaker(engine))
        with sessionmaker(engine).begin() as session:
            session.add_all(Note(id=each, body="one of many") for each in keys)
        counters = writer.counters
        assert (counters.commits, counters.applied) == (1, MANY)
        with sessionmaker(engine).begin() as session:
            assert len(session.scalars(select(Note).where(Note.body == "one of many")).all()) == MANY
            session.execute(delete(Note).where(Note.body == "one of many"))
        assert writer.counters.applied == 2 * MANY
    assert body_of(stored, keys[0]) is None


def test_what_is_rolled_back_is_not_applied(
    config: MigrationConfig, engine: Engine, stored: Collection[Any, Any], key: str
) -> None:
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        with engine.connect() as connection:
            connection.execute(insert(Note).values(id=key, body="undone"))
            connection.rollback()
        assert writer.flush(SECONDS)
        assert (writer.counters.commits, writer.counters.applied) == (0, 0)
    assert body_of(stored, key) is None


def test_what_was_committed_without_it_is_applied_too(
    config: MigrationConfig, engine: Engine, stored: Collection[Any, Any], key: str
) -> None:
    before = str(uuid4())
    add(engine, before)
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        add(engine, key)
        assert writer.counters.applied == 2
    assert body_of(stored, before) == "new"


PASS = BackgroundSync._pass


def pass_and_be_closed(sync: BackgroundSync, group: Followed) -> None:
    """As where the application is quicker than the thread that has just applied its commit."""
    PASS(sync, group)
    sync._closed = True


@pytest.mark.parametrize("one_pass", [PASS, pass_and_be_closed])
def test_the_file_knows_how_far_it_is_applied(
    notes: NoteMigration,
    config: MigrationConfig,
    engine: Engine,
    key: str,
    one_pass: Callable[[BackgroundSync, Followed], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the log is pruned where nothing but the writer applies it."""
    monkeypatch.setattr(BackgroundSync, "_pass", one_pass)
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        add(engine, key)
    work_folder = WorkFolder(notes.work_dir)
    with open_change_log(work_folder, notes.source) as log, log.reading():
        assert log.applied_in_file(work_folder.records.current().id) == log.last_position()


def test_whoever_closes_it_waits_for_no_model(
    config: MigrationConfig, engine: Engine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors that objects lack are asked for while the application rests."""
    asked: list[Followed] = []
    monkeypatch.setattr(Followed, "fill_vectors", lambda group: asked.append(group))
    monkeypatch.setattr(background_sync, "NOTE_SECONDS", SECONDS)
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        add(engine, key)
    assert asked == []
    monkeypatch.setattr(background_sync, "NOTE_SECONDS", 0.0)
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        add(engine, str(uuid4()))
        until(lambda: bool(asked))


@pytest.mark.parametrize("step", ["note_settled", "fill_vectors", "note_in_file"])
def test_what_fails_while_the_application_rests_is_tried_again(
    step: str, config: MigrationConfig, engine: Engine, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without another commit, which may not come for hours."""
    whole, calls = getattr(Followed, step), itertools.count()

    def failing_at_first(group: Followed, *arguments: object, **named: object) -> Any:
        if next(calls) == 0:
            raise TargetError("Weaviate does not answer")
        return whole(group, *arguments, **named)

    monkeypatch.setattr(Followed, step, failing_at_first)
    monkeypatch.setattr(background_sync, "NOTE_SECONDS", 0.0)
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        add(engine, key)
        until(lambda: writer.counters.passes > 1)
        assert writer.counters.failures == 1


def test_a_log_over_its_limit_is_pruned_under_an_application_that_never_rests(
    notes: NoteMigration, config: MigrationConfig, engine: Engine
) -> None:
    work_folder = WorkFolder(notes.work_dir)
    with open_change_log(work_folder, notes.source) as log, log.reading():
        first = log.first_position()

    def is_pruned_after_another_commit() -> bool:
        add(engine, str(uuid4()))
        with open_change_log(work_folder, notes.source) as log, log.reading():
            return log.first_position() > first

    with DualWriter(config.model_copy(update={"keep_changes": 2})) as writer:
        writer.attach(engine)
        until(is_pruned_after_another_commit)
        assert writer.flush(SECONDS)


def test_a_row_that_is_refused_is_counted(config: MigrationConfig, engine: Engine, key: str) -> None:
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO notes (id, body, size) VALUES (?, 'new', 'large')", (key,))
        assert (writer.counters.refused, writer.counters.failures) == (1, 0)
        with engine.begin() as connection:
            connection.execute(delete(Note).where(Note.id == key))


def test_many_threads_share_passes(
    notes: NoteMigration, config: MigrationConfig, engine: Engine, stored: Collection[Any, Any]
) -> None:
    """Those of commits that come while no pass gets through: passes may be quicker than the other commits."""
    keys = [str(uuid4()) for _ in range(200)]
    with DualWriter(config) as writer, ThreadPoolExecutor(8) as threads:
        writer.attach(engine)
        list(threads.map(lambda each: add(engine, each), keys[:100]))
        with others_at_work(notes):
            list(threads.map(lambda each: add(engine, each), keys[100:]))
        assert writer.flush(SECONDS)
        assert (writer.counters.commits, writer.counters.applied) == (200, 200)
        assert writer.counters.passes < 200
    assert {body_of(stored, each) for each in keys} == {"new"}


async def commit_through_the_engine(engine: AsyncEngine, key: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(Note).values(id=key, body="new"))


async def commit_through_a_session(engine: AsyncEngine, key: str) -> None:
    async with async_sessionmaker(engine).begin() as session:
        session.add(Note(id=key, body="new"))


@pytest.mark.parametrize("commit", [commit_through_the_engine, commit_through_a_session])
def test_asyncio_waits_without_holding_up_others(
    notes: NoteMigration, stored: Collection[Any, Any], key: str, commit: Any
) -> None:
    """The commit can only be applied when another task has let go of the collection."""

    async def application() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{notes.source}")
        make_session: async_sessionmaker[AsyncSession] = async_sessionmaker(engine)
        with DualWriter(notes.config, wait=True, wait_seconds=SECONDS) as writer:
            writer.attach(make_session if commit is commit_through_a_session else engine)
            with others_at_work(notes):
                task = asyncio.create_task(commit(engine, key))
                while not writer.counters.commits:
                    await asyncio.sleep(0)
                assert not task.done()
            await task
            assert await asyncio.to_thread(body_of, stored, key) == "new"
            assert (writer.counters.applied, writer.counters.timeouts) == (1, 0)
        await engine.dispose()

    asyncio.run(application())


def test_asyncio_in_the_background(notes: NoteMigration, stored: Collection[Any, Any], key: str) -> None:
    async def application() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{notes.source}")
        with DualWriter(notes.config) as writer:
            writer.attach(engine)
            await commit_through_the_engine(engine, key)
            assert await asyncio.to_thread(writer.flush, SECONDS)
        await engine.dispose()

    asyncio.run(application())
    assert body_of(stored, key) == "new"


APPLICATION = """
import os, sys
from sqlalchemy import create_engine, text
from weaviate_migration import DualWriter, create_migration_config

source, fork, *keys = sys.argv[1:]
config = create_migration_config(source)
engine = create_engine(f"sqlite:///{source}")

def commit(keys):
    for key in keys:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO notes (id, body) VALUES (:id, 'new')"), {"id": key})
    counters = writer.counters
    assert (counters.commits, counters.failures, counters.timeouts) == (len(keys), 0, 0), counters

with DualWriter(config, wait=True, wait_seconds=300) as writer:
    writer.attach(engine)
    if fork == "fork":
        child = os.fork()
        if child == 0:
            commit(keys[::2])
            writer.close()
            os._exit(0)
        commit(keys[1::2])
        assert os.waitpid(child, 0)[1] == 0
    else:
        commit(keys)
"""


def environment(notes: NoteMigration) -> dict[str, str]:
    """The settings of the migration, for another process."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "WEAVIATE_MIGRATION_MAPPING": str(notes.mapping),
        "WEAVIATE_MIGRATION_WORK_DIR": str(notes.work_dir),
        "WEAVIATE_MIGRATION_WEAVIATE_URL": f"http://{notes.server.host}:{notes.server.http_port}",
        "WEAVIATE_MIGRATION_GRPC_PORT": str(notes.server.grpc_port),
    }


@contextmanager
def application(notes: NoteMigration, keys: list[str], fork: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", APPLICATION, str(notes.source), fork, *keys],
        env=environment(notes),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_two_processes(notes: NoteMigration, stored: Collection[Any, Any]) -> None:
    keys = [[str(uuid4()) for _ in range(20)] for _ in range(2)]
    with application(notes, keys[0], "alone") as first, application(notes, keys[1], "alone") as second:
        for each in (first, second):
            _, said = each.communicate(timeout=SECONDS)
            assert each.returncode == 0, said
    assert {body_of(stored, each) for each in keys[0] + keys[1]} == {"new"}


def test_attached_before_a_fork(notes: NoteMigration, stored: Collection[Any, Any]) -> None:
    """As servers do that load the application once, and fork their workers."""
    keys = [str(uuid4()) for _ in range(20)]
    with application(notes, keys, "fork") as process:
        _, said = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said
    assert {body_of(stored, each) for each in keys} == {"new"}


def test_the_documented_example_runs(
    notes: NoteMigration, engine: Engine, stored: Collection[Any, Any], key: str
) -> None:
    add(engine, key, created_at="2019-05-06 07:08:09")
    example = code_blocks("python", "live.md")[0]
    ended = subprocess.run(
        [sys.executable, "-c", example],
        cwd=notes.source.parent,
        env=environment(notes),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    # Two passes where that of the commit has ended when `flush` asks for one.
    assert re.match(r"True DualWriteCounters\(commits=1, passes=[12], applied=2,", ended.stdout), ended.stdout
    assert body_of(stored, key) is None


def test_another_migration_is_followed_as_soon_as_it_is_there(
    notes: NoteMigration, config: MigrationConfig, engine: Engine, stored: Collection[Any, Any], key: str
) -> None:
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        add(engine, str(uuid4()))
        ended = notes.migrate("--live")
        assert ended.code == 0, ended.stderr
        add(engine, key)
        assert writer.counters.timeouts == 0
        assert body_of(stored, key) == "new"
        with connect(notes.server, None) as client:
            versions = [each for each in client.collections.list_all() if each.startswith("Note_")]
            assert len(versions) == 2
            assert {body_of(client.collections.use(each), key) for each in versions} == {"new"}


@pytest.fixture(scope="module")
def stoppable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoppableServer]:
    server = StoppableServer(tmp_path_factory.mktemp("stoppable"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, stoppable: StoppableServer) -> NoteMigration:
    """A migration into a server that the test may stop."""
    return begin_live(tmp_path_factory.mktemp("elsewhere"), stoppable.address)


def commit_while_the_server_is_away(writer: DualWriter, elsewhere: NoteMigration, server: StoppableServer) -> list[str]:
    engine = create_engine(f"sqlite:///{elsewhere.source}")
    writer.attach(engine)
    keys = [str(uuid4()) for _ in range(10)]
    add(engine, keys[0])
    assert (writer.counters.applied, writer.counters.failures) == (1, 0)
    server.stop()
    for key in keys[1:]:
        add(engine, key)
    engine.dispose()
    assert writer.counters.failures > 0
    assert writer.counters.timeouts == 9
    return keys


def bodies(server: ServerAddress, keys: list[str]) -> set[object]:
    with connect(server, None) as client:
        return {body_of(client.collections.use("Note"), key) for key in keys}


def test_a_server_that_comes_back_gets_what_it_missed(
    elsewhere: NoteMigration, stoppable: StoppableServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And is told of once, however many commits and attempts there are."""
    caplog.set_level(logging.INFO, "weaviate_migration")
    with DualWriter(elsewhere.config, wait=True, wait_seconds=SECONDS) as writer:
        keys = commit_while_the_server_is_away(writer, elsewhere, stoppable)
        stoppable.start()
        assert writer.flush(SECONDS)
        assert writer.counters.applied == len(keys)
        assert writer.counters.lag_seconds == 0
    assert bodies(stoppable.address, keys) == {"new"}
    assert [each.levelname for each in of_background_sync(caplog)] == ["WARNING", "INFO"]


def test_what_the_writer_left_is_applied_by_sync(elsewhere: NoteMigration, stoppable: StoppableServer) -> None:
    with DualWriter(elsewhere.config, wait=True, wait_seconds=SECONDS) as writer:
        keys = commit_while_the_server_is_away(writer, elsewhere, stoppable)
    stoppable.start()
    assert bodies(stoppable.address, keys[1:]) == {None}
    ended = run_here(
        "sync", "--mapping", elsewhere.mapping, "--work-dir", elsewhere.work_dir, *at(stoppable.address), "--json"
    )
    assert ended.code == 0, ended.stderr
    assert ended.json["migrations"][0]["changes"] == 9
    assert bodies(stoppable.address, keys) == {"new"}
