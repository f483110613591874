"""How much searches find, as the metadata of the checks has it."""

from typing import Any

import pytest

from weaviate_migration.runs.checks import CheckOutcome, CheckReport, CheckStatus, FoundShare, found_shares


def outcome(name: str, **metadata: Any) -> CheckOutcome:
    return CheckOutcome("note", name, None, CheckStatus.PASSED, blocking=True, metadata=metadata)


def test_each_check_that_measures_it_is_read() -> None:
    recall = {"content: recall@10": 0.997, "content: queries": 100, "waiting for their index": 0}
    contained = [
        {"property": "body", "queries": 350, "containment": 0.5},
        {"property": "title", "queries": 7, "containment": 1},
    ]
    report = CheckReport(
        "home",
        (
            outcome("count", rows=3, objects=3),
            outcome("recall", **recall),
            outcome("search", searches=4, containments=contained),
            outcome("search", searches=4),
            outcome("queries", queries=4, failed=1),
            outcome("queries"),
        ),
    )
    assert found_shares(report) == (
        FoundShare("note", "recall@10 of content", 0.997, 100),
        FoundShare("note", "of what SQLite's full-text search finds in body", 0.5, 350),
        FoundShare("note", "of what SQLite's full-text search finds in title", 1, 7),
        FoundShare("note", "of your own queries", 0.75, 4),
    )


@pytest.mark.parametrize(
    ("share", "percent"),
    [(1, "100.00 %"), (0.999999, "99.99 %"), (0.9997, "99.97 %"), (0.29, "29.00 %"), (0, "0.00 %")],
)
def test_only_all_is_a_hundred_percent(share: float, percent: str) -> None:
    assert FoundShare("note", "all", share, 1).percent == percent
