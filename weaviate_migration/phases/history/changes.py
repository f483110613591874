"""What changed of a collection's rows since its snapshot: load, comparison and repair from extracts ask here.

An extract is as old as its snapshot. An object must never go back to an older version of its row, and a comparison must
not take for damage what sync did. So rows that were logged since the snapshot are not taken from the extract, and while
one works with the collection nobody else writes to it.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import CaptureError, SourceAwayError
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.object_ids import UuidRange, object_uuid
from weaviate_migration.phases.history.ascending import Ascending
from weaviate_migration.phases.history.collection_locks import alone_with_one
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.source.change_log import INSTALL_HINT, ChangeLog
from weaviate_migration.source.changed_rows import ChangedRow, ChangedRows
from weaviate_migration.source.plan import CollectionPlan, plan_in_place
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import refuse_another_history

EVERYTHING = UuidRange(None, None)

_LOG_HINT = (
    "The change log in it is read wherever rows are loaded: have that done on the machine that has the file. Where "
    "nobody follows its changes any more, `weaviate-migration rollback --discard` and then `weaviate-migration capture "
    "remove` there let the next migration do without it."
)


@dataclass(frozen=True)
class Changes:
    """The changed rows of a collection, while nobody else writes to it.

    Attributes:
        rows: since the snapshot, or since the applied position where that is before it, as they were when the lock was
            taken; None where changes are not captured.
        applied: up to this position they are in Weaviate; those after it are pending.
    """

    rows: ChangedRows | None = None
    applied: int = 0

    def untouched(
        self,
        rows: Iterable[ExtractRow],
        within: UuidRange = EVERYTHING,
        leave_out: Callable[[ExtractRow], object] | None = None,
    ) -> Iterator[ExtractRow]:
        """The rows of an extract that were not logged since; ascending, as they came.

        Args:
            leave_out: is told of each of the others, when it is its turn.
        """
        return self._untouched(rows, within, leave_out) if self.rows is not None else iter(rows)

    def _untouched(
        self, rows: Iterable[ExtractRow], within: UuidRange, leave_out: Callable[[ExtractRow], object] | None
    ) -> Iterator[ExtractRow]:
        changed = Ascending(self.uuids(within))
        for row in rows:
            if not changed.has(row.uuid):
                yield row
            elif leave_out is not None:
                leave_out(row)

    def carried_into(self, rows: Iterable[ExtractRow], within: UuidRange = EVERYTHING) -> Iterator[ExtractRow]:
        """The rows of an extract as the log has changed them: applied ones as they are now, pending ones left out."""
        untouched = self.untouched(rows, within)
        if self.rows is None:
            return untouched
        applied = (
            ExtractRow(each.uuid, each.key, each.values)
            for each in self.rows.rows(within.low, within.high)
            if each.values is not None and each.position <= self.applied
        )
        return heapq.merge(untouched, applied, key=lambda row: row.uuid or "")

    def without_pending(self, objects: Iterable[StoredObject], within: UuidRange) -> Iterator[StoredObject]:
        """The objects of a range whose rows have no change that is not applied yet; ascending, as they came."""
        if self.rows is None:
            return iter(objects)
        pending = Ascending(self._pending(within))
        return (each for each in objects if not pending.has(each.uuid))

    def uuids(self, within: UuidRange = EVERYTHING) -> Iterator[str]:
        """Their addresses, ascending, each once."""
        return self.rows.uuids(within.low, within.high) if self.rows is not None else iter(())

    def count(self, within: UuidRange) -> int:
        """How many keys changed."""
        return sum(1 for _ in self.uuids(within))

    def pending(self, within: UuidRange) -> int:
        """How many keys have a change that is not applied yet."""
        return sum(1 for _ in self._pending(within))

    def touch(self, within: UuidRange) -> bool:
        """Whether any row of a range was logged since the snapshot."""
        return self.rows is not None and next(self.rows.rows(within.low, within.high), None) is not None

    def has(self, uuid: str | None) -> bool:
        """Whether the row of this address was logged since the snapshot."""
        return self.rows is not None and self.rows.has(uuid)

    def _pending(self, within: UuidRange) -> Iterator[str]:
        """Their addresses, ascending; rows that share one stand side by side."""
        rows: Iterable[ChangedRow] = self.rows.rows(within.low, within.high) if self.rows is not None else ()
        return (each.uuid for each in rows if each.uuid is not None and each.position > self.applied)


@dataclass(frozen=True)
class CollectionChanges:
    """The way to the changes of one collection of one migration.

    Args:
        work_folder: knows who works with it, and how far the migration is applied.
        collection: the versioned name.
        log: of the source, and `plan`, what the collection's rows are there; None where changes are not captured.
        record: the migration's.
        part: the partitions that alone are kept from others, where somebody else keeps these from the collection.
    """

    work_folder: WorkFolder
    collection: str
    log: ChangeLog | None
    plan: CollectionPlan | None
    record: MigrationRecord
    part: str = ""

    @contextmanager
    def held(self, within: UuidRange = EVERYTHING) -> Iterator[Changes]:
        """Waits until nobody else writes to the collection, keeps it so, and gives what changed since the snapshot.

        Raises:
            CaptureError: changes were missed, or the source is not the file that was followed.
        """
        with Endings() as stack:
            held = f"{self.collection}.{self.part}" if self.part else self.collection
            stack.enter_context(alone_with_one(self.work_folder, held))
            snapshot = self.record.snapshot
            if self.log is None or self.plan is None or snapshot is None or snapshot.captured is None:
                yield Changes()
                return
            known = self.work_folder.sync_positions.read(self.record.id) or snapshot.captured
            with self.log.reading() as capture:
                refuse_another_history(self.log, capture, self.record.id, known)
                # What was changed before the snapshot may not be applied yet: that is pending, and no damage.
                begin = min(snapshot.captured.position, known.position)
                end = self.log.last_position()
                rows = self.log.changed_rows(self.plan, begin, end, within.low, within.high)
            stack.callback(rows.close)
            yield Changes(rows, known.position)


@contextmanager
def open_change_log(work_folder: WorkFolder, source: Path) -> Iterator[ChangeLog]:
    """The change log of a work folder's capture.

    Raises:
        CaptureError: nothing is captured for this work folder, or capture was damaged.
    """
    if (capture_id := work_folder.capture_id) is None:
        raise CaptureError(f"Changes of {source} are not captured for {work_folder.place}.", INSTALL_HINT)
    with ChangeLog(source, capture_id, object_uuid, work_folder.ensure_scratch()) as log:
        with log.reading():
            pass  # Says so, if capture was damaged.
        yield log


@contextmanager
def _naming_the_log() -> Iterator[None]:
    """Says why the file is needed: who did not ask for changes to be followed may have a log from before."""
    try:
        yield
    except SourceAwayError as error:
        raise SourceAwayError(error.message, f"{_LOG_HINT} {error.hint}") from error


@contextmanager
def collection_changes(
    work_folder: WorkFolder, record: MigrationRecord, mapping: Mapping, collection: CollectionMapping, part: str = ""
) -> Iterator[CollectionChanges]:
    """The way to the changes of one collection since the migration's snapshot.

    Args:
        part: the partitions that alone are kept from others, where somebody else keeps these from the collection.

    Raises:
        CaptureError: the snapshot was taken with capture, and the source has it no more.
        SourceAwayError: it was taken with capture, and the source is not there, as on another machine.
        MappingError: the mapping does not fit the source any more.
    """
    with Endings() as stack:
        log, plan = None, None
        if record.snapshot is not None and record.snapshot.captured is not None:
            # First: where the mapping does not fit any more, mending the capture would be of no use.
            with _naming_the_log():
                plan = plan_in_place(record.source, mapping).of(collection)
                log = stack.enter_context(open_change_log(work_folder, record.source))
        yield CollectionChanges(work_folder, record.collection(collection), log, plan, record, part)


@contextmanager
def held_changes(
    work_folder: WorkFolder, record: MigrationRecord, mapping: Mapping, collection: CollectionMapping
) -> Iterator[Changes]:
    """What changed of one collection since the snapshot, while nobody else writes to it; raises as `held` does."""
    with collection_changes(work_folder, record, mapping, collection) as since, since.held() as changes:
        yield changes
