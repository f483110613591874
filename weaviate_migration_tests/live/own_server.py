"""A real server that is set up otherwise than the one of the whole run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weaviate_migration.target.server import LOG_FILE, ServerAddress
from weaviate_migration.target.server_binary import server_binary
from weaviate_migration.target.server_process import (
    LOOPBACK,
    ProcessIdentity,
    free_ports,
    server_environment,
    start,
    stop,
    wait_until_ready,
)


class StoppableServer:
    """A real server that can be stopped, and started again at the same address with the same data."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._data_dir = data_dir
        self._ports = free_ports()
        self._process: ProcessIdentity | None = None
        self.address = ServerAddress(LOOPBACK, self._ports.http, self._ports.grpc)

    def start(self) -> None:
        environment = server_environment(self._data_dir, self._ports)
        self._process = start(server_binary(), self._ports, environment, self._data_dir / LOG_FILE)
        assert wait_until_ready(self._process, self._ports)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)


@contextmanager
def run_server(data_dir: Path, **settings: str) -> Iterator[ServerAddress]:
    """A server with these variables in its environment, stopped at the end; its data stay."""
    data_dir.mkdir(parents=True, exist_ok=True)
    ports = free_ports()
    process = start(server_binary(), ports, {**server_environment(data_dir, ports), **settings}, data_dir / LOG_FILE)
    try:
        assert wait_until_ready(process, ports)
        yield ServerAddress(LOOPBACK, ports.http, ports.grpc)
    finally:
        stop(process)
