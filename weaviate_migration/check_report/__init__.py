"""What the checks said last, and which of them never did: read from Dagster, as values, JUnit XML and Markdown."""

from weaviate_migration.check_report.history import AssetGraph, graph_of
from weaviate_migration.check_report.junit import junit_xml
from weaviate_migration.check_report.markdown import markdown_summary
from weaviate_migration.check_report.outcomes import CheckGroup, CheckOutcome, CheckReport, CheckStatus
from weaviate_migration.check_report.reader import LAST_BACKFILL, check_report, read_check_report

__all__ = [
    "LAST_BACKFILL",
    "AssetGraph",
    "CheckGroup",
    "CheckOutcome",
    "CheckReport",
    "CheckStatus",
    "check_report",
    "graph_of",
    "junit_xml",
    "markdown_summary",
    "read_check_report",
]
