"""The command line as a person uses it: in a process of its own, or, where that would add nothing, in this one."""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import psutil
import pytest
from weaviate import WeaviateClient

import weaviate_migration
from weaviate_migration.cli import main
from weaviate_migration.target.server import ServerAddress

SECONDS = 540
# What a process does before it becomes the command.
# Where root runs the tests, files' modes shall hold all the same: gives up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
# for good (24 is PR_CAPBSET_DROP). As another user it could not read the files of root's own Python.
WITHOUT_RIGHTS = """
import ctypes, os
if os.getuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):
        assert libc.prctl(24, capability, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
"""
LARGEST_FILE = 20_000_000
WITH_FILE_LIMIT = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({LARGEST_FILE}, {LARGEST_FILE}))
"""
_BECOME = "\nimport os, sys; os.execv(sys.argv[1], sys.argv[1:])"
_PROGRAM = "weaviate-migration"
# On a busy machine what is waited for is told, too.
_PROGRESS = re.compile(r"(DEBUG|INFO) |WARNING (\w+: )?waiting for |Phases: |[\w ]+: [\d,]+ of [\d,]+ rows")


class Ended(NamedTuple):
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.stdout)

    @property
    def complaint(self) -> list[str]:
        """The lines on standard error that are no progress: what is wrong, and what to do."""
        return [line for line in self.stderr.splitlines() if line and not _PROGRESS.match(line)]


def run_here(*arguments: object) -> Ended:
    """Runs a command in this process, which saves the seconds of a start."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with patch.object(sys, "argv", [_PROGRAM, *map(str, arguments)]), redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            main()
        except SystemExit as end:
            return Ended(int(end.code or 0), stdout.getvalue(), stderr.getvalue())
    raise AssertionError("main always ends the process")


def run_encoded(encoding: str, *arguments: object) -> Ended:
    """Runs a command in this process, whose standard streams take this encoding only, and no other character."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2)]
    with (
        patch.object(sys, "argv", [_PROGRAM, *map(str, arguments)]),
        redirect_stdout(streams[0]),
        redirect_stderr(streams[1]),
        pytest.raises(SystemExit) as end,
    ):
        main()
    written = [stream.buffer.getvalue() for stream in streams if isinstance(stream.buffer, io.BytesIO)]
    stdout, stderr = (each.decode(encoding) for each in written)
    return Ended(int(end.value.code or 0), stdout, stderr)


def run_command(*arguments: object, before: str = "", **environment: str) -> Ended:
    """Runs a command in a process of its own.

    Args:
        before: what the process does first, as Python.
    """
    words = command(*arguments)
    ended = subprocess.run(
        [sys.executable, "-c", before + _BECOME, *words] if before else words,
        env=child_environment(environment),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@contextmanager
def started(*arguments: object, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs beside the test; killed at the latest at the end."""
    with subprocess.Popen(
        command(*arguments),
        env=child_environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def end_of(process: "subprocess.Popen[str]") -> Ended:
    """Waits for a started command."""
    stdout, stderr = process.communicate(timeout=SECONDS)
    return Ended(process.returncode, stdout, stderr)


def until(condition: Callable[[], bool], seconds: float = SECONDS, pause: float = 0.02) -> None:
    """Asks again and again: for what another process does there is nothing to wait on.

    Args:
        pause: seconds between two questions; more for those that cost something.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(pause)


def has_open(pid: int, path: Path) -> bool:
    """Whether a process has opened this file."""
    return str(path) in (each.path for each in psutil.Process(pid).open_files())


def command(*arguments: object) -> list[str]:
    """The words of a command that this Python runs."""
    return [sys.executable, "-m", weaviate_migration.__name__, *map(str, arguments)]


def child_environment(changes: dict[str, str]) -> dict[str, str]:
    repository = Path(weaviate_migration.__file__).parents[1]
    return {**os.environ, "PYTHONPATH": str(repository), **changes}


def at(server: ServerAddress) -> Sequence[object]:
    """The options that name a server."""
    return "--weaviate-url", f"http://{server.host}:{server.http_port}", "--grpc-port", server.grpc_port


def on(options: Sequence[object], more: Sequence[object]) -> list[object]:
    """The options with more of them. Where those name a server it takes the place of the first: two are a cluster."""
    if (named := "--weaviate-url") not in more:
        return [*options, *more]
    place = options.index(named)
    return [*options[:place], *options[place + 2 :], *more]


def holdings(client: WeaviateClient) -> tuple[list[str], dict[str, str]]:
    """What a server holds: its collections, and where each alias points."""
    aliases = {name: alias.collection for name, alias in client.alias.list_all().items()}
    return sorted(client.collections.list_all()), aliases


def empty(client: WeaviateClient) -> None:
    """Removes all aliases and collections of a server."""
    for name in client.alias.list_all():
        client.alias.delete(alias_name=name)
    client.collections.delete_all()
