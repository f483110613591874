"""Jobs: what the UI, the command line and the Python API launch."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from weaviate_migration.errors import MappingError
from weaviate_migration.mapping import Mapping

MIGRATE = "migrate"
VERIFY = "verify"
DRY_RUN = "dry_run"
DRY_RUN_REPORT = "dry_run_report"
SOURCE_AUDIT = "source_audit"
RESERVED_NAMES = frozenset(
    {MIGRATE, VERIFY, DRY_RUN, DRY_RUN_REPORT, SOURCE_AUDIT, "weaviate_schema", "sqlite_snapshot", "cutover"}
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


def collection_assets(mapping: Mapping) -> list[str]:
    """The names of the collections' assets."""
    return [each.asset_name for each in mapping.collections]


def migrate_assets(mapping: Mapping, cutover: bool) -> list[dg.AssetKey]:
    """The assets that `migrate` materializes, with or without the switch of the aliases."""
    names = [SOURCE_AUDIT, "weaviate_schema", "sqlite_snapshot"]
    for each in mapping.collections:
        names += [each.extract_name, each.asset_name]
    return [dg.AssetKey(name) for name in [*names, *(["cutover"] if cutover else [])]]


def build_jobs(mapping: Mapping) -> list[UnresolvedAssetJobDefinition]:
    """`migrate`, the whole way, and `dry_run`."""
    return [
        dg.define_asset_job(
            MIGRATE,
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets(DRY_RUN_REPORT),
            description=f"Audit, snapshot, history, checks and cutover of mapping `{mapping.name}`, all partitions.",
        ),
        dg.define_asset_job(
            VERIFY,
            selection=dg.AssetSelection.checks_for_assets(*(dg.AssetKey(name) for name in collection_assets(mapping))),
            description="Every check of the collections once more: all objects compared with their rows.",
        ),
        dg.define_asset_job(
            DRY_RUN, selection=DRY_RUN_REPORT, description="What a migration would write and refuse; needs no server."
        ),
    ]
