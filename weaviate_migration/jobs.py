"""Jobs: what the UI, the command line and the Python API launch."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from weaviate_migration.mapping import Mapping
from weaviate_migration.partitions import PARTITIONS

MIGRATE = "migrate"
DRY_RUN = "dry_run"


def build_jobs(mapping: Mapping) -> list[UnresolvedAssetJobDefinition]:
    """`migrate`, the whole way, and `dry_run`."""
    return [
        dg.define_asset_job(
            MIGRATE,
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets(DRY_RUN),
            partitions_def=PARTITIONS,
            description=f"Snapshot, history, checks and cutover of mapping `{mapping.name}`: all partitions in one run.",
        ),
        dg.define_asset_job(
            DRY_RUN, selection=DRY_RUN, description="What a migration would write and refuse; needs no server."
        ),
    ]
