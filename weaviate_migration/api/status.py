"""What is known of the migrations of a work folder: from its files, Dagster's storage, the source and the server."""

from weaviate_migration.api.checks import read_check_report
from weaviate_migration.api.server_session import ServerSession, opened_with_server
from weaviate_migration.base.errors import MigrationError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.monitoring.metrics.readings import embedding_tallies
from weaviate_migration.monitoring.status import (
    MigrationStatus,
    SnapshotStatus,
    disk_use,
    status_before_first,
    workers_told,
)
from weaviate_migration.phases.dual_write.capture import not_followed
from weaviate_migration.phases.dual_write.lag import known_standing
from weaviate_migration.runs.checks import found_shares
from weaviate_migration.runs.names import names_of
from weaviate_migration.runs.readiness import not_loaded
from weaviate_migration.runs.runner import dagster_instance_to_read
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.work_folder.folder import lacking_vectors, quarantined_rows
from weaviate_migration.work_folder.phase import next_step, phase_of
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.storage import url_of


def read_status(config: MigrationConfig) -> MigrationStatus:
    """What is known of the work folder's migrations; nothing is started for it, and nothing is changed.

    Raises:
        ConfigurationError: mapping or source is another than the migration's, or a setting is wrong.
    """
    if (nothing_begun := status_before_first(config)) is not None:
        return nothing_begun
    with opened_with_server(config) as session:
        return _status(session)


def _status(session: ServerSession) -> MigrationStatus:
    """The status of a work folder that has a migration on record."""
    config, work_folder = session.config, session.work_folder
    disk = disk_use(work_folder)  # As it was before anything was opened.
    records = work_folder.records.all()
    record = work_folder.records.in_use_or_newest()
    assert record is not None, "there is one"
    session.refuse_other_settings(record)
    mapping = session.mapping_of(record)
    report = read_check_report(config)
    capture = known_standing(work_folder, record)
    quarantined = quarantined_rows(work_folder, record)
    lacking = lacking_vectors(work_folder, record)
    with dagster_instance_to_read(config.work_dir) as instance:
        loaded = not not_loaded(instance, names_of(work_folder), mapping, record)
    phase = phase_of(record, loaded=loaded, lag=capture.changes if capture else 0)
    server, aliases = _aliases(session, record)
    return MigrationStatus(
        phase=phase,
        migration_id=record.id,
        migrations={each.id: each.state for each in records},
        snapshot=_snapshot_status(record),
        capture=capture,
        not_followed=not_followed(record.source, mapping) if capture is not None else [],
        server=server,
        replicas=record.replicas,
        consistency_level=session.config.consistency_level if record.replicas else "",
        aliases=aliases,
        checks={status.value: number for status, number in report.totals.items() if number},
        searches=list(found_shares(report)),
        made_vectors=embedding_tallies(work_folder, record),
        quarantined=quarantined,
        lacking_vectors=lacking,
        passed_over=record.passed_over,
        parted_tables=record.parted_tables,
        disk=disk,
        under_way=workers_told(work_folder),
        next_step=next_step(
            phase,
            proven=report.success and not (quarantined or lacking),
            capture_remedy=capture.remedy if capture else "",
        ),
    )


def _snapshot_status(record: MigrationRecord) -> SnapshotStatus | None:
    found = record.snapshot
    if found is None:
        return None
    return SnapshotStatus(url_of(found.path), found.bytes, found.taken_at.isoformat(), found.path.is_file())


def _aliases(session: ServerSession, record: MigrationRecord) -> tuple[str, dict[str, str | None]]:
    """Why the server cannot tell, or where the aliases point."""
    try:
        return "", alias_targets(session.connect_to_running(), record.targets)
    except MigrationError as error:
        return error.message, {}
