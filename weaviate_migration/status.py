"""What is known of the migrations of a work folder: phase, positions, aliases, checks, and what to do next."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from upath import UPath

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import read_mapping
from weaviate_migration.work_folder.folder import WorkFolder, bytes_in
from weaviate_migration.work_folder.phase import Phase, next_step


@dataclass(frozen=True)
class SnapshotStatus:
    """The snapshot; times are ISO 8601 in UTC."""

    path: str
    bytes: int
    taken_at: str
    is_there: bool


@dataclass(frozen=True)
class FollowedChanges:
    """The captured changes of the source, and how far they are applied.

    Attributes:
        applied, newest: positions in the log; None where they cannot be told.
        changes, seconds: the lag: entries of the log that are not applied, and the age of the oldest of them.
        problem: why changes cannot be followed; '' where they can.
    """

    id: str
    applied: int | None = None
    newest: int | None = None
    changes: int = 0
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class MigrationStatus:
    """What is known.

    Attributes:
        migration_id: the migration that commands work with; None where none is unfinished or cut over.
        migrations: the state of each one on record, by its id, oldest first.
        capture: None where the changes of the source are not followed.
        server: why nothing is known of the server; '' where it answered.
        aliases: for each where it points, None for nowhere; empty where the server did not answer.
        checks: how many there are of each status.
        quarantined: rows that are not in Weaviate, by alias.
        disk: bytes that each part of the work folder takes.
        next_step: what to do now.
    """

    phase: Phase = Phase.NOT_BEGUN
    migration_id: str | None = None
    migrations: Mapping[str, str] = field(default_factory=dict)
    snapshot: SnapshotStatus | None = None
    capture: FollowedChanges | None = None
    server: str = ""
    aliases: Mapping[str, str | None] = field(default_factory=dict)
    checks: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    disk: Mapping[str, int] = field(default_factory=dict)
    next_step: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What `status --json` prints."""
        return asdict(self)


def read_status(config: MigrationConfig) -> MigrationStatus:
    """What is known of the work folder's migrations; nothing is started for it, and nothing is changed.

    Raises:
        ConfigurationError: the mapping is another than the migration's, or a setting is wrong.
    """
    work_folder = WorkFolder(config.work_dir.absolute(), config.extracts)
    mapping = read_mapping(config.mapping)
    disk = _disk(work_folder)
    if not work_folder.records.all():
        return MigrationStatus(disk=disk, next_step=next_step(Phase.NOT_BEGUN))
    # Imported only now: it takes Dagster and the client, and a second.
    from weaviate_migration.status_reading import status_of

    return replace(status_of(config, work_folder, mapping), disk=disk)


def _disk(work_folder: WorkFolder) -> dict[str, int]:
    """Each folder and file of the work folder, and the extracts where they are elsewhere."""
    parts = {path.name: bytes_in(UPath(path)) for path in sorted(work_folder.folder.iterdir())}
    if work_folder.extracts:
        parts["extracts"] = sum(bytes_in(work_folder.extracts_of(each)) for each in work_folder.records.all())
    return {name: size for name, size in parts.items() if size}
