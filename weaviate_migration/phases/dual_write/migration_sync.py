"""Sync: applies the changes that the log holds to one migration's collections.

A pass reads the log from the applied position, folds it to one entry for each key, reads the *current* row, writes or
removes the object, and moves the position when Weaviate has confirmed everything. Applying a change twice, or with a
newer row than the one that was logged, is harmless. The same pass serves the command, the asset and the application.
"""

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from filelock import Timeout
from structlog.contextvars import bound_contextvars
from weaviate import WeaviateClient

from weaviate_migration.base.endings import Endings
from weaviate_migration.mapping.relation_groups import parents_first
from weaviate_migration.phases.dual_write.lag import standing_in
from weaviate_migration.phases.dual_write.row_applier import RowApplier, SyncTally
from weaviate_migration.phases.history.collection_locks import alone_with_one
from weaviate_migration.phases.history.written_vectors import written_vectors
from weaviate_migration.source.capture import is_followed
from weaviate_migration.source.change_log import ChangeLog, CopiesTooLargeError
from weaviate_migration.source.changed_rows import ChangedRows
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.source.plan import MigrationPlan
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.vectors.made_vectors import SECONDS_AWAY
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import (
    Standing,
    agreed_reading,
    refuse_another_history,
)
from weaviate_migration.work_folder.timeline import LagMoment

logger = logging.getLogger(__name__)

# Entries of the log that are read and applied at once: so many take well under a second to read. Fewer, where their
# rows take more than so many bytes together: meanwhile an application with a rollback journal cannot commit.
ENTRIES_PER_CHUNK = 10_000
BYTES_PER_CHUNK = 64 * 1024 * 1024
# Where a model is asked first, which may take a tenth of a second for each.
ENTRIES_WITH_VECTORS = 1_000


_Copies = list[tuple[RowApplier, ChangedRows]]


@dataclass(frozen=True)
class CaughtUp:
    """What was done, and for each collection, by its name in the mapping, the rows that changed."""

    done: SyncTally
    rows: Mapping[str, ChangedRows]


class MigrationSync:
    """Applies changes to one migration.

    Args:
        record: the migration's; it was begun with capture, or compared with a snapshot that has one.
        log: the source's.
        plan: what the mapped rows are in the source.
        work_folder: knows how far migrations are applied, and keeps what was refused and what lacks vectors.
        models: make vectors of what changed.

    Attributes:
        appliers: one for each collection.
    """

    def __init__(
        self,
        record: MigrationRecord,
        log: ChangeLog,
        plan: MigrationPlan,
        client: WeaviateClient,
        settings: WriteSettings,
        work_folder: WorkFolder,
        models: OpenModels,
    ) -> None:
        self.record = record
        self._log = log
        self._positions = work_folder.sync_positions
        self._work_folder = work_folder
        self._history = work_folder.history(record)
        self._is_lag_noted = True
        self._fills_again_at = float("-inf")
        # Written before their children, parents are there when these refer to them.
        order = {each.name: position for position, each in enumerate(parents_first(plan.mapping))}
        self.appliers = [
            RowApplier(
                client,
                record,
                each,
                settings,
                work_folder.quarantine(record, each.mapping),
                written_vectors(client, work_folder, record, plan.mapping, each.mapping, models),
            )
            for each in sorted(plan.collections, key=lambda each: order[each.mapping.name])
        ]
        makes_vectors = any(each.vectors.names for each in self.appliers)
        self._most_entries = ENTRIES_WITH_VECTORS if makes_vectors else ENTRIES_PER_CHUNK
        self._entries_per_chunk = self._most_entries

    @property
    def known(self) -> LogPosition:
        """How far the migration is applied, with what the log says there.

        Raises:
            CaptureError: its changes are not followed.
        """
        return self._positions.known(self.record.id)

    @property
    def position(self) -> int:
        """The applied position."""
        return self.known.position

    def last_position(self) -> int:
        """The newest position of the log."""
        with self._log.reading():
            return self._log.last_position()

    def standing(self) -> Standing:
        """How far the migration is behind; raises what `lag.standing` does."""
        return standing_in(self._log, self._positions, self.record)

    def note_settled(self) -> None:
        """Puts the lag of a moment of rest into the history, unless it is 0 there; raises as `standing` does."""
        if self._is_lag_noted:
            self._note_lag(last=True)

    def _note_lag(self, *, last: bool = False) -> None:
        found = self.standing()
        self._history.note(LagMoment(time.time(), found.changes, found.seconds), last=last)
        self._is_lag_noted = found.changes > 0 or not last

    @property
    def captured(self) -> LogPosition:
        """Where the log in the migration's snapshot ends; a followed migration's snapshot has one."""
        snapshot = self.record.snapshot
        assert snapshot is not None, "followed since a snapshot"
        assert snapshot.captured is not None, "followed since a snapshot of a captured source"
        return snapshot.captured

    def note_whole(self, epoch: int) -> None:
        """Notes that a full comparison found nothing missed, up to an epoch of the capture."""
        with self._alone():
            self._positions.save(self.record.id, self.known.model_copy(update={"epoch": epoch}))

    def note_seen(self, position: int, entry: str | None) -> None:
        """Notes what was logged last in a file that another one has replaced: that one is expected to have it, too."""
        with suppress(Timeout), self._alone(wait=0):  # Who else works with that file notices it, too.
            self._positions.save(self.record.id, self.known.seeing(position, entry))

    @contextmanager
    def _alone(self, wait: float = math.inf) -> Iterator[None]:
        """Nobody else writes to any of the migration's collections."""
        with Endings() as stack:
            for each in self.appliers:
                stack.enter_context(alone_with_one(self._work_folder, each.collection, wait=wait))
            yield

    def run_pass(self, done: SyncTally, through: int | None = None, *, wait: float = math.inf) -> None:
        """Applies what is in the log by now.

        Args:
            done: what is applied is added here, chunk by chunk: a pass that breaks off has counted what stays applied,
                which the next one does not meet again.
            through: go no further than this position.
            wait: so many seconds for the end of a load or a comparison of these collections.

        Raises:
            filelock.Timeout: somebody else works with these collections for longer.
            CaptureError: changes were missed, or the source is not the file that was followed.
            SourceBusyError: the source was locked for too long.
            TargetError: Weaviate did not take part; nothing is lost, the next pass goes on.
            EmbeddingError: a model did not that rows wait for; so it does then.
        """
        if self._history.is_due("lag"):
            self._note_lag()
        with agreed_reading(self._log, self._positions, self.record.id) as (_, known):
            end = self._log.last_position()
        end = min(end, through) if through is not None else end
        done.position = known.position
        while done.position < end:
            with self.caught_up(end, wait=wait) as chunk:
                done.add(chunk.done)
                done.position = chunk.done.position
        self.fill_vectors(wait=wait)

    def fill_vectors(self, *, wait: float = math.inf) -> None:
        """Gives objects the vectors that they lack, as far as their models answer; not where these did not just before.

        Raises what `run_pass` does.
        """
        if time.monotonic() < self._fills_again_at or not self._lacks_vectors:
            return
        with self._alone(wait):
            filled = sum(each.fill_vectors() for each in self.appliers)
        if filled:
            logger.info("%d objects have got the vectors that they lacked", filled)
        if self._lacks_vectors:
            self._fills_again_at = time.monotonic() + SECONDS_AWAY

    def try_fill_vectors(self) -> None:
        """The same, unless somebody works with these collections right now."""
        with suppress(Timeout):
            self.fill_vectors(wait=0)

    @property
    def _lacks_vectors(self) -> bool:
        return any(each.lacks_vectors for each in self.appliers)

    def try_pass(self, done: SyncTally, through: int | None = None) -> bool:
        """A pass, until somebody loads, compares or syncs these collections: then it ends at once.

        Returns whether it went through; `done` has what it applied in any case. Raises what `run_pass` does, but for
        the time-out.
        """
        try:
            self.run_pass(done, through, wait=0)
        except Timeout:
            return False
        return True

    @property
    def unfollowed(self) -> list[RowApplier]:
        """The collections whose changes are not in the log."""
        return [each for each in self.appliers if not is_followed(each.plan)]

    @contextmanager
    def all_rows(self, applier: RowApplier) -> Iterator[ChangedRows]:
        """All rows of a collection as they are now; while the context lives nobody else writes to its objects.

        Raises:
            filelock.Timeout: somebody else works with the collection.
            CaptureError: capture is damaged or missing.
            SourceBusyError: the source was locked for too long.
        """
        with alone_with_one(self._work_folder, applier.collection, wait=0), Endings() as stack:
            with self._log.reading():
                rows = self._log.all_rows(applier.plan)
            stack.callback(rows.close)
            yield rows

    @contextmanager
    def caught_up(
        self, through: int | None = None, since: int | None = None, *, wait: float = math.inf
    ) -> Iterator[CaughtUp]:
        """Applies changes, and while the context lives nobody else writes to the migration's collections.

        Args:
            through: go no further than this position; None is the log's end, whatever there is to apply until there.
            since: also give the rows that were logged after this position and are applied already.
        """
        with Endings() as stack:
            stack.enter_context(bound_contextvars(migration_id=self.record.id))
            stack.enter_context(self._alone(wait))
            known = self.known
            reached, copies = self._copied(known, through, since)
            for _, rows in copies:
                stack.callback(rows.close)
            for applier, rows in copies:
                applier.make_vectors(rows, known.position)
            if reached.position > known.position:
                # First: killed in between, a file that was restored to before these changes is known by it.
                self._positions.save(self.record.id, known.seeing(reached.position, reached.entry))
            tally = SyncTally(changes=reached.position - known.position, position=reached.position)
            for applier, rows in copies:
                tally.add(applier.apply(rows, known.position, again=known.seen > known.position))
            self._positions.save(self.record.id, reached)
            yield CaughtUp(tally, {each.plan.mapping.name: rows for each, rows in copies})

    def _copied(self, known: LogPosition, through: int | None, since: int | None) -> tuple[LogPosition, _Copies]:
        """The position that is to be reached, and the rows that changed until there.

        Of changes that may be applied little by little, so many that their rows are not too large together.
        """
        while through is not None and self._entries_per_chunk > 1:
            limit = min(through, known.position + self._entries_per_chunk)
            try:
                copied = self._copy(known, limit, since, BYTES_PER_CHUNK)
            except CopiesTooLargeError:
                self._entries_per_chunk //= 2
            else:
                self._entries_per_chunk = min(self._most_entries, 2 * self._entries_per_chunk)
                return copied
        copied = self._copy(known, through if through is None else min(through, known.position + 1), since, None)
        self._entries_per_chunk = max(2, self._entries_per_chunk)
        return copied

    def _copy(
        self, known: LogPosition, through: int | None, since: int | None, most_bytes: int | None
    ) -> tuple[LogPosition, _Copies]:
        with self._log.reading(most_bytes) as capture:
            refuse_another_history(self._log, capture, self.record.id, known)
            end = self._log.last_position()
            if through is not None:
                end = max(known.position, min(end, through))
            begin = min(known.position, since) if since is not None else known.position
            copies = [(each, self._log.changed_rows(each.plan, begin, end)) for each in self.appliers]
            return known.moved_to(end, self._log.entry(end)), copies
