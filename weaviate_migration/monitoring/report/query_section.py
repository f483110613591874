"""The section on the application's own queries: what they found, and how long both sides took."""

from collections.abc import Iterator, Mapping
from typing import Any

from weaviate_migration.monitoring.report.document import Bars, Section, Table, Verdict
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.runs.jobs import ASKED, QUERIES

# A picture of more is none; the table has them all.
_DRAWN_QUERIES = 20
_SIDES = {"Weaviate": "weaviate_ms", "SQLite": "sqlite_ms"}


def queries_sections(report: MigrationReport) -> Iterator[Section]:
    """One section, of all collections together; none where no query was asked."""
    asked = [
        row
        for group in report.checks.groups
        if group.name == QUERIES
        for outcome in group.outcomes
        for row in outcome.metadata.get(ASKED, ())
    ]
    if not asked:
        return
    failed = sum(bool(row["shortcomings"]) for row in asked)
    verdict = f"{failed} of {len(asked)} failed." if failed else f"All {len(asked)} found what they have to find."
    times = "Times are the median of three: Weaviate's as its client measures it, SQLite's in the process that asks."
    rows = tuple(
        (
            *(row["query"], row["by"], row["first"], row["found"], row["wanted"]),
            *(_figure(row, name) for name in ("shared_with_sqlite", *_SIDES.values())),
            Verdict("failed" if row["shortcomings"] else "passed"),
            row["shortcomings"],
        )
        for row in asked
    )
    headings = (
        *("query", "by", "first", "found", "wanted", "shared with SQLite"),
        *("Weaviate, ms", "SQLite, ms", "result", "what is wrong"),
    )
    yield Section(
        "Your own queries", (f"{verdict} {times}",), tuple(_charts(asked)), (Table("Each query", headings, rows),)
    )


def _charts(asked: list[Mapping[str, Any]]) -> Iterator[Bars]:
    """The times of both sides, query by query."""
    times = {
        f"{row['query']}: {side}": float(figure)
        for row in asked[:_DRAWN_QUERIES]
        for side, name in _SIDES.items()
        if (figure := _figure(row, name)) is not None
    }
    if times:
        yield Bars("Time of each query", "milliseconds", times)


def _figure(row: Mapping[str, Any], name: str) -> float | None:
    """A figure of the table; None where it has none."""
    return None if row[name] == "" else float(row[name])
