"""The snapshot of the SQLite file: the backup, and what all extracts read."""

import dagster as dg
from pydantic import Field

from weaviate_migration.defs import groups
from weaviate_migration.defs.alone import alone_in
from weaviate_migration.defs.resources import BatchSettings, SQLiteSource
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.history.snapshot import SnapshotTaker
from weaviate_migration.runs.jobs import CHANGE_CAPTURE, SQLITE_SNAPSHOT, WEAVIATE_SCHEMA
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.source.other_tables import REMEDY, OtherTables
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.storage import url_of

EVERYTHING_MAPPED = "everything_mapped"
# A migration keeps its mapping: one that says more of the tables begins another migration.
_AGAIN = f"{REMEDY} Then begin again: `weaviate-migration rollback --discard`."


def build_snapshot_asset(
    mapping: Mapping, names: DagsterNames, source_tags: groups.SourceTags = ()
) -> dg.AssetsDefinition:
    """The asset `sqlite_snapshot`: one for each migration, so that what was loaded before still agrees with it."""

    @dg.asset(
        key=names.asset(SQLITE_SNAPSHOT),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.HISTORY),
        kinds={"sqlite"},
        owners=groups.OWNERS,
        tags=groups.stage("snapshot"),
        op_tags=dict(source_tags),
        deps=[names.asset(CHANGE_CAPTURE), names.asset(WEAVIATE_SCHEMA)],
        description=(
            "A consistent copy of the SQLite file, made by SQLite's online backup in one step while the application "
            "writes; checked with PRAGMA integrity_check and hashed. It is the backup, and all extracts read it. "
            "An unfinished migration keeps the snapshot that it has."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                EVERYTHING_MAPPED,
                asset=names.asset(SQLITE_SNAPSHOT),
                blocking=mapping.unmapped == "refuse",
                description=(
                    "Every table of the snapshot that has rows becomes a collection, or is left out by the mapping. "
                    f"If it fails: {_AGAIN}"
                ),
            )
        ],
    )
    @with_resources_of(names)
    def sqlite_snapshot(
        context: dg.AssetExecutionContext,
        config: SnapshotConfig,
        source: SQLiteSource,
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]  # beside a check, Dagster takes only the plain class
        with alone_in(work_folder, context):
            record = work_folder.records.take_up()
            taker = SnapshotTaker(work_folder, mapping, source.path, source.allow_pause, batches.sort_memory_mb)
            found = taker.snapshot_of(record, refresh=config.refresh)
        snapshot = found.snapshot
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(url_of(snapshot.path)),
                "sha256": snapshot.sha256,
                "size_bytes": snapshot.bytes,
                "taken_at": dg.MetadataValue.timestamp(snapshot.taken_at),
                "remarks": snapshot.remarks or "none",
                "reused": found.reused,
                "migration": record.id,
            },
            data_version=dg.DataVersion(snapshot.sha256),
            check_results=[_everything_mapped(snapshot.other_tables, mapping, again=config.refresh)],
        )

    return sqlite_snapshot


def _everything_mapped(found: OtherTables | None, mapping: Mapping, *, again: bool) -> dg.AssetCheckResult:
    """What the check finds.

    Args:
        again: the snapshot is one more, for a comparison: that goes on, whatever tables have come since.
    """
    assert found is not None, "the taker notes them on each snapshot"
    refused = bool(found.passed_over) and mapping.unmapped == "refuse" and not again
    rows = [dg.TableRecord({"table": table, "rows": number}) for table, number in found.passed_over.items()]
    return dg.AssetCheckResult(
        check_name=EVERYTHING_MAPPED,
        passed=found.is_everything_mapped,
        severity=dg.AssetCheckSeverity.ERROR if refused else dg.AssetCheckSeverity.WARN,
        description=" ".join(found.warnings) or f"{found.sentence}.",
        metadata={"passed_over": dg.MetadataValue.table(rows)} if rows else {},
    )


class SnapshotConfig(dg.Config):
    """How a run takes its snapshot."""

    refresh: bool = Field(
        default=False,
        description="Take a new snapshot though the migration has one: to compare with what the source holds now.",
    )
