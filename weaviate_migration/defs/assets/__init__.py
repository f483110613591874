"""Dagster assets, one file for each step of the data's way; all of them are made from the mapping."""

import dagster as dg

from weaviate_migration.defs.assets.change_capture import build_change_capture_asset
from weaviate_migration.defs.assets.change_sync import build_change_sync_asset
from weaviate_migration.defs.assets.collections import build_collection_asset
from weaviate_migration.defs.assets.cutover import build_cutover_asset
from weaviate_migration.defs.assets.dry_run import build_dry_run_asset
from weaviate_migration.defs.assets.extracts import build_extract_asset
from weaviate_migration.defs.assets.migration_report import build_migration_report_asset
from weaviate_migration.defs.assets.schema import build_schema_asset
from weaviate_migration.defs.assets.snapshot import build_snapshot_asset
from weaviate_migration.defs.assets.source_audit import build_source_audit_asset
from weaviate_migration.defs.assets.vectors import build_vectors_asset
from weaviate_migration.defs.checks import build_checks
from weaviate_migration.defs.groups import SourceTags
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.query_file import NO_QUERIES, Queries
from weaviate_migration.runs.names import DagsterNames

__all__ = ["build_assets"]


def build_assets(
    mapping: Mapping,
    names: DagsterNames,
    partitions: int,
    queries: Queries = NO_QUERIES,
    source_tags: SourceTags = (),
) -> list[dg.AssetsDefinition]:
    """Every asset of a migration with this mapping.

    Args:
        partitions: into how many its tables are cut.
        queries: of the application, which have to be answered, too.
        source_tags: of the steps that read the SQLite file.
    """
    proven = [
        build_change_capture_asset(mapping, names, source_tags),
        build_source_audit_asset(mapping, names, partitions, source_tags),
        build_schema_asset(mapping, names, partitions, source_tags),
        build_snapshot_asset(mapping, names, source_tags),
        *(build_extract_asset(mapping, names, partitions, each) for each in mapping.collections),
        *(build_vectors_asset(mapping, names, partitions, each) for each in mapping.collections if each.made_vectors),
        *(build_collection_asset(mapping, names, partitions, each) for each in mapping.collections),
        build_change_sync_asset(mapping, names, source_tags),
    ]
    told_of = [*proven, *build_checks(mapping, names, partitions, queries)]
    at_the_end = [
        build_cutover_asset(mapping, names, partitions, told_of),
        build_migration_report_asset(mapping, names, told_of),
    ]
    return [*proven, *at_the_end, build_dry_run_asset(mapping, names, partitions)]
