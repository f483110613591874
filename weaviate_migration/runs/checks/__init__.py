"""What the checks said last, and which of them never did: read from Dagster, as values, JUnit XML and Markdown."""

from weaviate_migration.runs.checks.executions import AssetGraph, graph_of
from weaviate_migration.runs.checks.found_shares import FoundShare, found_shares
from weaviate_migration.runs.checks.junit import junit_xml
from weaviate_migration.runs.checks.markdown import markdown_summary
from weaviate_migration.runs.checks.outcomes import CheckGroup, CheckOutcome, CheckReport, CheckStatus
from weaviate_migration.runs.checks.reader import LAST_BACKFILL, check_report

__all__ = [
    "LAST_BACKFILL",
    "AssetGraph",
    "CheckGroup",
    "CheckOutcome",
    "CheckReport",
    "CheckStatus",
    "FoundShare",
    "check_report",
    "found_shares",
    "graph_of",
    "junit_xml",
    "markdown_summary",
]
