"""Writes rows as objects: the one way to do so, for load, sync, repair and the retry of the quarantine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.base.settings import refuse_unset
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text, row_converter
from weaviate_migration.mapping.values import verbatim_json
from weaviate_migration.phases.history.extract.refusals import JudgedRow
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.history.written_vectors import NO_WRITTEN_VECTORS, WrittenVectors
from weaviate_migration.target.message_size import estimated_size
from weaviate_migration.target.read_back import asked_together, vectors_by_uuid
from weaviate_migration.target.write import Batch, BatchOutcome, ObjectWriter, Refusal, WriteSettings, cut_into_batches
from weaviate_migration.work_folder.quarantine import QuarantinedRow

TakeRefused = Callable[[str, QuarantinedRow], None]
"""Takes a refused row, with its partition: `Quarantine.add`, or what counts it, too."""

_RowDraft = tuple[ObjectDraft, ExtractRow]


@dataclass(frozen=True)
class RowWriter:
    """Writes rows of one table as objects of one collection.

    Args:
        mapping: the collection's part of the mapping.
        migration_timestamp: when the migration began, RFC 3339.
        into: takes each row that is refused. It is called in the thread that takes the outcomes.
        vectors: those that models make.

    Raises:
        ConfigurationError: a key is not set that the server needs to make vectors of what is written.
    """

    collection: Collection[Any, Any]
    mapping: CollectionMapping
    migration_timestamp: str
    settings: WriteSettings
    into: TakeRefused
    vectors: WrittenVectors = NO_WRITTEN_VECTORS

    def __post_init__(self) -> None:
        """Without its key a vectorizer of the server refuses every object."""
        refuse_unset(self.mapping.variables)

    def write(self, partition: str, rows: Iterable[JudgedRow], layout: RowLayout) -> Iterator[BatchOutcome]:
        """Writes rows, a few batches under way at once, and yields what became of each batch as it completes.

        Objects keep the vectors that the application has set on them.

        Args:
            rows: ascending by address; a refused one goes to `into`, and its object stays as it is.
            layout: what the columns of the rows are.

        Raises:
            TargetError: the server did not take part any more; what was written stays.
            EmbeddingError: a model did not; so does what was written before.
        """
        return self.send(self.batches(partition, rows, layout))

    def batches(
        self, partition: str, rows: Iterable[JudgedRow], layout: RowLayout, *, keep_vectors: bool = True
    ) -> Iterator[Batch]:
        """The objects of rows, in batches, as `write` sends them.

        Args:
            keep_vectors: look for vectors that the application has set; in vain where there are no objects yet.
        """
        drafts = self._with_made_vectors(self._drafts(partition, rows, layout), layout.columns)
        if keep_vectors:
            drafts = _with_provided_vectors(drafts, self.collection, self.mapping)
        return cut_into_batches(partition, drafts, self.settings)

    def send(self, batches: Iterable[Batch]) -> Iterator[BatchOutcome]:
        """Sends batches, of several partitions too; yields and raises what `write` does."""
        writer = ObjectWriter(self.collection, self.settings, self.mapping.provided_vectors)
        for outcome in writer.write(batches):
            for refusal in outcome.refusals:
                self.into(outcome.batch.partition, _refused_object(refusal))
            yield outcome

    def _with_made_vectors(self, drafts: Iterable[_RowDraft], columns: Sequence[str]) -> Iterator[ObjectDraft]:
        """Each draft with the vectors that models make of its row: of many rows at once."""
        if not self.vectors.names:
            yield from (draft for draft, _ in drafts)
            return
        for group in asked_together(drafts, lambda each: estimated_size(each[0])):
            made = self.vectors.to_write(columns, [row for _, row in group])
            for (draft, _), found in zip(group, made, strict=True):
                vectors = {name: numbers.tolist() for name, numbers in found.items()}
                yield draft._replace(vectors={**draft.vectors, **vectors})

    def _drafts(self, partition: str, rows: Iterable[JudgedRow], layout: RowLayout) -> Iterator[_RowDraft]:
        convert = row_converter(self.mapping, layout.columns, self.migration_timestamp, layout.parents)
        for row, reason in rows:
            if reason is None:
                assert row.uuid is not None, "without a UUID it is refused"
                yield convert(row.uuid, key_text(row.key), row.values), row
            else:
                self.into(partition, _refused_row(row, reason, layout))


def _with_provided_vectors(
    drafts: Iterable[ObjectDraft], collection: Collection[Any, Any], mapping: CollectionMapping
) -> Iterator[ObjectDraft]:
    """Each draft with the vectors that the application has set on its object: writing replaces the whole object.

    A vector that is set between this and the writing is lost.
    """
    names = mapping.provided_vectors
    if not names:
        yield from drafts
        return
    for group in asked_together(drafts, estimated_size):
        stored = vectors_by_uuid(collection, [draft.uuid for draft in group], names)
        for draft in group:
            found = stored.get(draft.uuid)
            yield draft._replace(vectors={**found, **draft.vectors}) if found else draft


def _refused_row(row: ExtractRow, reason: str, layout: RowLayout) -> QuarantinedRow:
    """A row that did not become an object: all of its columns are the payload."""
    payload = {"row": verbatim_json(dict(zip(layout.columns, row.values, strict=True)))}
    return QuarantinedRow(key_text(row.key), row.uuid, reason, payload, "conversion")


def _refused_object(refusal: Refusal) -> QuarantinedRow:
    """A row whose object was not taken: the object's properties are the payload."""
    draft = refusal.draft
    return QuarantinedRow(draft.key, draft.uuid, refusal.reason, draft.properties, refusal.category)
