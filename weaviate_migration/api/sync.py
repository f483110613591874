"""Sync of one work folder, for the command line and for Python: once, or on and on."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from filelock import Timeout

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import (
    PASSING_ERRORS,
    CaptureError,
    ConfigurationError,
    EmbeddingError,
    EmbeddingLimitError,
    LostCollectionError,
    MigrationConflictError,
    MigrationError,
    SourceBusyError,
    TargetError,
    WorkFolderBusyError,
)
from weaviate_migration.base.settings import SYNC_SECONDS, MigrationConfig
from weaviate_migration.base.waiting import Wait
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
from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.work_folder.folder import WorkFolder, lacking_vectors
from weaviate_migration.work_folder.locks import command_name
from weaviate_migration.work_folder.record import MigrationRecord

logger = logging.getLogger(__name__)

# A server that ends, or begins, fails in ways that have no code of their own. So many of these failures in a row, which
# take a minute, are waited for before waiting is taken to be of no help.
FAILURES_IN_A_ROW = 8


@contextmanager
def only_sync(
    work_folder: WorkFolder, command: str, say: Callable[[str], None], wait: float, stop: threading.Event
) -> Iterator[None]:
    """For one command at a time that syncs; another one says so and waits.

    Args:
        command: as others are told who syncs.
        wait: so many seconds at most.
        stop: set to wait no longer; what is done inside then is done beside the other one.

    Raises:
        MigrationConflictError: the other one did not end in time.
    """
    waiting, lock = Wait(wait), work_folder.sync_lock(command_name(command))
    if not lock.acquire():
        running = f"Another sync is running in {work_folder.place}{lock.told_holder}"
        say(f"{running}; this one waits for its end, {waiting.told_end}.")
        while not (lock.acquire(POLL_SECONDS) or stop.is_set()):
            if waiting.is_over:
                raise MigrationConflictError(
                    f"{running}. This one has waited for {wait:g} s, and applied nothing.",
                    "The other one applies all changes: `weaviate-migration status` says how far it is. --wait gives "
                    "this one more seconds.",
                )
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
        lacking_vectors: how many objects lack a vector that its model could not make, by alias and vector.
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
    lacking_vectors: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


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


def sync_changes(config: MigrationConfig, wait: float = SYNC_SECONDS) -> SyncResult:
    """Applies what is in the log by now to each followed migration.

    Args:
        wait: for the end of another sync, load or comparison, so many seconds at most.

    Raises:
        MigrationConflictError: another sync did not end in time.
        WorkFolderBusyError: a load or comparison did not.
        MigrationError: as `followed` and `MigrationSync.run_pass` say.
    """
    config, done = config.model_copy(), dict[str, SyncTally]()
    ends = time.monotonic() + wait
    with Endings() as parts:
        parts.enter_context(_telling_what_was_applied(done))
        watch = parts.enter_context(_opened_for_sync(config, "sync", wait))
        group = parts.enter_context(followed(config))
        for sync in group:
            tally = done[sync.record.id] = SyncTally()
            _pass_within(sync, tally, max(0.0, ends - time.monotonic()), config)
        group.note_in_file(config)
        group.note_settled()
        watch.conclude(0)
    return _sync_result(config, done)


@contextmanager
def _telling_what_was_applied(done: Mapping[str, SyncTally]) -> Iterator[None]:
    """Who fails gives no result, and the next sync begins after what this one has applied."""
    try:
        yield
    except MigrationError:
        for migration, each in done.items():
            if each.changes:
                logger.warning(
                    "Migration %s: %d changes were applied before this sync failed, %d of their rows refused",
                    *(migration, each.changes, each.refused),
                )
        raise


def _pass_within(sync: MigrationSync, done: SyncTally, seconds: float, config: MigrationConfig) -> None:
    """A pass, once nobody else works with these collections."""
    try:
        sync.run_pass(done, wait=seconds)
    except Timeout:
        raise WorkFolderBusyError(
            f"Somebody works with the collections of migration {sync.record.id}{WorkFolder.of(config).told_workers}. "
            "This sync has waited in vain: not all changes are applied.",
            "Wait for the end of that command, or of the run in Dagster's UI; --wait gives this one more seconds.",
        ) from None


def follow_changes(config: MigrationConfig, stop: threading.Event) -> SyncResult:
    """Applies changes as they are committed, until told to stop; then says what was done in all.

    A file that is busy is waited for, and so are a file, a server or a model that goes away and a disk that gets full,
    once it has worked at all. What the server or a model refuses for another reason is tried again for a minute.

    Args:
        config: the settings as they are now; what is changed in them meanwhile changes nothing here.
        stop: set to end it.

    Raises:
        MigrationError: what waiting does not help against: capture was damaged, the file is another one, nothing is
            followed any more.
    """
    config, done = config.model_copy(), dict[str, SyncTally]()
    wait, failures = POLL_SECONDS, _Failures(done)
    with (
        _failing_once_begun(done),
        _telling_what_was_applied(done),
        bounded(stop=stop),
        _opened_for_sync(config, "sync --follow", math.inf, stop) as watch,
    ):
        while not stop.is_set():
            try:
                with Endings() as parts:
                    group = parts.enter_context(followed(config))
                    wait = POLL_SECONDS if failures.are_over() else wait
                    group.follow(stop, done, config)
                    if stop.is_set():
                        group.note_in_file(config)
            except (*PASSING_ERRORS, TargetError, EmbeddingError, LostCollectionError) as error:
                # Before anything was opened, a server that does not answer may be a wrong address.
                if not (done or stop.is_set() or isinstance(error, SourceBusyError)):
                    raise
                if isinstance(error, EmbeddingLimitError):  # Waiting makes no more calls allowed.
                    raise
                if stop.is_set():
                    break
                if not isinstance(error, PASSING_ERRORS):
                    failures.note(error)
                wait = min(LONGEST_WAIT_SECONDS, 2 * wait)
                logger.warning("%s; trying again in %.1f s", error.message, wait)
                stop.wait(wait)
        watch.conclude(0)
        return _sync_result(config, done)


@contextmanager
def _failing_once_begun(done: Mapping[str, SyncTally]) -> Iterator[None]:
    """What is a wrong setting at first is a failure later: who followed a migration that is discarded meanwhile."""
    try:
        yield
    except ConfigurationError as error:
        if not done:
            raise
        kind = TargetError if isinstance(error, LostCollectionError) else CaptureError
        raise kind(error.message, error.hint) from error


class _Failures:
    """What has failed for a reason that is not known to pass, since changes were applied last.

    Args:
        done: what was applied; it grows.
    """

    def __init__(self, done: Mapping[str, SyncTally]) -> None:
        self._done = done
        self._number = self._applied_then = 0

    def are_over(self) -> bool:
        """Whether changes were applied since the last of them, or there were none."""
        return self._number == 0 or self._applied() != self._applied_then

    def note(self, error: MigrationError) -> None:
        """Counts one; raises it where there were too many in a row."""
        self._number = 1 if self.are_over() else self._number + 1
        self._applied_then = self._applied()
        if self._number > FAILURES_IN_A_ROW:
            raise error

    def _applied(self) -> int:
        return sum(each.changes for each in self._done.values())


@contextmanager
def _opened_for_sync(
    config: MigrationConfig, command: str, wait: float, stop: threading.Event | None = None
) -> Iterator[Watch]:
    """With metrics and alerts, and as the only sync; logs are those of the caller, which may be an application.

    Args:
        command: as others are told who syncs.
        wait, stop: as `only_sync` has them.
    """
    work_folder = WorkFolder.of(config)
    work_folder.refuse_closed()
    with (
        exposition(config),
        watched(config, SYNC) as watch,
        only_sync(work_folder, command, logger.warning, wait, stop or threading.Event()),
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
        lacking_vectors=lacking_vectors(work_folder, record),
    )
