"""The report as GitHub-flavoured Markdown: for a ticket, a wiki, and Dagster's UI. Charts are tables there."""

from collections.abc import Iterator

from weaviate_migration.base.redaction import redacted
from weaviate_migration.monitoring.report.document import Document, Section, Table, shown
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.monitoring.report.sections import document_of
from weaviate_migration.runs.checks.markdown import escaped, table_lines

_LONGEST_CELL = 400


def markdown_page(report: MigrationReport) -> str:
    """The text; nothing of the source's values means anything to Markdown in it."""
    return redacted("\n".join(_lines(document_of(report))))


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escaped(document.title)}\n"
    yield f"**{escaped(document.verdict)}** {escaped(document.summary)}\n"
    yield from (f"- {escaped(name)}: {escaped(value)}" for name, value in document.figures)
    yield ""
    for section in document.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    yield f"## {escaped(section.title)}\n"
    yield from (f"{escaped(sentence)}\n" for sentence in section.sentences)
    for table in section.tables:
        yield f"{escaped(table.caption)}:\n"
        yield from _lines_of(table)
        yield ""


def _lines_of(table: Table) -> Iterator[str]:
    numbers = {at for at, cell in enumerate(table.rows[0]) if isinstance(cell, int | float)}
    rows = (tuple(map(shown, row)) for row in table.rows)
    return table_lines(table.headings, rows, numbers=numbers, longest_cell=_LONGEST_CELL)
