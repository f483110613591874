"""The report of a migration: gathered from what is stored, as values, HTML and Markdown."""

from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.monitoring.report.html import html_page
from weaviate_migration.monitoring.report.markdown import markdown_page
from weaviate_migration.monitoring.report.reader import migration_report

__all__ = ["MigrationReport", "html_page", "markdown_page", "migration_report"]
