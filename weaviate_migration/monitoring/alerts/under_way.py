"""Which commands are under way: each leaves a small file in its work folder while it runs.

Those of other machines, and of other folders, that share the state are known by the locks that they have in it.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import BaseModel, ValidationError

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.target.server_process import ProcessIdentity
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import MACHINE, command_name

MIGRATE, VERIFY, SYNC, CUTOVER = "migrate", "verify", "sync", "cutover"
# These handle row by row what their progress tells of.
PROGRESS_WRITERS = frozenset({MIGRATE, VERIFY})

# As who has a lock is told.
_BY_LOCK = {command_name(each): each for each in (MIGRATE, VERIFY, SYNC, CUTOVER)}


class Command(BaseModel, frozen=True):
    """A command, or a run of one of the jobs, and since when it is under way (seconds since 1970)."""

    name: str
    process: ProcessIdentity | None
    since: float


@dataclass(frozen=True)
class UnderWay:
    """All that is under way."""

    commands: tuple[Command, ...] = ()

    @property
    def is_loading(self) -> bool:
        """Whether a migration is being loaded: it is then behind its source, and has to be."""
        return any(each.name == MIGRATE for each in self.commands)

    @property
    def progress_since(self) -> float | None:
        """Progress that began at this moment or later is of what is under way; None where nothing writes any."""
        return min((each.since for each in self.commands if each.name in PROGRESS_WRITERS), default=None)

    @property
    def processes(self) -> list[ProcessIdentity]:
        """Those of this machine."""
        return [each.process for each in self.commands if each.process is not None]

    def memory_mb(self) -> float:
        """Resident memory of the largest process, those that they started to load side by side included; 0 of none.

        An embedded server is such a child too, but another program: it does not count.
        """
        found = [_resident_mb(each) for root in self.processes for each in _same_program(root)]
        return max(found, default=0.0)


@contextmanager
def noted(folder: Path, name: str) -> Iterator[None]:
    """Notes in the folder that this command is under way, until the block ends."""
    command = Command(name=name, process=ProcessIdentity.of(os.getpid()), since=time.time())
    path = folder / f"{os.getpid()}-{time.monotonic_ns()}.json"
    # After a power cut no command is under way.
    replace_file(path, command.model_dump_json(), durable=False)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def commands_under_way(folder: Path) -> tuple[Command, ...]:
    """The noted commands; the notes of those that were killed are removed."""
    found = [(path, _read(path)) for path in sorted(folder.glob("*.json"))]
    alive = []
    for path, command in found:
        if command is not None and command.process is not None and command.process.is_alive():
            alive.append(command)
        else:
            path.unlink(missing_ok=True)
    return tuple(alive)


def commands_elsewhere(work_folder: WorkFolder, here: Sequence[Command]) -> tuple[Command, ...]:
    """Those that work with the same migrations, and are not noted in this folder.

    Args:
        here: those that are.
    """
    if work_folder.store.server is None:
        return ()
    known = {(MACHINE, each.process.pid) for each in here if each.process is not None}
    others = [each for each in work_folder.workers if (each.machine, each.process) not in known]
    return tuple(
        Command(name=_BY_LOCK[each.name], process=None, since=each.since.timestamp())
        for each in others
        if each.name in _BY_LOCK
    )


def _read(path: Path) -> Command | None:
    try:
        return Command.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):  # It has just ended.
        return None


def _same_program(root: ProcessIdentity) -> Iterator[psutil.Process]:
    try:
        process = psutil.Process(root.pid)
        yield process
        program = process.exe()
        children = process.children(recursive=True)
    except psutil.Error:
        return
    for child in children:
        try:
            if child.exe() == program:
                yield child
        except psutil.Error:
            continue


def _resident_mb(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 1024**2
    except psutil.Error:
        return 0.0
