"""One at a time works with a collection: who loads, follows, compares or removes it holds its lock."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from filelock import Timeout

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.base.waiting import told_if_long
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import HeldLock

# How long a chunk of changes is waited for: one is applied within seconds. A whole load is not waited for.
LONGEST_CHUNK_SECONDS = 30.0


def writing_lock(work_folder: WorkFolder, collection: str) -> HeldLock:
    """The lock of one collection: held while rows are read and their objects written, or the two compared."""
    return work_folder.lock(f"sync/{collection}")


def part_of(partitions: Iterable[str]) -> str:
    """A range of a collection's partitions, as its lock and its progress name it."""
    keys = sorted(partitions)
    return f"{keys[0]}-{keys[-1]}"


@contextmanager
def alone_with_one(work_folder: WorkFolder, collection: str, *, wait: float = math.inf) -> Iterator[None]:
    """While the context lives nobody else works with the collection; after ten seconds of waiting it says who does.

    Args:
        wait: so many seconds until it is free.

    Raises:
        filelock.Timeout: somebody else works with it for longer.
    """
    lock = writing_lock(work_folder, collection)
    if not lock.acquire():
        if wait == 0:
            raise Timeout(collection)
        who = work_folder.told_workers
        with told_if_long(f"whoever works with the collection `{collection}`{who}", wait):
            if not lock.acquire(wait):
                raise Timeout(collection)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def alone_with(work_folder: WorkFolder, collections: Iterable[str]) -> Iterator[None]:
    """While the context lives nobody else writes to these collections, or compares them.

    Raises:
        MigrationConflictError: somebody else has not ended with one of them within `LONGEST_CHUNK_SECONDS`.
    """
    with Endings() as stack:
        for name in collections:
            try:
                stack.enter_context(alone_with_one(work_folder, name, wait=LONGEST_CHUNK_SECONDS))
            except Timeout:
                raise MigrationConflictError(
                    f"Somebody works with the collection `{name}`{work_folder.told_workers}, and has not ended within "
                    f"{LONGEST_CHUNK_SECONDS:g} s.",
                    "Wait for the end of that command, or of the run in Dagster's UI, and try again.",
                ) from None
        yield
