"""Shadow reads: what Weaviate would have answered, compared with what SQLite did answer, while SQLite still answers.

The caller gets SQLite's answer as soon as it is there, and never waits for Weaviate: its read comes afterwards, beside
the caller. Whatever becomes of it is only recorded.
"""

import asyncio
import math
import operator
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, Protocol, TypeVar

Answer = TypeVar("Answer")

TIMED_READS = 10_000
"""Percentiles are those of so many reads, the newest."""
SHOWN_CHARACTERS = 1_000
"""Of each answer that differs."""


@dataclass(frozen=True)
class ReadTimes:
    """Seconds that half of the reads, and 95 of 100, took at most."""

    p50: float
    p95: float


@dataclass(frozen=True)
class ReadDifference:
    """Two answers that differ: what was asked for, and the beginning of each answer's `repr`."""

    about: str
    sql: str
    weaviate: str


@dataclass(frozen=True)
class ShadowReport:
    """What became of the shadow reads so far.

    Attributes:
        reads: answers that SQLite gave; each is one of the following, or still under way.
        same: Weaviate's answer was the same.
        different: it was another one.
        failed: Weaviate's read, or the comparison, raised something.
        late: it took longer than the time limit, and was not compared: the row may have changed meanwhile.
        skipped: it was left out, since too many were under way.
        sql: times of SQLite's reads; None where there was none.
        weaviate: times of Weaviate's reads that did not fail.
        differences: the first ones.
        last_error: of the last read that failed.
    """

    reads: int
    same: int
    different: int
    failed: int
    late: int
    skipped: int
    sql: ReadTimes | None
    weaviate: ReadTimes | None
    differences: tuple[ReadDifference, ...]
    last_error: str

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts and lists, for JSON."""
        return asdict(self)


class Recorder(Protocol):
    """What keeps the queries themselves: `QueryRecorder`, which not every application has to import."""

    def record(self, query: Mapping[str, Any], keys: Iterable[Any], name: str) -> None:
        """Keeps a query, and the keys that SQLite has answered."""


class ShadowReads:
    """Records how Weaviate's reads compare with SQLite's; for any number of threads, in bounded memory.

    Args:
        time_limit: seconds after which Weaviate's read counts as late.
        most_at_once: reads of Weaviate under way at once at most; what comes meanwhile is skipped.
        most_differences: so many of the differences are kept, the first ones; all are counted.
        recorder: keeps the reads that say their `query`; None: none is kept.
    """

    def __init__(
        self,
        *,
        time_limit: float = 1.0,
        most_at_once: int = 8,
        most_differences: int = 100,
        recorder: Recorder | None = None,
    ) -> None:
        self.time_limit = time_limit
        self.recorder = recorder
        self._most_at_once = most_at_once
        self._most_differences = most_differences
        self._changed = threading.Condition()
        self._under_way = 0
        self._counts = dict.fromkeys(("reads", "same", "different", "failed", "late", "skipped"), 0)
        self._sql: deque[float] = deque(maxlen=TIMED_READS)
        self._weaviate: deque[float] = deque(maxlen=TIMED_READS)
        self._differences: list[ReadDifference] = []
        self._last_error = ""

    def report(self) -> ShadowReport:
        """What became of all reads so far."""
        with self._changed:
            return ShadowReport(
                **self._counts,
                sql=_times(self._sql),
                weaviate=_times(self._weaviate),
                differences=tuple(self._differences),
                last_error=self._last_error,
            )

    def flush(self, seconds: float) -> bool:
        """Waits until no read of Weaviate is under way, for so long at most; whether that came about."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, seconds)

    def _begin(self, sql_seconds: float) -> bool:
        """Notes a read of SQLite; whether Weaviate's may follow, after which `_end` is due."""
        with self._changed:
            self._counts["reads"] += 1
            self._sql.append(sql_seconds)
            if self._under_way == self._most_at_once:
                self._counts["skipped"] += 1
                return False
            self._under_way += 1
            return True

    def _compared(self, seconds: float, difference: ReadDifference | None) -> None:
        with self._changed:
            self._weaviate.append(seconds)
            self._counts["different" if difference else "same"] += 1
            if difference and len(self._differences) < self._most_differences:
                self._differences.append(difference)

    def _late(self, seconds: float) -> None:
        with self._changed:
            self._weaviate.append(seconds)
            self._counts["late"] += 1

    def _failed(self, error: Exception) -> None:
        with self._changed:
            self._counts["failed"] += 1
            self._last_error = f"{type(error).__name__}: {error}"

    def _end(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()


SHADOW_READS = ShadowReads()
"""Where reads are recorded unless they name another place."""


def compare_reads(
    sql_read: Callable[[], Answer],
    weaviate_read: Callable[[], Answer],
    *,
    about: object = "",
    into: ShadowReads = SHADOW_READS,
    same: Callable[[Answer, Answer], bool] = operator.eq,
    query: Mapping[str, Any] | None = None,
    keys: Callable[[Answer], Iterable[Any]] | None = None,
) -> Answer:
    """Reads from SQLite, then from Weaviate in a thread beside the caller, and records whether both say the same.

    Args:
        sql_read: what the application goes by. Its answer is looked at later, in another thread: plain values that
            nobody changes afterwards, no objects of a session.
        weaviate_read: the same read from Weaviate. It cannot be interrupted: give the client a timeout.
        about: what was asked for; kept with a difference.
        into: where it is recorded.
        same: whether two answers are the same.
        query: the same read as a file of queries has it, without name and keys, such as
            `{"collection": "Note", "bm25": "tea"}`; the recorder of `into` keeps it, named by `about`.
        keys: gives the keys of the rows in SQLite's answer, for the recorder; None: the answer is a list of them.

    Returns:
        SQLite's answer. What `sql_read` raises is raised, and nothing is recorded.
    """
    began = time.monotonic()
    answer = sql_read()
    if into._begin(time.monotonic() - began):
        shadow = _Shadow(into, answer, about, same, query, keys)
        try:
            threading.Thread(target=shadow.read, args=(weaviate_read,), daemon=True).start()
        except RuntimeError as error:  # No thread can be started.
            into._failed(error)
            into._end()
    return answer


async def compare_reads_async(
    sql_read: Callable[[], Awaitable[Answer]],
    weaviate_read: Callable[[], Awaitable[Answer]],
    *,
    about: object = "",
    into: ShadowReads = SHADOW_READS,
    same: Callable[[Answer, Answer], bool] = operator.eq,
    query: Mapping[str, Any] | None = None,
    keys: Callable[[Answer], Iterable[Any]] | None = None,
) -> Answer:
    """`compare_reads` for coroutines: Weaviate's read is a task of the event loop, and cancelled at the time limit."""
    began = time.monotonic()
    answer = await sql_read()
    if into._begin(time.monotonic() - began):
        task = asyncio.create_task(_Shadow(into, answer, about, same, query, keys).read_async(weaviate_read))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
        # Not in the task itself: one that is cancelled before its first step never runs.
        task.add_done_callback(lambda _: into._end())
    return answer


# The event loop itself keeps no task alive.
_TASKS: set[asyncio.Task[None]] = set()


@dataclass(frozen=True)
class _Shadow(Generic[Answer]):
    """A read of Weaviate, after SQLite's."""

    into: ShadowReads
    answer: Answer
    about: object
    same: Callable[[Answer, Answer], bool]
    query: Mapping[str, Any] | None
    keys: Callable[[Answer], Iterable[Any]] | None

    def read(self, weaviate_read: Callable[[], Answer]) -> None:
        try:
            self._record()
            began = time.monotonic()
            self._compare(weaviate_read(), time.monotonic() - began)
        except Exception as error:
            self.into._failed(error)
        finally:
            self.into._end()

    async def read_async(self, weaviate_read: Callable[[], Awaitable[Answer]]) -> None:
        began = time.monotonic()
        try:
            self._record()
            found = await asyncio.wait_for(weaviate_read(), self.into.time_limit)
            self._compare(found, time.monotonic() - began)
        except TimeoutError:
            self.into._late(time.monotonic() - began)
        except Exception as error:
            self.into._failed(error)

    def _record(self) -> None:
        """Keeps the query, whatever becomes of Weaviate's read."""
        if self.query is not None and self.into.recorder is not None:
            answer: Any = self.answer
            keys = answer if self.keys is None else self.keys(answer)
            self.into.recorder.record(self.query, keys, str(self.about))

    def _compare(self, found: Answer, seconds: float) -> None:
        if seconds > self.into.time_limit:
            self.into._late(seconds)
        elif self.same(self.answer, found):
            self.into._compared(seconds, None)
        else:
            self.into._compared(seconds, ReadDifference(str(self.about), _shown(self.answer), _shown(found)))


def _shown(value: object) -> str:
    return repr(value)[:SHOWN_CHARACTERS]


def _times(seconds: Iterable[float]) -> ReadTimes | None:
    """By nearest rank: each percentile is the time of a read."""
    ascending = sorted(seconds)
    if not ascending:
        return None
    p50, p95 = (ascending[math.ceil(share * len(ascending)) - 1] for share in (0.50, 0.95))
    return ReadTimes(p50, p95)
