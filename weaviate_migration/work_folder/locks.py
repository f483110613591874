"""Locks that say who has them: of what one command at a time may do in a work folder.

The kernel gives up the lock of a killed process, but does not tell who holds one, and the lock's own file is emptied by
whoever tries to get it. So the holder writes a file beside it.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.errors import StorageError
from weaviate_migration.base.permissions import FILE
from weaviate_migration.base.storage import storage_errors


class Holder(BaseModel):
    """Who has a lock.

    Attributes:
        name: of the command or run: "`weaviate-migration verify`".
        process: its number on its machine.
        since: in UTC.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    process: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.name} (process {self.process}, since {self.since:%Y-%m-%d %H:%M:%S} UTC)"


def told(*holders: Holder | None) -> str:
    """These, to be put behind a sentence, with a colon; '' where nobody is known."""
    known = [str(each) for each in holders if each is not None]
    return f": {' and '.join(known)}" if known else ""


def command_name(command: str) -> str:
    """A command, as others are told of it."""
    return f"`weaviate-migration {command}`"


class HeldLock:
    """A lock of one process at a time, on this machine or on others that share the disk.

    Args:
        path: of its file; the folder is there.
        name: of who asks for it, as others are told.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._lock = FileLock(path, mode=FILE)
        self._holder_file = path.with_suffix(".holder.json")
        self._name = name

    def acquire(self, seconds: float = 0.0) -> bool:
        """Takes the lock, once it is free, within so many seconds; returns whether it has it.

        Raises:
            StorageError: its file cannot be made.
        """
        try:
            with storage_errors(self._path):
                self._lock.acquire(timeout=seconds)
        except Timeout:
            return False
        holder = Holder(name=self._name, process=os.getpid(), since=datetime.now(UTC))
        # A disk that is full keeps nobody from working: `cleanup` is what makes room.
        with suppress(OSError, StorageError):
            replace_file(self._holder_file, holder.model_dump_json(), durable=False)
        return True

    def release(self) -> None:
        """Gives it back; one that it does not have stays as it is."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._holder_file.unlink(missing_ok=True)
            self._lock.release()

    @property
    def holder(self) -> Holder | None:
        """Who has it; None where nobody has, or who has it does not say."""
        try:
            return Holder.model_validate_json(self._holder_file.read_bytes())
        except (OSError, ValidationError):
            return None

    @property
    def told_holder(self) -> str:
        """Who has it, to be put behind a sentence, with a colon; '' where nobody is known."""
        return told(self.holder)
