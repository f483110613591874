"""What one run of something measured gave, and the server that it was run against."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil
from weaviate import WeaviateClient

from weaviate_migration.base.settings import API_KEY_VARIABLE
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress, embedded_server

ROOT = Path(__file__).parent.parent
SERVER_FOLDER = "weaviate"


@dataclass(frozen=True)
class Measurement:
    """One run: wall-clock seconds, and what else it told of itself; events of Dagster are counted by type.

    `cpu_seconds` are those of all sides: of what was run, and of the server that it wrote to;
    `reference_seconds` are those of what it is compared with, measured right after it on the very same data;
    `rows` is how many of them it was about, where the figure is one for a row;
    `latencies` are the seconds from commits until their changes were in Weaviate, or those of single queries;
    `phases` are the seconds of each phase of a migration, `calls` how often it asked models for vectors;
    `share` is how much of what there is was found.
    """

    seconds: float
    cpu_seconds: float = 0.0
    reference_seconds: float = 0.0
    rows: int = 0
    peak_memory_mb: float = 0.0
    events: Mapping[str, int] = field(default_factory=dict)
    latencies: Sequence[float] = ()
    phases: Mapping[str, float] = field(default_factory=dict)
    calls: int = 0
    share: float = 0.0


@dataclass(frozen=True)
class Server:
    """The benchmark's own server: nobody else has anything in it."""

    address: ServerAddress
    client: WeaviateClient
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """What it has used of the CPU since it was started."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def options(self) -> Sequence[object]:
        """Those that name it on the command line."""
        url = f"http://{self.address.host}:{self.address.http_port}"
        return "--weaviate-url", url, "--grpc-port", self.address.grpc_port

    def clear(self) -> None:
        """Removes every alias and every collection."""
        for alias in self.client.alias.list_all():
            self.client.alias.delete(alias_name=alias)
        self.client.collections.delete_all()


@contextmanager
def own_server(folder: Path) -> Iterator[Server]:
    """A server that runs while the context lives, with its data in `folder/weaviate`; commands get its key."""
    with embedded_server(folder / SERVER_FOLDER) as address, connect(address, None) as client:
        os.environ[API_KEY_VARIABLE] = address.api_key or ""
        alive = (each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE)
        [process] = [each for each in alive if "weaviate" in each.name()]
        yield Server(address, client, process)


class Ended(NamedTuple):
    """What a command took, from the start of its process to its end, and its standard output."""

    seconds: float
    cpu_seconds: float
    output: str


class MeasuredCommandError(RuntimeError):
    """What was to be measured failed: there is no figure then."""


def python_command(module: str, *arguments: object) -> list[str]:
    """The command line that runs a module with this Python."""
    return [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]


def start_command(command: Sequence[str], checkout: Path = ROOT) -> subprocess.Popen[str]:
    """Starts a command in an environment without the settings of the person who measures, but with the server's key.

    Args:
        checkout: the version of this repository that it runs, and so do the processes that it starts.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == API_KEY_VARIABLE or (name != "DAGSTER_HOME" and not name.startswith("WEAVIATE_MIGRATION_"))
    }
    kept["PYTHONPATH"] = str(checkout)
    return subprocess.Popen(
        command, cwd=checkout, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def timed_command(command: Sequence[str], checkout: Path = ROOT, server: Server | None = None) -> Ended:
    """Runs a command.

    Args:
        checkout: as for `start_command`.
        server: has its CPU time counted with the command's.

    Raises:
        MeasuredCommandError: it failed.
    """
    began, cpu_before = time.monotonic(), cpu_seconds(server)
    output = output_of(start_command(command, checkout))
    return Ended(time.monotonic() - began, cpu_seconds(server) - cpu_before, output)


def cpu_seconds(server: Server | None) -> float:
    """So far: of this process, of the commands that have ended (with all that those waited for), and of a server."""
    return sum(os.times()[:4]) + (server.cpu_seconds if server else 0.0)


def output_of(process: subprocess.Popen[str]) -> str:
    """Waits for a started command, and gives its standard output.

    Raises:
        MeasuredCommandError: it failed.
    """
    output, errors = process.communicate()
    if process.returncode != 0:
        told = f"{process.args!r}\nended with {process.returncode}:\n{output}{errors}"
        raise MeasuredCommandError(told[-8000:])
    return output
