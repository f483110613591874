"""Reports with whatever a check may say, for what is rendered from them."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from weaviate_migration.runs.checks import CheckOutcome, CheckReport, CheckStatus

WHEN = datetime(2026, 11, 22, 9, 30, 15, tzinfo=UTC)
# Control characters, lone surrogates, what XML forbids, and what means something to Markdown or HTML.
TEXTS = st.text(
    st.characters(categories=None)
    | st.sampled_from("\0\x01\x1b\x7f\x85\t\r\n\ud800\udfff\ufffe\uffff")
    | st.sampled_from("|\\`*_[]<>&$#~!-+.:\"' 1"),
    max_size=40,
)
CELLS: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS


def outcome(status: CheckStatus, name: str = "count", partition: str | None = None, **more: Any) -> CheckOutcome:
    """A blocking check of the asset `note`."""
    given = {"asset": "note", "blocking": True, "run_id": "r", "timestamp": WHEN, **more}
    return CheckOutcome(name=name, partition=partition, status=status, **given)


def report(*outcomes: CheckOutcome) -> CheckReport:
    return CheckReport("/home", outcomes)


OUTCOMES = st.builds(
    outcome,
    status=st.sampled_from(CheckStatus),
    name=TEXTS,
    asset=TEXTS,
    partition=st.none() | TEXTS,
    blocking=st.booleans(),
    description=TEXTS,
    metadata=st.dictionaries(
        TEXTS, CELLS | st.lists(st.fixed_dictionaries({"key": CELLS, "found": CELLS})), max_size=3
    ),
)
REPORTS = st.builds(lambda outcomes: report(*outcomes), st.lists(OUTCOMES, max_size=4))
