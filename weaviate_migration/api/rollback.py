"""The Python API of the way back: readers to the collections that they had before.

It knows nothing of Dagster, whose import would take longer than the way back.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from structlog.contextvars import bind_contextvars

from weaviate_migration.api.server_session import opened_with_server
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.logs import in_own_context
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.texts import counted
from weaviate_migration.phases.cutover.way_back import roll_back
from weaviate_migration.work_folder.record import MigrationRecord, MigrationRecords


@dataclass(frozen=True)
class RollbackResult:
    """What a rollback did.

    Attributes:
        aliases: those that were moved, each with where it points again (None: it is gone, as it was not there before).
    """

    migration_id: str
    aliases: Mapping[str, str | None]
    removed_collections: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `rollback --json` prints."""
        return asdict(self)

    def to_text(self) -> str:
        """One line for a person."""
        moves = [f"{alias} → {name or 'removed'}" for alias, name in self.aliases.items()]
        moved = f"aliases moved back: {', '.join(moves)}" if moves else "no alias led to it"
        removed = (
            f"{counted(len(self.removed_collections), 'collection')} removed" if self.removed_collections else "kept"
        )
        return f"Migration {self.migration_id} is rolled back: {moved}; its collections: {removed}."


@in_own_context
def roll_back_migration(config: MigrationConfig, discard: bool = False, migration: str | None = None) -> RollbackResult:
    """Points the aliases of the newest migration back to where they were; with `discard` removes its collections.

    Args:
        migration: the id of another one.

    Raises:
        ConfigurationError: there is nothing to roll back: no migration, one that is rolled back already, an unfinished
            one without `discard`, or one after whose cutover was cleaned up; or the settings are not the migration's.
        ServerNotUsableError: the server cannot be reached.
    """
    with opened_with_server(config) as session:
        session.lock("rollback")
        records = session.work_folder.records
        record = _chosen(records, migration) if migration is not None else _newest(records, discard=discard)
        bind_contextvars(migration_id=record.id)
        session.refuse_other_settings(record)
        if record.state == "unfinished" and not record.is_half_switched and not discard:
            raise ConfigurationError(
                f"Migration {record.id} is unfinished and has moved no alias.", "Remove it with `rollback --discard`."
            )
        _refuse_without_way_back(record, records)
        moved, removed = roll_back(session.connect(), session.work_folder, record, discard=discard)
    return RollbackResult(record.id, moved, tuple(removed))


def _chosen(records: MigrationRecords, migration: str) -> MigrationRecord:
    known = records.all()
    found = next((each for each in known if each.id == migration), None)
    if found is None:
        raise ConfigurationError(
            f"There is no migration {migration} on record.", f"On record are: {', '.join(each.id for each in known)}."
        )
    return found


def _newest(records: MigrationRecords, *, discard: bool) -> MigrationRecord:
    """The newest migration: the same command twice must not lead one version further back each time."""
    newest = records.newest()
    if newest is None:
        return records.current()  # Says that there is none.
    if newest.state == "discarded" or (newest.state == "rolled back" and not discard):
        in_use = records.newest_in_use()
        discard_option = " --discard" if discard else ""
        raise ConfigurationError(
            f"There is nothing to go back to: migration {newest.id}, the newest, is {newest.state} already.",
            f"To go back from {in_use.id}, which readers have, name it: "
            f"`weaviate-migration rollback{discard_option} --migration {in_use.id}`."
            if in_use is not None
            else "`weaviate-migration migrate` begins another one.",
        )
    return newest


def _refuse_without_way_back(record: MigrationRecord, records: MigrationRecords) -> None:
    """After a cleanup readers can go back only to a version that was kept; the first migration has none before it."""
    kept = {name for each in records.all() if each.state != "discarded" for name in each.targets.values()}
    if record.state == "cleaned up" and not kept.issuperset(record.previous_aliases.values()):
        raise ConfigurationError(
            f"There is nothing to go back to from migration {record.id}: `cleanup` removed what was before it.",
            "Another migration leads forward: `weaviate-migration migrate`.",
        )
