"""The quarantine of the current migration, for the command line and for Python: what is in it."""

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from weaviate_migration.api.session import opened
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.logs import in_own_context
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.texts import suggestion
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.quarantine import Quarantine, QuarantinedRow
from weaviate_migration.work_folder.record import MigrationRecord


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
    """The quarantined rows of a migration, read again by each iteration: there may be many, and large ones.

    Attributes:
        quarantines: by alias.
    """

    migration_id: str
    quarantines: ReadOnlyMapping[str, Quarantine]

    def __iter__(self) -> Iterator[RefusedRow]:
        for alias, quarantine in self.quarantines.items():
            for partition, row in quarantine.rows():
                yield RefusedRow(alias, partition, row)


@in_own_context
def refused_rows(config: MigrationConfig, collection: str | None = None) -> RefusedRows:
    """The quarantined rows of the unfinished migration, or else of the one cut over last.

    Args:
        collection: only this one, by its alias.

    Raises:
        ConfigurationError: there is no migration, it has no such collection, or was begun with other settings.
    """
    with opened(config) as session:
        record = session.work_folder.records.current()
        session.refuse_other_settings(record)
        return refused_of(session.work_folder, record, collection)


def refused_of(work_folder: WorkFolder, record: MigrationRecord, collection: str | None) -> RefusedRows:
    """The quarantined rows of this migration; takes and raises what `refused_rows` does."""
    if collection is not None and collection not in record.targets:
        raise ConfigurationError(
            f"Migration {record.id} has no collection `{collection}`{suggestion(collection, record.targets)}",
            "Name one of them with --collection.",
        )
    chosen = {alias: name for alias, name in record.targets.items() if collection in (None, alias)}
    return RefusedRows(record.id, {alias: work_folder.quarantine_of(name) for alias, name in chosen.items()})
