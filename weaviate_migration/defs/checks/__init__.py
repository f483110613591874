"""Asset checks: they call verify/ and store what it found."""

from collections.abc import Iterator

import dagster as dg

from weaviate_migration.defs.checks.collections import build_collection_checks, build_relations_checks
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.relation_groups import related_groups
from weaviate_migration.runs.names import DagsterNames

__all__ = ["build_checks"]


def build_checks(mapping: Mapping, names: DagsterNames) -> Iterator[dg.AssetChecksDefinition]:
    """The checks of all collections."""
    for each in mapping.collections:
        yield build_collection_checks(mapping, names, each)
    for group in related_groups(mapping):
        yield build_relations_checks(mapping, names, group)
