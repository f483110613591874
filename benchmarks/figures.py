"""The figures: which runs each is made from, how, and what it should be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.follow_latency import CHANGES_PER_SECOND
from benchmarks.measurement import Measurement

Runs = Mapping[str, Sequence[Measurement]]

# With every check on: the full comparison reads all back.
MAX_UPLOAD = 1.6
MAX_FIXED = 2.0
MIN_DLT = 1.7
MAX_VERIFY = 2.0
MAX_MEMORY_MB = 400
MAX_MEMORY_GROWTH = 1.10
MAX_AFTER_KILL = 1.2
MAX_AUDIT = 12.0
MAX_CAPTURED_COMMIT = 1.45
MAX_CAPTURED_TRANSACTION = 1.25
MAX_MEDIAN_LATENCY_SECONDS = 0.5
MAX_P99_LATENCY_SECONDS = 2.0
MAX_MEASURING = 1.03
LARGER = 4


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    measured: str
    value: str
    target: str
    met: bool


@dataclass(frozen=True)
class Subject:
    """Something that is measured.

    Attributes:
        needs: the names of the runs that its figures are made from.
        figures: makes them.
    """

    needs: tuple[str, ...]
    figures: Callable[[Runs], list[Figure]]


def median_seconds(runs: Sequence[Measurement]) -> float:
    """The median of their seconds."""
    return median(run.seconds for run in runs)


def _at_most(name: str, measured: str, ratio: float, limit: float) -> Figure:
    return Figure(name, measured, f"{ratio:.2f}", f"at most {limit:g}", ratio <= limit)


def _upload(runs: Runs) -> list[Figure]:
    bound, empty, migrate = (median_seconds(runs[name]) for name in ("bound", "empty", "migrate"))
    measured = f"({migrate:.1f} s - {empty:.1f} s on empty tables) / {bound:.1f} s"
    return [_at_most("migrate / upper bound", measured, (migrate - empty) / bound, MAX_UPLOAD)]


def _fixed(runs: Runs) -> list[Figure]:
    empty, job = median_seconds(runs["empty"]), median_seconds(runs["empty job"])
    ours, theirs = runs["empty"][-1].events, runs["empty job"][-1].events
    events = f"{sum(ours.values())} and {sum(theirs.values())} events"
    differing = sorted(kind for kind in {*ours, *theirs} if ours.get(kind) != theirs.get(kind))
    agree = "the same of each type" if not differing else f"differing: {', '.join(differing)}"
    measured = f"{empty:.1f} s / {job:.1f} s; {events}, {agree}"
    return [_at_most("empty tables / empty Dagster job", measured, empty / job, MAX_FIXED)]


def _dlt(runs: Runs) -> list[Figure]:
    dlt, migrate = median_seconds(runs["dlt"]), median_seconds(runs["migrate"])
    measured = f"{dlt:.1f} s / {migrate:.1f} s, both in full"
    return [
        Figure("dlt / migrate", measured, f"{dlt / migrate:.2f}", f"at least {MIN_DLT:g}", dlt / migrate >= MIN_DLT)
    ]


def _memory(runs: Runs) -> list[Figure]:
    small, large = (max(run.peak_memory_mb for run in runs[name]) for name in ("migrate", "migrate larger"))
    measured = f"{small:.0f} MB, with {LARGER} times the rows {large:.0f} MB"
    peak = max(small, large)
    return [
        Figure("peak memory", measured, f"{peak:.0f} MB", f"under {MAX_MEMORY_MB} MB", peak < MAX_MEMORY_MB),
        _at_most(f"peak memory with {LARGER} times the rows / with them", measured, large / small, MAX_MEMORY_GROWTH),
    ]


def _verify(runs: Runs) -> list[Figure]:
    whole, empty = (median_seconds(runs[name]) for name in ("verify", "verify empty"))
    walk = median(run.reference_seconds for run in runs["verify"])
    measured = f"({whole:.1f} s - {empty:.1f} s on empty tables) / {walk:.1f} s"
    return [_at_most("verify / the client's iterator", measured, (whole - empty) / walk, MAX_VERIFY)]


def _killed(runs: Runs) -> list[Figure]:
    after, migrate = median_seconds(runs["after kill"]), median_seconds(runs["migrate"])
    measured = f"{after:.1f} s / {migrate:.1f} s"
    return [_at_most("the whole command after one killed halfway / migrate", measured, after / migrate, MAX_AFTER_KILL)]


def _audit(runs: Runs) -> list[Figure]:
    audit, fetch = median_seconds(runs["audit"]), median_seconds(runs["fetch"])
    return [_at_most("audit / fetching the same rows", f"{audit:.2f} s / {fetch:.2f} s", audit / fetch, MAX_AUDIT)]


def _capture(runs: Runs) -> list[Figure]:
    rows = {"captured commits": "1 row", "captured transactions": "1,000 rows"}
    limits = {"captured commits": MAX_CAPTURED_COMMIT, "captured transactions": MAX_CAPTURED_TRANSACTION}
    return [_captured_writes(runs[name], rows[name], limits[name]) for name in rows]


def _captured_writes(runs: Sequence[Measurement], rows: str, limit: float) -> Figure:
    plain = median(run.reference_seconds for run in runs)
    ratio = median(run.seconds / run.reference_seconds for run in runs)
    measured = f"{median_seconds(runs) * 1000:.1f} ms / {plain * 1000:.1f} ms"
    return _at_most(f"captured writes / plain writes, transactions of {rows}", measured, ratio, limit)


def _freshness(runs: Runs) -> list[Figure]:
    latencies = [each for run in runs["follow"] for each in run.latencies]
    percentiles = quantiles(latencies, n=100)
    measured = f"`sync --follow`, {CHANGES_PER_SECOND} changes a second; {len(latencies)} of them"
    return [
        _under("commit until in Weaviate, median", measured, percentiles[49], MAX_MEDIAN_LATENCY_SECONDS),
        _under("commit until in Weaviate, 99th percentile", measured, percentiles[98], MAX_P99_LATENCY_SECONDS),
    ]


def _measuring(runs: Runs) -> list[Figure]:
    with_it = median_seconds(runs["measuring"])
    ratio = median(run.seconds / run.reference_seconds for run in runs["measuring"])
    measured = f"{with_it:.2f} s / {median(run.reference_seconds for run in runs['measuring']):.2f} s, CPU time"
    name = "loads with measuring / without"
    return [Figure(name, measured, f"{ratio:.3f}", f"at most {MAX_MEASURING:g}", ratio <= MAX_MEASURING)]


def _under(name: str, measured: str, seconds: float, limit: float) -> Figure:
    return Figure(name, measured, f"{seconds:.2f} s", f"under {limit:g} s", seconds < limit)


SUBJECTS: Mapping[str, Subject] = {
    "upload": Subject(("bound", "empty", "migrate"), _upload),
    "fixed": Subject(("empty", "empty job"), _fixed),
    "dlt": Subject(("migrate", "dlt"), _dlt),
    "memory": Subject(("migrate", "migrate larger"), _memory),
    "verify": Subject(("verify empty", "verify"), _verify),
    "killed": Subject(("migrate", "after kill"), _killed),
    "capture": Subject(("captured commits", "captured transactions"), _capture),
    "freshness": Subject(("follow",), _freshness),
    "metrics": Subject(("measuring",), _measuring),
    "audit": Subject(("fetch", "audit"), _audit),
}
