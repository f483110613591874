"""A real server that takes one key, and nobody without."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weaviate_migration.target.server import LOG_FILE, ServerAddress
from weaviate_migration.target.server_binary import server_binary
from weaviate_migration.target.server_process import (
    LOOPBACK,
    free_ports,
    server_environment,
    start,
    stop,
    wait_until_ready,
)

KEY = "a-key-that-stays-secret"


@contextmanager
def run_locked_server(data_dir: Path) -> Iterator[ServerAddress]:
    ports = free_ports()
    environment = {
        **server_environment(data_dir, ports),
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": KEY,
        "AUTHENTICATION_APIKEY_USERS": "someone",
    }
    process = start(server_binary(), ports, environment, data_dir / LOG_FILE)
    try:
        assert wait_until_ready(process, ports)
        yield ServerAddress(LOOPBACK, ports.http, ports.grpc)
    finally:
        stop(process)
