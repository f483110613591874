"""Loads partitions of an extract into a collection: afterwards its ranges hold just what the extract does."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

import pyarrow.dataset as ds
from weaviate.collections import Collection

from weaviate_migration.extract.storage import record_batches
from weaviate_migration.extract.storage_classes import ExtractRow, RowLayout, decode
from weaviate_migration.progress import ProgressFile
from weaviate_migration.quarantine import Quarantine, QuarantinedRow
from weaviate_migration.target.read_back import any_object_in_range, uuids_in_range
from weaviate_migration.target.write import (
    Batch,
    BatchOutcome,
    ObjectWriter,
    WriteSettings,
    cut_into_batches,
    remove_object,
)
from weaviate_migration.transform.object_ids import UuidRange
from weaviate_migration.transform.row_to_object import ObjectDraft, key_text
from weaviate_migration.transform.values import verbatim_json

RowToObject = Callable[[str, str, Sequence[Any]], ObjectDraft]

NO_KEY = "a part of its key is NULL"
DUPLICATE_KEY = "its key is given to more than one row"


@dataclass(slots=True)
class LoadTally:
    """What became of one partition's rows: each is written or refused, and counts once."""

    rows: int = 0
    written: int = 0
    refused: int = 0
    retried: int = 0
    batches: int = 0
    removed: int = 0
    seconds: float = 0.0


@dataclass
class PartitionLoad:
    """One load of some partitions into one collection.

    Args:
        extracts: for each partition its rows, sorted by UUID.
        ranges: for each partition its range of UUIDs.
        convert: makes the object of a row.
    """

    collection: Collection[Any, Any]
    extracts: Mapping[str, ds.Dataset]
    ranges: Mapping[str, UuidRange]
    convert: RowToObject
    settings: WriteSettings
    quarantine: Quarantine
    progress: ProgressFile
    tallies: dict[str, LoadTally] = field(init=False)

    def __post_init__(self) -> None:
        self.tallies = {partition: LoadTally() for partition in self.extracts}

    def run(self) -> dict[str, LoadTally]:
        """Writes every row, removes what else was in the ranges, and returns what became of each partition's rows.

        Raises:
            TargetError: the server did not take part any more; what was written stays.
        """
        began = time.monotonic()
        occupied = [key for key in self.extracts if any_object_in_range(self.collection, self.ranges[key])]
        for outcome in ObjectWriter(self.collection, self.settings).write(self._batches()):
            self._note(outcome)
            self.tallies[outcome.batch.partition].seconds = time.monotonic() - began
            if outcome.batch.partition in occupied:
                # What was refused now may be there as it was before: then it no longer says what the row says.
                self._remove(outcome.batch.partition, [refusal.draft.uuid for refusal in outcome.refusals])
        for partition in occupied:
            self._remove(partition, self._extra_objects(partition))
        self.progress.finish()
        return self.tallies

    def _batches(self) -> Iterator[Batch]:
        for partition, extract in self.extracts.items():
            self.quarantine.clear(partition)
            yield from cut_into_batches(partition, self._drafts(partition, extract), self.settings)

    def _drafts(self, partition: str, extract: ds.Dataset) -> Iterator[ObjectDraft]:
        for row, reason in with_unusable_keys(extract_rows(extract)):
            self.tallies[partition].rows += 1
            if reason is not None or row.uuid is None:
                self._refuse_row(partition, row, reason or NO_KEY, RowLayout.of_schema(extract.schema))
            else:
                yield self.convert(row.uuid, key_text(row.key), row.values)

    def _refuse_row(self, partition: str, row: ExtractRow, reason: str, layout: RowLayout) -> None:
        payload = {"row": verbatim_json(dict(zip(layout.columns, row.values, strict=True)))}
        self.quarantine.add(partition, QuarantinedRow(key_text(row.key), row.uuid, reason, payload))
        self.tallies[partition].refused += 1
        self.progress.advance(1, refused=1)

    def _note(self, outcome: BatchOutcome) -> None:
        tally = self.tallies[outcome.batch.partition]
        tally.written += outcome.written
        tally.refused += len(outcome.refusals)
        tally.retried += outcome.retried
        tally.batches += 1
        for refusal in outcome.refusals:
            row = QuarantinedRow(refusal.draft.key, refusal.draft.uuid, refusal.reason, refusal.draft.properties)
            self.quarantine.add(outcome.batch.partition, row)
        self.progress.advance(len(outcome.batch.drafts), len(outcome.refusals), outcome.retried)

    def _remove(self, partition: str, uuids: Iterable[str]) -> None:
        for uuid in uuids:
            self.tallies[partition].removed += remove_object(self.collection, uuid)

    def _extra_objects(self, partition: str) -> list[str]:
        """The objects of the range whose rows the extract does not have; both sides are sorted."""
        wanted = (
            row.uuid
            for row, reason in with_unusable_keys(extract_rows(self.extracts[partition]))
            if reason is None and row.uuid is not None
        )
        found = uuids_in_range(self.collection, self.ranges[partition])
        return list(only_in_first(found, wanted))


def extract_rows(extract: ds.Dataset) -> Iterator[ExtractRow]:
    """The rows of an extract, in its order, in bounded memory."""
    for batch in record_batches(extract):
        yield from decode(batch)


def with_unusable_keys(rows: Iterable[ExtractRow]) -> Iterator[tuple[ExtractRow, str | None]]:
    """Each row with the reason why its key cannot be used, or None. Rows that share a UUID stand side by side."""
    previous: str | None = None
    for row, following in pairwise(chain(rows, [_AFTER_THE_LAST])):
        if row.uuid is None:
            yield row, NO_KEY
        else:
            yield row, DUPLICATE_KEY if row.uuid in (previous, following.uuid) else None
        previous = row.uuid


_AFTER_THE_LAST = ExtractRow(None, (), ())


def only_in_first(first: Iterable[str], second: Iterable[str]) -> Iterator[str]:
    """The values of the first that are not in the second, both ascending."""
    others = iter(second)
    other = next(others, None)
    for value in first:
        while other is not None and other < value:
            other = next(others, None)
        if other != value:
            yield value
