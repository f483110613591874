"""Loads a collection from its extract, and writes what has changed since the snapshot as it is now."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from weaviate import WeaviateClient

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.phases.dual_write.row_applier import apply_changes
from weaviate_migration.phases.history.changes import collection_changes
from weaviate_migration.phases.history.collection_locks import part_of
from weaviate_migration.phases.history.extract.partitions import covering_range, partition_range
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.history.load import PartitionLoad, is_still_whole
from weaviate_migration.phases.history.vector_filling import fill_lacking_vectors
from weaviate_migration.phases.history.versioned_collections import maker_of
from weaviate_migration.phases.history.written_vectors import written_vectors
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.schema import refuse_lost_collection
from weaviate_migration.target.tenants import tenants_of
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import LoadTally
from weaviate_migration.work_folder.partition_values import COMPARISONS
from weaviate_migration.work_folder.progress import KeptProgress
from weaviate_migration.work_folder.record import MigrationRecord


@dataclass(frozen=True)
class CollectionLoad:
    """What became of the rows of some partitions of a collection.

    Attributes:
        tallies: of the partitions that were loaded now.
        loaded_before: of those that were in Weaviate already, in whole.
    """

    tallies: Mapping[str, LoadTally]
    loaded_before: Mapping[str, LoadTally]


def load_collection(
    client: WeaviateClient,
    work_folder: WorkFolder,
    record: MigrationRecord,
    mapping: WholeMapping,
    collection: CollectionMapping,
    extracts: Mapping[str, PartitionExtract],
    settings: WriteSettings,
    models: OpenModels,
    *,
    resume: bool,
    side_by_side: bool = False,
) -> CollectionLoad:
    """Loads partitions of a collection, while nobody else writes to their ranges.

    Args:
        mapping: the migration's, and `collection` the part of it that is loaded.
        extracts: for each partition its rows.
        models: make vectors, where the cache lacks one.
        side_by_side: others load other partitions at the same time; who has them do so keeps everybody else away.
        resume: leave out the partitions that are in Weaviate already, in whole, from the snapshot of now.

    Raises:
        CaptureError: changes were missed, or the source is not the file that was followed.
        TargetError: the server did not take part any more; what was written stays.
        EmbeddingError: a model did not; so does what was written before.
        MigrationConflictError: the collection is not there, or is another work folder's.
    """
    refuse_lost_collection(client, record.collection(collection), maker_of(record))
    objects = open_collection(client, record.collection(collection))
    loaded = work_folder.loaded(record, collection)
    vectors = written_vectors(client, work_folder, record, mapping, collection, models)
    bounds = record.bounds[collection.rows_of]
    ranges = {partition: partition_range(bounds, partition) for partition in extracts}
    part = part_of(extracts) if side_by_side else ""
    with (
        work_folder.quarantine(record, collection) as quarantine,
        collection_changes(work_folder, record, mapping, collection, part) as since,
        since.held(covering_range(bounds, list(extracts))) as changes,
    ):
        # What is loaded again is not what was compared; before the lock was held, somebody may have compared it.
        work_folder.store.remove_parts(COMPARISONS, record.collection(collection), extracts, durable=False)
        tenants = tenants_of(objects, collection)
        before = {
            partition: tally
            for partition, tally in (loaded.tallies(extracts) if resume else {}).items()
            if is_still_whole(objects, extracts[partition], ranges[partition], changes, tenants)
        }
        missing = {partition: rows for partition, rows in extracts.items() if partition not in before}
        rows = sum(each.rows for each in missing.values())
        tallies = PartitionLoad(
            collection=objects,
            extracts=missing,
            ranges=ranges,
            mapping=collection,
            migration_timestamp=record.timestamp,
            settings=settings,
            quarantine=quarantine,
            progress=KeptProgress(
                *(work_folder.store, record.alias(collection), rows),
                history=work_folder.history(record),
                part=part,
                share=len(extracts) / record.partitions if side_by_side else 1.0,
            ),
            changes=changes,
            loaded=loaded,
            has_readers=record.state != "unfinished",
            vectors=vectors,
        ).run()
        apply_changes(client, since, changes, settings, quarantine, vectors)
        for each in islice(extracts.values(), 1):
            layout = RowLayout.of_schema(each.schema)
            fill_lacking_vectors(objects, collection, layout, record, settings, quarantine, vectors)
    return CollectionLoad(tallies, before)
