"""Commands that no server waits for: the demo's migration and `server` start their own, `--help` needs none."""

import re
import signal
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.foretold import foretold_seconds
from benchmarks.measurement import MeasuredCommandError, Measurement, python_command, start_command, timed_command
from weaviate_migration.demo.sqlite_file import write_demo_file

_READY = re.compile(r"is ready at \S+ after ([\d.]+) s")


def demo_file(folder: Path) -> Path:
    """The demo's file, made when it is first asked for."""
    path = folder / "demo.sqlite"
    if not path.exists():
        write_demo_file(path)
    return path


def measure_demo(source: Path, folder: Path, checkout: Path) -> Measurement:
    """`migrate` of that file into an embedded server: from the start of the process until the server is stopped."""
    with TemporaryDirectory(dir=folder) as work_dir:
        options = ("--sqlite-url", source, "--work-dir", work_dir)
        ended = timed_command(python_command("weaviate_migration", "migrate", *options), checkout)
        return Measurement(ended.seconds, ended.cpu_seconds)


def measure_foretold_demo(source: Path, folder: Path, checkout: Path) -> Measurement:
    """The same, compared with the time that `preflight` has foretold."""
    with TemporaryDirectory(dir=folder) as work_dir:
        options = ("--json", "--sqlite-url", source, "--work-dir", work_dir)
        foretold = foretold_seconds(python_command("weaviate_migration", "preflight", *options), checkout)
    return replace(measure_demo(source, folder, checkout), reference_seconds=foretold)


def measure_start(folder: Path, checkout: Path, *, again: bool = False) -> Measurement:
    """The seconds until an embedded server is ready, as `server` says them: on a new folder, or once more on it."""
    with TemporaryDirectory(dir=folder) as work_dir:
        if again:
            _seconds_until_ready(work_dir, checkout)
        return Measurement(_seconds_until_ready(work_dir, checkout))


def measure_help(checkout: Path) -> Measurement:
    """`--help` of the whole program."""
    ended = timed_command(python_command("weaviate_migration", "--help"), checkout)
    return Measurement(ended.seconds, ended.cpu_seconds)


def _seconds_until_ready(work_dir: str, checkout: Path) -> float:
    command = python_command("weaviate_migration", "server", "--work-dir", work_dir)
    with start_command(command, checkout) as process:
        assert process.stdout is not None
        process.stdout.readline()  # Its address is printed when it is ready.
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    found = _READY.search(errors)
    if found is None:
        raise MeasuredCommandError(f"{' '.join(command)}\ndid not say when its server was ready:\n{errors}")
    return float(found[1])
