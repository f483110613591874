"""The process of its own that makes a run, seen from the command, which can end it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from weaviate_migration.runs.run_order import RunOrder

# Dagster's Celery executor tells its workers within a second.
_SECONDS_TO_END = 5.0
_SHOWN_CHARACTERS = 2_000


class RunProcess:
    """The process that makes a run; it is of a group of its own: Ctrl-C is for the command."""

    def __init__(self, work_dir: Path, order: RunOrder) -> None:
        self._is_asked = False
        self._printed = TemporaryFile()  # noqa: SIM115  # closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "weaviate_migration.runs.run_process"],
            stdin=subprocess.PIPE,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdin is not None, "a pipe was asked for"
        self._command = self._process.stdin
        with suppress(BrokenPipeError):  # It has ended already, and has said why.
            self._command.write(f"{work_dir.absolute()}\n{order.model_dump_json()}\n".encode())
            self._command.flush()

    def has_ended_within(self, seconds: float) -> bool:
        """Whether it ends in this time."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            return True
        return False

    def ask_to_end(self) -> None:
        """Asks it to end, once, and does not wait for that; one that has ended is no trouble."""
        if not (self._is_asked or self._printed.closed or self.has_ended_within(0)):
            self._is_asked = True
            self._process.terminate()

    def end(self) -> None:
        """Ends it, with all that it has started; one that has ended is no trouble."""
        if self._printed.closed:  # By now its number may be another's.
            return
        self.ask_to_end()
        self.has_ended_within(_SECONDS_TO_END)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(BrokenPipeError):
            self._command.close()
        self._printed.close()

    @property
    def said(self) -> str:
        """The end of what it has printed: why it ended, where it did so by itself."""
        self._printed.seek(0)
        return self._printed.read().decode(errors="replace")[-_SHOWN_CHARACTERS:].strip()
