"""What an older version has kept as files in a work folder goes into the store, before anything else is asked of it.

All of it goes in one transaction, and the files are removed after it: whoever is killed in between leaves files that
say what the store says, and the next command takes them over again. Nothing can have been written meanwhile.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection

from weaviate_migration.base.database import Result
from weaviate_migration.base.errors import MigrationConflictError, MigrationError, StorageError
from weaviate_migration.base.permissions import FILE
from weaviate_migration.base.sqlite_database import copied
from weaviate_migration.base.storage import is_writable, storage_errors
from weaviate_migration.work_folder import (
    capture_id,
    check_results,
    checklist,
    kept_incidents,
    kept_queries,
    mappings,
    partition_values,
    pending_vectors,
    prefixes,
    progress,
    quarantine,
    record,
    sync_positions,
    timeline,
)
from weaviate_migration.work_folder.state_move import move_state, refuse_moved
from weaviate_migration.work_folder.state_store import FILE_NAME, StateStore

# The records are the last: their folder says that there is something to take over.
_FORMATS: tuple[Callable[[Path, StateStore], list[Path]], ...] = (
    mappings.take_over,
    kept_queries.take_over,
    prefixes.take_over,
    capture_id.take_over,
    sync_positions.take_over,
    checklist.take_over,
    partition_values.take_over,
    check_results.take_over,
    pending_vectors.take_over,
    progress.take_over,
    timeline.take_over,
    kept_incidents.take_over,
    quarantine.take_over,
    record.take_over,
)
# At least one of them is in a folder that has anything of an older version.
_SIGNS = {
    *("migrations", "mappings", "queries.yaml", "capture.json", "dagster_prefixes.json"),
    *("preflight.json", "postflight.json"),
}
# All that is in them was taken over.
_OWN_FOLDERS = ("mappings", "migrations")
# Who works in a folder has one of these, in that version too.
_LOCKS = ("migrate.lock", "sync/sync.lock")


def current_store(work_dir: Path, state_url: str) -> StateStore:
    """The store of a work folder, with what an older version has left in files.

    Where these cannot be taken over, because the folder is closed or full, or an older version's command works in it,
    the store that is returned can be read, and says why it cannot be written to.

    A state that was in the folder's file is moved to the server that is named.

    Raises:
        ConfigurationError: what connects to its server is not installed; or the state was moved to one, and none is
            named.
        MigrationConflictError: a command works with what would be moved, or the server has another state.
    """
    store = StateStore.of(work_dir, state_url)
    if (server := store.server) is not None:
        move_state(work_dir, store, server.told_url)
    else:
        refuse_moved(work_dir)
    if not is_older(work_dir):
        return store
    try:
        with _alone_in(work_dir):
            take_over(work_dir, store)
    except (MigrationConflictError, StorageError) as error:
        try:
            return _to_read(work_dir, error)
        except FileNotFoundError:  # Whoever works there has removed one while they were read: the store has it by now.
            return _to_read(work_dir, error)
    return store


def is_older(work_dir: Path) -> bool:
    """Whether an older version has left files in a folder."""
    try:
        return not _SIGNS.isdisjoint(each.name for each in work_dir.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False


def take_over(work_dir: Path, store: StateStore) -> None:
    """Takes the files into the store, and removes them.

    Raises:
        StorageError: there is no room, or they may not be removed.
    """
    with store.transaction():
        taken = [path for take in _FORMATS for path in take(work_dir, store)]
    for path in taken:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # There is more in it.
            path.parent.rmdir()
    for name in _OWN_FOLDERS:  # What a killed command was about to write is in it still.
        with storage_errors(work_dir / name), suppress(FileNotFoundError):
            shutil.rmtree(work_dir / name)


@contextmanager
def _alone_in(work_dir: Path) -> Iterator[None]:
    """Nobody works in the folder, whatever the version is.

    Raises:
        MigrationConflictError: somebody does.
        StorageError: the folder may not be written to, or is full.
    """
    if not is_writable(work_dir):
        raise StorageError(
            f"{work_dir} is of an older version, and cannot be brought to this one: it is full, or read-only.",
            "Make room there, and give this user the right to write.",
        )
    with ExitStack() as held:
        for name in _LOCKS:
            if (path := work_dir / name).parent.is_dir():
                try:
                    held.enter_context(FileLock(path, blocking=False, mode=FILE))
                except Timeout:
                    raise MigrationConflictError(
                        f"A command of an older version works in {work_dir}, which is of that version.",
                        "Wait for its end, or end it, and try again.",
                    ) from None
        yield


def _to_read(work_dir: Path, why_not: MigrationError) -> StateStore:
    """A copy of the store, with what is in the files; who writes to it is told why that cannot be."""
    return StateStore(_Closed(_copy(work_dir, _as_it_is(work_dir)), why_not))


def _as_it_is(work_dir: Path) -> frozenset[tuple[str, int]]:
    """What is in the folder, and since when; what goes away meanwhile is left out."""
    found = set[tuple[str, int]]()
    for each in work_dir.iterdir():
        with suppress(FileNotFoundError):
            found.add((each.name, each.stat().st_mtime_ns))
    return frozenset(found)


@lru_cache(maxsize=1)
def _copy(work_dir: Path, _is_now: frozenset[tuple[str, int]]) -> StateStore:
    copy = StateStore.at(copied(work_dir / FILE_NAME))
    with copy.transaction(durable=False):
        for take in _FORMATS:
            take(work_dir, copy)
    return copy


class _Closed:
    """A store that can be read only."""

    def __init__(self, store: StateStore, why_not: MigrationError) -> None:
        self._why_not = why_not
        self.server = store.server
        self.reading = store.reading

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Connection]:  # noqa: ARG002
        raise self._why_not

    def run(self, work: Callable[[Connection], Result], *, durable: bool = True) -> Result:  # noqa: ARG002
        raise self._why_not

    def room_for(self, size: int) -> AbstractContextManager[None]:  # noqa: ARG002
        raise self._why_not
