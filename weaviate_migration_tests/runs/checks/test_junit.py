"""The JUnit file, as a parser that is not ours reads it."""

import pytest
from hypothesis import given
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from weaviate_migration.base.texts import printable
from weaviate_migration.runs.checks import CheckOutcome, CheckReport, CheckStatus, junit_xml
from weaviate_migration_tests.runs.checks.reports import REPORTS, WHEN, outcome, report


def read(of: CheckReport) -> JUnitXml:
    return JUnitXml.fromstring(junit_xml(of).encode("utf-8"))


def cases_of(suites: JUnitXml) -> list[TestCase]:
    return [case for suite in suites for case in suite]


def only_case(of: CheckOutcome) -> TestCase:
    (case,) = cases_of(read(report(of)))
    return case


def test_a_suite_for_each_asset_and_a_case_for_each_partition() -> None:
    suites = read(
        report(
            outcome(CheckStatus.PASSED, asset="message", name="sample"),
            outcome(CheckStatus.PASSED, partition="00"),
            outcome(CheckStatus.FAILED, partition="01"),
        )
    )
    assert [suite.name for suite in suites] == ["message", "note"]
    assert [suite.timestamp for suite in suites] == [WHEN.isoformat()] * 2
    assert [(case.classname, case.name) for case in cases_of(suites)] == [
        ("message", "sample"),
        ("note", "count[00]"),
        ("note", "count[01]"),
    ]


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize(
    ("status", "when_blocking", "otherwise"),
    [
        (CheckStatus.PASSED, None, None),
        (CheckStatus.FAILED, Failure, Failure),
        (CheckStatus.WARNED, Skipped, Skipped),
        (CheckStatus.NEVER_RAN, Error, Skipped),
        (CheckStatus.OUT_OF_DATE, Error, Skipped),
        (CheckStatus.RUNNING, Error, Skipped),
    ],
)
def test_what_becomes_of_a_status(
    status: CheckStatus, when_blocking: type | None, otherwise: type | None, blocking: bool
) -> None:
    case = only_case(outcome(status, blocking=blocking, description="something"))
    expected = when_blocking if blocking else otherwise
    assert [type(result) for result in case.result] == ([expected] if expected else [])
    assert [(result.message, result.type) for result in case.result] == [("something", status.value)][
        : len(case.result)
    ]


def test_a_failure_has_the_metadata() -> None:
    metadata = {"rows": 4, "first_differences": [{"key": "k1", "found": "<x>"}, {"key": "k2", "found": "y"}]}
    (failure,) = only_case(outcome(CheckStatus.FAILED, description="1 missing", metadata=metadata)).result
    assert str(failure.text).split("\n") == [
        "1 missing",
        "rows: 4",
        "first_differences:",
        "  key: k1, found: <x>",
        "  key: k2, found: y",
    ]


@given(REPORTS)
def test_any_text_can_be_read_back(some: CheckReport) -> None:
    suites = read(some)
    cases = cases_of(suites)
    assert len(cases) == len(some.outcomes) == suites.tests
    for case, each in zip(cases, some.outcomes, strict=True):
        assert case.classname == printable(each.asset)
        assert str(case.name).startswith(printable(each.name))
        assert [result.message for result in case.result] == [printable(each.description)][: len(case.result)]
    results = [result for case in cases for result in case.result]
    counts = {Failure: suites.failures, Error: suites.errors, Skipped: suites.skipped}
    assert counts == {kind: sum(isinstance(each, kind) for each in results) for kind in counts}
