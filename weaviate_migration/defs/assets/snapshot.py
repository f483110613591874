"""The snapshot of the SQLite file: the backup, and what all extracts read."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from pydantic import Field

from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import BatchSettings, SQLiteSource
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.history.extract.scan import table_bounds
from weaviate_migration.source.change_log import LogPosition, log_end
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.snapshot import take_snapshot
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import NOTHING_COMPARED, MigrationRecord, SnapshotRecord

logger = logging.getLogger(__name__)


def build_snapshot_asset(mapping: Mapping) -> dg.AssetsDefinition:
    """The asset `sqlite_snapshot`: one for each migration, so that what was loaded before still agrees with it."""

    @dg.asset(
        group_name=groups.HISTORY,
        kinds={"sqlite"},
        owners=groups.OWNERS,
        tags=groups.stage("snapshot"),
        deps=["change_capture", "weaviate_schema"],
        description=(
            "A consistent copy of the SQLite file, made by SQLite's online backup in one step while the application "
            "writes; checked with PRAGMA integrity_check and hashed. It is the backup, and all extracts read it. "
            "An unfinished migration keeps the snapshot that it has."
        ),
    )
    def sqlite_snapshot(
        config: SnapshotConfig,
        source: SQLiteSource,
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> dg.MaterializeResult[None]:
        record = work_folder.records.current()
        reused = record.state == "unfinished" and _is_there(record, work_folder) and not config.refresh
        if not reused:
            record = _take(record, mapping, source, work_folder, batches.sort_memory_mb)
        snapshot = record.snapshot
        assert snapshot is not None
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(snapshot.path),
                "sha256": snapshot.sha256,
                "size_bytes": snapshot.bytes,
                "taken_at": dg.MetadataValue.timestamp(snapshot.taken_at),
                "reused": reused,
                "migration": record.id,
            },
            data_version=dg.DataVersion(snapshot.sha256),
        )

    return sqlite_snapshot


class SnapshotConfig(dg.Config):
    """How a run takes its snapshot."""

    refresh: bool = Field(
        default=False,
        description="Take a new snapshot though the migration has one: to compare with what the source holds now.",
    )


def _is_there(record: MigrationRecord, work_folder: WorkFolder) -> bool:
    """Whether there is a snapshot to go on from: not one from before changes were captured, where they are by now."""
    snapshot = record.snapshot
    if (
        snapshot is None
        or not record.bounds
        or not snapshot.path.is_file()
        or snapshot.path.stat().st_size != snapshot.bytes
    ):
        return False
    return snapshot.captured is not None or work_folder.capture_id is None


def _take(
    record: MigrationRecord, mapping: Mapping, source: SQLiteSource, work_folder: WorkFolder, sort_memory_mb: int
) -> MigrationRecord:
    """Takes a snapshot, and puts it on record together with the bounds: one is of no use without the other."""
    before = record.snapshot.path if record.snapshot is not None else None
    path = work_folder.snapshot_path(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    if before is not None and path.is_file():
        # The first is the backup from before the migration.
        path = path.with_suffix(f".{datetime.now(UTC):%Y%m%dT%H%M%S%f}.sqlite")
    taken = take_snapshot(
        source.path, path, allow_pause=source.allow_pause, say=logger.info, scratch=work_folder.scratch
    )
    logger.info("snapshot %s: %d bytes, SHA-256 %s", path, taken.bytes, taken.sha256)
    # Extracts of an older snapshot would not agree with each other any more.
    if (extracts := work_folder.extracts_of(record)).exists():
        extracts.fs.rm(extracts.path, recursive=True)
    snapshot = SnapshotRecord(
        path=path,
        sha256=taken.sha256,
        bytes=taken.bytes,
        taken_at=datetime.now(UTC),
        captured=_captured(path, work_folder),
    )
    # Bounds come from the first snapshot and stay, so that a row never moves between partitions.
    bounds = record.bounds or _bounds(path, mapping, work_folder, sort_memory_mb)
    # Before the snapshot is on record: killed in between, the next run takes another one, and follows from here.
    if snapshot.captured is not None and work_folder.sync_positions.read(record.id) is None:
        # What was loaded before from another snapshot may lack changes, until all was compared.
        epoch = snapshot.captured.epoch if before is None else NOTHING_COMPARED
        position = snapshot.captured.model_copy(update={"epoch": epoch})
        work_folder.sync_positions.save(record.id, position)
    record = work_folder.records.update(record, snapshot=snapshot, bounds=bounds)
    for superseded in path.parent.glob(f"{record.id}.*.sqlite"):
        if superseded != path:  # Also one that a killed run has left, before it was on record.
            superseded.unlink()
    return record


def _captured(snapshot: Path, work_folder: WorkFolder) -> LogPosition | None:
    """Where the change log in the snapshot ends; None where changes are not captured."""
    if (capture_id := work_folder.capture_id) is None:
        return None
    return log_end(snapshot, capture_id)


def _bounds(
    snapshot: Path, mapping: Mapping, work_folder: WorkFolder, sort_memory_mb: int
) -> dict[str, tuple[str, ...]]:
    """For each table the UUIDs between its partitions."""
    plan = plan_migration(mapping, inspect_database(snapshot))
    return {
        each.mapping.table: table_bounds(snapshot, each, sort_memory_mb, work_folder.scratch)
        for each in plan.collections
    }
