"""The vectors that rows are written with: known, held by a collection already, or made; what cannot be now is noted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from weaviate import WeaviateClient

from weaviate_migration.base.bundles import bundled
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.phases.history.extract.refusals import JudgedRow
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.phases.history.held_vectors import HeldVectors, held_versions
from weaviate_migration.vectors.cache import Vector
from weaviate_migration.vectors.made_vectors import NO_MADE_VECTORS, MadeVectors, RowVectors
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.record import MigrationRecord

# Rows that are asked for together: of so many the texts are in memory, with their vectors.
_ROWS, _BYTES = 1_000, 16 * 1024 * 1024


@dataclass(frozen=True)
class WrittenVectors:
    """The vectors of one collection that models make.

    Args:
        made: by them; it knows those of before.
        pending: where it is noted which objects go without one; None where there are none to make.
        held: where they are, too.
    """

    made: MadeVectors
    pending: PendingVectors | None = None
    held: Sequence[HeldVectors] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the vectors."""
        return self.made.names

    def make(self, columns: Sequence[str], rows: Sequence[ExtractRow]) -> list[RowVectors]:
        """The vectors of rows, as `MadeVectors.make` says; what a collection holds of these very texts is not made.

        Raises:
            EmbeddingError, MigrationConflictError: as that does.
            TargetError: the server did not take part.
        """
        return self.made.make(columns, [row.values for row in rows], partial(self._held_of, rows))

    def to_write(self, columns: Sequence[str], rows: Sequence[ExtractRow]) -> list[Mapping[str, Vector]]:
        """The same for rows that are about to be written; which of them go without a vector is on disk before that.

        Raises:
            StorageError: it cannot be noted there.
        """
        found = self.make(columns, rows)
        lacking = [(row.uuid or "", name) for row, each in zip(rows, found, strict=True) for name in lacking_in(each)]
        if lacking:
            assert self.pending is not None, "none may be left out"
            self.pending.add(lacking)
        return [{name: vector for name, vector in each.items() if vector is not None} for each in found]

    def _held_of(self, rows: Sequence[ExtractRow], digest: str, texts: Mapping[str, int]) -> dict[str, Vector]:
        """The vectors of some texts that are held.

        Args:
            texts: the position of a row that has it, by text.
        """
        left = {text: uuid for text, position in texts.items() if (uuid := rows[position].uuid) is not None}
        found: dict[str, Vector] = {}
        for each in self.held:
            found |= each.of_texts(digest, left)
            left = {text: uuid for text, uuid in left.items() if text not in found}
        return found


NO_WRITTEN_VECTORS = WrittenVectors(NO_MADE_VECTORS)
"""Of a collection whose vectors no model makes."""


def embedded_together(rows: Iterable[JudgedRow]) -> Iterator[list[ExtractRow]]:
    """Those that become objects, so many at once as texts and vectors have room in memory."""
    written = (row for row, refused in rows if refused is None)
    return bundled(written, _size_of_texts, _ROWS, _BYTES)


def _size_of_texts(row: ExtractRow) -> int:
    return sum(len(value) for value in row.values if isinstance(value, str))


def lacking_in(vectors: RowVectors) -> list[str]:
    """The names of the vectors that a row should have, and has not."""
    return [name for name, vector in vectors.items() if vector is None]


def written_vectors(
    client: WeaviateClient,
    work_folder: WorkFolder,
    record: MigrationRecord,
    mapping: WholeMapping,
    collection: CollectionMapping,
    models: OpenModels,
) -> WrittenVectors:
    """The vectors that rows of a migration's collection are written with; no model is opened before it is needed.

    Args:
        mapping: the migration's, and `collection` the part of it that is written.
    """
    if not collection.made_vectors:
        return NO_WRITTEN_VECTORS
    return WrittenVectors(
        models.made_vectors(mapping, collection, record.models_of(collection)),
        work_folder.pending_vectors(record, collection),
        held_versions(client, work_folder, record, collection),
    )
