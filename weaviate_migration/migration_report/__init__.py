"""The report of a migration: gathered from what is stored, as values, HTML and Markdown."""

from weaviate_migration.migration_report.facts import MigrationReport
from weaviate_migration.migration_report.html import html_page
from weaviate_migration.migration_report.markdown import markdown_page
from weaviate_migration.migration_report.reader import migration_report, read_migration_report

__all__ = ["MigrationReport", "html_page", "markdown_page", "migration_report", "read_migration_report"]
