"""How far each collection is, where any process can read it: this terminal's bars, or another's."""

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.timeline import KeptHistory, LoadMoment

PROGRESS = "progress"
# Often enough for a bar that moves; each write takes 0.5 to 0.8 ms of CPU (measured).
SECONDS_BETWEEN_WRITES = 1.0
# What is done with a collection beside its load keeps a progress of its own: under the collection's name, and this.
CHECKS, VECTORS = " checks", " vectors"
# What "recent" is: long enough that single batches do not show, short enough that a stall does.
RECENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows of one collection in one run.

    Attributes:
        rows: to be handled in this run.
        handled: written, refused, or left to the sync, so far.
        refused: rows that are not in Weaviate.
        retried: objects that were sent again, as often as they were.
        written: rows that are objects.
        began_at, updated_at: seconds since 1970; two progresses are equal whatever their times are.
        recent_per_second: handled rows a second, of about the last ten seconds before `updated_at`.
        finished: nothing more is handled in this run.
        share: of the collection's partitions that these rows are of, where others handle the rest.
    """

    collection: str
    rows: int
    handled: int = 0
    refused: int = 0
    retried: int = 0
    written: int = 0
    began_at: float = field(default=0.0, compare=False)
    updated_at: float = field(default=0.0, compare=False)
    recent_per_second: float = field(default=0.0, compare=False)
    finished: bool = False
    share: float = 1.0

    @property
    def average_per_second(self) -> float | None:
        """Handled rows a second since the beginning; None where no time has gone by."""
        seconds = self.updated_at - self.began_at
        return self.handled / seconds if seconds > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds until all rows are handled, at the recent rate; None where there is no rate to go by."""
        if self.finished:
            return 0.0
        return (self.rows - self.handled) / self.recent_per_second if self.recent_per_second else None

    def per_second_at(self, now: float) -> float:
        """The throughput at a moment: 0 where nothing has moved for a while.

        Args:
            now: seconds since 1970.
        """
        return 0.0 if self.finished or now - self.updated_at > RECENT_SECONDS else self.recent_per_second


class KeptProgress:
    """Keeps one collection's progress in the store.

    Args:
        rows: how many rows will be handled.
        clock: monotonic seconds.
        history: gets an entry now and then, of the whole collection.
        part: of the collection, where others handle the rest of its rows at the same time.
        share: of the collection's partitions that are in this part.
    """

    def __init__(
        self,
        store: StateStore,
        collection: str,
        rows: int,
        clock: Callable[[], float] = time.monotonic,
        history: KeptHistory | None = None,
        part: str = "",
        share: float = 1.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._history = history
        self._part = part
        self._began = clock()
        now = time.time()
        self._progress = Progress(collection, rows, began_at=now, updated_at=now, share=share)
        self._recent = deque([(self._began, 0)])
        self._written_at = float("-inf")
        if not part:  # Of an earlier run whose parts were handled side by side, nothing may be left.
            store.remove(PROGRESS, collection, durable=False)
        self._write()

    def advance(self, handled: int, refused: int = 0, retried: int = 0, written: int = 0) -> None:
        """Adds to the counts; what others can read follows once a second."""
        now = self._progress
        self._progress = replace(
            now,
            handled=now.handled + handled,
            refused=now.refused + refused,
            retried=now.retried + retried,
            written=now.written + written,
        )
        if self._clock() - self._written_at >= SECONDS_BETWEEN_WRITES:
            self._write()

    def finish(self) -> None:
        """Brings it up to date for others, and says that this was all."""
        self._progress = replace(self._progress, finished=True)
        self._write()

    def _write(self) -> None:
        self._written_at = self._clock()
        self._progress = replace(
            self._progress,
            updated_at=self._progress.began_at + self._written_at - self._began,
            recent_per_second=self._rate(self._written_at),
        )
        content = json.dumps(asdict(self._progress), ensure_ascii=False)
        self._store.write(PROGRESS, self._progress.collection, content, self._part, durable=False)
        self._note_history()

    def _rate(self, now: float) -> float:
        """Handled rows a second since the last look that is ten seconds old, or since the beginning."""
        handled = self._progress.handled
        self._recent.append((now, handled))
        while len(self._recent) > 2 and now - self._recent[1][0] >= RECENT_SECONDS:
            self._recent.popleft()
        since, before = self._recent[0]
        return round((handled - before) / (now - since), 1) if now > since else 0.0

    def _note_history(self) -> None:
        if self._history is not None:
            done = _read_one(self._store, self._progress.collection) if self._part else self._progress
            moment = LoadMoment(done.updated_at, done.collection, done.handled, done.refused, done.recent_per_second)
            self._history.note(moment, last=done.finished)


def read_progress(store: StateStore) -> list[Progress]:
    """The progress of all collections of the last run, by name."""
    parts: dict[str, list[Progress]] = {}
    for (collection, _), content in store.all(PROGRESS).items():
        parts.setdefault(collection, []).append(_decoded(content))
    return [_together(each) for each in parts.values()]


def _read_one(store: StateStore, collection: str) -> Progress:
    return _together([_decoded(content) for content in store.all(PROGRESS, collection).values()])


def _together(parts: Sequence[Progress]) -> Progress:
    """The progress of a collection whose rows are handled in parts, side by side or one after the other.

    Partitions are of about the same size: so many rows are those of parts that have not begun.
    """
    share = min(1.0, round(sum(each.share for each in parts), 6))
    if len(parts) == 1 and share == 1.0:
        return parts[0]
    now = max(each.updated_at for each in parts)
    return Progress(
        collection=parts[0].collection,
        rows=round(sum(each.rows for each in parts) / share),
        handled=sum(each.handled for each in parts),
        refused=sum(each.refused for each in parts),
        retried=sum(each.retried for each in parts),
        written=sum(each.written for each in parts),
        began_at=min(each.began_at for each in parts),
        updated_at=now,
        recent_per_second=round(sum(each.per_second_at(now) for each in parts), 1),
        finished=share == 1.0 and all(each.finished for each in parts),
        share=share,
    )


def forget_progress(store: StateStore) -> None:
    """Before another run: nothing has moved yet."""
    store.remove(PROGRESS, durable=False)


def _decoded(content: str) -> Progress:
    """Of another version, as far as this one knows it."""
    stored = json.loads(content)
    known = {each.name for each in fields(Progress)}
    return Progress(**{name: value for name, value in stored.items() if name in known})


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes over what an earlier version has kept in files `progress/<collection>.json`, and returns these.

    A power cut may have emptied one: it is left out.
    """
    paths = sorted((folder / "progress").glob("*.json"))
    for path in paths:
        with suppress(ValueError):
            content = path.read_text(encoding="utf-8")
            store.write(PROGRESS, _decoded(content).collection, content)
    return paths
