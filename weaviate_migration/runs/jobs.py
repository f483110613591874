"""The names of jobs and assets, without a prefix, and the phases that their steps make."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.asset_names import CHECKS, RELATIONS, queries_step
from weaviate_migration.runs.executors import IN_PROCESS, ChosenExecutor
from weaviate_migration.runs.names import DagsterNames

MIGRATE = "migrate"
MIGRATE_LIVE = "migrate_live"
SYNC = "sync"
VERIFY = "verify"
VERIFY_LIVE = "verify_live"
CUT_OVER = "cut_over"
WEAVIATE_SCHEMA = "weaviate_schema"
SQLITE_SNAPSHOT = "sqlite_snapshot"
CUTOVER = "cutover"
MIGRATION_REPORT = "migration_report"
DRY_RUN = "dry_run"
# One step at the source or at the server, which nobody else could do faster.
JOBS_OF_ONE_STEP = frozenset({SYNC, CUT_OVER, DRY_RUN})
JOBS = frozenset({MIGRATE, MIGRATE_LIVE, SYNC, VERIFY, VERIFY_LIVE, CUT_OVER, DRY_RUN})
DRY_RUN_REPORT = "dry_run_report"
SOURCE_AUDIT = "source_audit"
# Of its metadata, the table with columns of which hardly a value fits.
MISFITS = "hardly_fits"
# The check of the application's own queries, and of its metadata the table with a line for each of them.
QUERIES, ASKED = "queries", "asked"
CHANGE_CAPTURE = "change_capture"
CHANGE_SYNC = "change_sync"
# What only a migration of a source in use needs: it writes to the source.
LIVE_ASSETS = (CHANGE_CAPTURE, CHANGE_SYNC)


def executor_of(job: str, chosen: ChosenExecutor) -> ChosenExecutor:
    """What runs the steps of a job: the chosen executor, or the process of the run where there is one step."""
    return IN_PROCESS if job in JOBS_OF_ONE_STEP else chosen


def new_snapshot(names: DagsterNames) -> dict[str, Any]:
    """A run's config: the migration has a snapshot, and gets a new one."""
    return {"ops": {names.step(SQLITE_SNAPSHOT): {"config": {"refresh": True}}}}


def whole_way(mapping: Mapping, names: DagsterNames) -> list[dg.AssetKey]:
    """All assets but the dry run's report."""
    return [*migrate_assets(mapping, names, live=True, cutover=True), names.asset(MIGRATION_REPORT)]


def collection_steps(collections: Iterable[CollectionMapping], names: DagsterNames) -> list[str]:
    """The steps that load these collections."""
    return [names.step(each.asset_name) for each in collections]


def step_phases(mapping: Mapping, names: DagsterNames) -> dict[str, str]:
    """The phase that each step of the jobs belongs to."""
    phases = {SOURCE_AUDIT: "audit", WEAVIATE_SCHEMA: "schema", SQLITE_SNAPSHOT: "snapshot", CUTOVER: "cutover"}
    phases |= {CHANGE_CAPTURE: "capture", CHANGE_SYNC: "sync", DRY_RUN_REPORT: DRY_RUN}
    for each in mapping.collections:
        phases |= {each.extract_name: "extract", each.asset_name: "load"}
        phases |= {each.vectors_name: "vectors"} if each.made_vectors else {}
        phases |= {f"{each.asset_name}{checks}": "checks" for checks in (CHECKS, RELATIONS)}
        phases[queries_step(each.asset_name)] = "checks"
    return {names.step(step): phase for step, phase in phases.items()}


def comparison_steps(collections: Iterable[CollectionMapping], names: DagsterNames) -> list[str]:
    """The steps that compare these collections."""
    return [names.step(f"{each.asset_name}{CHECKS}") for each in collections]


def comparison_checks(collections: Iterable[CollectionMapping], names: DagsterNames) -> list[dg.AssetCheckKey]:
    """The checks of these steps."""
    return [
        dg.AssetCheckKey(names.asset(each.asset_name), name)
        for each in collections
        for name in (
            *("count", "every_object", "uuids", "types", "sample", "search"),
            *(("vectors",) if each.expected_vectors else ()),
            *(("recall",) if each.known_vectors else ()),
        )
    ]


def load_assets(collections: Iterable[CollectionMapping], names: DagsterNames) -> list[dg.AssetKey]:
    """The assets of these collections: extract, vectors that models make, and the collection itself."""
    chosen: list[str] = []
    for each in collections:
        vectors = [each.vectors_name] if each.made_vectors else []
        chosen += [each.extract_name, *vectors, each.asset_name]
    return [names.asset(each) for each in chosen]


def migrate_assets(mapping: Mapping, names: DagsterNames, *, live: bool, cutover: bool) -> list[dg.AssetKey]:
    """The assets that `migrate` materializes: with or without following changes, and the switch of the aliases.

    Not the report, whose pictures take a second: the command `report` makes it when somebody wants it.
    """
    chosen = [names.asset(each) for each in [*(LIVE_ASSETS if live else ()), SOURCE_AUDIT, WEAVIATE_SCHEMA]]
    chosen += [names.asset(SQLITE_SNAPSHOT), *load_assets(mapping.collections, names)]
    return [*chosen, *([names.asset(CUTOVER)] if cutover else [])]
