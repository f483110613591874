"""The snapshot of the SQLite file: the backup, and what all extracts read."""

from datetime import UTC, datetime

import dagster as dg

from weaviate_migration.assets import phases
from weaviate_migration.extract.scan import table_bounds
from weaviate_migration.mapping import Mapping
from weaviate_migration.record import MigrationRecord, SnapshotRecord
from weaviate_migration.resources import BatchSettings, SQLiteSource
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.snapshot import take_snapshot
from weaviate_migration.work_folder import WorkFolder


def build_snapshot_asset(mapping: Mapping) -> dg.AssetsDefinition:
    """The asset `sqlite_snapshot`: one for each migration, so that what was loaded before still agrees with it."""

    @dg.asset(
        group_name=phases.HISTORY,
        kinds={"sqlite"},
        owners=phases.OWNERS,
        deps=["weaviate_schema"],
        description=(
            "A consistent copy of the SQLite file, made by SQLite's online backup in one step while the application "
            "writes; checked with PRAGMA integrity_check and hashed. It is the backup, and all extracts read it. "
            "An unfinished migration keeps the snapshot that it has."
        ),
    )
    def sqlite_snapshot(
        context: dg.AssetExecutionContext,
        source: SQLiteSource,
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> dg.MaterializeResult[None]:
        record = work_folder.records.current()
        reused = record.state == "unfinished" and _is_there(record)
        if not reused:
            record = _take(record, source, work_folder, context)
        record = _with_bounds(record, mapping, work_folder, batches.sort_memory_mb)
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


def _is_there(record: MigrationRecord) -> bool:
    snapshot = record.snapshot
    return snapshot is not None and snapshot.path.is_file() and snapshot.path.stat().st_size == snapshot.bytes


def _take(
    record: MigrationRecord, source: SQLiteSource, work_folder: WorkFolder, context: dg.AssetExecutionContext
) -> MigrationRecord:
    path = work_folder.snapshot_path(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = take_snapshot(
        source.path, path, allow_pause=source.allow_pause, say=context.log.info, scratch=work_folder.scratch
    )
    # Extracts of an older snapshot would not agree with each other any more.
    if (extracts := work_folder.extracts_of(record)).exists():
        extracts.fs.rm(extracts.path, recursive=True)
    snapshot = SnapshotRecord(path=path, sha256=taken.sha256, bytes=taken.bytes, taken_at=datetime.now(UTC))
    return work_folder.records.update(record, snapshot=snapshot)


def _with_bounds(
    record: MigrationRecord, mapping: Mapping, work_folder: WorkFolder, sort_memory_mb: int
) -> MigrationRecord:
    """Bounds come from the first snapshot and stay, so that a row never moves between partitions."""
    if record.bounds:
        return record
    snapshot = record.snapshot_path
    plan = plan_migration(mapping, inspect_database(snapshot))
    bounds = {
        each.mapping.table: table_bounds(snapshot, each, sort_memory_mb, work_folder.scratch)
        for each in plan.collections
    }
    return work_folder.records.update(record, bounds=bounds)
