"""What of a check's metadata says how much a search finds of what it has to find: one reading for status and report."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from weaviate_migration.runs.checks.outcomes import CheckOutcome, CheckReport

# The checks, and the names of their figures.
_FULL_TEXT, _RECALL, _QUERIES = "search", "recall", "queries"
_RECALL_OF = re.compile(r"(?P<vector>.+): (?P<measure>recall@\d+)").fullmatch


@dataclass(frozen=True)
class FoundShare:
    """What one kind of search finds of one collection.

    Attributes:
        asset: the collection's.
        measure: what the share is of, in words.
        share: from 0 to 1.
        searches: so many were made.
    """

    asset: str
    measure: str
    share: float
    searches: int

    @property
    def percent(self) -> str:
        """`99.98 %`; 100 only where nothing is missing."""
        return f"{math.floor(round(10_000 * self.share, 6)) / 100:.2f} %"

    def to_text(self) -> str:
        """`note: of what SQLite's full-text search finds in body: 100.00 % (350 searches)`."""
        return f"{self.asset}: {self.measure}: {self.percent} ({self.searches:,} searches)"


def found_shares(report: CheckReport) -> tuple[FoundShare, ...]:
    """All that the checks said last of it; nothing of those that have not run."""
    return tuple(share for each in report.outcomes for share in _of_outcome(each))


def _of_outcome(outcome: CheckOutcome) -> Iterator[FoundShare]:
    found = outcome.metadata
    if outcome.name == _FULL_TEXT:
        for row in found.get("containments", ()):
            measure = f"of what SQLite's full-text search finds in {row['property']}"
            yield FoundShare(outcome.asset, measure, row["containment"], row["queries"])
    if outcome.name == _RECALL:
        for name, value in found.items():
            if (of_vector := _RECALL_OF(name)) is not None:
                vector, measure = of_vector["vector"], of_vector["measure"]
                yield FoundShare(outcome.asset, f"{measure} of {vector}", value, found[f"{vector}: queries"])
    if outcome.name == _QUERIES and found.get("queries"):
        share = 1 - found["failed"] / found["queries"]
        yield FoundShare(outcome.asset, "of your own queries", share, found["queries"])
