"""Kills commands (SIGKILL) at the boundaries between their steps, and at random moments of their work.

Each command has a process of its own, which wraps functions, becomes the command, and kills itself; the product knows
nothing of it. The processes are forked from one that has imported everything: an import takes as long as a migration.
"""

import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

from weaviate_migration import cli
from weaviate_migration_tests.live.command_line import SECONDS, Ended

Function = Callable[..., Any]

KILLED = -signal.SIGKILL
"""The exit code of a command that was."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["weaviate_migration.defs.build", "weaviate_migration.api.cutover", __name__])


class Fault(Protocol):
    """What happens to a command at a step of its work."""

    def arm(self) -> None:
        """Has it happen in this process, which becomes the command."""


@dataclass(frozen=True)
class Boundary:
    """A place between two steps.

    Attributes:
        function: `module:name` or `module:Class.name`; not a generator, whose call does nothing yet.
        call: which call of it, from 1.
    """

    function: str
    when: Literal["before", "after"] = "after"
    call: int = 1

    def __str__(self) -> str:
        name = self.function.partition(":")[2]
        return f"{self.when} {name}" if self.call == 1 else f"{self.when} {name} #{self.call}"

    def arm(self) -> None:
        """Has this process killed there."""
        self.arm_with(_kill_this_process)

    def arm_with(self, action: Callable[[], object]) -> None:
        """Has this process do something there."""
        calls = count(1)

        def at_boundary(original: Function, *args: Any, **options: Any) -> Any:
            is_it = next(calls) == self.call
            if is_it and self.when == "before":
                action()
            result = original(*args, **options)
            if is_it and self.when == "after":
                action()
            return result

        _wrap(self.function, at_boundary)


@dataclass(frozen=True)
class Signalled:
    """A process gets a signal when a command comes to this place.

    Attributes:
        process: which; None: the command itself.
    """

    place: Boundary
    number: signal.Signals
    process: int | None = None

    def arm(self) -> None:
        """Has it sent there, by this process."""
        self.place.arm_with(lambda: os.kill(self.process or os.getpid(), self.number))


@dataclass(frozen=True)
class Standstill:
    """A command goes no further than to this place, until somebody kills it."""

    place: Boundary

    def arm(self) -> None:
        """Has this process stand still there."""
        self.place.arm_with(threading.Event().wait)


@dataclass(frozen=True)
class Moment:
    """A random moment of the work: so many seconds after so many calls of these functions, whichever.

    Attributes:
        victim: the process that is killed then; None: the command itself.
    """

    functions: tuple[str, ...]
    calls: int
    seconds: float
    victim: int | None = None

    def arm(self) -> None:
        """Has it killed then."""
        calls = count(1)
        victim = self.victim or os.getpid()

        def counted(original: Function, *args: Any, **options: Any) -> Any:
            if next(calls) == self.calls:
                threading.Timer(self.seconds, os.kill, (victim, signal.SIGKILL)).start()
            return original(*args, **options)

        for function in self.functions:
            _wrap(function, counted)


class Command:
    """A command that runs."""

    def __init__(self, process: BaseProcess, output: Path) -> None:
        self.process = process
        self._output = output

    def end(self) -> Ended:
        """Waits for its end."""
        self.process.join(SECONDS)
        assert self.process.exitcode is not None, f"still running: {self.output()}"
        return Ended(self.process.exitcode, *self.output())

    def output(self) -> tuple[str, str]:
        """What it has written to standard output and standard error."""
        return self._output.with_suffix(".out").read_text(), self._output.with_suffix(".err").read_text()


@contextmanager
def running(*arguments: object, end: Fault | None = None) -> Iterator[Command]:
    """A command that runs beside the test; killed at the latest at the end of the block."""
    with TemporaryDirectory() as folder:
        output = Path(folder) / "command"
        words = [str(argument) for argument in arguments]
        process = _CONTEXT.Process(target=_become, args=(words, end, output, dict(os.environ)), daemon=True)
        process.start()
        try:
            yield Command(process, output)
        finally:
            process.kill()
            process.join()


def run(*arguments: object, end: Fault | None = None) -> Ended:
    """Runs a command to its end, whatever that is."""
    with running(*arguments, end=end) as command:
        return command.end()


def run_killed(end: Fault, *arguments: object) -> None:
    """Runs a command that is killed there; one that comes to its end before fails the test."""
    ended = run(*arguments, end=end)
    assert ended.code == KILLED, ended.stdout + ended.stderr


def _become(words: Sequence[str], end: Fault | None, output: Path, environment: dict[str, str]) -> None:
    """Turns this process into the command, with the environment of the test: it is forked from a process before it."""
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        file = os.open(output.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, descriptor)
    if end is not None:
        end.arm()
    sys.argv = ["weaviate-migration", *words]
    cli.main()


def _kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wrap(function: str, around: Function) -> None:
    """Puts `around` in the place of a function: where it is defined, and wherever it was imported to.

    Args:
        around: a function of the original and its arguments.
    """
    module, _, path = function.partition(":")
    *owners, name = path.split(".")
    owner: Any = functools.reduce(getattr, owners, import_module(module))
    original = getattr(owner, name)
    wrapped = functools.wraps(original)(lambda *args, **options: around(original, *args, **options))
    places = [owner] if owners else [each for each in sys.modules.values() if vars(each).get(name) is original]
    for each in places:
        setattr(each, name, wrapped)
