"""What somebody has to be called for: pure functions from what was seen to the conditions that hold now."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from weaviate_migration.monitoring.alerts.configuration import AlertSettings
from weaviate_migration.monitoring.alerts.observations import Observations


class Kind(StrEnum):
    """The kinds of conditions; docs/alerts.md has a table of them."""

    RUN_FAILED = "run failed"
    CHECK_FAILED = "check failed"
    CHECK_WARNED = "check warned"
    CHECK_NEVER_RAN = "check never ran"
    SLOW = "slow"
    STALLED = "stalled"
    LAG = "lag"
    MEMORY = "memory"
    WORK_FOLDER_DISK = "work folder disk"
    SERVER_DISK = "server disk"
    SERVER_UNHEALTHY = "server unhealthy"
    SERVER_READ_ONLY = "server read-only"


@dataclass(frozen=True)
class Condition:
    """Something that somebody has to do something about.

    Attributes:
        about: what of several it is about: a collection, an asset, a job; '' where there is only one.
        title: what is so, in a few words.
        text: the figures, and what to do.
        urgency: `failure` to act now, `warning` to look at.
    """

    kind: Kind
    title: str
    text: str
    about: str = ""
    urgency: Literal["failure", "warning"] = "failure"

    @property
    def key(self) -> tuple[Kind, str]:
        """Two conditions with one key are one incident, whatever their figures."""
        return self.kind, self.about


@dataclass(frozen=True)
class Judgement:
    """What holds, and what it was judged by: what was not looked at may hold or not.

    Attributes:
        kinds: judged as a whole.
        keys: judged by themselves.
    """

    conditions: tuple[Condition, ...] = ()
    kinds: frozenset[Kind] = frozenset()
    keys: frozenset[tuple[Kind, str]] = frozenset()

    def is_over(self, kind: Kind, about: str) -> bool:
        """Whether this is known not to hold any more."""
        judged = kind in self.kinds or (kind, about) in self.keys
        return judged and (kind, about) not in {each.key for each in self.conditions}

    def __add__(self, other: "Judgement") -> "Judgement":
        return Judgement(self.conditions + other.conditions, self.kinds | other.kinds, self.keys | other.keys)


def judge(seen: Observations, settings: AlertSettings) -> Judgement:
    """What holds of what was seen."""
    found = {kind: list(rule(seen, settings)) for kind, (was_seen, rule) in _RULES.items() if was_seen(seen)}
    return Judgement(tuple(each for of_kind in found.values() for each in of_kind), frozenset(found))


def _slow(seen: Observations, settings: AlertSettings) -> Iterator[Condition]:
    for each in seen.progress or ():
        average = each.average_per_second
        if each.finished or average is None or each.updated_at - each.began_at < SETTLING_SECONDS:
            continue
        if each.recent_per_second < settings.throughput_share * average:
            yield Condition(
                Kind.SLOW,
                f"{each.collection}: throughput has fallen to {each.recent_per_second:,.0f} rows a second",
                f"On average there were {average:,.0f}; the threshold is {settings.throughput_share:.0%} of that. "
                f"{each.handled:,} of {each.rows:,} rows are handled. Look at the server's load and its log.",
                each.collection,
                "warning",
            )


def _stalled(seen: Observations, settings: AlertSettings) -> Iterator[Condition]:
    for each in seen.progress or ():
        minutes = (seen.at - each.updated_at) / 60
        if not each.finished and minutes >= settings.stalled_minutes:
            yield Condition(
                Kind.STALLED,
                f"{each.collection}: nothing has moved for {minutes:.0f} minutes",
                f"{each.handled:,} of {each.rows:,} rows are handled. Look at the server and at the log of the run; "
                "broken off, the same command goes on with it.",
                each.collection,
            )


def _lag(seen: Observations, settings: AlertSettings) -> Iterator[Condition]:
    lag = seen.lag
    if isinstance(lag, str):
        yield Condition(Kind.LAG, "Captured changes cannot be followed", lag)
    elif lag is not None and (lag.changes > settings.lag_changes or lag.seconds > settings.lag_seconds):
        yield Condition(
            Kind.LAG,
            f"{lag.changes:,} changes of the source are not applied",
            f"The oldest of them is {lag.seconds:,.0f} s old; the thresholds are {settings.lag_changes:,} changes and "
            f"{settings.lag_seconds:,.0f} s. Does `weaviate-migration sync --follow` run?",
        )


def _memory(seen: Observations, settings: AlertSettings) -> Iterator[Condition]:
    if seen.memory_mb is not None and settings.memory_mb is not None and seen.memory_mb > settings.memory_mb:
        yield Condition(
            Kind.MEMORY,
            f"A process takes {seen.memory_mb:,.0f} MB of memory",
            f"The threshold is {settings.memory_mb:,} MB. Take less with --memory-limit-mb, --workers or --batch-size.",
        )


def _work_folder_disk(seen: Observations, settings: AlertSettings) -> Iterator[Condition]:
    if seen.free_disk_mb is not None and seen.free_disk_mb < settings.free_disk_mb:
        yield Condition(
            Kind.WORK_FOLDER_DISK,
            f"The disk of the work folder has {seen.free_disk_mb:,.0f} MB left",
            f"The threshold is {settings.free_disk_mb:,} MB, of {seen.work_folder}. `weaviate-migration status` shows "
            "what takes how much there, `cleanup` removes what is not needed any more.",
        )


def _server_disk(seen: Observations, settings: AlertSettings) -> Iterator[Condition]:
    if seen.server_disk_percent is not None and seen.server_disk_percent > settings.server_disk_percent:
        yield Condition(
            Kind.SERVER_DISK,
            f"The server's disk is {seen.server_disk_percent:.0f} % full",
            f"The threshold is {settings.server_disk_percent:.0f} %. At 90 % Weaviate takes no more writes: make room.",
        )


def _server_unhealthy(seen: Observations, _: AlertSettings) -> Iterator[Condition]:
    if seen.server is not None and seen.server.trouble:
        yield Condition(Kind.SERVER_UNHEALTHY, "The Weaviate server is not healthy", seen.server.trouble)


def _server_read_only(seen: Observations, _: AlertSettings) -> Iterator[Condition]:
    if seen.server is not None and seen.server.read_only:
        yield Condition(
            Kind.SERVER_READ_ONLY,
            "The Weaviate server takes no writes",
            f"Read-only are {', '.join(seen.server.read_only)}. Weaviate does that by itself when its disk is full: "
            "make room, then set the shards to READY again, or restart the server.",
        )


# A rate of the first moments says nothing: connections are opened, caches filled.
SETTLING_SECONDS = 30.0

_WasSeen = Callable[[Observations], bool]
_Rule = Callable[[Observations, AlertSettings], Iterable[Condition]]
_RULES: Mapping[Kind, tuple[_WasSeen, _Rule]] = {
    Kind.SLOW: (lambda seen: seen.progress is not None, _slow),
    Kind.STALLED: (lambda seen: seen.progress is not None, _stalled),
    Kind.LAG: (lambda seen: seen.lag is not None, _lag),
    Kind.MEMORY: (lambda seen: seen.memory_mb is not None, _memory),
    Kind.WORK_FOLDER_DISK: (lambda seen: seen.free_disk_mb is not None, _work_folder_disk),
    Kind.SERVER_DISK: (lambda seen: seen.server_disk_percent is not None, _server_disk),
    Kind.SERVER_UNHEALTHY: (lambda seen: seen.server is not None, _server_unhealthy),
    Kind.SERVER_READ_ONLY: (lambda seen: seen.server is not None and not seen.server.trouble, _server_read_only),
}
