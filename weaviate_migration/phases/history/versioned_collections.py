"""A migration's own versions of the collections: made empty, under names that no reader knows."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from weaviate import WeaviateClient

from weaviate_migration.mapping import Mapping
from weaviate_migration.target.aliases import refuse_foreign_names, refuse_names_in_use, refuse_other_tenants
from weaviate_migration.target.references import ensure_references
from weaviate_migration.target.replicas import open_collection, replicas_of
from weaviate_migration.target.schema import Maker, Origin, ensure_collection
from weaviate_migration.target.switch_lock import only_switch
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord, MigrationRecords


def ensure_collections(
    client: WeaviateClient, work_folder: WorkFolder, record: MigrationRecord, mapping: Mapping
) -> int:
    """Makes the collections that are not there, and returns how many.

    Raises:
        MigrationConflictError: a name is taken by a collection or alias that no migration, or another one, made, or
            readers would lose other tenants.
    """
    origin = Origin(record.id, str(record.source), mapping.digest, record.work_folder)
    refuse_foreign_names(client, map(record.alias, mapping.collections))
    refuse_other_tenants(client, mapping.lone_tenants(record.prefix))
    made = [each for each in mapping.collections if ensure_collection(client, record.collection(each), each, origin)]
    for each in mapping.collections:
        ensure_references(client, record.collection(each), record.reference_targets(each))
    for each in made:  # One that was removed meanwhile has nothing of what was loaded.
        work_folder.loaded(record, each).forget(record.partition_keys)
    return len(made)


def replicas_made(client: WeaviateClient, record: MigrationRecord, mapping: Mapping) -> dict[str, int]:
    """On how many nodes the objects of each collection are kept, by its name; only where on several.

    Where the mapping does not say it, the server's settings do.
    """
    found = {each.name: replicas_of(open_collection(client, record.collection(each))) for each in mapping.collections}
    return {name: replicas for name, replicas in found.items() if replicas > 1}


def maker_of(record: MigrationRecord) -> Maker:
    """Whom the collections of a migration name as the one who made them."""
    return Maker(record.id, record.work_folder)


def only_switch_of(
    client: WeaviateClient, records: MigrationRecords, record: MigrationRecord
) -> AbstractContextManager[None]:
    """While the context lives nobody else moves the aliases of a migration; the work folder is locked.

    Raises:
        MigrationConflictError: another one has not ended.
    """
    return only_switch(client, record.prefix, record.targets.values(), {*map(maker_of, records.all())})


def refuse_names_of_others(
    client: WeaviateClient, work_folder: WorkFolder, aliases: Iterable[str], source: Path
) -> None:
    """Checks that a migration of this file takes the names of earlier ones of its own work folder or file only.

    Raises:
        MigrationConflictError: readers of another migration would be led to this one's collections.
    """
    own = {each.id for each in work_folder.records.all()}
    refuse_names_in_use(client, aliases, own, str(source))
