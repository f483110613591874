"""Has models make the vectors of a collection's rows before they are written: from then on they are in the cache."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from weaviate_migration.base.bundles import bundled
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.phases.history.extract.refusals import judged_rows
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.vectors.made_vectors import MadeVectors
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.embedded import VectorTally
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.progress import ProgressFile
from weaviate_migration.work_folder.record import MigrationRecord

# Behind the alias, in the name of the progress: the load of the collection has one of its own.
VECTORS = " vectors"

# Rows that are asked for together: of so many the texts are in memory, with their vectors.
_ROWS, _BYTES = 1_000, 16 * 1024 * 1024


def make_vectors(
    models: OpenModels,
    work_folder: WorkFolder,
    record: MigrationRecord,
    mapping: WholeMapping,
    collection: CollectionMapping,
    extracts: Mapping[str, PartitionExtract],
) -> Iterator[tuple[str, dict[str, VectorTally]]]:
    """Has the vectors of all rows made that become objects; yields each partition with what it took, by vector.

    What is in the cache already is not made again, and what was made stays there whatever fails: another call goes on.

    Args:
        mapping: the migration's, and `collection` the part of it that is meant.
        extracts: for each partition its rows.

    Raises:
        EmbeddingError: a model does not take part.
        MigrationConflictError: it is another one than the migration was begun with.
    """
    rows = sum(each.rows for each in extracts.values())
    progress = ProgressFile(work_folder.progress, f"{record.alias(collection)}{VECTORS}", rows)
    embedded = work_folder.embedded(record, collection)
    for partition, extract in extracts.items():
        vectors = models.made_vectors(mapping, collection, record.models_of(collection))
        tallies = _made(vectors, collection, extract, progress)
        embedded.note(partition, tallies)
        yield partition, tallies
    progress.finish()


def _made(
    vectors: MadeVectors, collection: CollectionMapping, extract: PartitionExtract, progress: ProgressFile
) -> dict[str, VectorTally]:
    columns = RowLayout.of_schema(extract.schema).columns
    left_out: Counter[str] = Counter()
    written = (row for row, refused in judged_rows(extract, collection) if refused is None)
    handled = 0
    for group in bundled(written, _size, _ROWS, _BYTES):
        for found in vectors.make(columns, [row.values for row in group]):
            left_out.update(name for name, numbers in found.items() if numbers is None)
        progress.advance(len(group))
        handled += len(group)
    progress.advance(extract.rows - handled)
    return {
        name: VectorTally(model.name, model.dimension, left_out=left_out[name], **asdict(tally))
        for name, (model, tally) in vectors.done().items()
    }


def _size(row: ExtractRow) -> int:
    """About how many bytes a row's texts take."""
    return sum(len(value) for value in row.values if isinstance(value, str))
