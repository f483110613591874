"""What `checks` prints, whatever the checks say."""

import io
import json

import pytest
from hypothesis import given
from rich.console import Console

from weaviate_migration.cli.checks import show_report
from weaviate_migration.cli.show.options import print_json
from weaviate_migration.runs.checks import CheckReport, CheckStatus
from weaviate_migration_tests.runs.checks.reports import REPORTS, outcome, report


def shown(some: CheckReport) -> str:
    """As a terminal gets it that takes UTF-8, and no styles."""
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding="utf-8", write_through=True) as file:
        show_report(some, Console(file=file, width=120, markup=False))
        return written.getvalue().decode()


def test_partitions_and_their_descriptions() -> None:
    text = shown(
        report(
            *(outcome(CheckStatus.PASSED, partition=f"{number:02}") for number in range(14)),
            outcome(CheckStatus.FAILED, partition="14", description="1 missing"),
            outcome(CheckStatus.OUT_OF_DATE, partition="15", description="materialized since"),
            outcome(CheckStatus.PASSED, name="sample"),
        )
    )
    assert "failed, 14/16 partitions" in text
    assert "failed: note: count, partition 14: 1 missing\n" in text
    assert "out of date: note: count, partition 15: materialized since\n" in text
    assert text.endswith("17 checks: 1 failed, 1 out of date, 15 passed.\n")


@given(REPORTS)
def test_any_text_can_be_shown(some: CheckReport) -> None:
    assert "\x1b" not in shown(some)


def test_json_keeps_lone_surrogates(capsys: pytest.CaptureFixture[str]) -> None:
    document = report(outcome(CheckStatus.FAILED, description="\ud800 \0 🎉")).to_dict()
    print_json(document)
    printed = capsys.readouterr().out
    printed.encode("utf-8")
    assert json.loads(printed) == document
    assert "🎉" in printed
