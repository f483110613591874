"""The jobs that the UI, the command line and the Python API launch."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.jobs import (
    CHANGE_SYNC,
    CUT_OVER,
    CUTOVER,
    DRY_RUN,
    DRY_RUN_REPORT,
    LIVE_ASSETS,
    MIGRATE,
    MIGRATE_LIVE,
    MIGRATION_REPORT,
    NEW_SNAPSHOT,
    SYNC,
    VERIFY,
    VERIFY_LIVE,
    collection_assets,
    executor_config,
)


def build_executor(config: MigrationConfig) -> dg.ExecutorDefinition:
    """Dagster's own executor, with the settings for its default: else each step would be a process, two at a time."""
    chooser = dg.multi_or_in_process_executor
    field = dg.Field(chooser.config_schema.config_type, default_value=executor_config(config))
    return chooser.configured(lambda chosen: chosen, name=chooser.name, config_schema=field)


AssetJob = UnresolvedAssetJobDefinition
"""A job of assets, before it is resolved: what Dagster's own `define_asset_job` returns has no public name."""


def build_jobs(mapping: Mapping) -> list[AssetJob]:
    """`migrate` and `migrate_live`, the whole way; `sync`, `verify`, `verify_live` and `cut_over`; and `dry_run`."""
    whole_way = dg.AssetSelection.all() - dg.AssetSelection.assets(DRY_RUN_REPORT)
    all_checks = dg.AssetSelection.checks_for_assets(*(dg.AssetKey(name) for name in collection_assets(mapping)))
    extracts = dg.AssetSelection.assets("sqlite_snapshot", *(each.extract_name for each in mapping.collections))
    return [
        dg.define_asset_job(
            MIGRATE,
            selection=whole_way - dg.AssetSelection.assets(*LIVE_ASSETS),
            description=(
                f"The whole way for mapping `{mapping.name}`: audit, snapshot, history, checks and cutover. The source "
                "is not touched; what is changed after the snapshot is not followed. In the UI: “Materialize all…”, "
                "“All” partitions, “Launch backfill”; it is one run, and needs no config. That `change_capture` and "
                "`change_sync` are not materialized is right, although Dagster asks: confirm it."
            ),
        ),
        dg.define_asset_job(
            MIGRATE_LIVE,
            selection=whole_way,
            description=(
                f"As `{MIGRATE}`, while the application goes on writing: changes are captured before the snapshot is "
                "taken, and applied before the cutover. In the UI: “Materialize all…”, “All” partitions."
            ),
        ),
        dg.define_asset_job(
            SYNC,
            selection=CHANGE_SYNC,
            description=(
                "Applies the changes that the application has made by now; `change_sync_sensor`, once it is turned on, "
                "launches it by itself."
            ),
        ),
        dg.define_asset_job(
            VERIFY,
            selection=all_checks,
            description=(
                "Every check of the collections once more, against the snapshot: all objects compared with their rows. "
                "Nothing is written. A failed check names the first differences, and what mends them."
            ),
        ),
        dg.define_asset_job(
            VERIFY_LIVE,
            selection=extracts | all_checks,
            config=NEW_SNAPSHOT,
            description="As `verify`, against a new snapshot of the source in use: choose all partitions.",
        ),
        dg.define_asset_job(
            CUT_OVER,
            selection=[CUTOVER, MIGRATION_REPORT],
            description=(
                "Readers are switched to the migration's collections, once all is loaded and proven; otherwise it says "
                "what is missing, and nothing moves. `timeout` is in seconds."
            ),
        ),
        dg.define_asset_job(
            DRY_RUN,
            selection=DRY_RUN_REPORT,
            description="What a migration would write and refuse: needs no server, and leaves nothing behind.",
        ),
    ]
