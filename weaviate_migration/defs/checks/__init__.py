"""Asset checks: they call verify/ and store what it found."""

from collections.abc import Iterator

import dagster as dg

from weaviate_migration.defs.checks.collections import build_collection_checks, build_relations_checks
from weaviate_migration.defs.checks.queries import build_queries_check
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.query_file import NO_QUERIES, Queries
from weaviate_migration.mapping.relation_groups import related_groups
from weaviate_migration.runs.names import DagsterNames

__all__ = ["build_checks"]


def build_checks(
    mapping: Mapping, names: DagsterNames, partitions: int, queries: Queries = NO_QUERIES
) -> Iterator[dg.AssetChecksDefinition]:
    """The checks of all collections; their tables are cut into so many partitions."""
    for each in mapping.collections:
        yield build_collection_checks(mapping, names, partitions, each)
        if queries.of(each):
            yield build_queries_check(mapping, names, each, queries)
    for group in related_groups(mapping):
        yield build_relations_checks(mapping, names, group)
