"""The dual writer: what an application commits to SQLite through SQLAlchemy is in Weaviate soon after.

The triggers of the change capture log what a transaction changes; after its commit the dual writer has the log applied,
by the same code as `sync`. Whatever is wrong with Weaviate then, the commit is done, and the change is in the log.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import PoolProxiedConnection

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.dual_write.background_sync import BackgroundSync, DualWriteCounters
from weaviate_migration.phases.dual_write.commit_hook import commit_hook
from weaviate_migration.phases.dual_write.following import followed_mapping, followed_records
from weaviate_migration.source.capture import read_capture
from weaviate_migration.source.connect import connect_read_only, source_errors
from weaviate_migration.work_folder.folder import WorkFolder

if TYPE_CHECKING:  # It cannot be imported without greenlet, which only asyncio needs.
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

logger = logging.getLogger(__name__)


class DualWriter:
    """Applies what an application commits to the migrations that follow its file.

    Attach it before or after a fork: each process that commits has a thread of its own, from its first commit on.

    Args:
        config: the work folder, the mapping and the server of the migrations.
        wait: a commit returns when it is applied, or after `wait_seconds`; not at all while Weaviate is in trouble.
            Otherwise it returns at once.
        wait_seconds: how long a commit waits at most.
    """

    def __init__(self, config: MigrationConfig, *, wait: bool = False, wait_seconds: float = 5.0) -> None:
        self._config = config.model_copy()
        self._wait = wait
        self._wait_seconds = wait_seconds
        self._attached = ExitStack()
        self._by_process: dict[int, BackgroundSync] = {}

    @property
    def counters(self) -> DualWriteCounters:
        """What was done in this process so far."""
        return self._sync.counters

    def attach(
        self,
        target: "Engine | sessionmaker[Session] | AsyncEngine | async_sessionmaker[AsyncSession]",
    ) -> None:
        """Applies from now on what is committed through an engine, or through the engines that sessions are bound to.

        Nothing is asked of Weaviate yet.

        Raises:
            ConfigurationError: no migration is followed, changes are not captured, or the engine is none of its file.
        """
        source = _followed_source(self._config)
        for engine in _engines(target):
            _refuse_another_file(engine, source)
            self._attached.enter_context(commit_hook(engine, self._committed))

    def detach(self) -> None:
        """Does nothing any more after commits; what was committed before is still applied."""
        self._attached.close()

    def flush(self, seconds: float) -> bool:
        """Applies what is logged now, within so many seconds; whether that came about. Retries at once."""
        return self._sync.flush(seconds)

    def close(self, seconds: float = 5.0) -> None:
        """Detaches, and ends this process's thread; a pass that is under way is waited for so long at most.

        What is not applied by then stays in the log, for the next commit of any process or for `sync`.
        """
        self.detach()
        self._sync.close(seconds)

    def __enter__(self) -> "DualWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _sync(self) -> BackgroundSync:
        """This process's: a fork copies no thread, and locks as they happen to be. `setdefault` needs none."""
        process = os.getpid()
        return self._by_process.get(process) or self._by_process.setdefault(process, BackgroundSync(self._config))

    def _committed(self, connection: PoolProxiedConnection) -> None:
        try:
            self._sync.committed()
            if self._wait and not self._is_applied(self._sync.applied(), connection):
                self._sync.waited_in_vain()
        except Exception:  # The commit is done: nothing may make the application believe otherwise.
            logger.exception("A commit is not applied to Weaviate by itself, but with a later one or by `sync`.")

    def _is_applied(self, applied: Future[bool], connection: PoolProxiedConnection) -> bool:
        try:
            driver: Any = connection.dbapi_connection
            if hasattr(driver, "run_async"):  # Of an asyncio engine: other tasks go on meanwhile.
                return bool(
                    driver.run_async(lambda _: asyncio.wait_for(asyncio.wrap_future(applied), self._wait_seconds))
                )
            return applied.result(self._wait_seconds)
        except TimeoutError:
            applied.cancel()
            return False


def _followed_source(config: MigrationConfig) -> Path:
    """The file whose changes are captured and followed."""
    work_folder = WorkFolder.of(config)
    source = followed_records(work_folder, followed_mapping(config, work_folder))[0].source
    with source_errors(source), closing(connect_read_only(source)) as connection:
        if work_folder.capture_id is None or read_capture(connection, work_folder.capture_id) is None:
            raise ConfigurationError(
                f"{source}: changes are not captured for {work_folder.place}.",
                "Install it with `weaviate-migration capture install`.",
            )
    return source


def _engines(target: Any) -> Iterator[Engine]:
    """The engines of an engine or a sessionmaker, of asyncio too."""
    options = getattr(target, "kw", None)  # Of a sessionmaker.
    bound = [target] if options is None else [options.get("bind"), *(options.get("binds") or {}).values()]
    engines = {each.engine if isinstance(each, Connection) else getattr(each, "sync_engine", each) for each in bound}
    found = [each for each in engines if isinstance(each, Engine)]
    if not found:
        raise ConfigurationError(
            f"{type(target).__name__} is no engine of SQLAlchemy, and no sessionmaker that is bound to one.",
            "Attach the engine that the application's sessions use.",
        )
    yield from found


def _refuse_another_file(engine: Engine, source: Path) -> None:
    """A URL that names no plain file says nothing: a `creator`, or a URI, may open any."""
    database = engine.url.database
    is_file = engine.dialect.name == "sqlite" and (
        not database or database.startswith("file:") or _is_same(database, source)
    )
    if not is_file:
        raise ConfigurationError(
            f"The engine writes to {engine.url.render_as_string()}, but the migration follows {source}.",
            "Attach the engine of that file, or name another work folder.",
        )


def _is_same(database: str, source: Path) -> bool:
    path = Path(database)
    return path.exists() and path.samefile(source)
