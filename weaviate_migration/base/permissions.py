"""Who may read what is created: its owner alone, whatever the umask; what the user names, whoever the umask lets.

A migration's own files hold the source's rows: snapshot, extracts, quarantine, reports. Each folder and file of ours is
made so that nobody else gets at it. What other libraries make (Dagster's storage, SQLite's journals, the server's data)
is in such a folder; commands narrow their umask besides, which holds for all that they and their processes create.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
OTHERS = 0o077
_NEW_FILE = 0o666

_umask_of_the_user: int | None = None


def narrow_umask() -> None:
    """Has this process, and all that it starts, create what its owner alone can read; for a command to begin with."""
    global _umask_of_the_user  # A process has one umask, and forgets the one that it had.
    before = os.umask(OTHERS)
    if _umask_of_the_user is None:
        _umask_of_the_user = before


def make_folder(path: Path) -> None:
    """Makes a folder that its owner alone can enter, with those above it; one that is there stays as it is."""
    path.mkdir(FOLDER, parents=True, exist_ok=True)


def owner_only(path: str, flags: int) -> int:
    """An `opener` of `open` for a file of ours."""
    return os.open(path, flags, FILE)


def as_named(path: str, flags: int) -> int:
    """An `opener` of `open` for a file that the user named: a new one gets what their umask gives."""
    is_new = not os.path.exists(path)  # noqa: PTH110  # An opener gets a text.
    descriptor = os.open(path, flags, _NEW_FILE)
    if is_new:
        widen(descriptor)
    return descriptor


def widen(file: int | Path) -> None:
    """Gives a new file that the user named what their umask gives, where `narrow_umask` has taken it."""
    if _umask_of_the_user is not None:
        os.chmod(file, _NEW_FILE & ~_umask_of_the_user)  # noqa: PTH101  # It may be a descriptor.


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but the owner may do anything with a file or folder."""
    return bool(stat.S_IMODE(path.stat().st_mode) & OTHERS)


def close_to_others(folder: Path) -> None:
    """Takes from everybody but the owner what they may do with a folder, and with all that is in it.

    The folder is closed first: then nobody comes into it meanwhile. What a symbolic link leads to is not in it.

    Raises:
        OSError: it is somebody else's.
    """
    _close(folder)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):  # Another process has removed it meanwhile.
                _close(Path(parent, name))


def _close(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_IMODE(mode) & OTHERS and not stat.S_ISLNK(mode):
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)
