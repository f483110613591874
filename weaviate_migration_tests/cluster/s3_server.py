"""A server that speaks S3: moto's, in a process of its own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
from fsspec import get_filesystem_class

from weaviate_migration.target.server_process import LOOPBACK
from weaviate_migration_tests.cluster.program import Program, leave_out_if_unwanted
from weaviate_migration_tests.live.free_ports import free_port

_numbers = count(1)


@dataclass(frozen=True)
class S3Server:
    """The server; it keeps all in memory, so that one that is started again holds nothing."""

    program: Program
    port: int

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client's process needs to find it and to be let in; any key is."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def new_bucket(self) -> str:
        """Makes one that holds nothing, and returns it as fsspec writes it: `s3://…`.

        fsspec forgets the servers of other tests: it would go on with the first, whatever the environment says by now.
        """
        get_filesystem_class("s3").clear_instance_cache()
        name = f"bucket-{os.getpid()}-{next(_numbers)}"
        httpx.put(f"{self.endpoint}/{name}", timeout=30, trust_env=False).raise_for_status()
        return f"s3://{name}"

    def start(self) -> None:
        """Starts it, also again, and waits until it answers."""
        self.program.start(self._answers)

    def kill(self) -> None:
        """Ends it on the spot, with what it holds."""
        self.program.kill()

    def _answers(self) -> bool:
        try:
            return httpx.get(self.endpoint, timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False


@contextmanager
def run_s3(folder: Path) -> Iterator[S3Server]:
    """An S3 server with its log in this folder, ended with the context."""
    leave_out_if_unwanted()
    port = free_port()
    words = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    program = Program(words, folder / "s3.log", {"PATH": os.environ["PATH"], "MOTO_S3_CUSTOM_ENDPOINTS": ""})
    server = S3Server(program, port)
    try:
        server.start()
        yield server
    finally:
        program.stop()
