"""The Python API of the way back: readers to the collections that they had before.

It knows nothing of Dagster, whose import would take longer than the way back.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from weaviate_migration.api.server_session import opened_with_server
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.logs import in_own_context
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.cutover.way_back import roll_back
from weaviate_migration.work_folder.record import MigrationRecord, MigrationRecords, refuse_another_source


@dataclass(frozen=True)
class RollbackResult:
    """What a rollback did.

    Attributes:
        aliases: for each that the migration has, where it was pointed back to (None: it did not exist before).
    """

    migration_id: str
    aliases: Mapping[str, str | None]
    removed_collections: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `rollback --json` prints."""
        return asdict(self)

    def to_text(self) -> str:
        """One line for a person."""
        removed = f"{len(self.removed_collections)} collections removed" if self.removed_collections else "kept"
        return f"Migration {self.migration_id} is rolled back: the aliases are as before, its collections: {removed}."


@in_own_context
def roll_back_migration(config: MigrationConfig, discard: bool) -> RollbackResult:
    """Points the aliases of the last migration back to where they were; with `discard` removes its collections.

    Raises:
        ConfigurationError: there is nothing to roll back: no migration, an unfinished one without `discard`, or one
            after whose cutover was cleaned up; or the settings name another source than its own.
        ServerNotUsableError: the server cannot be reached.
    """
    with opened_with_server(config) as session:
        session.lock()
        records = session.work_folder.records
        record = (records.newest_to_discard() if discard else None) or records.take_up()
        refuse_another_source(record, session.config.sqlite_url)
        if record.state == "unfinished" and not record.is_half_switched and not discard:
            raise ConfigurationError(
                f"Migration {record.id} is unfinished and has moved no alias.", "Remove it with `rollback --discard`."
            )
        _refuse_without_way_back(record, records)
        quarantine = session.work_folder.quarantine_folder
        removed = roll_back(session.connect(), records, record, quarantine, discard=discard)
    return RollbackResult(record.id, record.previous_aliases, tuple(removed))


def _refuse_without_way_back(record: MigrationRecord, records: MigrationRecords) -> None:
    """After a cleanup readers can go back only to a version that was kept; the first migration has none before it."""
    kept = {name for each in records.all() if each.state != "discarded" for name in each.targets.values()}
    if record.state == "cleaned up" and not kept.issuperset(record.previous_aliases.values()):
        raise ConfigurationError(
            f"There is nothing to go back to from migration {record.id}: `cleanup` removed what was before it.",
            "Another migration leads forward: `weaviate-migration migrate`.",
        )
