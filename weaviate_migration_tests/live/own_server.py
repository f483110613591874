"""A real server that is set up otherwise than the one of the whole run, or that is stopped and started again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from weaviate_migration.target.server import LOG_FILE, ServerAddress
from weaviate_migration.target.server_binary import server_binary
from weaviate_migration.target.server_process import (
    LOOPBACK,
    Ports,
    ProcessIdentity,
    last_lines,
    server_environment,
    start,
    stop,
    wait_until_ready,
)
from weaviate_migration_tests.live.free_ports import free_server_ports


@dataclass
class StoppableServer:
    """A server on a data folder; started again it has the same ports, and the data that it had.

    Args:
        settings: further variables of its environment.
    """

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    ports: Ports = field(default_factory=free_server_ports)
    _process: ProcessIdentity | None = None

    @property
    def address(self) -> ServerAddress:
        return ServerAddress(LOOPBACK, self.ports.http, self.ports.grpc)

    @property
    def process(self) -> ProcessIdentity:
        """That of the last start."""
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> None:
        """Starts it, and waits until it is ready."""
        self.begin()
        self.wait_until_ready()

    def begin(self) -> None:
        """Starts it, and returns at once."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        environment = {**server_environment(self.data_dir, self.ports), **self.settings}
        self._process = start(server_binary(), self.ports, environment, self.data_dir / LOG_FILE)

    def wait_until_ready(self) -> None:
        """Waits until it answers."""
        assert wait_until_ready(self.process, self.ports), last_lines(self.data_dir / LOG_FILE)

    def kill(self) -> None:
        """Ends it on the spot: what it had not written down is gone. One that has ended is no trouble."""
        if self.process.is_alive():  # By now its number may be another's.
            os.kill(self.process.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)


@contextmanager
def run_server(data_dir: Path, **settings: str) -> Iterator[ServerAddress]:
    """A server with these variables in its environment, stopped at the end; its data stay."""
    server = StoppableServer(data_dir, settings)
    try:
        server.start()
        yield server.address
    finally:
        server.stop()
