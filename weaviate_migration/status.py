"""What is known of the migrations of a work folder: phase, positions, aliases, checks, and what to do next."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from upath import UPath

from weaviate_migration.check_report import read_check_report
from weaviate_migration.cleanup import bytes_in
from weaviate_migration.errors import MigrationError
from weaviate_migration.job_run import dagster_instance
from weaviate_migration.mapping import read_mapping
from weaviate_migration.phase import Phase, next_step, phase_of
from weaviate_migration.quarantine import Quarantine
from weaviate_migration.readiness import not_loaded
from weaviate_migration.record import MigrationRecord, refuse_another_mapping
from weaviate_migration.settings import MigrationConfig
from weaviate_migration.since_snapshot import open_change_log
from weaviate_migration.sync_position import agreed_reading
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.connect import open_running_weaviate, parse_weaviate_url
from weaviate_migration.work_folder import WorkFolder


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
    records = work_folder.records.all()
    disk = _disk(work_folder)
    if not records:
        return MigrationStatus(disk=disk, next_step=next_step(Phase.NOT_BEGUN))
    record = work_folder.records.newest_in_use() or records[-1]
    refuse_another_mapping(record, mapping)
    report = read_check_report(config)
    capture = followed_changes(work_folder, record)
    quarantined = quarantined_rows(work_folder, record)
    with dagster_instance(config.work_dir) as instance:
        loaded = not not_loaded(instance, mapping, record)
    phase = phase_of(record, loaded=loaded, lag=capture.changes if capture else 0)
    server, aliases = _aliases(config, work_folder, record)
    return MigrationStatus(
        phase=phase,
        migration_id=record.id,
        migrations={each.id: each.state for each in records},
        snapshot=_snapshot(record),
        capture=capture,
        server=server,
        aliases=aliases,
        checks={status.value: number for status, number in report.totals.items() if number},
        quarantined=quarantined,
        disk=disk,
        next_step=next_step(phase, proven=report.success and not quarantined),
    )


def _snapshot(record: MigrationRecord) -> SnapshotStatus | None:
    found = record.snapshot
    if found is None:
        return None
    return SnapshotStatus(str(found.path), found.bytes, found.taken_at.isoformat(), found.path.is_file())


def followed_changes(work_folder: WorkFolder, record: MigrationRecord) -> FollowedChanges | None:
    """How far the captured changes are applied; None where the work folder captures none."""
    if (capture_id := work_folder.capture_id) is None:
        return None
    known = work_folder.sync_positions.read(record.id)
    found = FollowedChanges(capture_id, applied=known.position if known else None)
    try:
        with open_change_log(work_folder, record.source) as log:
            with log.reading():
                found = replace(found, newest=log.last_position())
            if known is None:
                return found
            with agreed_reading(log, work_folder.sync_positions, record.id) as (capture, known):
                missed = "changes may have been missed: `verify --repair` compares everything"
                problem = missed if capture.epoch > known.epoch else ""
                lag, newest = log.lag(known.position), log.last_position()
                return replace(found, applied=known.position, newest=newest, **lag._asdict(), problem=problem)
    except MigrationError as error:
        return replace(found, problem=error.message)


def quarantined_rows(work_folder: WorkFolder, record: MigrationRecord) -> dict[str, int]:
    """How many rows of each alias are in the quarantine; without those that have none there."""
    counts = {
        alias: sum(1 for _ in Quarantine(work_folder.quarantine_folder, name).rows())
        for alias, name in record.targets.items()
    }
    return {alias: rows for alias, rows in counts.items() if rows}


def _disk(work_folder: WorkFolder) -> dict[str, int]:
    """Each folder and file of the work folder, and the extracts where they are elsewhere."""
    parts = {path.name: bytes_in(UPath(path)) for path in sorted(work_folder.folder.iterdir())}
    if work_folder.extracts:
        parts["extracts"] = sum(bytes_in(work_folder.extracts_of(each)) for each in work_folder.records.all())
    return {name: size for name, size in parts.items() if size}


def _aliases(
    config: MigrationConfig, work_folder: WorkFolder, record: MigrationRecord
) -> tuple[str, dict[str, str | None]]:
    """Why the server cannot tell, or where the aliases point."""
    try:
        target = parse_weaviate_url(config.weaviate_url, config.grpc_port)
        with open_running_weaviate(target, work_folder.folder, config.weaviate_api_key) as client:
            return "", alias_targets(client, record.targets)
    except MigrationError as error:
        return error.message, {}
