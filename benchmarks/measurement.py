"""What one run of something measured gave, and the server that it was run against."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from weaviate import WeaviateClient

from weaviate_migration.target.server import ServerAddress

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measurement:
    """One run: wall-clock seconds, and what else it told of itself; events of Dagster are counted by type.

    `reference_seconds` are those of what it is compared with, measured right after it on the very same data;
    `latencies` are the seconds from commits until their changes were in Weaviate.
    """

    seconds: float
    reference_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    events: Mapping[str, int] = field(default_factory=dict)
    latencies: Sequence[float] = ()


@dataclass(frozen=True)
class Server:
    """The benchmark's own server: nobody else has anything in it."""

    address: ServerAddress
    client: WeaviateClient

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


class MeasuredCommandError(RuntimeError):
    """What was to be measured failed: there is no figure then."""


def python_command(module: str, *arguments: object) -> list[str]:
    """The command line that runs a module with this Python."""
    return [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]


def start_command(command: Sequence[str]) -> subprocess.Popen[str]:
    """Starts a command in an environment without the settings of the person who measures."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "DAGSTER_HOME" and not name.startswith("WEAVIATE_MIGRATION_")
    }
    return subprocess.Popen(
        command, cwd=ROOT, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def timed_command(command: Sequence[str]) -> tuple[float, str]:
    """Seconds from the start of the process to its end, and its standard output.

    Raises:
        MeasuredCommandError: it failed.
    """
    began = time.monotonic()
    output = output_of(start_command(command))
    return time.monotonic() - began, output


def output_of(process: subprocess.Popen[str]) -> str:
    """Waits for a started command, and gives its standard output.

    Raises:
        MeasuredCommandError: it failed.
    """
    output, errors = process.communicate()
    if process.returncode != 0:
        command = " ".join(map(str, process.args))
        raise MeasuredCommandError(f"{command}\nended with {process.returncode}:\n{output}{errors}"[-8000:])
    return output
