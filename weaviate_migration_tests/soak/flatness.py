"""Whether what was measured stayed as it was: the last part beside an earlier one, by medians."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from weaviate_migration_tests.soak.samples import Sample

LAG_SECONDS = 1.0
"""What the follower comes back to after each restart of the server."""


@dataclass(frozen=True)
class Flat:
    """A figure that has to stay as it was.

    Attributes:
        figure: of `Sample`.
        shown: what it is, with its unit.
        slack: so much more may the last part have: what it varies by, and not what it grows by.
    """

    figure: str
    shown: str
    slack: float


FLAT = (
    Flat("follower_mb", "memory of the follower, MB", 15),
    Flat("follower_files", "its open files", 3),
    Flat("follower_threads", "its threads", 3),
    Flat("wal_mb", "WAL of the application's file, MB", 5),
    Flat("source_mb", "the application's file, MB", 2),
    Flat("dagster_mb", "Dagster's storage, MB", 0.1),
)


@dataclass(frozen=True)
class Comparison:
    """A figure in an earlier part and in the last one, and the most that it ever was.

    Attributes:
        is_flat: the last part has no more than the earlier one, but for the slack.
    """

    shown: str
    before: float
    after: float
    most: float
    is_flat: bool


def each_second(samples: Sequence[Sample]) -> list[Sample]:
    """One a second: there are many more while a restart is watched."""
    return list({int(each.seconds): each for each in samples}.values())


def compared(samples: Sequence[Sample]) -> Iterator[Comparison]:
    """Each figure in the second quarter of the time, by when all of it is warm, and in the last one."""
    begun, ended = samples[0].seconds, samples[-1].seconds
    quarter = (ended - begun) / 4
    steady = each_second(samples)
    before = [each for each in steady if begun + quarter <= each.seconds <= begun + 2 * quarter]
    after = [each for each in steady if each.seconds >= ended - quarter]
    for each in FLAT:
        values = [[float(getattr(sample, each.figure)) for sample in part] for part in (before, after, samples)]
        old, new = median(values[0]), median(values[1])
        yield Comparison(each.shown, old, new, max(values[2]), new <= old + each.slack)


@dataclass(frozen=True)
class Return:
    """How the follower came back after a restart of the server.

    Attributes:
        at: seconds since the beginning, when the server was there again.
        most: the lag at its greatest, in seconds.
        seconds: until the lag was under `LAG_SECONDS`; None where it never was.
    """

    at: float
    most: float
    seconds: float | None


def returns(samples: Sequence[Sample]) -> Iterator[Return]:
    """One for each restart."""
    for number in range(1, max(each.restarts for each in samples) + 1):
        after = [each for each in samples if each.restarts == number]
        back = next((each.seconds for each in after if each.lag_seconds < LAG_SECONDS), None)
        begun = after[0].seconds
        yield Return(begun, max(each.lag_seconds for each in after), None if back is None else round(back - begun, 1))
