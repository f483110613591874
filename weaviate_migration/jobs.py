"""Jobs: what the UI, the command line and the Python API launch."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from weaviate_migration.mapping import Mapping

MIGRATE = "migrate"
DRY_RUN = "dry_run"


def migrate_assets(mapping: Mapping, cutover: bool) -> list[dg.AssetKey]:
    """The assets that `migrate` materializes, with or without the switch of the aliases."""
    names = ["weaviate_schema", "sqlite_snapshot"]
    for each in mapping.collections:
        names += [each.extract_name, each.asset_name]
    return [dg.AssetKey(name) for name in [*names, *(["cutover"] if cutover else [])]]


def build_jobs(mapping: Mapping) -> list[UnresolvedAssetJobDefinition]:
    """`migrate`, the whole way, and `dry_run`."""
    return [
        dg.define_asset_job(
            MIGRATE,
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets(DRY_RUN),
            description=f"Snapshot, history, checks and cutover of mapping `{mapping.name}`, all partitions.",
        ),
        dg.define_asset_job(
            DRY_RUN, selection=DRY_RUN, description="What a migration would write and refuse; needs no server."
        ),
    ]
