"""The process that those of a run's steps are forks of: one for each run."""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Any

# What Python's own code calls, all of it methods of the one server that the module makes as it is imported.
_FACES = ("ensure_running", "get_inherited_fds", "connect_to_new_process", "set_forkserver_preload")


@contextmanager
def own_step_processes() -> Iterator[None]:
    """Lets a run fork its steps from a process of its own, which ends with the run.

    Such a process keeps the environment of the moment in which it was started: one that an earlier run has started, or
    somebody else in this process, does not have the key that this run hands on there.
    """
    # Python has no public way to have a second one, or to end one.
    module: Any = forkserver
    own = module.ForkServer()
    others = {name: getattr(module, name) for name in _FACES}
    _replace(module, {name: getattr(own, name) for name in _FACES})
    try:
        yield
    finally:
        _replace(module, others)
        own._stop()


def _replace(module: Any, functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        setattr(module, name, function)
