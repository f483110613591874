"""The report as GitHub-flavoured Markdown, as a job summary shows it."""

import html
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from weaviate_migration.base.texts import printable
from weaviate_migration.runs.checks.outcomes import CheckGroup, CheckReport, CheckStatus, is_table

# GitHub refuses a summary of more than 1 MiB: what does not fit is in the JSON.
LARGEST = 900_000
LONGEST_CELL = 200

_MARKS = {
    CheckStatus.PASSED: "✅",
    CheckStatus.FAILED: "❌",
    CheckStatus.WARNED: "⚠️",
    CheckStatus.NEVER_RAN: "❔",
    CheckStatus.OUT_OF_DATE: "⌛",
    CheckStatus.RUNNING: "⏳",
}
# `_` means nothing within a word; the last two make a link of an address, without any other sign.
_MEANS_SOMETHING = re.compile(r"[\\`*\[\]<>|~&$#]|(?<![0-9a-z])_|_(?![0-9a-z])|:(?=//)|(?<=www)\.", re.IGNORECASE)


def markdown_summary(report: CheckReport) -> str:
    """A table of the checks, and folded below it what did not pass, with the differences."""
    verdict = "✅ Every blocking check passed" if report.success else "❌ Not every blocking check passed"
    rows = (
        (_MARKS[each.worst.status], each.asset, each.name, each.to_text(), "yes" if each.worst.blocking else "no")
        for each in report.groups
    )
    table = table_lines(("", "asset", "check", "result", "blocking"), rows)
    return "\n".join([f"### {verdict}\n", f"{escaped(report.to_text())}\n", *table, "", *_details(report), ""])


def escaped(text: str) -> str:
    """The text, so that none of it means anything to Markdown, and all of it fits into a cell of a table."""
    return _MEANS_SOMETHING.sub(r"\\\g<0>", printable(text)).replace("\n", "<br>")


def _details(report: CheckReport) -> Iterator[str]:
    """Folded text of what did not pass, as much of it as fits."""
    left = LARGEST
    groups = report.not_passed
    for told, group in enumerate(groups):
        detail = "\n".join(_detail(group))
        left -= len(detail.encode())
        if left < 0:
            yield f"{len(groups) - told} more did not pass; `weaviate-migration checks --json` has them all."
            return
        yield detail


def _detail(group: CheckGroup) -> Iterator[str]:
    outcome = group.worst
    yield f"<details><summary>{_MARKS[outcome.status]} {html.escape(printable(group.where))}</summary>\n"
    yield f"{outcome.status}: {escaped(outcome.description)}\n"
    tables = {name: value for name, value in outcome.metadata.items() if is_table(value)}
    if others := [f"{escaped(name)}: {_cell(value)}" for name, value in outcome.metadata.items() if name not in tables]:
        yield f"Recorded: {', '.join(others)}\n"
    for name, rows in tables.items():
        yield f"Recorded as {escaped(name)}:\n"
        yield from table_lines(tuple(rows[0]), (tuple(row.values()) for row in rows))
        yield ""
    yield "</details>\n"


def table_lines(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Collection[int] = (),
    longest_cell: int = LONGEST_CELL,
) -> Iterator[str]:
    """A table, line by line.

    Args:
        numbers: the columns that are set to the right, counted from 0.
        longest_cell: characters; what is longer is cut.
    """
    yield f"| {' | '.join(map(_cell, headings))} |"
    yield f"| {' | '.join('---:' if at in numbers else '---' for at in range(len(headings)))} |"
    for row in rows:
        yield f"| {' | '.join(_cell(value, longest_cell) for value in row)} |"


def _cell(value: object, longest: int = LONGEST_CELL) -> str:
    text = str(value)
    return escaped(text if len(text) <= longest else f"{text[:longest]}…")
