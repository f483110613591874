"""A file replaced in one step: whenever its writer is killed, readers find the old content or the new one.

What is written goes into a draft beside the file, `.<random>.tmp`, which then takes the file's name. A writer locks its
draft, and the kernel gives up the lock of a killed one: so the next writer in the folder knows what was left over.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from weaviate_migration.base.permissions import as_named, make_folder, owner_only
from weaviate_migration.base.storage import storage_errors


def replace_file(path: Path, content: str | bytes, *, durable: bool = True, named: bool = False) -> None:
    """Gives a file this content, text as UTF-8; see `replacing`."""
    encoded = content.encode() if isinstance(content, str) else content
    with replacing(path, len(encoded), durable=durable, named=named) as file:
        file.write(encoded)


@contextmanager
def replacing_after(path: Path, content: str) -> Iterator[None]:
    """Has the content on disk before what is done inside, and in the file's place after it.

    So nothing is done that could not be written down for want of room; after an error the file is as it was.

    Raises:
        StorageError: it cannot be written; nothing inside was done.
    """
    encoded = content.encode()
    with replacing(path, len(encoded)) as file:
        file.write(encoded)
        _flush_to_disk(file)
        yield


@contextmanager
def replacing(path: Path, needed_bytes: int = 0, *, durable: bool = True, named: bool = False) -> Iterator[BinaryIO]:
    """What is written inside replaces the file at the end; after an error the file is as it was.

    Several processes and threads may replace the same file: each has a draft of its own, and the last one wins.

    Args:
        path: its folder is made if it is not there. Both are for their owner alone.
        needed_bytes: what will be written; 0 where nobody knows.
        durable: sync file and folder to disk, so that a power cut keeps all of it or nothing. That takes 0.5 ms on a
            local disk (measured: 0.6 ms instead of 0.1), several on a disk in the network or one that turns. False is
            for what shows how something goes, and for what can be found out again: a power cut may empty such a file.
        named: the user named the file: it keeps its permissions, and a new one gets those that the umask gives.

    Raises:
        StorageError: the disk is full or read-only, or this user may not write there.
        OSError: the folder cannot be made, for another reason.
    """
    with storage_errors(path, needed_bytes), _replacing(path, durable=durable, named=named) as file:
        yield file


@contextmanager
def _replacing(path: Path, *, durable: bool, named: bool) -> Iterator[BinaryIO]:
    if not named:
        make_folder(path.parent)
    _remove_leftovers(path.parent, os.getpid())
    with _draft_in(path.parent, as_named if named else owner_only) as file:
        draft = Path(file.name)
        try:
            if named and path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            yield file
            if durable:
                _flush_to_disk(file)
            else:
                file.flush()
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    if durable:
        sync_to_disk(path.parent)


def sync_to_disk(path: Path) -> None:
    """Has the disk keep the content of a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _draft_in(folder: Path, opener: Callable[[str, int], int]) -> BinaryIO:
    """A new file, locked until it is closed or its process ends."""
    while True:
        file = open(folder / f".{secrets.token_hex(8)}.tmp", "xb", opener=opener)  # noqa: SIM115
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # Before it was locked, another process took it for left over.


@cache
def _remove_leftovers(folder: Path, _process: int) -> None:
    """Removes what killed writers left in a folder; once for each process: a folder may hold thousands of files."""
    for draft in folder.glob(f".{'[0-9a-f]' * 16}.tmp"):
        # An error: the draft has become a file meanwhile, or its writer holds the lock.
        with suppress(OSError), draft.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink()
