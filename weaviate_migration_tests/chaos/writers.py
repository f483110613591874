"""The writers of one file: processes that are started, killed, and waited for."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from weaviate_migration_tests.chaos import writer
from weaviate_migration_tests.chaos.record import WriterRecord
from weaviate_migration_tests.chaos.tables import WRITERS
from weaviate_migration_tests.live.command_line import until


@dataclass
class Writers:
    """The writers of one file, as processes.

    Args:
        path: the file.
        folder: for their records, and what they say when they fail.
        rate: transactions a second of each of them; 0: as many as there can be.
    """

    path: Path
    folder: Path
    seed: int
    rate: float
    _processes: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Writers write; at the end they are killed, wherever they are.

        Raises:
            AssertionError: one ended by itself.
        """
        try:
            self.start_all()
            yield
            self.refuse_ended()
        finally:
            self.kill_all()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nobody writes: all are killed, wherever they are, and go on afterwards."""
        self.refuse_ended()
        self.kill_all()
        yield
        self.start_all()

    def start_all(self) -> None:
        for number in range(WRITERS):
            self.start(number)

    def start(self, number: int) -> None:
        options = ["--number", number, "--seed", self.seed, "--rate", self.rate]
        words = [sys.executable, "-m", writer.__name__, self.path, self._record_path(number), *options]
        with self._complaint(number).open("ab") as complaint:
            self._processes[number] = subprocess.Popen([str(word) for word in words], stderr=complaint)

    def kill(self, number: int) -> None:
        process = self._processes.pop(number)
        process.kill()
        process.wait()

    def kill_all(self) -> None:
        for number in list(self._processes):
            self.kill(number)

    def refuse_ended(self) -> None:
        """Raises AssertionError where a writer is not there any more: something made the application fail."""
        codes = {number: process.poll() for number, process in self._processes.items()}
        ended = {number: code for number, code in codes.items() if code is not None}
        # One that a signal has ended says nothing: its code does.
        assert not ended, [(number, code, self._complaint(number).read_text()) for number, code in ended.items()]

    def record(self, number: int) -> WriterRecord:
        return WriterRecord(self._record_path(number))

    def await_transactions(self, more: int) -> None:
        """Waits until each writer has done so many more."""
        goals = {number: self.record(number).transactions() + more for number in self._processes}
        for number, goal in goals.items():
            until(lambda number=number, goal=goal: self._has_done(number, goal))  # type: ignore[misc]

    def _has_done(self, number: int, goal: int) -> bool:
        self.refuse_ended()
        return self.record(number).transactions() >= goal

    def _record_path(self, number: int) -> Path:
        return self.folder / f"writer-{number}.jsonl"

    def _complaint(self, number: int) -> Path:
        return self.folder / f"writer-{number}.stderr"
