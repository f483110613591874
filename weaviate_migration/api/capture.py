"""Change capture of one work folder, for the command line and for Python: install it, look at it, remove it."""

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weaviate_migration.api.session import opened
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.dual_write.capture import begin_change_capture
from weaviate_migration.phases.preflight.mapping_choice import mapping_to_capture
from weaviate_migration.source.capture import (
    capture_damage,
    captures_in,
    log_extent,
    read_capture,
    remove_capture,
    uncaptured_tables,
)
from weaviate_migration.source.connect import connect_read_only, readable_source, source_errors
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.lookups import slow_lookups
from weaviate_migration.source.plan import plan_migration


@dataclass(frozen=True)
class CaptureStatus:
    """What a file has of change capture.

    Attributes:
        capture_id: of this work folder's capture; None where it has none in the file.
        tables: those whose changes are logged.
        not_followed: a sentence for each collection whose changes are not.
        slow: a sentence for each joined table whose changes are followed slowly.
        entries: how many entries the log has; those that nobody needs any more are pruned.
        last_position: of the newest entry.
        damage: a sentence for everything that is not as it was installed.
        others: ids of other work folders' captures in the file.
    """

    source: str
    capture_id: str | None
    epoch: int
    tables: tuple[str, ...]
    not_followed: tuple[str, ...]
    slow: tuple[str, ...]
    entries: int
    last_position: int
    damage: tuple[str, ...]
    others: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `capture status --json` prints."""
        return asdict(self)


def install_change_capture(config: MigrationConfig) -> CaptureStatus:
    """Captures the changes of all mapped tables that can be captured; what is there and intact stays.

    Raises:
        ConfigurationError: the file may not be written to, or has none of the mapped tables.
        MigrationConflictError: a migration is running in the work folder.
        CaptureError: what is there of the capture cannot be mended.
        SourceError: the file is locked or damaged.
    """
    with opened(config, mapping_to_capture) as session:
        session.lock("capture install")
        begin_change_capture(session.source, session.mapping, session.work_folder)
    return change_capture_status(config)


def change_capture_status(config: MigrationConfig) -> CaptureStatus:
    """What the file has of change capture, read in one transaction.

    Raises:
        ConfigurationError: the file is no SQLite database, or has none of the mapped tables.
        SourceError: the file is locked or damaged.
    """
    with opened(config) as session:
        source, work_folder = session.source, session.work_folder
        with readable_source(source, work_folder.scratch) as readable:
            plan = plan_migration(session.mapping, inspect_database(readable, session.mapping))
            slow = slow_lookups(readable, plan)
            with source_errors(source), closing(connect_read_only(readable)) as connection:
                connection.execute("BEGIN")
                return _status(connection, source, work_folder.capture_id, uncaptured_tables(plan), slow)


def remove_change_capture(config: MigrationConfig, capture_id: str | None = None) -> list[str]:
    """Removes the work folder's capture from the file, or another one, and returns the names of what it had made.

    Args:
        capture_id: of a capture whose work folder is gone.

    Raises:
        ConfigurationError: the file may not be written to, or has no such capture.
        MigrationConflictError: a migration is running in the work folder, or a sync goes on with this capture.
        SourceError: the file is locked or damaged.
    """
    with opened(config) as session:
        session.lock("capture remove")
        source, work_folder = session.source, session.work_folder
        own = work_folder.capture_id
        wanted = capture_id or own
        if wanted == own:
            session.keep_from_sync("capture remove")
        removed = remove_capture(source, wanted) if wanted else []
        if not removed:
            raise ConfigurationError(
                f"{source}: has no capture {wanted or 'of this work folder'}.",
                "`weaviate-migration capture status` names those that it has; --id removes another work folder's.",
            )
        if wanted == own:
            work_folder.forget_capture()
    return removed


def _status(
    connection: sqlite3.Connection, source: Path, capture_id: str | None, not_followed: list[str], slow: list[str]
) -> CaptureStatus:
    capture = read_capture(connection, capture_id) if capture_id else None
    entries, last = log_extent(connection, capture) if capture else (0, 0)
    return CaptureStatus(
        source=str(source),
        capture_id=capture.id if capture else None,
        epoch=capture.epoch if capture else 0,
        tables=tuple(each.name for each in capture.tables) if capture else (),
        not_followed=tuple(not_followed),
        slow=tuple(slow),
        entries=entries,
        last_position=last,
        damage=tuple(capture_damage(connection, capture)) if capture else (),
        others=tuple(each for each in captures_in(connection) if each != capture_id),
    )
