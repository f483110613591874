"""Has models make the vectors of a collection's rows before they are written: from then on they are in the cache."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from weaviate import WeaviateClient

from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.phases.history.extract.refusals import judged_rows
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.history.written_vectors import WrittenVectors, embedded_together, written_vectors
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.progress import VECTORS, KeptProgress
from weaviate_migration.work_folder.record import MigrationRecord


def make_vectors(
    client: WeaviateClient,
    models: OpenModels,
    work_folder: WorkFolder,
    record: MigrationRecord,
    mapping: WholeMapping,
    collection: CollectionMapping,
    extracts: Mapping[str, PartitionExtract],
) -> Iterator[tuple[str, dict[str, VectorTally]]]:
    """Has the vectors of all rows made that become objects; yields each partition with what it took, by vector.

    What is in the cache already is not made again, nor is what the version that readers have holds. What was made stays
    in the cache whatever fails: another call goes on.

    Args:
        mapping: the migration's, and `collection` the part of it that is meant.
        extracts: for each partition its rows.

    Raises:
        EmbeddingError: a model does not take part.
        TargetError: the server does not, and was asked for what readers have.
        MigrationConflictError: it is another one than the migration was begun with.
    """
    rows = sum(each.rows for each in extracts.values())
    progress = KeptProgress(work_folder.store, f"{record.alias(collection)}{VECTORS}", rows)
    embedded = work_folder.embedded(record, collection)
    for partition, extract in extracts.items():
        vectors = written_vectors(client, work_folder, record, mapping, collection, models)
        tallies = _made(vectors, collection, extract, progress)
        embedded.note(partition, tallies)
        yield partition, tallies
    progress.finish()


def _made(
    vectors: WrittenVectors, collection: CollectionMapping, extract: PartitionExtract, progress: KeptProgress
) -> dict[str, VectorTally]:
    columns = RowLayout.of_schema(extract.schema).columns
    left_out: Counter[str] = Counter()
    handled = 0
    for group in embedded_together(judged_rows(extract, collection)):
        for found in vectors.make(columns, group):
            left_out.update(name for name, numbers in found.items() if numbers is None)
        progress.advance(len(group))
        handled += len(group)
    progress.advance(extract.rows - handled)
    return {
        name: VectorTally(**asdict(tally), model=model.name, dimension=model.dimension, left_out=left_out[name])
        for name, (model, tally) in vectors.made.done().items()
    }
