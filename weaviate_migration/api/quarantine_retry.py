"""Another try for the rows in the quarantine of the current migration, for the command line and for Python."""

from collections.abc import Sequence
from dataclasses import dataclass

from weaviate_migration.api.quarantine import RefusedRows, refused_of
from weaviate_migration.api.server_session import ServerSession, opened_with_server
from weaviate_migration.base.logs import in_own_context
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.phases.dual_write.row_applier import apply_changes
from weaviate_migration.phases.history.changes import collection_changes
from weaviate_migration.phases.history.extract.storage import open_partition
from weaviate_migration.phases.history.quarantine_retry import QuarantineReplay
from weaviate_migration.phases.history.versioned_collections import maker_of
from weaviate_migration.phases.history.written_vectors import written_vectors
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.schema import refuse_lost_collection
from weaviate_migration.target.write import write_settings
from weaviate_migration.work_folder.record import MigrationRecord


@dataclass(frozen=True)
class RetryResult:
    """What another try came to.

    Attributes:
        written: rows that are objects now.
        left: rows that are still in the quarantine.
        next_step: what to do now.
    """

    written: int
    left: RefusedRows
    next_step: str


@in_own_context
def retry_refused_rows(config: MigrationConfig, collection: str | None = None) -> RetryResult:
    """Tries these rows again, from the migration's extracts, and takes from the quarantine what Weaviate acknowledged.

    Args:
        collection: only this one, by its alias.

    Raises:
        ConfigurationError: there is no migration, it has no such collection, or an extract is not there.
        MigrationConflictError: the mapping is another than the migration's, a collection is gone, or another command
            is migrating in the work folder.
        ServerNotUsableError: the server cannot be reached.
        TargetError: the server did not take part any more; what is not written yet is still in the quarantine.
    """
    with opened_with_server(config) as session:
        session.lock("quarantine retry")
        record = session.current_migration()
        left = refused_of(session.work_folder, record, collection)
        concerned = [
            each
            for each in session.mapping.collections
            if record.alias(each) in left.quarantines and left.quarantines[record.alias(each)].partitions()
        ]
        written = _written_again(session, record, concerned) if concerned else 0
    return RetryResult(written, left, _next_step(record, left))


def _written_again(session: ServerSession, record: MigrationRecord, collections: Sequence[CollectionMapping]) -> int:
    client = session.connect(session.mapping.headers)
    settings = write_settings(session.config, client)
    written = 0
    for each in collections:
        refuse_lost_collection(client, record.collection(each), maker_of(record))
        quarantine = session.work_folder.quarantine(record, each)
        objects = open_collection(client, record.collection(each))
        extracts = session.work_folder.extract_paths(record, each, quarantine.partitions())
        with (
            collection_changes(session.work_folder, record, session.mapping, each) as since,
            since.held() as changes,
        ):
            vectors = written_vectors(client, session.work_folder, record, session.mapping, each, session.models)
            replay = QuarantineReplay(objects, each, record.timestamp, settings, quarantine, changes, vectors)
            written += sum(replay.run(partition, open_partition(path)) for partition, path in extracts.items())
            written += apply_changes(client, since, changes, settings, quarantine, vectors).written
    return written


def _next_step(record: MigrationRecord, left: RefusedRows) -> str:
    if next(iter(left), None) is not None:
        return "Once the cause is gone, `weaviate-migration quarantine retry` tries again."
    if record.state == "unfinished":
        return f"`weaviate-migration migrate` goes on with migration {record.id}: checks and cutover."
    return ""
