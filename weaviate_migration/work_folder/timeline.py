"""How a migration went over time: a file of lines that grows while something moves, for plots of rate and lag."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.permissions import make_folder, owner_only
from weaviate_migration.base.storage import storage_errors

# At most so often, for each kind and collection: fine enough for a plot of a minute, and small for one of a day.
SECONDS_BETWEEN_ENTRIES = 1.0
# Then every other line goes: a sync that follows for months does not fill the disk.
LARGEST_FILE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class LoadMoment:
    """How far the load of a collection was.

    Attributes:
        at: seconds since 1970.
        collection: the alias.
        handled: rows that were written, refused or left out so far.
        refused: those of them that were refused.
        per_second: handled rows a second, of about the last ten seconds.
    """

    at: float
    collection: str
    handled: int
    refused: int
    per_second: float


@dataclass(frozen=True, slots=True)
class LagMoment:
    """How far the sync was behind the source.

    Attributes:
        at: seconds since 1970.
        changes: entries of the change log that were not applied.
        seconds: the age of the oldest of them.
    """

    at: float
    changes: int
    seconds: float


Moment = LoadMoment | LagMoment

_KINDS: dict[str, type[Moment]] = {"load": LoadMoment, "lag": LagMoment}


class HistoryFile:
    """Writes the history of one migration. Several processes may: each line is appended in one step.

    Args:
        folder: `history` in the work folder.
        clock: monotonic seconds.
    """

    def __init__(self, folder: Path, migration_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = _path(folder, migration_id)
        self._clock = clock
        self._noted_at: dict[str, float] = {}

    def is_due(self, kind: str) -> bool:
        """Whether an entry of this kind (`lag`, or a collection's alias) would be noted now."""
        return self._clock() - self._noted_at.get(kind, float("-inf")) >= SECONDS_BETWEEN_ENTRIES

    def note(self, moment: Moment, *, last: bool = False) -> None:
        """Appends an entry, unless the one before is younger than a second.

        Args:
            last: there will be no other for a while: append it in any case.
        """
        kind = moment.collection if isinstance(moment, LoadMoment) else "lag"
        if last or self.is_due(kind):
            self._append({"kind": "load" if isinstance(moment, LoadMoment) else "lag", **asdict(moment)})
            self._noted_at[kind] = self._clock()

    def _append(self, entry: dict[str, Any]) -> None:
        with storage_errors(self._path):
            make_folder(self._path.parent)
            with open(self._path, "a", encoding="utf-8", opener=owner_only) as file:
                file.write(json.dumps(entry) + "\n")
                if file.tell() > LARGEST_FILE_BYTES:
                    self._thin_out()

    def _thin_out(self) -> None:
        lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        replace_file(self._path, "".join(lines[::2]), durable=False)


def read_history(folder: Path, migration_id: str) -> list[Moment]:
    """All that was noted of a migration, in the order of its noting; nothing where nothing was.

    Args:
        folder: `history` in the work folder.
    """
    with suppress(FileNotFoundError):
        return list(_moments(_path(folder, migration_id).read_text(encoding="utf-8")))
    return []


def _moments(text: str) -> Iterator[Moment]:
    for line in text.splitlines():
        with suppress(ValueError):  # Half a line: the process was killed while it wrote.
            entry = json.loads(line)
            yield _KINDS[entry.pop("kind")](**entry)


def _path(folder: Path, migration_id: str) -> Path:
    return folder / f"{migration_id}.jsonl"
