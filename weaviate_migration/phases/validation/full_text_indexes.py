"""The full-text indexes that a migration's snapshot has of one collection."""

from collections.abc import Iterator
from contextlib import contextmanager

from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.source.full_text_search import SnapshotIndex, has_full_text_index, snapshot_indexes
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord


@contextmanager
def full_text_indexes(
    work_folder: WorkFolder, record: MigrationRecord, mapping: Mapping, collection: CollectionMapping
) -> Iterator[dict[str, SnapshotIndex]]:
    """The indexes of the collection's text properties, by the properties' names; none where the snapshot was removed.

    Raises:
        SourceError: the snapshot is damaged.
    """
    snapshot = work_folder.local_snapshot_if_any(record)
    if snapshot is None or not has_full_text_index(snapshot, collection.table):
        yield {}
        return
    plan = plan_migration(mapping, inspect_database(snapshot, mapping)).of(collection)
    with snapshot_indexes(snapshot, plan, work_folder.ensure_scratch()) as found:
        yield found
