"""A command line that kills itself, as `kill -9` would, just before or after a function's n-th call.

python -m weaviate_migration_tests.live.killed_at before weaviate_migration.cutover:point_aliases 1 cutover …
"""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import weaviate_migration
from weaviate_migration_tests.live.command_line import SECONDS


def run_killed(moment: str, function: str, call: int, *arguments: object) -> int:
    """Runs a command in a process of its own that is killed at that moment; returns its exit code.

    Args:
        moment: `before` or `after`.
        function: `package.module:name`, or `package.module:Class.name`.
        call: which call of it, from 1.
    """
    repository = Path(weaviate_migration.__file__).parents[1]
    words = [sys.executable, "-m", __name__, moment, function, str(call), *map(str, arguments)]
    ended = subprocess.run(
        words,
        env={**os.environ, "PYTHONPATH": str(repository)},
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    return ended.returncode


def _deadly(function: Callable[..., Any], moment: str, call: int) -> Callable[..., Any]:
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return counted


def _main() -> None:
    from weaviate_migration.cli import main

    _, moment, place, call, *arguments = sys.argv
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    setattr(owner, name, _deadly(getattr(owner, name), moment, int(call)))
    sys.argv = ["weaviate-migration", *arguments]
    main()


if __name__ == "__main__":
    _main()
