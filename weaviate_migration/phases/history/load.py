"""Loads partitions of an extract into a collection: afterwards its ranges hold just what the extract does."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.phases.history.ascending import Ascending
from weaviate_migration.phases.history.changes import EVERYTHING, Changes
from weaviate_migration.phases.history.extract.refusals import JudgedRow, judged
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.phases.history.written_vectors import NO_WRITTEN_VECTORS, WrittenVectors
from weaviate_migration.target.read_back import any_object_in_range, page_for, uuids_in_range
from weaviate_migration.target.tenants import Tenants, tenants_of
from weaviate_migration.target.write import Batch, BatchOutcome, WriteSettings, remove_object
from weaviate_migration.work_folder.load_tally import LoadTally, total
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.progress import KeptProgress
from weaviate_migration.work_folder.quarantine import Quarantine, QuarantinedRow

logger = logging.getLogger(__name__)

# How often a load says how far it is: each record is an event of the run, too, and costs about 1 ms (measured).
SECONDS_BETWEEN_RECORDS = 30.0


@dataclass
class PartitionLoad:
    """One load of some partitions into one collection.

    Args:
        extracts: for each partition its rows, sorted by address.
        ranges: for each partition its range of addresses.
        migration_timestamp: when the migration began, RFC 3339.
        changes: since the snapshot; their rows are neither written nor removed.
        loaded: keeps what is measured of each partition, and is told when all of it is loaded.
        has_readers: the collection is in use: no object may be away, not even for a moment.
        vectors: those that models make.
    """

    collection: Collection[Any, Any]
    extracts: Mapping[str, PartitionExtract]
    ranges: Mapping[str, UuidRange]
    mapping: CollectionMapping
    migration_timestamp: str
    settings: WriteSettings
    quarantine: Quarantine
    progress: KeptProgress
    changes: Changes
    loaded: LoadedPartitions
    has_readers: bool
    vectors: WrittenVectors = NO_WRITTEN_VECTORS
    tallies: dict[str, LoadTally] = field(init=False)
    # As they are when the load begins: what it writes makes others, and those hold nothing else.
    _tenants: Tenants = field(init=False, default=None)
    _under_way: Counter[str] = field(init=False, default_factory=Counter)
    _read: set[str] = field(init=False, default_factory=set)
    _finished: set[str] = field(init=False, default_factory=set)
    _logged_at: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tallies = {partition: LoadTally() for partition in self.extracts}

    def run(self) -> dict[str, LoadTally]:
        """Writes every row, removes what else was in the ranges, and returns what became of each partition's rows.

        Raises:
            TargetError: the server did not take part any more; what was written stays.
            EmbeddingError: a model did not; so does what was written before.
        """
        began = time.monotonic()
        self.loaded.begin(self.extracts)
        self._tenants = tenants_of(self.collection, self.mapping)
        occupied = self._occupied()
        writer = RowWriter(
            self.collection, self.mapping, self.migration_timestamp, self.settings, self._refuse, self.vectors
        )
        for outcome in writer.send(self._batches(writer, occupied)):
            partition = outcome.batch.partition
            self._count(outcome)
            self.tallies[partition].seconds = time.monotonic() - began
            if self._is_written(partition):
                self._finish(partition, occupied)
        for partition in self.extracts:
            if partition not in self._finished:
                self._finish(partition, occupied)
        self.progress.finish()
        self._log()
        return self.tallies

    def _occupied(self) -> set[str]:
        """The partitions that hold objects already; of a new collection, which has none, one answer tells it."""
        if not self._has_objects(EVERYTHING):
            return set()
        return {key for key in self.extracts if self._has_objects(self.ranges[key])}

    def _has_objects(self, within: UuidRange) -> bool:
        return any_object_in_range(self.collection, within, tenants=self._tenants)

    def _stored(self, partition: str) -> Iterator[str]:
        extract = self.extracts[partition]
        page = page_for(extract.rows, extract.bytes)
        return uuids_in_range(self.collection, self.ranges[partition], page, tenants=self._tenants)

    def _batches(self, writer: RowWriter, occupied: Container[str]) -> Iterator[Batch]:
        for partition, extract in self.extracts.items():
            self.quarantine.clear(partition)
            tally = self.tallies[partition]
            tally.rows = extract.rows
            for batch in self._batches_of(partition, writer, occupied) if extract.rows else ():
                tally.converted += len(batch.drafts)
                self._under_way[partition] += 1
                yield batch
            self.progress.advance(tally.changed)
            self._read.add(partition)

    def _batches_of(self, partition: str, writer: RowWriter, occupied: Container[str]) -> Iterator[Batch]:
        layout = RowLayout.of_schema(self.extracts[partition].schema)
        is_occupied = partition in occupied
        batches = writer.batches(partition, self._unchanged(partition), layout, keep_vectors=is_occupied)
        if is_occupied and not self.has_readers:
            return with_remains(batches, self._stored(partition))
        return batches

    def _unchanged(self, partition: str) -> Iterator[JudgedRow]:
        """The judged rows of a partition; those that it has and does not give are counted as changed."""
        return self._judged(partition, self.tallies[partition].leave_out)

    def _is_written(self, partition: str) -> bool:
        """Whether all of a partition's batches have come to their end."""
        return partition in self._read and not self._under_way[partition]

    def _finish(self, partition: str, occupied: Container[str]) -> None:
        """Removes what else is in the range, and notes that the partition is loaded: a resumed load begins after it."""
        if partition in occupied:
            for uuid in self._extra_objects(partition):
                self.tallies[partition].removed += remove_object(self.collection, uuid)
        self.quarantine.finish(partition)
        self.loaded.note(partition, self.tallies[partition])
        self._finished.add(partition)

    def _judged(self, partition: str, leave_out: Callable[[ExtractRow], object] | None = None) -> Iterator[JudgedRow]:
        """The rows of a partition that were not changed since the snapshot; `leave_out` is told of the others."""
        extract = self.extracts[partition]
        rows = self.changes.untouched(extract.extract_rows(), self.ranges[partition], leave_out)
        return judged(rows, self.mapping, RowLayout.of_schema(extract.schema).columns)

    def _refuse(self, partition: str, row: QuarantinedRow) -> None:
        self.tallies[partition].refuse(row.category)
        self.quarantine.add(partition, row)
        self.progress.advance(1, refused=1)

    def _count(self, outcome: BatchOutcome) -> None:
        """Counts a batch; what was refused of it is counted already."""
        batch = outcome.batch
        tally = self.tallies[batch.partition]
        tally.add_batch(outcome.written, outcome.retried_by, batch.estimated_bytes, outcome.seconds)
        tally.removed += outcome.removed
        self._under_way[batch.partition] -= 1
        self.loaded.note_under_way(batch.partition, tally)
        self.progress.advance(outcome.written, retried=outcome.retried, written=outcome.written)
        if time.monotonic() - self._logged_at >= SECONDS_BETWEEN_RECORDS:
            self._log()

    def _log(self) -> None:
        """One line for many batches."""
        self._logged_at, done = time.monotonic(), total(self.tallies.values())
        logger.info(
            "%s: %d rows read, %d written, %d refused, in %d batches",
            *(self.collection.name, done.rows, done.written, done.refused, done.batches),
        )

    def _extra_objects(self, partition: str) -> list[str]:
        """The objects of the range whose rows the extract does not have, nor the log."""
        within = self.ranges[partition]
        wanted = Ascending(row.uuid for row, reason in self._judged(partition) if reason is None and row.uuid)
        changed = Ascending(self.changes.uuids(within))
        stored = self._stored(partition)
        return [uuid for uuid in stored if not wanted.has(uuid) and not changed.has(uuid)]


def is_still_whole(
    collection: Collection[Any, Any],
    extract: PartitionExtract,
    within: UuidRange,
    changes: Changes,
    tenants: Tenants,
) -> bool:
    """Whether a partition that was loaded in whole still is: a server that was killed may have lost what it had taken.

    Args:
        within: the partition's range.
        changes: since the snapshot; their rows are not looked for.
        tenants: the collection's.
    """
    changed = Ascending(changes.uuids(within))
    page = page_for(extract.rows, extract.bytes)
    stored = Ascending(uuids_in_range(collection, within, page, tenants=tenants))
    return all(changed.has(uuid) or stored.has(uuid) for uuid in extract.uuids())


def with_remains(batches: Iterable[Batch], stored: Iterable[str]) -> Iterator[Batch]:
    """Each batch with those of its objects that are stored already: they are removed before it is written.

    What an earlier load sent, and no server acknowledged, may be stored in part: see `target.write`.

    Args:
        batches: their objects ascend by address, also from one batch to the next.
        stored: the addresses that the partition holds, ascending.
    """
    remains = Ascending(stored)
    for batch in batches:
        yield replace(batch, remains=tuple(draft.uuid for draft in batch.drafts if remains.has(draft.uuid)))
