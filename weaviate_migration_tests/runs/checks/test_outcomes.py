"""What a report comes to: its exit code, its totals, its dictionary."""

import json

import pytest

from weaviate_migration.runs.checks import CheckStatus
from weaviate_migration_tests.runs.checks.reports import outcome, report


@pytest.mark.parametrize(
    ("status", "blocking", "exit_code"),
    [
        *((status, False, 0) for status in CheckStatus),
        (CheckStatus.PASSED, True, 0),
        (CheckStatus.WARNED, True, 0),
        (CheckStatus.FAILED, True, 3),
        (CheckStatus.NEVER_RAN, True, 3),
        (CheckStatus.OUT_OF_DATE, True, 3),
        (CheckStatus.RUNNING, True, 3),
    ],
)
def test_exit_code(status: CheckStatus, blocking: bool, exit_code: int) -> None:
    some = report(outcome(CheckStatus.PASSED), outcome(status, name="other", blocking=blocking))
    assert (some.exit_code, some.success) == (exit_code, exit_code == 0)


def test_to_dict() -> None:
    found = report(
        outcome(CheckStatus.NEVER_RAN, partition="03", timestamp=None), outcome(CheckStatus.PASSED)
    ).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["totals"] == {
        **{"checks": 2, "failed": 0, "never ran": 1, "out of date": 0, "running": 0, "warned": 0, "passed": 1}
    }
    assert found["checks"][1] == {
        "asset": "note",
        "name": "count",
        "partition": None,
        "status": "passed",
        "blocking": True,
        "severity": None,
        "description": "",
        "run_id": "r",
        "timestamp": "2026-11-22T09:30:15+00:00",
        "metadata": {},
    }


def test_a_group_is_as_bad_as_its_worst() -> None:
    (group,) = report(
        *(outcome(CheckStatus.PASSED, partition=f"{number:02}") for number in range(15)),
        outcome(CheckStatus.WARNED, partition="15"),
    ).groups
    assert group.to_text() == "warned, 15/16 partitions"
