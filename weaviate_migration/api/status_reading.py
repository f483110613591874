"""Reads the status of a migration on record: from the work folder, Dagster's storage, the source and the server."""

from weaviate_migration.api.checks import read_check_report
from weaviate_migration.base.errors import MigrationError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping
from weaviate_migration.monitoring.status import MigrationStatus, SnapshotStatus
from weaviate_migration.phases.dual_write.lag import known_standing
from weaviate_migration.runs.readiness import not_loaded
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.connect import open_running_weaviate, parse_weaviate_url
from weaviate_migration.work_folder.folder import WorkFolder, quarantined_rows
from weaviate_migration.work_folder.phase import next_step, phase_of
from weaviate_migration.work_folder.record import MigrationRecord, refuse_another_mapping


def status_of(config: MigrationConfig, work_folder: WorkFolder, mapping: Mapping) -> MigrationStatus:
    """What `read_status` returns where there is a migration on record, but for the disk."""
    records = work_folder.records.all()
    record = work_folder.records.newest_in_use() or records[-1]
    refuse_another_mapping(record, mapping)
    report = read_check_report(config)
    capture = known_standing(work_folder, record)
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
