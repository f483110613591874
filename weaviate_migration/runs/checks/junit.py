"""The report as JUnit XML: a suite for each asset, a case for each check, and for each partition where it is stored so.

A failed check is a failure; a blocking one that proves nothing (never ran, out of date, still running) is an error.
What CI shall not stop for is skipped, with its reason: a failed WARN, and what does not block and has not run. Services
show skipped cases apart from those that passed, and stay green.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any
from xml.etree import ElementTree as ET

from weaviate_migration.base.texts import printable
from weaviate_migration.runs.checks.outcomes import CheckOutcome, CheckReport, CheckStatus, is_table

# For each kind of result the attribute that counts it.
_COUNTED_AS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def junit_xml(report: CheckReport) -> str:
    """The XML document; characters that XML forbids are escaped as Python does it."""
    suites = ET.Element("testsuites", {"name": "weaviate-migration checks", **_counts(report.outcomes)})
    for asset, outcomes in groupby(report.outcomes, key=lambda each: each.asset):
        suites.append(_suite(asset, list(outcomes)))
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _suite(asset: str, outcomes: list[CheckOutcome]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": printable(asset), **_counts(outcomes)})
    if newest := max((each.timestamp for each in outcomes if each.timestamp), default=None):
        suite.set("timestamp", newest.isoformat())
    for each in outcomes:
        name = each.name if each.partition is None else f"{each.name}[{each.partition}]"
        case = ET.SubElement(suite, "testcase", {"classname": printable(asset), "name": printable(name)})
        if kind := _kind(each):
            result = ET.SubElement(case, kind, {"message": printable(each.description), "type": each.status.value})
            result.text = printable("\n".join([each.description, *_metadata_lines(each.metadata)]))
    return suite


def _kind(outcome: CheckOutcome) -> str | None:
    """The element that tells of the outcome; None for one that passed."""
    match outcome.status:
        case CheckStatus.PASSED:
            return None
        case CheckStatus.FAILED:
            return "failure"
        case CheckStatus.WARNED:
            return "skipped"
        case _:
            return "error" if outcome.blocking else "skipped"


def _counts(outcomes: Iterable[CheckOutcome]) -> dict[str, str]:
    kinds = Counter(map(_kind, outcomes))
    return {"tests": str(kinds.total()), **{name: str(kinds[kind]) for kind, name in _COUNTED_AS.items()}}


def _metadata_lines(metadata: Mapping[str, Any]) -> Iterator[str]:
    """A line for each value; of a table one for each row."""
    for name, value in metadata.items():
        if is_table(value):
            yield f"{name}:"
            yield from (f"  {', '.join(f'{column}: {cell}' for column, cell in row.items())}" for row in value)
        else:
            yield f"{name}: {value}"
