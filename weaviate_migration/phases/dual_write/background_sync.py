"""One thread that applies what was logged, whenever it is asked to: by passes of sync, the same code as the command's.

Requests that come during a pass are served together by the next one. A pass that fails is tried again, later and later,
until it succeeds: the changes are in the log, and nothing here has to remember them.
"""

import logging
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import MigrationError
from weaviate_migration.base.redaction import redacted
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.dual_write.following import NOTE_SECONDS, Followed, followed
from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import SyncTally

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0
BUSY_SECONDS = 0.05
"""Before collections that somebody else works with are looked at again."""
IDLE_SECONDS = 60.0
"""After so long without a commit the connection to Weaviate is closed; the next commit opens another."""


@dataclass(frozen=True)
class DualWriteCounters:
    """What was done in this process.

    Attributes:
        commits: of the application.
        passes: that went through; one may serve many commits.
        applied: changes that passes applied, other programs' too; also those of passes that broke off.
        refused: of them, those that Weaviate did not take.
        failures: passes that failed.
        timeouts: commits that returned before their changes were applied, although they should have waited.
        last_error: of the last pass that failed.
        lag_seconds: since the oldest commit that is not applied; 0 where all are.
    """

    commits: int = 0
    passes: int = 0
    applied: int = 0
    refused: int = 0
    failures: int = 0
    timeouts: int = 0
    last_error: str = ""
    lag_seconds: float = 0.0


class BackgroundSync:
    """Runs passes in a thread of its own, which the first request starts.

    An incident begins when a pass fails or a commit has waited in vain, and ends with the next pass that goes through.
    While it lasts, nobody waits.

    Args:
        config: of the migrations that are followed.
    """

    def __init__(self, config: MigrationConfig) -> None:
        self._config = config.model_copy()
        # What fails is told at once: trying again inside a pass would put off the word of an incident.
        self._without_retries = config.model_copy(update={"max_retries": 0})
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._given_up = threading.Event()
        self._requested = 0
        self._served = 0
        self._waiting: list[tuple[int, Future[bool]]] = []
        self._unserved_since: float | None = None
        self._in_a_hurry = False
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._incident = False
        self._counters = DualWriteCounters()

    @property
    def counters(self) -> DualWriteCounters:
        """As of now."""
        with self._changed:
            since = self._unserved_since
            return replace(self._counters, lag_seconds=0.0 if since is None else time.monotonic() - since)

    def committed(self) -> None:
        """Asks for a pass after a commit."""
        with self._changed:
            self._count(commits=1)
            self._request()

    def applied(self) -> Future[bool]:
        """Whether what was asked for so far is applied, once that is known; during an incident False at once."""
        with self._changed:
            return _resolved(False) if self._incident else self._expect()

    def waited_in_vain(self) -> None:
        """Notes a commit that returns although it is not applied."""
        with self._changed:
            self._count(timeouts=1)
            if self._requested > self._served:
                self._begin_incident("they take longer than a commit waits for them")

    def flush(self, seconds: float) -> bool:
        """Applies what is logged now, within so many seconds; whether that came about."""
        deadline = time.monotonic() + seconds
        self._in_a_hurry = True
        while not self._closed and (left := deadline - time.monotonic()) > 0:
            with self._changed:
                self._request()
                applied = self._expect()
            with suppress(TimeoutError):
                if applied.result(left):
                    return True
        return False

    def close(self, seconds: float) -> None:
        """Ends the thread after the pass that is under way, which is waited for so long at most."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(seconds)
            self._given_up.set()

    def _request(self) -> None:
        """The lock is held."""
        if self._closed:
            return
        self._requested += 1
        if self._unserved_since is None:
            self._unserved_since = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="weaviate_migration dual writer", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _expect(self) -> Future[bool]:
        """The lock is held."""
        if self._closed:
            return _resolved(False)
        applied: Future[bool] = Future()
        self._waiting.append((self._requested, applied))
        return applied

    def _work(self) -> None:
        while self._is_asked_within(None):
            # During an incident a pass tries again inside, too: where connections are cut all the while, none of many
            # calls would get to its end otherwise.
            config = self._config if self._incident else self._without_retries
            try:
                with bounded(stop=self._given_up), Endings() as parts:
                    self._serve(parts.enter_context(followed(config)))
            except Exception as error:
                self._failed(error)
        with self._changed:
            self._answer(False, self._requested)

    def _serve(self, group: Followed) -> None:
        """Runs passes as they are asked for, until none was for a while, others are to be followed, or it is closed."""
        noted, noted_at = False, time.monotonic()
        while not self._closed:
            if self._is_asked_within(IDLE_SECONDS if noted else NOTE_SECONDS):
                if group.is_outdated():
                    return
                self._pass(group)
                noted = False
                if time.monotonic() - noted_at >= NOTE_SECONDS:
                    group.note_in_file(self._config, is_busy=True)
                    noted_at = time.monotonic()
            elif noted:
                return
            elif not self._closed:
                # While the application rests. Whoever closes waits for no model: another pass gives what is lacking.
                group.fill_vectors()
                noted = self._note(group)
        if not noted:  # It may be closed as soon as a commit knows of its pass.
            self._note(group)

    def _note(self, group: Followed) -> bool:
        """Writes down how far all is applied; whether the file says it by then."""
        group.note_settled()
        return group.note_in_file(self._config)

    def _pass(self, group: Followed) -> None:
        with self._changed:
            asked, began = self._requested, time.monotonic()
        done = [self._is_applied(sync) for sync in group]
        if all(done):
            self._succeeded(asked, began)
        else:
            self._pause(BUSY_SECONDS)

    def _is_applied(self, sync: MigrationSync) -> bool:
        """A pass; not while somebody else works with the migration's collections."""
        done = SyncTally()
        try:
            return sync.try_pass(done)
        finally:  # The next pass begins after what one that breaks off has applied.
            with self._changed:
                self._count(applied=done.changes, refused=done.refused)

    def _succeeded(self, asked: int, began: float) -> None:
        with self._changed:
            self._count(passes=1)
            self._served = asked
            self._retry_seconds = FIRST_RETRY_SECONDS
            # What was asked for since then was committed after the pass began.
            self._unserved_since = None if self._requested == asked else began
            if self._incident:
                logger.info("Changes are applied to Weaviate again.")
            self._incident = False
            self._answer(True, asked)

    def _failed(self, error: Exception) -> None:
        with self._changed:
            said = redacted(error.message if isinstance(error, MigrationError) else f"{type(error).__name__}: {error}")
            self._count(failures=1)
            self._counters = replace(self._counters, last_error=said)
            self._begin_incident(said, None if isinstance(error, MigrationError) else error)
            self._answer(False, self._requested)
            # What failed while the application rested has no request of its own, and must not wait for a commit.
            self._requested = max(self._requested, self._served + 1)
            wait = self._retry_seconds
            self._retry_seconds = min(2 * wait, LONGEST_RETRY_SECONDS)
        self._pause(wait)

    def _begin_incident(self, reason: str, fault: Exception | None = None) -> None:
        if not self._incident:
            self._incident = True
            logger.warning(
                "Changes are not applied to Weaviate for now: %s. They stay in the change log.", reason, exc_info=fault
            )

    def _answer(self, applied: bool, asked: int) -> None:
        """Tells those who wait for requests up to this one; a caller that gave up has cancelled."""
        for number, waiting in self._waiting:
            if number <= asked and waiting.set_running_or_notify_cancel():
                waiting.set_result(applied)
        self._waiting = [each for each in self._waiting if each[0] > asked]

    def _is_asked_within(self, seconds: float | None) -> bool:
        """Waits for a request that is not served; False where none came in time, or where all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._requested > self._served, seconds)
            return not self._closed and self._requested > self._served

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._in_a_hurry, seconds)
            self._in_a_hurry = False

    def _count(self, **more: int) -> None:
        """Adds to counters; the lock is held."""
        self._counters = replace(
            self._counters, **{name: getattr(self._counters, name) + number for name, number in more.items()}
        )


def _resolved(applied: bool) -> Future[bool]:
    future: Future[bool] = Future()
    future.set_result(applied)
    return future
