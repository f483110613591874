"""Files of ours that cannot be written: what the operating system or SQLite says of it becomes one error, made here.

Whatever the format is (records, extracts, SQLite files, logs), the person reads which file it is, how many bytes are
needed and free, and what to do.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from weaviate_migration.base.errors import StorageError

# What a command needs at least: its record is 4 KB, the events of a run are 0.6 MB for six collections (measured).
LEAST_ROOM_BYTES = 2_000_000

_Kind = Literal["full", "closed", "failing"]
_OF_ERRNO: dict[int, _Kind] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "full"),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "closed"),
    errno.EIO: "failing",
}
_OF_SQLITE: dict[int, _Kind] = {
    sqlite3.SQLITE_FULL: "full",
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN), "closed"),
    sqlite3.SQLITE_IOERR: "failing",
}
# What SQLite says only of writing; of a file that is only read it is about what is sorted beside it.
_WRITE_FAILURES = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
)
MAKE_ROOM = "Make room there: the same command then goes on."
_HINTS: dict[_Kind, str] = {
    "full": MAKE_ROOM,
    "closed": "Give this user the right to write there, and mount the disk for writing; or name another folder.",
    "failing": "Look at the system's log: the disk may be failing.",
}


@contextmanager
def storage_errors(path: Path, needed_bytes: int = 0) -> Iterator[None]:
    """For what writes: maps errors that say a file or folder cannot be written; all others go through as they are.

    Args:
        path: the file, or the folder.
        needed_bytes: what is to be written; 0 where nobody knows.

    Raises:
        StorageError: the disk is full or read-only, or the right to write is missing.
    """
    try:
        yield
    except Exception as error:
        if (told := storage_error(error, path, needed_bytes)) is None:
            raise
        raise told from error


def storage_error(error: BaseException, path: Path | None = None, needed_bytes: int = 0) -> StorageError | None:
    """What to say of an error, by its code; None for one that says nothing of a disk.

    Args:
        error: of the operating system, or of SQLite: by itself or as SQLAlchemy hands it on.
        path: what was written; None where only the error may know.
        needed_bytes: what was to be written; 0 where nobody knows.
    """
    cause = getattr(error, "orig", error)
    place = path or _named_by(cause)
    kind = _kind_of(cause, place)
    if kind is None or place is None:
        return None
    done = "used" if path is None else "written"
    said = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    room = f": {room_text(place, needed_bytes)}" if kind == "full" else ""
    return StorageError(f"{place} cannot be {done}: {said}{room}.", _HINTS[kind])


def is_write_failure(error: sqlite3.Error) -> bool:
    """Whether SQLite could not write, whatever it had to write."""
    return getattr(error, "sqlite_errorcode", 0) in _WRITE_FAILURES


def room_text(path: Path, needed_bytes: int = 0) -> str:
    """How many bytes are needed on the disk of a file or folder, where it is known, and how many are free."""
    free = f"{free_bytes(path):,}"
    return f"{needed_bytes:,} bytes are needed, {free} are free" if needed_bytes else f"{free} bytes are free"


def free_bytes(path: Path) -> int:
    """What is free on the disk of a file or folder; of one that is to be made, on the disk where it would be."""
    return shutil.disk_usage(nearest_existing(path)).free


def is_writable(folder: Path) -> bool:
    """Whether this user may write to a folder, or make it, and there is room for what a command needs at least."""
    return is_open(folder) and free_bytes(folder) >= LEAST_ROOM_BYTES


def is_open(folder: Path) -> bool:
    """Whether this user may write to a folder, or make it."""
    return os.access(nearest_existing(folder), os.W_OK | os.X_OK)


def nearest_existing(path: Path) -> Path:
    """The file or folder, or the nearest folder above it that is there."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())


def _named_by(cause: BaseException) -> Path | None:
    """The file that the error itself names."""
    name = cause.filename if isinstance(cause, OSError) else None
    return Path(name) if isinstance(name, str) else None


def _kind_of(cause: BaseException, place: Path | None) -> _Kind | None:
    if isinstance(cause, OSError):
        return _OF_ERRNO.get(cause.errno or 0)
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF if isinstance(cause, sqlite3.Error) else 0
    if code not in _OF_SQLITE or place is None:
        return None
    # SQLite needs files beside its own, and says of a full disk too that it cannot open or size them.
    if free_bytes(place) < LEAST_ROOM_BYTES:
        return "full"
    is_missing = code == sqlite3.SQLITE_CANTOPEN and is_open(place.parent)
    return None if is_missing else _OF_SQLITE[code]
