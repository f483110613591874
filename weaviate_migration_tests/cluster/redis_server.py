"""Redis: what Celery hands its tasks through."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from weaviate_migration.target.server_process import LOOPBACK
from weaviate_migration_tests.cluster.program import Program, installed
from weaviate_migration_tests.live.free_ports import free_port


@dataclass(frozen=True)
class RedisServer:
    """A Redis that keeps nothing when it ends."""

    program: Program
    port: int

    def url(self, database: int = 0) -> str:
        """As Celery takes it; the server has sixteen databases, 0 to 15."""
        return f"redis://{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Starts it, also again, and waits until it answers."""
        self.program.start(self._answers)

    def kill(self) -> None:
        """Ends it on the spot."""
        self.program.kill()

    def empty(self) -> None:
        """Removes all that it holds."""
        with redis.Redis(LOOPBACK, self.port) as client:
            client.flushall()

    def _answers(self) -> bool:
        with redis.Redis(LOOPBACK, self.port) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@contextmanager
def run_redis(folder: Path) -> Iterator[RedisServer]:
    """A Redis with its log in this folder, ended with the context."""
    port = free_port()
    words = ["--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no"]
    binary = installed("redis-server", "redis-server")
    program = Program([str(binary), *words], folder / "redis.log", {"PATH": os.environ["PATH"]})
    server = RedisServer(program, port)
    try:
        server.start()
        yield server
    finally:
        program.stop()
