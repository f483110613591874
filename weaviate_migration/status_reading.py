"""Reads the status of a migration on record: from the work folder, Dagster's storage, the source and the server."""

from dataclasses import replace

from weaviate_migration.base.errors import MigrationError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.check_report import read_check_report
from weaviate_migration.job_run import dagster_instance
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.history.changes import open_change_log
from weaviate_migration.readiness import not_loaded
from weaviate_migration.status import FollowedChanges, MigrationStatus, SnapshotStatus
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.connect import open_running_weaviate, parse_weaviate_url
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.phase import next_step, phase_of
from weaviate_migration.work_folder.quarantine import Quarantine
from weaviate_migration.work_folder.record import MigrationRecord, refuse_another_mapping
from weaviate_migration.work_folder.sync_positions import agreed_reading


def status_of(config: MigrationConfig, work_folder: WorkFolder, mapping: Mapping) -> MigrationStatus:
    """What `read_status` returns where there is a migration on record, but for the disk."""
    records = work_folder.records.all()
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
