"""What the dual writer does without Weaviate: it refuses what cannot work, and no commit suffers."""

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session, sessionmaker

import weaviate_migration
from weaviate_migration import DualWriter, MigrationConfig
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.mapping import read_mapping
from weaviate_migration.phases.history.extract.partitions import partition_bounds
from weaviate_migration.source.capture import install_capture, read_capture, remove_capture
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.source.plan import planned_source
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import until
from weaviate_migration_tests.live.free_ports import free_server_ports
from weaviate_migration_tests.live.notes import make_mapping, note_file

INSERT = text("INSERT INTO notes (id, body) VALUES (:id, 'new')")
SECONDS = 300.0
"""A wait of so long would end the test: nobody may wait."""


@pytest.fixture
def config(tmp_path: Path) -> MigrationConfig:
    """Of a migration whose changes are followed; at its address nothing answers."""
    ports = free_server_ports()
    config = create_migration_config(
        str(note_file(tmp_path / "app.db")),
        mapping=make_mapping(tmp_path / "notes.yaml"),
        work_dir=tmp_path / "work",
        weaviate_url=f"http://127.0.0.1:{ports.http}",
        grpc_port=ports.grpc,
    )
    follow(config)
    return config


def follow(config: MigrationConfig) -> None:
    """Begins a migration and its capture, as `migrate --live` does at first."""
    work_folder, mapping, source = WorkFolder(config.work_dir), read_mapping(config.mapping), Path(config.sqlite_url)
    with planned_source(source, mapping, work_folder.scratch) as (_, plan):
        capture = install_capture(source, plan, work_folder.begin_capture())
    record = work_folder.records.resume_or_begin(source, mapping, "")
    record = work_folder.records.update(record, bounds={"notes": partition_bounds([], DEFAULT_PARTITIONS)})
    begin = LogPosition(capture=capture.id, epoch=capture.epoch, position=0, entry=None)
    work_folder.sync_positions.save(record.id, begin)


@pytest.fixture
def engine(config: MigrationConfig) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{config.sqlite_url}")
    yield engine
    engine.dispose()


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def commit_note(engine: Engine, identity: str) -> None:
    with engine.begin() as connection:
        connection.execute(INSERT, {"id": identity})


def stored(config: MigrationConfig) -> list[str]:
    with closing(sqlite3.connect(config.sqlite_url)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM notes WHERE body = 'new'")]


@pytest.mark.parametrize("wait", [False, True])
def test_commits_do_not_suffer_where_nothing_answers(
    config: MigrationConfig, engine: Engine, wait: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with DualWriter(config, wait=wait, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        for number in range(20):
            commit_note(engine, f"note-{number}")
        until(lambda: writer.counters.failures > 0)
        assert not writer.flush(0.5)
        counters = writer.counters
    assert len(stored(config)) == 20
    assert (counters.commits, counters.passes, counters.applied) == (20, 0, 0)
    assert counters.failures > 0
    assert counters.timeouts == (20 if wait else 0)
    assert counters.lag_seconds > 0
    assert "no Weaviate answers" in counters.last_error
    (warning,) = warnings_of(caplog)
    assert counters.last_error in warning.getMessage()


def test_commits_of_asyncio_do_not_suffer_either(config: MigrationConfig) -> None:
    async def application() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{config.sqlite_url}")
        with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
            writer.attach(engine)
            for number in range(5):
                async with engine.begin() as connection:
                    await connection.execute(INSERT, {"id": f"note-{number}"})
            assert writer.counters.timeouts == 5
        await engine.dispose()

    asyncio.run(application())
    assert len(stored(config)) == 5


def test_damaged_capture_does_not_keep_the_application_from_starting(config: MigrationConfig, engine: Engine) -> None:
    with closing(sqlite3.connect(config.sqlite_url)) as connection:
        (trigger,) = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%_insert'"
        ).fetchmany(1)
        connection.execute(f'DROP TRIGGER "{trigger[0]}"')
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        commit_note(engine, "one")
        assert writer.counters.failures > 0
    assert stored(config) == ["one"]


def test_what_is_rolled_back_asks_for_nothing(config: MigrationConfig, engine: Engine) -> None:
    with DualWriter(config, wait=True, wait_seconds=SECONDS) as writer:
        writer.attach(engine)
        with engine.connect() as connection:
            connection.execute(INSERT, {"id": "one"})
            connection.rollback()
        assert writer.counters.commits == 0
        assert writer.counters.failures == 0


def test_after_detach_commits_are_the_applications_own(config: MigrationConfig, engine: Engine) -> None:
    with DualWriter(config) as writer:
        writer.attach(engine)
        writer.detach()
        commit_note(engine, "one")
        assert writer.counters.commits == 0


def test_a_writer_that_is_closed_waits_for_nothing(config: MigrationConfig) -> None:
    writer = DualWriter(config, wait=True, wait_seconds=SECONDS)
    writer.close()
    assert not writer.flush(SECONDS)


def test_no_migration_is_followed(config: MigrationConfig, engine: Engine, tmp_path: Path) -> None:
    other = config.model_copy(update={"work_dir": tmp_path / "other"})
    with pytest.raises(ConfigurationError, match="migrate --live"):
        DualWriter(other).attach(engine)


def test_changes_are_not_captured(config: MigrationConfig, engine: Engine) -> None:
    capture_id = WorkFolder(config.work_dir).capture_id
    assert capture_id is not None
    remove_capture(Path(config.sqlite_url), capture_id)
    with closing(sqlite3.connect(config.sqlite_url)) as connection:
        assert read_capture(connection, capture_id) is None
    with pytest.raises(ConfigurationError, match="capture install"):
        DualWriter(config).attach(engine)


@pytest.mark.parametrize("url", ["sqlite:///other.db", "sqlite:///:memory:", "sqlite:///app.db"])
def test_an_engine_of_another_file_is_refused(config: MigrationConfig, url: str) -> None:
    engine = create_engine(url)
    with pytest.raises(ConfigurationError, match="follows"):
        DualWriter(config).attach(engine)
    engine.dispose()


def test_a_path_to_the_same_file_is_the_same_file(
    config: MigrationConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link.db").symlink_to(config.sqlite_url)
    for url in ("sqlite:///app.db", "sqlite:///link.db", "sqlite:///file:app.db?uri=true"):
        with DualWriter(config) as writer:
            writer.attach(create_engine(url))


@pytest.mark.parametrize(
    "bind",
    [
        sessionmaker,
        lambda engine: sessionmaker(binds={Session: engine}),
        lambda engine: engine.execution_options(logging_token="sessions"),
    ],
)
def test_what_leads_to_an_engine_can_be_attached(
    config: MigrationConfig, engine: Engine, bind: Callable[[Engine], "sessionmaker[Session]"]
) -> None:
    with DualWriter(config) as writer:
        writer.attach(bind(engine))
        commit_note(engine, "one")
        assert writer.counters.commits == 1


def test_sessions_without_an_engine_are_refused(config: MigrationConfig) -> None:
    with pytest.raises(ConfigurationError, match="Attach the engine"):
        DualWriter(config).attach(sessionmaker())


def test_applications_need_neither_dagster_nor_greenlet() -> None:
    program = (
        "import sys; sys.modules['greenlet'] = None; from weaviate_migration import DualWriter, compare_reads; "
        "print(DualWriter.__name__, [name for name in sys.modules if name.startswith('dagster')])"
    )
    checkout = Path(weaviate_migration.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(checkout), *sys.path])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout == "DualWriter []\n", ended.stderr
