"""The report as GitHub-flavoured Markdown: for a ticket, a wiki, and Dagster's UI. Charts are tables there."""

from collections.abc import Iterable, Iterator

from weaviate_migration.base.redaction import redacted
from weaviate_migration.monitoring.report.document import Cell, Document, Section, Table, shown
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.monitoring.report.sections import document_of
from weaviate_migration.runs.checks.markdown import escaped

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
        yield from _table_lines(table)
        yield ""


def _table_lines(table: Table) -> Iterator[str]:
    numbers = [isinstance(cell, int | float) for cell in table.rows[0]]
    yield _row(table.headings)
    yield f"| {' | '.join('---:' if is_number else '---' for is_number in numbers)} |"
    yield from map(_row, table.rows)


def _row(cells: Iterable[Cell]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(cell: Cell) -> str:
    text = shown(cell)
    return escaped(text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…")
