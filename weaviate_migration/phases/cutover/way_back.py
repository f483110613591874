"""The way back: leads the readers to the collections that they had before the cutover, and removes what is unwanted."""

from weaviate import WeaviateClient

from weaviate_migration.phases.history.collection_locks import alone_with
from weaviate_migration.phases.history.versioned_collections import maker_of, only_switch_of
from weaviate_migration.target.aliases import alias_targets, point_aliases
from weaviate_migration.target.references import refuse_referenced
from weaviate_migration.target.schema import drop_collection, refuse_another_server, refuse_collections_of_others
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.storage import remove


def roll_back(
    client: WeaviateClient, work_folder: WorkFolder, record: MigrationRecord, *, discard: bool
) -> tuple[dict[str, str | None], list[str]]:
    """Gives the aliases back; and with `discard` removes the collections that this migration made, and only those.

    Its extracts go with them; the snapshot stays, as a backup.

    Returns:
        The aliases that were moved, as `give_aliases_back` returns them, and the names of the collections removed.

    Raises:
        ConfigurationError: a reference of another collection leads into one that would be removed; nothing is done.
        MigrationConflictError: a collection of one of their names is another work folder's, or somebody else works with
            one of them or moves the aliases; or, without `discard`, none of them is on this server; nothing is done.
        StorageError: there is no room for the record, and nothing is done; or its files cannot be removed.
    """
    ours = sorted(record.targets.values())
    refuse_collections_of_others(client, ours, maker_of(record))
    if discard:
        refuse_referenced(client, set(ours))
    else:
        refuse_another_server(client, ours, maker_of(record))
    # Whoever writes to a collection while it is removed would make it again, on a server that makes what is not there.
    with alone_with(work_folder, ours if discard else ()):
        with work_folder.records.updated_after(record, state="discarded" if discard else "rolled back"):
            with only_switch_of(client, work_folder.records, record):
                moved = give_aliases_back(client, record)
            removed = [name for name in ours if discard and drop_collection(client, name, maker_of(record))]
            for name in ours if discard else ():
                work_folder.quarantine_of(name).discard()
                PendingVectors(work_folder.store, name).discard()
            if discard:
                remove(work_folder.extracts_of(record))  # Nobody loads from them any more.
        if discard:
            work_folder.sync_positions.discard(record.id)
    return moved, removed


def give_aliases_back(client: WeaviateClient, record: MigrationRecord) -> dict[str, str | None]:
    """Points the aliases that point at this migration's collections to where they pointed before.

    Returns:
        Those aliases, each with the collection that it points at again; None where it was not there before.
    """
    ours = record.targets
    current = alias_targets(client, ours)
    moved = {alias: record.previous_aliases.get(alias) for alias, target in current.items() if target == ours[alias]}
    point_aliases(client, moved)
    return moved
