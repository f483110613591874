"""Gives objects the vectors that they lack since their model was away, once it answers: nobody has to ask for it.

The texts are the objects' own: an object holds its row exactly, and what has changed of the row is applied by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_to_row import row_rebuilder
from weaviate_migration.phases.history.extract.partitions import partition_range
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.phases.history.written_vectors import WrittenVectors, lacking_in
from weaviate_migration.target.read_back import StoredObject, asked_together, mapped_objects_by_uuid
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.quarantine import Quarantine, QuarantinedRow
from weaviate_migration.work_folder.record import MigrationRecord


def fill_lacking_vectors(
    objects: Collection[Any, Any],
    mapping: CollectionMapping,
    layout: RowLayout,
    record: MigrationRecord,
    settings: WriteSettings,
    quarantine: Quarantine,
    vectors: WrittenVectors,
) -> int:
    """Writes the objects of one collection whose lacking vectors can be made now; the others go on lacking theirs.

    Args:
        objects: the collection; nobody else writes to it meanwhile.
        mapping: its part of the migration's mapping.
        layout: what the columns of its rows are.
        vectors: those that models make.

    Returns:
        How many objects have got them.

    Raises:
        EmbeddingError: a model is away that rows wait for.
        TargetError: the server did not take part any more; what was written stays.
    """
    return _Filling(objects, mapping, layout, record, settings, quarantine, vectors).run()


@dataclass(frozen=True)
class _Filling:
    """The same, step by step."""

    objects: Collection[Any, Any]
    mapping: CollectionMapping
    layout: RowLayout
    record: MigrationRecord
    settings: WriteSettings
    quarantine: Quarantine
    vectors: WrittenVectors

    def run(self) -> int:
        pending, filled = self.vectors.pending, 0
        if pending is None or not pending.are_any:
            return 0
        for partition, addresses in self._lacking(pending):
            stored = mapped_objects_by_uuid(self.objects, self.mapping, addresses)
            rows = list(self._rows(stored))
            ready = self._with_all_vectors(rows)
            filled += self._write(partition, ready)
            # Their objects are there no more, or have all of their vectors.
            pending.remove({*addresses} - {*stored} | {row.uuid for row in ready if row.uuid is not None})
            if rows and not ready:  # The model is still away: more would only be read in vain.
                break
        return filled

    def _lacking(self, pending: PendingVectors) -> Iterator[tuple[str, list[str]]]:
        """The addresses of objects that lack vectors, some of one partition at once."""
        bounds = self.record.bounds[self.mapping.rows_of]
        for partition in self.record.partition_keys:
            lacking = pending.within(partition_range(bounds, partition))
            addresses = (address for address, _ in groupby(lacking, itemgetter(0)))
            for some in asked_together(addresses, len):
                yield partition, some

    def _rows(self, stored: Mapping[str, StoredObject]) -> Iterator[ExtractRow]:
        """The rows of objects, but of those that tell none: `verify --repair` mends these."""
        rebuild = row_rebuilder(self.mapping, self.layout.columns)
        for uuid, each in stored.items():
            try:
                key = str(each.properties[self.mapping.provenance]["original_id"])
                yield ExtractRow(uuid, (key,), rebuild(each.properties, each.vectors))
            except (ValueError, LookupError, TypeError, AttributeError):
                continue

    def _with_all_vectors(self, rows: Sequence[ExtractRow]) -> list[ExtractRow]:
        made = self.vectors.make(self.layout.columns, rows)
        return [row for row, vectors in zip(rows, made, strict=True) if not lacking_in(vectors)]

    def _write(self, partition: str, rows: Sequence[ExtractRow]) -> int:
        refused: list[QuarantinedRow] = []
        writer = RowWriter(
            *(self.objects, self.mapping, self.record.timestamp, self.settings),
            lambda _, row: refused.append(row),
            self.vectors,
        )
        outcomes = writer.write(partition, ((row, None) for row in rows), self.layout)
        written = sum(outcome.written for outcome in outcomes)
        if refused:
            with self.quarantine.replacing(partition, keep=lambda _: True):
                for row in refused:
                    self.quarantine.add(partition, row)
        return written
