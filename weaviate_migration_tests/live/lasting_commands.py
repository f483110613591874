"""Commands that run until they are stopped, and the pages that they serve."""

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from weaviate_migration_tests.live.command_line import SECONDS


@contextmanager
def lasting(
    command: list[str], cwd: Path, output: Path | None = None, **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs until Ctrl-C, with all that it starts.

    Args:
        output: a file for what it prints: a pipe that nobody reads would stop it when it is full.
    """
    with (
        output.open("w") if output else nullcontext(subprocess.PIPE) as printed,
        subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            stdout=printed,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=SECONDS)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def wait_for_page(url: str) -> str:
    """The page, once there is one."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                return str(page.read().decode())
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"nothing answers at {url}")
