"""What is measured of one partition's load, by the code that moves its rows: all that is shown comes from here."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import accumulate
from typing import Any

from weaviate_migration.base.errors import ErrorCategory

# Upper bounds, in seconds, of the classes of the batches' latency; one more class takes what is slower. A batch of 100
# objects takes 0.05 to 0.2 s on an idle server; a batch that is sent again waits for seconds, up to a minute at a time.
LATENCY_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

_SUMMED = ("rows", "changed", "converted", "written", "batch_seconds", "sent_bytes", "removed")


@dataclass(slots=True)
class LoadTally:
    """What became of one partition's rows: each is written or refused, and counts once.

    Attributes:
        rows: read from the extract.
        changed: rows that were left out, since the log has a change of them: they are applied as they are now.
        converted: rows that became an object.
        refused_by: rows that are not in Weaviate, by category: `refused` by the server, or `conversion`.
        retried_by: objects that were sent again, as often as they were, by the category of the error before.
        latencies: batches by the seconds until each object had its outcome, other tries and the waits for them
            included; a number for each of `LATENCY_BOUNDS`, and one for what is slower.
        batch_seconds: the sum of these seconds.
        sent_bytes: of the objects in the batches, by the estimate that batches are cut by.
        removed: objects that the extract has no row for.
        seconds: from the beginning of the load to the end of the partition.
    """

    rows: int = 0
    changed: int = 0
    converted: int = 0
    written: int = 0
    refused_by: dict[ErrorCategory, int] = field(default_factory=dict)
    retried_by: dict[ErrorCategory, int] = field(default_factory=dict)
    latencies: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    batch_seconds: float = 0.0
    sent_bytes: int = 0
    removed: int = 0
    seconds: float = 0.0

    @property
    def refused(self) -> int:
        """Rows that are not in Weaviate."""
        return sum(self.refused_by.values())

    @property
    def batches(self) -> int:
        """How many batches have come to their end."""
        return sum(self.latencies)

    @property
    def retried(self) -> int:
        """Objects that were sent again, as often as they were."""
        return sum(self.retried_by.values())

    @property
    def batch_seconds_mean(self) -> float:
        """Seconds until all objects of a batch had their outcome; 0 without a batch."""
        return self.batch_seconds / self.batches if self.batches else 0.0

    @property
    def batch_seconds_95(self) -> float | None:
        """95 of 100 batches took at most so long: the upper bound of the class that they end in.

        0 without a batch; None where they are beyond the last bound.
        """
        if not self.batches:
            return 0.0
        ends = zip(LATENCY_BOUNDS, accumulate(self.latencies), strict=False)
        return next((bound for bound, counted in ends if counted >= 0.95 * self.batches), None)

    @property
    def rows_per_second(self) -> float:
        """Rows written a second; 0 where no time has gone by."""
        return self.written / self.seconds if self.seconds else 0.0

    def leave_out(self, _row: object) -> None:
        """Counts a row that the log has a change of."""
        self.changed += 1

    def refuse(self, category: ErrorCategory) -> None:
        """Counts a row that is not in Weaviate."""
        _add(self.refused_by, {category: 1})

    def add_batch(self, written: int, retried_by: Mapping[ErrorCategory, int], sent_bytes: int, seconds: float) -> None:
        """Counts a batch; what was refused of it is counted by `refuse`."""
        self.written += written
        _add(self.retried_by, retried_by)
        self.sent_bytes += sent_bytes
        self.batch_seconds += seconds
        self.latencies[bisect_left(LATENCY_BOUNDS, seconds)] += 1


def tally_from(stored: Mapping[str, Any]) -> LoadTally:
    """A tally from its fields, as JSON has them; of one that an earlier version has stored, the others are 0."""
    known = {each.name for each in fields(LoadTally)}
    return LoadTally(**{name: value for name, value in stored.items() if name in known})


def total(tallies: Iterable[LoadTally]) -> LoadTally:
    """The sums of several partitions of one load; `seconds` is the longest, since all begin with the load."""
    found = list(tallies)
    sums = {name: sum(getattr(tally, name) for tally in found) for name in _SUMMED}
    refused_by: dict[ErrorCategory, int] = {}
    retried_by: dict[ErrorCategory, int] = {}
    for each in found:
        _add(refused_by, each.refused_by)
        _add(retried_by, each.retried_by)
    return LoadTally(
        **sums,
        refused_by=refused_by,
        retried_by=retried_by,
        latencies=[sum(each.latencies[index] for each in found) for index in range(len(LATENCY_BOUNDS) + 1)],
        seconds=max((each.seconds for each in found), default=0.0),
    )


def _add(counts: dict[ErrorCategory, int], others: Mapping[ErrorCategory, int]) -> None:
    for category, number in others.items():
        counts[category] = counts.get(category, 0) + number
