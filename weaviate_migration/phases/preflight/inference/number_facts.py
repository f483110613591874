"""What the integers and reals of a column are, slice by slice."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from weaviate_migration.phases.preflight.audit.columns import Group

# Moments from 2000 to 2100: what SQLite files hold was written then, and the ranges of the different units part.
FROM_2000, TO_2100 = 946_684_800, 4_102_444_800
SECONDS_TO_2001 = 978_307_200
_SECONDS_FROM_1601 = 11_644_473_600
_SECONDS_FROM_2001_TO_2010 = 283_996_800

# Numbers that can be moments, from the first to the excluded last, by what they would count. WebKit's are those of
# Chrome's files: https://source.chromium.org/chromium/chromium/src/+/main:base/time/time.h
RANGES: dict[str, tuple[float, float]] = {
    "epoch_seconds": (FROM_2000, TO_2100),
    "epoch_milliseconds": (FROM_2000 * 10**3, TO_2100 * 10**3),
    "epoch_microseconds": (FROM_2000 * 10**6, TO_2100 * 10**6),
    "epoch_nanoseconds": (FROM_2000 * 10**9, TO_2100 * 10**9),
    "apple": (1, TO_2100 - SECONDS_TO_2001),
    "apple_2010": (_SECONDS_FROM_2001_TO_2010, FROM_2000),
    "apple_nanoseconds": (_SECONDS_FROM_2001_TO_2010 * 10**9, FROM_2000 * 10**9),
    "webkit": ((FROM_2000 + _SECONDS_FROM_1601) * 10**6, (TO_2100 + _SECONDS_FROM_1601) * 10**6),
    "julian_day": (2_400_000, 2_500_000),
}


@dataclass(frozen=True)
class NumberFacts:
    """What the integers and reals of a column are.

    Attributes:
        zeros: how many are 0.
        ranges: how many are within each of `RANGES`; some of these overlap.
        smallest, largest: of the integers; None where there are none.
    """

    zeros: int
    ranges: dict[str, int]
    smallest: int | None
    largest: int | None


@dataclass
class NumberReading:
    """Reads the integers and reals of one column."""

    _zeros: int = 0
    _ranges: Counter[str] = field(default_factory=Counter)
    _extremes: list[int] = field(default_factory=list)

    def add(self, group: Group) -> None:
        """Looks at the numbers of one storage class in one slice."""
        self._zeros += group.values.count(0)
        if isinstance(group.smallest, int) and isinstance(group.largest, int):
            self._extremes = [min([*self._extremes, group.smallest]), max([*self._extremes, group.largest])]
        in_order: list[float] = []
        for name, (first, end) in RANGES.items():
            if group.largest < first or group.smallest >= end:  # type: ignore[operator]  # one storage class: numbers
                continue
            if group.smallest >= first and group.largest < end:  # type: ignore[operator]
                self._ranges[name] += len(group.values)
                continue
            in_order = in_order or sorted(group.values)  # type: ignore[arg-type]
            self._ranges[name] += bisect_left(in_order, end) - bisect_left(in_order, first)

    def facts(self) -> NumberFacts:
        """What was found so far."""
        smallest, largest = (self._extremes[0], self._extremes[-1]) if self._extremes else (None, None)
        return NumberFacts(self._zeros, {name: self._ranges[name] for name in RANGES}, smallest, largest)
