"""Removes what is needed only to lead back, once nobody wants to any more."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from weaviate_migration.api.server_session import opened_with_server
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.cutover.cleanup import Cleanup, CleanupPlan, refuse_too_early
from weaviate_migration.phases.history.versioned_collections import maker_of
from weaviate_migration.target.schema import refuse_another_server


@dataclass(frozen=True)
class CleanupResult:
    """What a cleanup removed, or would have.

    Attributes:
        removed: False where it was not agreed to.
    """

    removed: bool
    plan: CleanupPlan

    def to_dict(self) -> dict[str, Any]:
        """What `cleanup --json` prints."""
        return {"removed": self.removed, **asdict(self.plan)}


def clean_up_migrations(
    config: MigrationConfig, agree: Callable[[CleanupPlan], bool], *, keep: int = 0, force: bool = False
) -> CleanupResult:
    """Removes older versions of the collections, change capture, snapshots, extracts, comparisons and quarantine.

    What an alias points at stays. Broken off anywhere, the same call completes it.

    Args:
        agree: is shown what would be removed, and says whether it shall be.
        keep: so many of the newest older versions stay.
        force: also before a cutover, with what an unfinished migration has made.

    Raises:
        ConfigurationError: it is too early for it, the SQLite file may not be written to, or the settings are not the
            migration's.
        MigrationConflictError: another command works in the work folder, or applies changes; or, unless it is forced,
            the server has nothing of what readers use.
        SourceError: the SQLite file is locked.
        ServerNotUsableError: the server cannot be reached.
    """
    with opened_with_server(config) as session:
        session.lock("cleanup")
        session.keep_from_sync("cleanup")
        if (record := session.work_folder.records.in_use_or_newest()) is not None:
            session.refuse_other_settings(record)
        refuse_too_early(session.work_folder, force=force)  # Before a server is started for it.
        client = session.connect()
        if record is not None and not force:
            refuse_another_server(client, record.targets.values(), maker_of(record))
        cleanup = Cleanup(client, session.work_folder, keep=keep)
        plan = cleanup.plan()
        agreed = agree(plan)
        if agreed:
            cleanup.run(plan)
    return CleanupResult(agreed, plan)
