"""The process that those of a run's steps are forks of: one for each run."""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Any


@contextmanager
def own_step_processes() -> Iterator[None]:
    """Ends the process that steps were forked from, if the run has started one.

    It has the environment of the moment in which it was started. The next run may have another key, handed on there.
    """
    server: Any = forkserver._forkserver  # Python has no public way to end it.
    was_running = server._forkserver_pid is not None
    try:
        yield
    finally:
        # Somebody else's was there before, and may have children that it waits for.
        if not was_running:
            server._stop()
