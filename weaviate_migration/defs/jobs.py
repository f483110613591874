"""The jobs that the UI, the command line and the Python API launch."""

from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.executors import ChosenExecutor
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
    SQLITE_SNAPSHOT,
    SYNC,
    VERIFY,
    VERIFY_LIVE,
    executor_of,
    new_snapshot,
    whole_way,
)
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.runner import WORK_DIR_TAG

AssetJob = UnresolvedAssetJobDefinition
"""A job of assets, before it is resolved: what Dagster's own `define_asset_job` returns has no public name."""


def build_jobs(mapping: Mapping, names: DagsterNames, work_dir: Path, executor: ChosenExecutor) -> dict[str, AssetJob]:
    """`migrate` and `migrate_live`, the whole way; `sync`, `verify`, `verify_live` and `cut_over`; and `dry_run`.

    Args:
        work_dir: the work folder, which tells the runs of two migrations apart.
        executor: of the runs that have more than a step, whatever the other jobs of a project have.

    Returns:
        The jobs, by their names without a prefix.
    """

    def define(job: str, **of_job: Any) -> AssetJob:
        runs_steps = executor_of(job, executor).definition
        return dg.define_asset_job(names.of(job), tags={WORK_DIR_TAG: str(work_dir)}, executor_def=runs_steps, **of_job)

    way = whole_way(mapping, names)
    collections = (names.asset(each.asset_name) for each in mapping.collections)
    all_checks = dg.AssetSelection.checks_for_assets(*collections)
    extracts = [names.asset(SQLITE_SNAPSHOT), *(names.asset(each.extract_name) for each in mapping.collections)]
    live_alone = {names.asset(each) for each in LIVE_ASSETS}
    return {
        MIGRATE: define(
            MIGRATE,
            selection=[each for each in way if each not in live_alone],
            description=(
                f"The whole way for mapping `{mapping.name}`: audit, snapshot, history, checks and cutover. The source "
                "is not touched; what is changed after the snapshot is not followed. In the UI: “Materialize all…”, "
                "“All” partitions, “Launch backfill”; it is one run, and needs no config. That `change_capture` and "
                "`change_sync` are not materialized is right, although Dagster asks: confirm it."
            ),
        ),
        MIGRATE_LIVE: define(
            MIGRATE_LIVE,
            selection=way,
            description=(
                f"As `{names.of(MIGRATE)}`, while the application goes on writing: changes are captured before the "
                "snapshot is taken, and applied before the cutover. In the UI: “Materialize all…”, “All” partitions."
            ),
        ),
        SYNC: define(
            SYNC,
            selection=[names.asset(CHANGE_SYNC)],
            description=(
                "Applies the changes that the application has made by now; "
                f"`{names.of('change_sync_sensor')}`, once it is turned on, launches it by itself."
            ),
        ),
        VERIFY: define(
            VERIFY,
            selection=all_checks,
            description=(
                "Every check of the collections once more, against the snapshot: all objects compared with their rows. "
                "Nothing is written. A failed check names the first differences, and what mends them."
            ),
        ),
        VERIFY_LIVE: define(
            VERIFY_LIVE,
            selection=dg.AssetSelection.assets(*extracts) | all_checks,
            config=new_snapshot(names),
            description=f"As `{names.of(VERIFY)}`, against a new snapshot of the source in use: choose all partitions.",
        ),
        CUT_OVER: define(
            CUT_OVER,
            selection=[names.asset(CUTOVER), names.asset(MIGRATION_REPORT)],
            description=(
                "Readers are switched to the migration's collections, once all is loaded and proven; otherwise it says "
                "what is missing, and nothing moves. `timeout` is in seconds."
            ),
        ),
        DRY_RUN: define(
            DRY_RUN,
            selection=[names.asset(DRY_RUN_REPORT)],
            description="What a migration would write and refuse: needs no server, and leaves nothing behind.",
        ),
    }
