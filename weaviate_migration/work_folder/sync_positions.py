"""How far each migration has applied the change log: one document of the store for each.

It is written after Weaviate confirmed everything up to a position, and holds what the log says there: a source that was
restored from a backup says something else, or nothing, at that position.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.errors import CaptureError
from weaviate_migration.source.capture import Capture
from weaviate_migration.source.change_log import INSTALL_HINT, ChangeLog
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.work_folder.state_store import StateStore

_KIND = "sync position"

_HINT = "`weaviate-migration verify --repair` compares everything, mends what differs, and sync goes on from there."


@dataclass(frozen=True)
class Standing:
    """How far the captured changes of a source are applied to one migration.

    Attributes:
        id: of the capture.
        applied, newest: positions in the log; None where they cannot be told.
        changes, seconds: the lag: entries of the log that are not applied, and the age of the oldest of them.
        problem: why changes cannot be followed, or that some may have been missed; '' where nothing is wrong.
        remedy: what to do about it; '' where it may pass.
    """

    id: str
    applied: int | None = None
    newest: int | None = None
    changes: int = 0
    seconds: float = 0.0
    problem: str = ""
    remedy: str = ""

    @property
    def position(self) -> int:
        """The applied position of a migration that is followed."""
        assert self.applied is not None, "asked of a migration that is not followed"
        return self.applied


class SyncPositions:
    """The positions of a store's migrations."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def read(self, migration: str) -> LogPosition | None:
        """The position of a migration; None for one whose changes are not followed."""
        kept = self._store.read(_KIND, migration)
        return LogPosition.model_validate_json(kept) if kept is not None else None

    def known(self, migration: str) -> LogPosition:
        """The position of a migration whose changes are followed.

        Raises:
            CaptureError: they are not.
        """
        found = self.read(migration)
        if found is None:
            raise CaptureError(f"The changes of migration {migration} are not followed.", INSTALL_HINT)
        return found

    def save(self, migration: str, position: LogPosition) -> None:
        """Keeps it, all of it or not at all."""
        self._store.write(_KIND, migration, position.model_dump_json())

    def discard(self, migration: str) -> None:
        """Forgets it: the migration's changes are not followed any more."""
        self._store.remove(_KIND, migration)

    def discard_all(self) -> None:
        """Forgets those of all migrations: nobody's changes are captured any more."""
        self._store.remove(_KIND)


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes the positions that an older version has kept into the store; returns their files."""
    files = [each for each in folder.glob("sync/*.json") if not each.name.endswith(".holder.json")]
    for each in files:
        store.write(_KIND, each.stem, each.read_text(encoding="utf-8"))
    return files


@contextmanager
def agreed_reading(log: ChangeLog, positions: SyncPositions, migration: str) -> Iterator[tuple[Capture, LogPosition]]:
    """One read transaction of the log, with the position that the migration had reached at just that moment.

    Raises:
        CaptureError: it is not followed, changes were missed, or `refuse_another_history` refuses.
    """
    while True:
        known = positions.known(migration)
        with log.reading() as capture:
            # Unless somebody else has applied changes in between: the log and a position of two moments may disagree.
            if positions.known(migration) == known:
                refuse_another_history(log, capture, migration, known)
                yield capture, known
                return


def refuse_another_history(log: ChangeLog, capture: Capture, migration: str, known: LogPosition) -> None:
    """Checks, inside `log.reading()`, that the log still is the one whose entries were applied.

    Raises:
        CaptureError: the file was restored or replaced, capture began again, or the work folder is an older one.
    """
    if capture.id != known.capture:
        raise CaptureError(
            f"{log.source}: was captured by {capture.id}, and migration {migration} has followed {known.capture}: "
            "changes between the two were not captured",
            _HINT,
        )
    if log.entry(known.position) != known.entry:
        raise CaptureError(
            f"{log.source}: its change log has another history than the one that was applied up to position "
            f"{known.position}: the file was restored from a backup, or replaced",
            _HINT,
        )
    if known.seen and log.entry(known.seen) != known.seen_entry:
        raise CaptureError(
            f"{log.source}: its change log lacks changes that were seen up to position {known.seen}: the file was "
            "restored from a backup, or replaced",
            _HINT,
        )
    in_file = log.applied_in_file(migration)
    if in_file is not None and in_file > known.position:
        raise CaptureError(
            f"{log.source}: says that migration {migration} was applied up to position {in_file}, the work folder "
            f"knows of {known.position} only: it is older than the file",
            _HINT,
        )
