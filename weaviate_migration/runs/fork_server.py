"""The process that those of a run's steps are forks of: one for each run."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, spawn
from typing import Any

# What Python's own code calls, all of it methods of the one server that the module makes as it is imported.
_FACES = ("ensure_running", "get_inherited_fds", "connect_to_new_process", "set_forkserver_preload")
# What tells a new process to run the program that was started, up to its `if __name__ == "__main__"`.
_PROGRAM = ("init_main_from_name", "init_main_from_path")


@contextmanager
def own_step_processes() -> Iterator[None]:
    """Lets a run fork its steps from a process of its own, which ends with the run.

    Such a process keeps the environment of the moment in which it was started: one that an earlier run has started, or
    somebody else in this process, does not have the key that this run hands on there.

    Steps need nothing of the program that calls: in a short script, without `if __name__ == "__main__"`, each of them
    would begin a migration of its own. Processes that other threads start meanwhile have it as ever.
    """
    # Python has no public way to have a second one, or to end one, or to leave the program out.
    faces: Any = forkserver
    own = faces.ForkServer()
    server = {name: getattr(faces, name) for name in _FACES}
    prepare = spawn.get_preparation_data
    _replace(faces, {name: getattr(own, name) for name in _FACES})
    _replace(spawn, {"get_preparation_data": _without_program(prepare, threading.get_ident())})
    try:
        yield
    finally:
        _replace(spawn, {"get_preparation_data": prepare})
        _replace(faces, server)
        own._stop()


def _without_program(prepare: Callable[[str], dict[str, Any]], thread: int) -> Callable[[str], dict[str, Any]]:
    """What a new process is told, without the program, where this thread starts it."""

    def prepared(name: str) -> dict[str, Any]:
        told = prepare(name)
        left_out = _PROGRAM if threading.get_ident() == thread else ()
        return {key: value for key, value in told.items() if key not in left_out}

    return prepared


def _replace(module: Any, functions: dict[str, Any]) -> None:
    for name, function in functions.items():
        setattr(module, name, function)
