"""Sync of one work folder, for the command line and for Python: once, or on and on."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from filelock import FileLock, Timeout

from weaviate_migration.base.errors import ServerNotUsableError, SourceBusyError, TransientTargetError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.monitoring.alerts.under_way import SYNC
from weaviate_migration.monitoring.alerts.watch import Watch, watched
from weaviate_migration.monitoring.metrics.exposition import exposition
from weaviate_migration.phases.dual_write.following import (
    LONGEST_WAIT_SECONDS,
    POLL_SECONDS,
    followed,
    followed_mapping,
    followed_records,
)
from weaviate_migration.phases.dual_write.lag import standing
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord

logger = logging.getLogger(__name__)


@contextmanager
def only_sync(
    work_folder: WorkFolder, say: Callable[[str], None], stop: threading.Event | None = None
) -> Iterator[None]:
    """For one command at a time that syncs; another one says so and waits, at most until it is told to stop."""
    lock = FileLock(work_folder.sync_folder / "sync.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"Another sync is running in {work_folder.path}; this one waits for its end.")
        while not (lock.is_locked or (stop is not None and stop.is_set())):
            with suppress(Timeout):
                lock.acquire(timeout=POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True)
class MigrationSyncResult:
    """What a sync did to one migration.

    Attributes:
        changes: entries of the log that were applied; `written`, `removed` and `refused` are objects.
        position: applied up to here.
        lag_changes: entries that the log has beyond that by now, and `lag_seconds` the age of the oldest of them.
        needs_comparison: changes may have been missed before, so that nothing but a full comparison makes it whole.
    """

    migration_id: str
    changes: int
    written: int
    removed: int
    refused: int
    position: int
    lag_changes: int
    lag_seconds: float
    needs_comparison: bool


@dataclass(frozen=True)
class SyncResult:
    """What a sync did, to each followed migration, the newest first."""

    migrations: Sequence[MigrationSyncResult] = ()

    @property
    def complete(self) -> bool:
        """Whether every change is in Weaviate: none was refused, none missed."""
        return not any(each.refused or each.needs_comparison for each in self.migrations)

    def to_dict(self) -> dict[str, Any]:
        """What `sync --json` prints."""
        return {"complete": self.complete, **asdict(self)}


def sync_changes(config: MigrationConfig) -> SyncResult:
    """Applies what is in the log by now to each followed migration.

    Raises:
        MigrationError: as `followed` and `MigrationSync.run_pass` say.
    """
    config = config.model_copy()
    with _opened_for_sync(config) as watch, followed(config) as group:
        done = {sync.record.id: sync.run_pass() for sync in group}
        group.note_in_file()
        group.note_settled()
        watch.conclude(0)
    return _sync_result(config, done)


def follow_changes(config: MigrationConfig, stop: threading.Event) -> SyncResult:
    """Applies changes as they are committed, until told to stop; then says what was done in all.

    A file that is busy is waited for, and so is a server that goes away once it has worked at all.

    Args:
        config: the settings as they are now; what is changed in them meanwhile changes nothing here.
        stop: set to end it.

    Raises:
        MigrationError: what waiting does not help against: capture was damaged, the file is another one.
    """
    config, done = config.model_copy(), dict[str, SyncTally]()
    wait = POLL_SECONDS
    with _opened_for_sync(config, stop) as watch:
        while not stop.is_set():
            try:
                with followed(config) as group:
                    wait = POLL_SECONDS
                    group.follow(stop, done)
                    if stop.is_set():
                        group.note_in_file()
            except (TransientTargetError, SourceBusyError, ServerNotUsableError) as error:
                # Before anything was opened, a server that does not answer may be a wrong address.
                if not done and not isinstance(error, SourceBusyError):
                    raise
                wait = min(LONGEST_WAIT_SECONDS, 2 * wait)
                logger.warning("%s; trying again in %.1f s", error.message, wait)
                stop.wait(wait)
        watch.conclude(0)
    return _sync_result(config, done)


@contextmanager
def _opened_for_sync(config: MigrationConfig, stop: threading.Event | None = None) -> Iterator[Watch]:
    """With metrics and alerts, and as the only sync; logs are those of the caller, which may be an application."""
    with (
        exposition(config),
        watched(config, SYNC) as watch,
        only_sync(WorkFolder.of(config), logger.warning, stop),
    ):
        yield watch


def _sync_result(config: MigrationConfig, done: Mapping[str, SyncTally]) -> SyncResult:
    """What was done, and how far that led: read from the log alone, so that the server may be away."""
    work_folder = WorkFolder.of(config)
    records = followed_records(work_folder, followed_mapping(config, work_folder))
    return SyncResult([_migration_result(each, work_folder, done.get(each.id, SyncTally())) for each in records])


def _migration_result(record: MigrationRecord, work_folder: WorkFolder, done: SyncTally) -> MigrationSyncResult:
    reached = standing(work_folder, record)
    return MigrationSyncResult(
        migration_id=record.id,
        changes=done.changes,
        written=done.written,
        removed=done.removed,
        refused=done.refused,
        position=reached.position,
        lag_changes=reached.changes,
        lag_seconds=round(reached.seconds, 3),
        needs_comparison=bool(reached.problem),
    )
