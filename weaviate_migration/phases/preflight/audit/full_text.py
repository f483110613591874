"""The full-text indexes of one mapped table, and what of their searches the mapping leaves out."""

from collections.abc import Iterable, Iterator

from weaviate_migration.mapping.names import folded
from weaviate_migration.phases.preflight.audit.report import FullTextReport
from weaviate_migration.phases.preflight.full_text import not_to_be_had, search_gaps
from weaviate_migration.source.full_text import FullTextIndex
from weaviate_migration.source.plan import CollectionPlan


def full_text_reports(plan: CollectionPlan, indexes: Iterable[FullTextIndex]) -> Iterator[FullTextReport]:
    """A report for each index of the plan's table.

    Args:
        indexes: all of the file.
    """
    for index in indexes:
        columns = tuple(each for each in plan.columns if index.indexes(plan.mapping.table, each))
        if columns:
            gaps = tuple(gap for column in columns for gap in _gaps(plan, index, column))
            yield FullTextReport(index.name, index.told, columns, gaps, tuple(not_to_be_had(index.tokenizer)))


def _gaps(plan: CollectionPlan, index: FullTextIndex, column: str) -> Iterator[str]:
    properties = [prop for prop in plan.mapping.properties if folded(prop.column) == folded(column)]
    return search_gaps(index, column, plan.mapping.stopwords, properties)
