"""Jobs: what the UI, the command line and the Python API launch."""

from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from weaviate_migration.base.errors import MappingError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping

MIGRATE = "migrate"
MIGRATE_LIVE = "migrate_live"
SYNC = "sync"
VERIFY = "verify"
VERIFY_LIVE = "verify_live"
CUT_OVER = "cut_over"
CUTOVER = "cutover"
MIGRATION_REPORT = "migration_report"
DRY_RUN = "dry_run"
DRY_RUN_REPORT = "dry_run_report"
SOURCE_AUDIT = "source_audit"
CHANGE_CAPTURE = "change_capture"
CHANGE_SYNC = "change_sync"
# A run's config: the migration has a snapshot, and gets a new one.
NEW_SNAPSHOT = {"ops": {"sqlite_snapshot": {"config": {"refresh": True}}}}
# What only a migration of a source in use needs: it writes to the source.
LIVE_ASSETS = (CHANGE_CAPTURE, CHANGE_SYNC)
# One process imports everything, once, and the process of each step is its fork: spawned anew, a step took 3.5 s of
# CPU, nearly all of it imports (measured).
# Dagster's module would come first of all if it were not named.
_PRELOADED = [
    *("weaviate_migration.runs.step_processes", "dagster._core.executor.multiprocess"),
    "weaviate_migration.code_location",
]
_FORKED = {"forkserver": {"preload_modules": _PRELOADED}}
# Of `cut_over`, without the report that follows in the UI.
SWITCH_ALONE = (dg.AssetKey(CUTOVER),)
RESERVED_NAMES = frozenset(
    {
        *(MIGRATE, MIGRATE_LIVE, SYNC, VERIFY, VERIFY_LIVE, CUT_OVER, DRY_RUN),
        *(DRY_RUN_REPORT, SOURCE_AUDIT, "weaviate_schema", "sqlite_snapshot", CUTOVER, MIGRATION_REPORT, *LIVE_ASSETS),
    }
)


def refuse_reserved_names(mapping: Mapping) -> None:
    """Collections and jobs share one space of names in Dagster.

    Raises:
        MappingError: the asset of a collection would have the name of an asset or job of ours, or of an extract.
    """
    taken = RESERVED_NAMES | {each.extract_name for each in mapping.collections}
    clashes = [each.name for each in mapping.collections if each.asset_name in taken]
    if clashes:
        raise MappingError(
            f"In Dagster the collections {', '.join(clashes)} would have names that are taken: "
            f"{', '.join(sorted(taken))}.",
            "Give them other names, or put a prefix before them in the mapping.",
        )


def executor_config(config: MigrationConfig) -> dict[str, Any]:
    """How a run executes its steps: one after the other in its own process, or side by side in several."""
    if config.enable_parallel_processing:
        return {"multiprocess": {"max_concurrent": config.processes, "start_method": _FORKED}}
    return {"in_process": {}}


def build_executor(config: MigrationConfig) -> dg.ExecutorDefinition:
    """Dagster's own executor, with the settings for its default: else each step would be a process, two at a time."""
    chooser = dg.multi_or_in_process_executor
    field = dg.Field(chooser.config_schema.config_type, default_value=executor_config(config))
    return chooser.configured(lambda chosen: chosen, name=chooser.name, config_schema=field)


def collection_assets(mapping: Mapping) -> list[str]:
    """The names of the collections' assets."""
    return [each.asset_name for each in mapping.collections]


def step_phases(mapping: Mapping) -> dict[str, str]:
    """The phase that each step of the jobs belongs to."""
    phases = {SOURCE_AUDIT: "audit", "weaviate_schema": "schema", "sqlite_snapshot": "snapshot", CUTOVER: "cutover"}
    phases |= {CHANGE_CAPTURE: "capture", CHANGE_SYNC: "sync", DRY_RUN_REPORT: DRY_RUN}
    for each in mapping.collections:
        phases |= {each.extract_name: "extract", each.asset_name: "load"}
        phases |= {f"{each.asset_name}_{checks}": "checks" for checks in ("checks", "relations")}
    return phases


def migrate_assets(mapping: Mapping, *, live: bool, cutover: bool) -> list[dg.AssetKey]:
    """The assets that `migrate` materializes: with or without following changes, and the switch of the aliases.

    Not the report, whose pictures take a second: the command `report` makes it when somebody wants it.
    """
    names = [*(LIVE_ASSETS if live else ()), SOURCE_AUDIT, "weaviate_schema", "sqlite_snapshot"]
    for each in mapping.collections:
        names += [each.extract_name, each.asset_name]
    return [dg.AssetKey(name) for name in [*names, *([CUTOVER] if cutover else [])]]


def build_jobs(mapping: Mapping) -> list[UnresolvedAssetJobDefinition]:
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
