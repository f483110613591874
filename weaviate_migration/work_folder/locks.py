"""Locks that say who has them: of what one command at a time may do with a migration.

Those of one machine are the kernel's. It gives up the lock of a killed process, but does not tell who holds one, and
the lock's own file is emptied by whoever tries to get it. So the holder writes a file beside it.
"""

import math
import os
import socket
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.errors import StorageError
from weaviate_migration.base.permissions import FILE, make_folder
from weaviate_migration.base.storage import storage_errors

MACHINE = socket.gethostname()
"""This machine, as others know it."""


class Holder(BaseModel):
    """Who has a lock.

    Attributes:
        name: of the command or run: "`weaviate-migration verify`".
        process: its number on its machine.
        since: in UTC.
        machine: '' where an earlier version has noted it, which knew of its own only.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    process: int
    since: datetime
    machine: str = ""

    def __str__(self) -> str:
        place = f" on {self.machine}" if self.machine not in ("", MACHINE) else ""
        return f"{self.name} (process {self.process}{place}, since {self.since:%Y-%m-%d %H:%M:%S} UTC)"


def told(*holders: Holder | None) -> str:
    """These, to be put behind a sentence, with a colon; '' where nobody is known."""
    known = [str(each) for each in holders if each is not None and each.name]
    return f": {' and '.join(known)}" if known else ""


def command_name(command: str) -> str:
    """A command, as others are told of it."""
    return f"`weaviate-migration {command}`"


class HeldLock(ABC):
    """A lock of one at a time; as a context it is waited for, however long that takes."""

    def __enter__(self) -> None:
        self.acquire(math.inf)

    def __exit__(self, *_: object) -> None:
        self.release()

    @abstractmethod
    def acquire(self, seconds: float = 0.0) -> bool:
        """Takes the lock, once it is free, within so many seconds; returns whether it has it.

        Raises:
            StorageError: it cannot be kept anywhere.
        """

    @abstractmethod
    def release(self) -> None:
        """Gives it back; one that it does not have stays as it is."""

    @property
    @abstractmethod
    def holder(self) -> Holder | None:
        """Who has it; None where nobody has, or who has it does not say."""

    @property
    def told_holder(self) -> str:
        """Who has it, to be put behind a sentence, with a colon; '' where nobody is known."""
        return told(self.holder)


class LocalLock(HeldLock):
    """A lock of the kernel's: of one process of this machine at a time.

    Args:
        path: of its file; its folder is made.
        name: of who asks for it, as others are told; '': they are not.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self._path = path
        self._lock = FileLock(path, mode=FILE)
        self._holder_file = path.with_suffix(".holder.json")
        self._name = name

    def acquire(self, seconds: float = 0.0) -> bool:
        """As `HeldLock` says."""
        try:
            with storage_errors(self._path):
                make_folder(self._path.parent)
                self._lock.acquire(timeout=seconds)
        except Timeout:
            return False
        if self._name:
            holder = Holder(name=self._name, process=os.getpid(), since=datetime.now(UTC), machine=MACHINE)
            # A disk that is full keeps nobody from working: `cleanup` is what makes room.
            with suppress(OSError, StorageError):
                replace_file(self._holder_file, holder.model_dump_json(), durable=False)
        return True

    def release(self) -> None:
        """As `HeldLock` says."""
        if self._lock.is_locked:
            if self._name:
                with suppress(OSError):
                    self._holder_file.unlink(missing_ok=True)
            self._lock.release()

    @property
    def holder(self) -> Holder | None:
        """As `HeldLock` says."""
        try:
            return Holder.model_validate_json(self._holder_file.read_bytes())
        except (OSError, ValidationError):
            return None
