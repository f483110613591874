"""The quarantine of the current migration, for the command line and for Python: what is in it, and another try."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from weaviate_migration.errors import ConfigurationError
from weaviate_migration.extract.storage import open_partition
from weaviate_migration.logs import in_own_context
from weaviate_migration.mapping import CollectionMapping, Mapping, read_mapping
from weaviate_migration.quarantine import Quarantine, QuarantinedRow
from weaviate_migration.record import MigrationRecord, refuse_another_mapping
from weaviate_migration.replay import QuarantineReplay
from weaviate_migration.resources import BatchSettings
from weaviate_migration.settings import MigrationConfig
from weaviate_migration.since_snapshot import collection_changes
from weaviate_migration.suggestion import suggestion
from weaviate_migration.sync import apply_changes
from weaviate_migration.target.connect import open_weaviate, parse_weaviate_url
from weaviate_migration.target.schema import refuse_lost_collection
from weaviate_migration.work_folder import WorkFolder


class RefusedRow(NamedTuple):
    """A quarantined row and where it belongs: the collection by its alias."""

    collection: str
    partition: str
    row: QuarantinedRow

    def to_dict(self) -> dict[str, Any]:
        """What `quarantine list --json` prints of it."""
        return {"collection": self.collection, "partition": self.partition, **asdict(self.row)}


@dataclass(frozen=True)
class RefusedRows:
    """The quarantined rows of a migration, read anew by each iteration: there may be many, and large ones.

    Attributes:
        quarantines: by alias.
    """

    migration_id: str
    quarantines: ReadOnlyMapping[str, Quarantine]

    def __iter__(self) -> Iterator[RefusedRow]:
        for alias, quarantine in self.quarantines.items():
            for partition, row in quarantine.rows():
                yield RefusedRow(alias, partition, row)


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
def refused_rows(config: MigrationConfig, collection: str | None = None) -> RefusedRows:
    """The quarantined rows of the unfinished migration, or else of the one cut over last.

    Args:
        collection: only this one, by its alias.

    Raises:
        ConfigurationError: there is no migration, or it has no such collection.
    """
    work_folder = WorkFolder(config.work_dir.absolute())
    return _refused_rows(work_folder, work_folder.records.current(), collection)


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
    mapping = read_mapping(config.mapping)
    work_folder = WorkFolder(config.work_dir.absolute(), config.extracts)
    with work_folder.locked():
        record = work_folder.records.current()
        refuse_another_mapping(record, mapping)
        left = _refused_rows(work_folder, record, collection)
        concerned = [
            each
            for each in mapping.collections
            if record.alias(each) in left.quarantines and left.quarantines[record.alias(each)].partitions()
        ]
        written = _retry(config, work_folder, record, mapping, concerned) if concerned else 0
    return RetryResult(written, left, _next_step(record, left))


def _refused_rows(work_folder: WorkFolder, record: MigrationRecord, collection: str | None) -> RefusedRows:
    if collection is not None and collection not in record.targets:
        raise ConfigurationError(
            f"Migration {record.id} has no collection `{collection}`{suggestion(collection, record.targets)}",
            "Name one of them with --collection.",
        )
    folder = work_folder.quarantine_folder
    chosen = {alias: name for alias, name in record.targets.items() if collection in (None, alias)}
    return RefusedRows(record.id, {alias: Quarantine(folder, name) for alias, name in chosen.items()})


def _retry(
    config: MigrationConfig,
    work_folder: WorkFolder,
    record: MigrationRecord,
    mapping: Mapping,
    collections: Sequence[CollectionMapping],
) -> int:
    target = parse_weaviate_url(config.weaviate_url, config.grpc_port)
    with open_weaviate(target, work_folder.folder, config.weaviate_api_key) as client:
        settings = BatchSettings.of_config(config).write_settings(client)
        written = 0
        for each in collections:
            refuse_lost_collection(client, record.collection(each), record.id)
            quarantine = work_folder.quarantine(record, each)
            objects = client.collections.use(record.collection(each))
            extracts = work_folder.extract_paths(record, each, quarantine.partitions())
            with (
                collection_changes(work_folder, record, mapping, each) as since,
                since.held() as changes,
            ):
                replay = QuarantineReplay(objects, each, record.timestamp, settings, quarantine, changes)
                written += sum(replay.run(partition, open_partition(path)) for partition, path in extracts.items())
                written += apply_changes(client, since, changes, settings, quarantine).written
    return written


def _next_step(record: MigrationRecord, left: RefusedRows) -> str:
    if next(iter(left), None) is not None:
        return "Once the cause is gone, `weaviate-migration quarantine retry` tries again."
    if record.state == "unfinished":
        return f"`weaviate-migration migrate` goes on with migration {record.id}: checks and cutover."
    return ""
