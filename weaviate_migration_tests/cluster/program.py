"""A program that runs beside the tests, until it is killed or stopped with all that it has started."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from weaviate_migration_tests.live.command_line import until

STOP_SECONDS = 15
_UNWANTED = os.environ.get("WEAVIATE_MIGRATION_NO_CLUSTER") == "1"


def leave_out_if_unwanted() -> None:
    """Skips the test where the person who runs it does not want what several machines share."""
    if _UNWANTED:
        pytest.skip("WEAVIATE_MIGRATION_NO_CLUSTER=1")


def installed(name: str, package: str, folders: Sequence[Path] = ()) -> Path:
    """The path of a program; a missing one is a failure, unless it is left out on purpose.

    Args:
        package: Debian's, which has it.
        folders: where it is looked for before `PATH`.
    """
    leave_out_if_unwanted()
    found = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ["PATH"]]))
    if found is None:
        pytest.fail(
            f"No {name} is found. Install it, on Debian with `apt-get install {package}`; "
            "WEAVIATE_MIGRATION_NO_CLUSTER=1 leaves out the tests that need it."
        )
    return Path(found)


@dataclass
class Program:
    """A program with a log; started again it is the same command.

    Attributes:
        command: its words.
        log: what it prints, all starts after each other.
        environment: all that it gets of one.
        user: who runs it; None: whoever runs the tests.
        end: the signal that asks it to end.
    """

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    user: str | None = None
    end: signal.Signals = signal.SIGTERM
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """That of the last start."""
        assert self._process is not None, "not started"
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, is_ready: Callable[[], bool]) -> None:
        """Starts it, and waits until it is ready."""
        self.begin()
        self.await_ready(is_ready)

    def begin(self) -> None:
        """Starts it, and returns at once."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(self.environment),
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
                cwd=self.log.parent,
                start_new_session=True,
            )

    def await_ready(self, is_ready: Callable[[], bool]) -> None:
        """Waits until it is ready; one that ends before is a failure, with what it said."""
        until(lambda: not self.is_alive() or is_ready())
        assert self.is_alive(), self.fate

    @property
    def fate(self) -> str:
        """How it has ended, and what it has said."""
        assert self._process is not None, "not started"
        code = self._process.returncode
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return f"{' '.join(self.command)}\nhas ended with {how}, and has said:\n{self.log.read_text(errors='replace')}"

    def end_within(self, seconds: float) -> int:
        """Waits for one that ends by itself; its exit code."""
        assert self._process is not None, "not started"
        return self._process.wait(seconds)

    def family(self) -> list[psutil.Process]:
        """It, and all that it has started."""
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It does nothing meanwhile, nor does what it has started: what is seen of it stays so until it is killed."""
        family = self.family()
        _tell(family, signal.SIGSTOP)
        try:
            yield
        finally:
            _tell(family, signal.SIGCONT)

    def kill(self) -> None:
        """Ends it on the spot, with all that it has started."""
        if self.is_alive():
            _end(self.family(), signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """Asks it to end, with all that it has started; what is still there after some seconds is killed."""
        if self.is_alive():
            family = self.family()
            _end(family, self.end)
            _end(family, signal.SIGKILL)
        self._reap()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(timeout=STOP_SECONDS)


def _end(processes: list[psutil.Process], number: signal.Signals) -> None:
    _tell(processes, number)
    psutil.wait_procs(processes, timeout=STOP_SECONDS)


def _tell(processes: list[psutil.Process], number: signal.Signals) -> None:
    """psutil sends nothing to a process that has got the number of one that has ended."""
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.send_signal(number)


def processes_about(folder: Path) -> list[psutil.Process]:
    """The processes, of whomever, that know this folder by their words or environment, or that are in it."""
    found = psutil.process_iter(["pid", "cmdline", "environ", "cwd"])
    return [each for each in found if any(str(folder) in text for text in _told(each.info))]


def _told(info: Mapping[str, Any]) -> list[str]:
    """What is closed to this user is None."""
    return [*(info["cmdline"] or ()), *(info["environ"] or {}).values(), info["cwd"] or ""]


def end_processes_about(folder: Path) -> list[str]:
    """Kills them; what they were."""
    found = processes_about(folder)
    _end(found, signal.SIGKILL)
    return [f"{each.pid}: {' '.join(each.info['cmdline'] or ())}" for each in found]
