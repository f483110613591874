"""Loads partitions of an extract into a collection: afterwards its ranges hold just what the extract does."""

import logging
import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text, row_converter
from weaviate_migration.phases.history.changes import EVERYTHING, Changes
from weaviate_migration.phases.history.extract.refusals import JudgedRow, judged
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.history.row_writer import quarantined_object, quarantined_row, with_provided_vectors
from weaviate_migration.target.read_back import (
    any_object_in_range,
    uuids_in_range,
)
from weaviate_migration.target.write import (
    Batch,
    BatchOutcome,
    ObjectWriter,
    WriteSettings,
    cut_into_batches,
    remove_object,
)
from weaviate_migration.work_folder.load_tally import LoadTally, total
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.progress import ProgressFile
from weaviate_migration.work_folder.quarantine import Quarantine

logger = logging.getLogger(__name__)

# How often a load says how far it is: each record is an event of the run, too, and costs about 12 ms (measured).
SECONDS_BETWEEN_RECORDS = 30.0


@dataclass
class PartitionLoad:
    """One load of some partitions into one collection.

    Args:
        extracts: for each partition its rows, sorted by UUID.
        ranges: for each partition its range of UUIDs.
        migration_timestamp: when the migration began, RFC 3339.
        changes: since the snapshot; their rows are neither written nor removed.
        loaded: keeps what is measured of each partition, and is told when all of it is loaded.
        has_readers: the collection is in use: no object may be away, not even for a moment.
    """

    collection: Collection[Any, Any]
    extracts: Mapping[str, PartitionExtract]
    ranges: Mapping[str, UuidRange]
    mapping: CollectionMapping
    migration_timestamp: str
    settings: WriteSettings
    quarantine: Quarantine
    progress: ProgressFile
    changes: Changes
    loaded: LoadedPartitions
    has_readers: bool
    tallies: dict[str, LoadTally] = field(init=False)
    _under_way: Counter[str] = field(init=False, default_factory=Counter)
    _read: set[str] = field(init=False, default_factory=set)
    _finished: set[str] = field(init=False, default_factory=set)
    _told_at: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tallies = {partition: LoadTally() for partition in self.extracts}

    def run(self) -> dict[str, LoadTally]:
        """Writes every row, removes what else was in the ranges, and returns what became of each partition's rows.

        Raises:
            TargetError: the server did not take part any more; what was written stays.
        """
        began = time.monotonic()
        self.loaded.begin(self.extracts)
        occupied = self._occupied()
        for outcome in ObjectWriter(self.collection, self.settings).write(self._batches(occupied)):
            partition = outcome.batch.partition
            self._note(outcome)
            self.tallies[partition].seconds = time.monotonic() - began
            # What was refused may be there: as it was before, or without the index entry of a vector that does not fit
            # the first one of a new index (measured on 1.39.0). Then it is not what the row says.
            self._remove(partition, [refusal.draft.uuid for refusal in outcome.refusals])
            if self._is_written(partition):
                self._finish(partition, occupied)
        for partition in self.extracts:
            if partition not in self._finished:
                self._finish(partition, occupied)
        self.progress.finish()
        self._tell()
        return self.tallies

    def _occupied(self) -> set[str]:
        """The partitions that hold objects already; of a new collection, which has none, one answer tells it."""
        if not any_object_in_range(self.collection, EVERYTHING):
            return set()
        return {key for key in self.extracts if any_object_in_range(self.collection, self.ranges[key])}

    def _batches(self, occupied: Container[str]) -> Iterator[Batch]:
        for partition, extract in self.extracts.items():
            self.quarantine.clear(partition)
            drafts = self._drafts(partition, extract)
            if partition in occupied:
                drafts = with_provided_vectors(drafts, self.collection, self.mapping)
            batches = cut_into_batches(partition, drafts, self.settings)
            if partition in occupied and not self.has_readers:
                batches = with_remains(batches, uuids_in_range(self.collection, self.ranges[partition]))
            for batch in batches:
                self._under_way[partition] += 1
                yield batch
            self._read.add(partition)

    def _is_written(self, partition: str) -> bool:
        """Whether all of a partition's batches have come to their end."""
        return partition in self._read and not self._under_way[partition]

    def _finish(self, partition: str, occupied: Container[str]) -> None:
        """Removes what else is in the range, and notes that the partition is loaded: a resumed load begins after it."""
        if partition in occupied:
            self._remove(partition, self._extra_objects(partition))
        self.quarantine.finish(partition)
        self.loaded.note(partition, self.tallies[partition])
        self._finished.add(partition)

    def _drafts(self, partition: str, extract: PartitionExtract) -> Iterator[ObjectDraft]:
        tally = self.tallies[partition]
        tally.rows = tally.changed = extract.rows
        if not tally.rows:
            return
        layout = RowLayout.of_schema(extract.schema)
        convert = row_converter(self.mapping, layout.columns, self.migration_timestamp)
        for row, reason in self._judged(partition):
            tally.changed -= 1
            if reason is None:
                assert row.uuid is not None, "without a UUID it is refused"
                tally.converted += 1
                yield convert(row.uuid, key_text(row.key), row.values)
            else:
                self.quarantine.add(partition, quarantined_row(row, reason, layout))
                tally.refuse("conversion")
                self.progress.advance(1, refused=1)
        self.progress.advance(tally.changed)

    def _judged(self, partition: str) -> Iterator[JudgedRow]:
        """The rows of a partition that were not changed since the snapshot."""
        extract = self.extracts[partition]
        rows = self.changes.untouched(extract.extract_rows(), self.ranges[partition])
        return judged(rows, self.mapping, RowLayout.of_schema(extract.schema).columns)

    def _note(self, outcome: BatchOutcome) -> None:
        batch, refusals = outcome.batch, outcome.refusals
        tally = self.tallies[batch.partition]
        tally.add_batch(outcome.written, outcome.retried_by, batch.estimated_bytes, outcome.seconds)
        self._under_way[batch.partition] -= 1
        for refusal in refusals:
            tally.refuse(refusal.category)
            self.quarantine.add(batch.partition, quarantined_object(refusal))
        self.loaded.note_under_way(batch.partition, tally)
        self.progress.advance(len(batch.drafts), len(refusals), outcome.retried, outcome.written)
        if time.monotonic() - self._told_at >= SECONDS_BETWEEN_RECORDS:
            self._tell()

    def _tell(self) -> None:
        """One line for many batches."""
        self._told_at, done = time.monotonic(), total(self.tallies.values())
        logger.info(
            "%s: %d rows read, %d written, %d refused, in %d batches",
            *(self.collection.name, done.rows, done.written, done.refused, done.batches),
        )

    def _remove(self, partition: str, uuids: Iterable[str]) -> None:
        for uuid in uuids:
            self.tallies[partition].removed += remove_object(self.collection, uuid)

    def _extra_objects(self, partition: str) -> list[str]:
        """The objects of the range whose rows the extract does not have, nor the log; all sides are sorted."""
        within = self.ranges[partition]
        wanted = (row.uuid for row, reason in self._judged(partition) if reason is None and row.uuid is not None)
        extra = only_in_first(uuids_in_range(self.collection, within), wanted)
        return list(only_in_first(extra, self.changes.uuids(within)))


def is_still_whole(
    collection: Collection[Any, Any], extract: PartitionExtract, within: UuidRange, changes: Changes
) -> bool:
    """Whether a partition that was loaded in whole still is: a server that was killed may have lost what it had taken.

    Args:
        within: the partition's range.
        changes: since the snapshot; their rows are not looked for.
    """
    wanted = only_in_first(extract.uuids(), changes.uuids(within))
    return next(only_in_first(wanted, uuids_in_range(collection, within)), None) is None


def with_remains(batches: Iterable[Batch], stored: Iterator[str]) -> Iterator[Batch]:
    """Each batch with those of its objects that are stored already: they are removed before it is written.

    A server that is killed while it takes a batch may keep objects of it without what its indexes say of them. An equal
    object that is sent again changes nothing then, and filters do not find it (seen on 1.39.0).

    Args:
        batches: their objects ascend by UUID, from one to the next, too.
        stored: the UUIDs that the partition holds, ascending.
    """
    other = next(stored, None)
    for batch in batches:
        remains = []
        for draft in batch.drafts:
            while other is not None and other < draft.uuid:
                other = next(stored, None)
            if other == draft.uuid:
                remains.append(draft.uuid)
        yield replace(batch, remains=tuple(remains))


def only_in_first(first: Iterable[str], second: Iterable[str]) -> Iterator[str]:
    """The values of the first that are not in the second, both ascending."""
    others = iter(second)
    other = next(others, None)
    for value in first:
        while other is not None and other < value:
            other = next(others, None)
        if other != value:
            yield value
