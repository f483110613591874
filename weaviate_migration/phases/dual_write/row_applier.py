"""Applies changed rows to one collection. Applying a row again is harmless."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.phases.history.changes import Changes, CollectionChanges
from weaviate_migration.phases.history.extract.partitions import partition_of
from weaviate_migration.phases.history.extract.refusals import judged
from weaviate_migration.phases.history.extract.scan import row_layout
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.phases.history.vector_filling import fill_lacking_vectors
from weaviate_migration.phases.history.written_vectors import NO_WRITTEN_VECTORS, WrittenVectors, embedded_together
from weaviate_migration.source.changed_rows import ChangedRow, ChangedRows
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.write import Batch, WriteSettings, remove_objects, remove_remains
from weaviate_migration.work_folder.quarantine import Quarantine, QuarantinedRow
from weaviate_migration.work_folder.record import MigrationRecord


@dataclass(slots=True)
class SyncTally:
    """What a pass did.

    Attributes:
        changes: entries of the log.
        written, removed, refused: objects; a key that was logged several times counts once.
        position: applied up to here.
    """

    changes: int = 0
    written: int = 0
    removed: int = 0
    refused: int = 0
    position: int = 0

    def add(self, other: "SyncTally") -> None:
        """Adds what another did; this one's position stays."""
        self.changes += other.changes
        self.written += other.written
        self.removed += other.removed
        self.refused += other.refused


@dataclass
class RowApplier:
    """Brings objects of one collection to what their rows say now.

    Args:
        plan: what the rows are.
        quarantine: the collection's.
        vectors: those that models make.
    """

    client: WeaviateClient
    record: MigrationRecord
    plan: CollectionPlan
    settings: WriteSettings
    quarantine: Quarantine
    vectors: WrittenVectors = NO_WRITTEN_VECTORS
    _removals: list[str] = field(default_factory=list, init=False)
    _refused: list[QuarantinedRow] = field(default_factory=list, init=False)

    @property
    def collection(self) -> str:
        """The versioned name."""
        return self.record.collection(self.plan.mapping)

    @cached_property
    def objects(self) -> Collection[Any, Any]:
        """The collection itself."""
        return open_collection(self.client, self.collection)

    @property
    def lacks_vectors(self) -> bool:
        """Whether objects were written without a vector that their model could not make."""
        return self.vectors.pending is not None and self.vectors.pending.are_any

    def make_vectors(self, changed: ChangedRows, after: int = 0) -> None:
        """Has the vectors made that `apply` needs: a model that is away is to be known before anything is sent.

        Raises:
            EmbeddingError: a model did not take part.
        """
        if not self.vectors.names:
            return
        columns = row_layout(self.plan).columns
        present = (
            ExtractRow(each.uuid, each.key, each.values)
            for each in changed.rows()
            if each.position > after and each.values is not None
        )
        for group in embedded_together(judged(present, self.plan.mapping, columns)):
            self.vectors.make(columns, group)

    def fill_vectors(self) -> int:
        """Gives objects the vectors that they lack, as far as their models answer; returns how many.

        Raises:
            EmbeddingError: a model did not take part that rows wait for.
            TargetError: the server did not; what was written stays.
        """
        return fill_lacking_vectors(
            *(self.objects, self.plan.mapping, row_layout(self.plan), self.record),
            *(self.settings, self.quarantine, self.vectors),
        )

    def apply(self, changed: ChangedRows, after: int = 0, *, again: bool = False) -> SyncTally:
        """Writes the objects of rows that are there, and removes those of rows that are not, or that are refused.

        Args:
            after: leave out what was logged up to this position.
            again: some of them were sent before, and nobody knows what became of them: each object is removed first.
                See `target.write` on what a killed server keeps.

        Raises:
            TargetError: the server did not take part any more; applying again goes on.
            EmbeddingError: a model did not; so it does then.
        """
        # Here, not at the end: what was begun before, and failed, is not to be gone on with.
        self._removals.clear()
        self._refused.clear()
        objects, layout, tally = self.objects, row_layout(self.plan), SyncTally()
        mapping = self.plan.mapping
        present = self._present(each for each in changed.rows() if each.position > after)
        writer = RowWriter(objects, mapping, self.record.timestamp, self.settings, self._refuse, self.vectors)
        removed_already = set[str | None]()
        batches = writer.batches("changed", judged(present, mapping, layout.columns), layout)
        for outcome in writer.send(_with_all_remains(batches) if again else batches):
            tally.written += outcome.written
            tally.removed += outcome.removed
            removed_already.update(refusal.draft.uuid for refusal in outcome.refusals)
        # Of a row that cannot become an object, too, an older version may be there.
        self._removals += [row.uuid for row in self._refused if row.uuid and row.uuid not in removed_already]
        remove = remove_remains if again else remove_objects
        tally.removed += remove(objects, self._removals)
        tally.refused = len(self._refused)
        self._note_refused(changed, after)
        return tally

    def _refuse(self, _: str, row: QuarantinedRow) -> None:
        assert row.uuid is not None, "a key with a NULL finds no row"
        self._refused.append(row)

    def _present(self, rows: Iterable[ChangedRow]) -> Iterator[ExtractRow]:
        for each in rows:
            if each.values is not None:
                yield ExtractRow(each.uuid, each.key, each.values)
            elif each.uuid is not None:
                self._removals.append(each.uuid)

    def _note_refused(self, changed: ChangedRows, after: int) -> None:
        """In the quarantine is what is refused now; what was refused before and has changed since is not."""

        def is_as_before(row: QuarantinedRow) -> bool:
            return not changed.has(row.uuid, after)

        bounds = self.record.bounds[self.plan.mapping.rows_of]
        concerned = {partition_of(each.uuid, bounds) for each in self._refused}
        concerned |= {row.partition for row in self.quarantine.index() if changed.has(row.uuid, after)}
        for partition in sorted(concerned):
            with self.quarantine.replacing(partition, keep=is_as_before):
                for row in self._refused:
                    if partition_of(row.uuid, bounds) == partition:
                        self.quarantine.add(partition, row)


def _with_all_remains(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Each batch with all of its objects as what is removed before it is written."""
    return (replace(each, remains=tuple(draft.uuid for draft in each.drafts)) for each in batches)


def apply_changes(
    client: WeaviateClient,
    since: CollectionChanges,
    changes: Changes,
    settings: WriteSettings,
    quarantine: Quarantine,
    vectors: WrittenVectors = NO_WRITTEN_VECTORS,
) -> SyncTally:
    """Brings the rows that changed since the snapshot to what they are now, beside a load of all others.

    Args:
        since: the collection's; where changes are not captured there is nothing to do.
        changes: as `since` holds them.
        vectors: those that models make.

    Raises:
        TargetError: the server did not take part any more; applying again goes on.
        EmbeddingError: a model did not; so it does then.
    """
    if changes.rows is None or since.plan is None:
        return SyncTally()
    return RowApplier(client, since.record, since.plan, settings, quarantine, vectors).apply(changes.rows)
