"""The changes since the snapshot, applied: written from the rows as they are now, or removed."""

import dagster as dg

from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import BatchSettings, TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.dual_write.following import followed_with
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.runs.jobs import CHANGE_CAPTURE, CHANGE_SYNC
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.target.write import write_settings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder


def build_change_sync_asset(
    mapping: Mapping, names: DagsterNames, source_tags: groups.SourceTags = ()
) -> dg.AssetsDefinition:
    """The asset `change_sync`: each materialization applies what the change log holds by then."""

    @dg.asset(
        key=names.asset(CHANGE_SYNC),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.DUAL_WRITE),
        kinds={"sqlite", "weaviate"},
        owners=groups.OWNERS,
        tags=groups.stage("sync"),
        op_tags=dict(source_tags),
        deps=[
            names.asset(CHANGE_CAPTURE),
            *(names.asset(each.asset_name) for each in mapping.collections),
        ],
        description=(
            "Applies the changes that the application made since the snapshot, or since the last materialization, to "
            "every migration that is followed: the unfinished one, the one that readers use, and the one that a "
            "rollback leads to. The position moves when Weaviate has confirmed everything."
        ),
    )
    @with_resources_of(names)
    def change_sync(
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
        models: dg.ResourceParam[OpenModels],
    ) -> dg.MaterializeResult[None]:
        # Beside a `sync --follow`, too: the locks of the collections let one pass after the other.
        with (
            weaviate.client(work_folder, batches) as client,
            followed_with(client, work_folder, mapping, write_settings(batches, client), models) as group,
        ):
            done = {sync: SyncTally() for sync in group}
            for sync, tally in done.items():
                sync.run_pass(tally)
            group.note_in_file(batches)
            group.note_settled()
            newest = next(iter(done))
            standing = newest.standing()
        rows = [
            dg.TableRecord(
                {
                    "migration": sync.record.id,
                    "changes": tally.changes,
                    "written": tally.written,
                    "removed": tally.removed,
                    "refused": tally.refused,
                    "position": tally.position,
                }
            )
            for sync, tally in done.items()
        ]
        return dg.MaterializeResult(
            metadata={
                "applied_changes": done[newest].changes,
                "refused": done[newest].refused,
                "position": done[newest].position,
                "lag_changes": standing.changes,
                "lag_seconds": round(standing.seconds, 3),
                "needs_comparison": bool(standing.problem),
                "migrations": dg.MetadataValue.table(rows),
            }
        )

    return change_sync
