"""Keeps the change log in the application's file short: beside the note of how far each migration is applied."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.errors import SourceError, SourceNotUsableError
from weaviate_migration.phases.dual_write.lag import followed_migrations
from weaviate_migration.source.capture import Capture
from weaviate_migration.source.change_log import ChangeLog, LogLimits, write_positions
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)

# Entries that are pruned at once, beside that note: writers wait 1 ms for so many (measured, in WAL mode).
PRUNED_AT_ONCE = 1_000

# An application that never rests has so much more of the log, relative to the limits: one that rests now and then is
# pruned in these moments alone.
_UNREST = 1.1


@dataclass(frozen=True)
class _WiderLimits:
    """Those of an application that never rests."""

    keep_changes: int
    keep_hours: float


@dataclass(frozen=True)
class _Need:
    """What a migration needs of the log.

    Attributes:
        epoch, position: up to which it is applied.
        snapshot: the position of its snapshot, from which partitions can be loaded and compared again.
    """

    migration: str
    epoch: int
    position: int
    snapshot: int
    is_unfinished: bool


class LogPruner:
    """Prunes the log of one source.

    Args:
        log: the source's.
        work_folder: knows which migrations are followed, and how far they are.
        applied: the ids of those whose changes the caller applies: they are behind for a while only.
    """

    def __init__(self, log: ChangeLog, work_folder: WorkFolder, applied: Collection[str]) -> None:
        self._log = log
        self._work_folder = work_folder
        self._applied = applied
        self._noted: list[_Need] = []
        self._told = set[str]()

    def note_in_file(self, keep: LogLimits, *, is_busy: bool = False) -> bool:
        """Writes into the file how far each migration is, and prunes the log; not where it is locked.

        What no migration has to apply goes when no snapshot is that old, or when it is beyond the limits. The latter
        says so, and waits while a command needs a snapshot, or a migration is unfinished.

        Args:
            is_busy: the application writes just now: nothing is written unless the log is far over its limits.

        Returns:
            Whether the file says what is so now, and nothing is left to prune.
        """
        if is_busy:
            keep = _WiderLimits(int(keep.keep_changes * _UNREST), keep.keep_hours * _UNREST)
        needs = list(_needs(self._work_folder, self._log.source))
        if not needs:  # The last of them was rolled back or discarded meanwhile: the follower ends with its next look.
            return True
        with self._log.reading() as capture:
            first, outlived = self._log.first_position(), self._log.outlived(keep, PRUNED_AT_ONCE)
        if outlived <= first and (is_busy or needs == self._noted):
            return True
        with _free_snapshots(self._work_folder) as are_free:
            unneeded = _unneeded(needs, outlived, are_free=are_free)
            if unneeded < outlived:
                self._say_what_is_kept(needs, outlived)
            if unneeded <= first and (is_busy or needs == self._noted):
                return True
            is_done = self._write(capture, needs, unneeded)
        self._say_what_is_given_up(needs, first)
        self._noted = needs if is_done else []
        return is_done

    def _write(self, capture: Capture, needs: Sequence[_Need], unneeded: int) -> bool:
        """Writes the positions, and prunes; says once where the disk is full, or the file may only be read."""
        positions = {each.migration: (each.epoch, each.position, each.snapshot) for each in needs}
        try:
            return write_positions(self._log.source, capture, positions, unneeded, PRUNED_AT_ONCE)
        except (SourceError, SourceNotUsableError) as error:
            # The objects are in step all the same: the position that counts is in the work folder.
            self._warn_once("file", "%s: its change log is not pruned for now", error.message)
            return False

    def _warn_once(self, about: str, message: str, *words: object) -> None:
        if about not in self._told:
            self._told.add(about)
            logger.warning(message, *words)

    def _say_what_is_given_up(self, needs: Sequence[_Need], first_before: int) -> None:
        """Once for each snapshot: the log reached back to it before, and does so no longer."""
        with self._log.reading():
            first = self._log.first_position()
        for each in needs:
            if first_before <= each.snapshot + 1 < first:
                logger.info(
                    "%s: the change log is pruned beyond the snapshot of migration %s, as --keep-changes and "
                    "--keep-hours have it: from this snapshot nothing can be loaded or compared any more; "
                    "`weaviate-migration verify` takes a new one",
                    *(self._log.source, each.migration),
                    extra={"migration_id": each.migration},
                )

    def _say_what_is_kept(self, needs: Sequence[_Need], outlived: int) -> None:
        """Once for each migration that has the log grow over its limits, with the remedy."""
        for each in needs:
            if each.position < outlived and each.migration not in self._applied:
                why = "has not applied it: `weaviate-migration sync` with its mapping does, `cleanup` gives it up"
            elif each.is_unfinished and each.snapshot < outlived:
                why = "is unfinished, and needs it: `weaviate-migration cutover` ends it, `verify` takes a new snapshot"
            else:
                continue
            message = "%s: the change log is longer than --keep-changes and --keep-hours allow, since migration %s %s"
            self._warn_once(each.migration, message, self._log.source, each.migration, why)


def _needs(work_folder: WorkFolder, source: Path) -> Iterator[_Need]:
    """What each followed migration needs; those of other mappings too."""
    for each in followed_migrations(work_folder):
        known = work_folder.sync_positions.read(each.id)
        captured = each.snapshot.captured if each.snapshot else None
        if known is not None and each.source == source:
            snapshot = captured.position if captured else known.position
            yield _Need(each.id, known.epoch, known.position, snapshot, each.state == "unfinished")


def _unneeded(needs: Sequence[_Need], outlived: int, *, are_free: bool) -> int:
    """The position before which the log can be pruned.

    Args:
        outlived: the position before which it is beyond its limits.
        are_free: whether no command needs the snapshots of migrations that are not unfinished.
    """
    needed = [each.snapshot for each in needs if each.is_unfinished or not are_free]
    before_all = min(each.snapshot for each in needs)
    return min(*(each.position for each in needs), *needed, max(before_all, outlived))


@contextmanager
def _free_snapshots(work_folder: WorkFolder) -> Iterator[bool]:
    """Whether no command needs the log back to a snapshot; none begins to while the context lives."""
    lock = work_folder.snapshots_lock
    if not lock.acquire():
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
