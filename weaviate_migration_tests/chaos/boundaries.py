"""The boundaries between the steps of each command that changes something, in the order in which it comes to them.

Several kills in a row go down one list: the command that goes on after one kill comes to the next boundary.
"""

from weaviate_migration_tests.chaos.killing import Boundary

_BATCH = "weaviate_migration.target.write:ObjectWriter.write_batch"
_APPLY = "weaviate_migration.phases.dual_write.row_applier:RowApplier.apply"
_MADE = "weaviate_migration.vectors.cache:VectorCache.write"
_RECORD = "weaviate_migration.work_folder.record:MigrationRecords.save"
_RECORD_AFTER = "weaviate_migration.work_folder.record:MigrationRecords.updated_after"
_POSITION = "weaviate_migration.work_folder.sync_positions:SyncPositions.save"
_SNAPSHOT = "weaviate_migration.source.snapshot:take_snapshot"
_COLLECTION = "weaviate_migration.target.schema:ensure_collection"
_DROP = "weaviate_migration.target.schema:drop_collection"
_REMOVE = "weaviate_migration.source.capture:remove_capture"
_INSTALL = "weaviate_migration.source.capture:install_capture"
_EXTRACT = "weaviate_migration.phases.history.extract.storage:write_partition"
_ALIASES = "weaviate_migration.target.aliases:point_aliases"
_NEW_ALIAS = "weaviate.aliases.sync:_Alias.create"
_NO_ALIAS = "weaviate.aliases.sync:_Alias.delete"

COLLECTIONS_MADE = Boundary(_COLLECTION, call=5)
MIGRATE = (
    Boundary(_INSTALL, "before"),
    Boundary(_INSTALL),
    Boundary("weaviate_migration.phases.preflight.audit.source:audit_source"),
    Boundary(_RECORD, "before"),
    Boundary(_RECORD),
    Boundary(_COLLECTION, call=2),
    Boundary(_SNAPSHOT, "before"),
    Boundary(_SNAPSHOT),
    Boundary(_POSITION, "before"),
    Boundary(_POSITION),
    Boundary("weaviate_migration.phases.history.extract.scan:table_bounds", call=2),
    Boundary(_EXTRACT, "before"),
    Boundary(_EXTRACT, call=20),
    Boundary(_MADE, "before"),
    Boundary(_MADE, call=3),
    Boundary(_BATCH, "before"),
    Boundary(_BATCH, call=3),
    Boundary("weaviate_migration.phases.validation.collection_proof:CollectionProof._compared", call=20),
)
FOLLOW = (
    Boundary("weaviate_migration.source.change_log:ChangeLog.changed_rows", call=2),
    Boundary(_MADE),
    Boundary(_BATCH, "before"),
    Boundary(_BATCH),
    Boundary("weaviate_migration.target.write:remove_objects"),
    Boundary(_APPLY, call=2),
    Boundary(_POSITION, "before"),
    Boundary(_POSITION),
)
SYNC = (
    Boundary("weaviate_migration.source.change_log:write_positions", "before"),
    Boundary("weaviate_migration.source.change_log:write_positions"),
)
CUTOVER = (
    Boundary(_RECORD),
    Boundary(_APPLY, call=2),
    Boundary(_POSITION),
    Boundary(_RECORD, call=2),
    Boundary(_RECORD, call=3),
    Boundary(_ALIASES, "before"),
    Boundary(_NEW_ALIAS, call=2),
    Boundary(_ALIASES),
    Boundary(_RECORD),
)
ROLLBACK = (
    Boundary(_RECORD_AFTER, "before"),
    Boundary(_ALIASES, "before"),
    Boundary(_NO_ALIAS, call=2),
    Boundary(_ALIASES),
)
DISCARD = (
    Boundary(_RECORD_AFTER, "before"),
    Boundary(_DROP, call=2),
    Boundary("weaviate_migration.work_folder.quarantine:Quarantine.discard", call=2),
)
CLEANUP = (
    Boundary(_DROP, "before"),
    Boundary(_DROP, call=2),
    Boundary(_REMOVE, "before"),
    Boundary(_REMOVE),
    Boundary("weaviate_migration.work_folder.folder:WorkFolder.forget_capture"),
    Boundary(_RECORD, "before"),
    Boundary(_RECORD),
)

EVERY_FUNCTION = tuple(
    sorted(
        {each.function for command in (MIGRATE, FOLLOW, SYNC, CUTOVER, ROLLBACK, DISCARD, CLEANUP) for each in command}
    )
)
