"""How far each collection is, in a small file that any process can read: this terminal's bars, or another's."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

# Often enough for a bar that moves, seldom enough to cost nothing.
SECONDS_BETWEEN_WRITES = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows of one collection in one run.

    Attributes:
        rows: to be handled in this run.
        handled: written or refused so far.
    """

    collection: str
    rows: int
    handled: int = 0
    refused: int = 0
    retried: int = 0


class ProgressFile:
    """Keeps one collection's progress on disk.

    Args:
        folder: the run's folder for progress.
        rows: how many rows will be handled.
        clock: monotonic seconds.
    """

    def __init__(self, folder: Path, collection: str, rows: int, clock: Callable[[], float] = time.monotonic) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{collection}.json"
        self._progress = Progress(collection, rows)
        self._clock = clock
        self._written_at = float("-inf")
        self._write()

    def advance(self, handled: int, refused: int = 0, retried: int = 0) -> None:
        """Adds to the counts; the file follows a few times a second."""
        now = self._progress
        self._progress = replace(
            now, handled=now.handled + handled, refused=now.refused + refused, retried=now.retried + retried
        )
        if self._clock() - self._written_at >= SECONDS_BETWEEN_WRITES:
            self._write()

    def finish(self) -> None:
        """Brings the file up to date."""
        self._write()

    def _write(self) -> None:
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self._progress)), encoding="utf-8")
        temporary.replace(self._path)
        self._written_at = self._clock()


def read_progress(folder: Path) -> list[Progress]:
    """The progress of all collections of a run, by name."""
    return [Progress(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
