"""A followed application under steady fire: four writers, `sync --follow`, and a server that is restarted."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from weaviate_migration.target.connect import connect
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.chaos.end_state import (
    assert_nothing_is_left_over,
    assert_sqlite_holds_what_was_committed,
    assert_weaviate_holds_the_rows,
)
from weaviate_migration_tests.chaos.tables import make_file, make_mapping
from weaviate_migration_tests.chaos.writers import Writers
from weaviate_migration_tests.live.command_line import at, command, run_command, until
from weaviate_migration_tests.live.own_server import StoppableServer
from weaviate_migration_tests.soak.flatness import LAG_SECONDS
from weaviate_migration_tests.soak.samples import Sample, Watched, write_sample

SEED = 20261127
CHANGES_A_SECOND = 200
# A transaction of the writers logs so many changes (measured: 74,000 of 10,000).
CHANGES_IN_A_TRANSACTION = 7.4
TRANSACTIONS_A_SECOND = CHANGES_A_SECOND / 4 / CHANGES_IN_A_TRANSACTION
"""Of each of the four writers."""


@dataclass
class Soak:
    """An application that is migrated, and followed while it goes on.

    Args:
        folder: for everything.
        samples: the file that what is measured is appended to.
        keep_changes: for `--keep-changes`.
        enough: set to measure no longer.
    """

    folder: Path
    samples: Path
    keep_changes: int
    enough: threading.Event = field(default_factory=threading.Event)
    restarts: int = 0
    taken: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = make_file(self.folder / "app" / "app.db")
        self.work_dir = self.folder / "work"
        self._mapping = make_mapping(self.folder / "chaos.yaml")
        self._server = StoppableServer(self.folder / "server")
        self._writers = Writers(self.source, self.folder, SEED, TRANSACTIONS_A_SECOND)
        self._began = time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Migrates the file while its writers write, and follows it until the end of the block."""
        self._server.start()
        try:
            with self._writers.running():
                self._migrate()
                with self._following():
                    yield
        finally:
            self._server.stop()

    def go_on(self, seconds: float, between: float = 2.0) -> None:
        """Measures for so long, each `between` seconds, or until it is enough."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.enough.is_set():
            self.sample()
            self.enough.wait(between)

    def restart_server(self) -> None:
        """Ends the server as an operator does, starts it again, and waits until the follower has caught up."""
        self._server.stop()
        self._server.start()
        self.restarts += 1
        until(self.is_in_step)

    def is_in_step(self) -> bool:
        """Whether the lag is under a second; measures."""
        return self.sample().lag_seconds < LAG_SECONDS

    def sample(self) -> Sample:
        """Measures, and writes down what it finds."""
        found = self._measured()
        write_sample(self.samples, found)
        self.taken.append(found)
        return found

    def _measured(self) -> Sample:
        self._writers.refuse_ended()
        assert self._follower.poll() is None, self._told()
        return self._watched.sample(time.monotonic() - self._began, self.restarts, self._server.process.pid)

    def settle(self) -> Sample:
        """Ends the writers, waits until all is applied and the log is within its limit, and measures once more."""
        self._writers.kill_all()
        until(lambda: (last := self.sample()).lag_changes == 0 and last.log_entries <= self.keep_changes)
        return self.taken[-1]

    def assert_nothing_was_lost(self) -> None:
        """Compares both sides by code of the tests' own."""
        assert_sqlite_holds_what_was_committed(self._writers)
        with connect(self._server.address, None) as client:
            aliases = {name: found.collection for name, found in client.alias.list_all().items()}
            assert_weaviate_holds_the_rows(client, self.source, aliases)

    def assert_nothing_is_left_over(self) -> None:
        """After the follower's end: no half-written file, no lock, no collection that nobody knows."""
        with connect(self._server.address, None) as client:
            aliases = {found.collection for found in client.alias.list_all().values()}
            assert_nothing_is_left_over(client, self.work_dir, aliases)

    def stop_following(self) -> int:
        """Ends the follower as an operator does, and gives its exit code."""
        self._follower.terminate()
        return self._follower.wait(60)

    def _migrate(self) -> None:
        ended = run_command("migrate", "--live", "--sqlite-url", self.source, *self._options)
        assert ended.code == 0, ended.stderr

    @contextmanager
    def _following(self) -> Iterator[None]:
        words = command("sync", "--follow", "--keep-changes", self.keep_changes, *self._options)
        with (self.folder / "follower.log").open("w") as output:
            self._follower = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)
        try:
            (record,) = WorkFolder(self.work_dir).records.all()
            self._watched = Watched(self.source, self.work_dir, record.id, psutil.Process(self._follower.pid))
            until(lambda: self._measured().lag_seconds < LAG_SECONDS)
            yield
        finally:
            self._follower.kill()
            self._follower.wait()

    @property
    def _options(self) -> list[object]:
        return ["--mapping", self._mapping, "--work-dir", self.work_dir, *at(self._server.address)]

    def _told(self) -> str:
        return (self.folder / "follower.log").read_text()[-4000:]
