"""toxiproxy, a proxy of TCP that makes trouble on demand: built from its Go module, started, and told what to do.

It stands between a command and a server: one way for HTTP, one for gRPC.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import httpx
from filelock import FileLock

from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.server_binary import binary_folder
from weaviate_migration.target.server_process import LOOPBACK
from weaviate_migration_tests.live.command_line import until
from weaviate_migration_tests.live.forwarder import OTHER_LOOPBACK
from weaviate_migration_tests.live.free_ports import free_port

VERSION = "v2.12.0"
_MODULE = f"github.com/Shopify/toxiproxy/v2/cmd/server@{VERSION}"
_BUILD_SECONDS = 540
_WAYS = ("http", "grpc")


@dataclass(frozen=True)
class Toxic:
    """One kind of trouble, as toxiproxy names it.

    Attributes:
        directions: `upstream` is to the server, `downstream` from it.
        toxicity: the share of connections that have it.
    """

    type: str
    attributes: dict[str, int] = field(default_factory=dict)
    directions: tuple[Literal["upstream", "downstream"], ...] = ("downstream",)
    toxicity: float = 1.0


@dataclass(frozen=True)
class ToxicWay:
    """The ways to one server, through a toxiproxy that runs; whoever has its address can make trouble on them.

    Attributes:
        api: the URL at which toxiproxy takes orders.
        server: where the server itself answers.
        address: where it answers by way of toxiproxy.
    """

    api: str
    server: ServerAddress
    address: ServerAddress

    def add(self, toxic: Toxic) -> None:
        """Makes this trouble on both ways, on connections that are open too, until `restore`."""
        for way in _WAYS:
            for direction in toxic.directions:
                self._tell(
                    "POST",
                    f"/proxies/{way}/toxics",
                    {
                        "type": toxic.type,
                        "stream": direction,
                        "toxicity": toxic.toxicity,
                        "attributes": toxic.attributes,
                    },
                )

    def close(self) -> None:
        """Ends all connections, and takes no new ones until `restore`."""
        for way in _WAYS:
            self._tell("PATCH", f"/proxies/{way}", {"enabled": False})

    def restore(self) -> None:
        """Makes both ways what they are without any trouble; what was held up for good is closed."""
        self._tell("POST", "/reset", {})

    def _tell(self, method: str, path: str, order: dict[str, Any]) -> None:
        httpx.request(method, f"{self.api}{path}", json=order, timeout=30, trust_env=False).raise_for_status()


@contextmanager
def run_toxiproxy(server: ServerAddress, log: Path) -> Iterator[ToxicWay]:
    """The ways to a server through a toxiproxy of their own, which ends with the context.

    They are on another loopback address than connections begin at: where nobody listens any more, a connection could
    otherwise find itself.
    """
    port = free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [_binary(), "-host", LOOPBACK, "-port", str(port)],
            stdout=output,
            stderr=output,
            env={"PATH": os.environ["PATH"], "LOG_LEVEL": "error"},
        )
    try:
        api = f"http://{LOOPBACK}:{port}"
        until(lambda: process.poll() is not None or _answers(api))
        assert process.poll() is None, log.read_text()
        http = _opened(api, "http", f"{server.host}:{server.http_port}")
        grpc = _opened(api, "grpc", f"{server.host}:{server.grpc_port}")
        yield ToxicWay(api, server, ServerAddress(OTHER_LOOPBACK, http, grpc))
    finally:
        process.kill()
        process.wait()


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"{api}/version", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _opened(api: str, name: str, upstream: str) -> int:
    """Opens a way to this address; returns the port at which it begins."""
    wanted = {"name": name, "listen": f"{OTHER_LOOPBACK}:0", "upstream": upstream}
    opened = httpx.post(f"{api}/proxies", json=wanted, timeout=30, trust_env=False).raise_for_status()
    return int(opened.json()["listen"].rpartition(":")[2])


def _binary() -> Path:
    """toxiproxy's binary, beside those of Weaviate; built when it is not there yet, by one process at a time."""
    binary = binary_folder() / f"toxiproxy-{VERSION}"
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(binary.with_suffix(".lock")):
            if not binary.exists():
                _build(binary)
    return binary


def _build(binary: Path) -> None:
    """Raises AssertionError where that cannot be done here: without it nothing is known of the network between."""
    assert shutil.which("go"), f"toxiproxy is built with Go, which is not on PATH; or put its release at {binary}"
    with TemporaryDirectory(dir=binary.parent) as folder:
        built = subprocess.run(
            ["go", "install", _MODULE],
            env={**os.environ, "GOBIN": folder, "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        assert built.returncode == 0, built.stderr
        (Path(folder) / "server").replace(binary)
