"""What is reached from where this process runs: a worker may be on another machine than the command that asks it.

The command leaves a sign in its state and in its storage. A worker that does not find it there has others.
"""

import platform
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial

from upath import UPath

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import MigrationError, StateNotUsableError, StorageError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.target.probes import check_usable
from weaviate_migration.target.weaviate_url import EmbeddedTarget, configured_target
from weaviate_migration.work_folder.checklist import ChecklistItem
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.state_store import FILE_NAME, StateStore
from weaviate_migration.work_folder.storage import read_text, refuse_closed, remove, storage_root, try_out, write_whole

# For each thing that is looked at; they are looked at side by side.
SECONDS = 20.0
_KIND, _ANSWER = "sign", "answer"
_REMEDIES: Mapping[str, str] = {
    "state": "Give workers the work folder under the same path, or the state a server with --state-url.",
    "storage": "Give workers the same folder, or name a storage that all reach with --storage.",
    "server": "Name a server that is reached from there with --weaviate-url, and give workers its key.",
}


@dataclass(frozen=True)
class Reached:
    """A thing that was looked at.

    Attributes:
        thing: `state`, `storage` or `server`.
        where: it is.
        problem: why it cannot be used; '' where it can.
    """

    thing: str
    where: str
    problem: str = ""

    @property
    def told(self) -> str:
        """Where it is and what is wrong with it; what is said of servers names them."""
        return self.problem if self.where in self.problem else f"{self.where}: {self.problem}"


@contextmanager
def signs(work_folder: WorkFolder, token: str) -> Iterator[None]:
    """What workers look for is in the state and in the storage while the context lives.

    Args:
        token: nobody else has it.

    Raises:
        ConfigurationError: the storage cannot be written to.
        StorageError: it cannot any more.
    """
    scratch = work_folder.ensure_scratch()
    refuse_closed(work_folder.files, scratch)
    _remove_signs(work_folder)  # Those of a command that was killed.
    try:
        work_folder.store.write(_KIND, token, "{}")
        write_whole(_sign(work_folder.files, token), token, scratch)
        yield
    finally:
        _remove_signs(work_folder)


def reached(config: MigrationConfig, token: str) -> list[Reached]:
    """Looks at what the steps of a migration need, each within seconds; nothing stays of it.

    Args:
        config: the settings, as this machine has them.
        token: of the signs that somebody has left.
    """
    work_dir, key = config.work_dir, config.weaviate_api_key
    looks = [
        _Look("state", config.state_url or str(work_dir / FILE_NAME), partial(_look_at_state, config, token)),
        _Look("storage", config.storage or str(work_dir), partial(_look_at_storage, config, token)),
    ]
    target = configured_target(config)
    if not isinstance(target, EmbeddedTarget):
        looks += [_Look("server", str(node), partial(check_usable, node, key)) for node in target.address.nodes]
    return [each.found() for each in looks]


def reach_items(host: str, found: Sequence[Reached], *, embedded: bool) -> Iterator[ChecklistItem]:
    """An item for each thing.

    Args:
        host: the machine from which it was looked.
        embedded: the server is of the machine of the command.
    """
    for thing, remedy in _REMEDIES.items():
        name, of_thing = f"worker reaches {thing}", [each for each in found if each.thing == thing]
        if thing == "server" and embedded:
            yield _embedded_item(name, host, remedy)
        elif problems := [each.told for each in of_thing if each.problem]:
            yield ChecklistItem(name, "failed", f"from {host}: {'; '.join(problems)}", remedy)
        else:
            yield ChecklistItem(name, "passed", f"from {host}: {', '.join(each.where for each in of_thing)}")


def _embedded_item(name: str, host: str, remedy: str) -> ChecklistItem:
    if host == platform.node():
        return ChecklistItem(name, "passed", f"from {host}: the embedded server is on this machine")
    return ChecklistItem(name, "failed", f"the embedded server is on {platform.node()}, the worker on {host}", remedy)


class _Look:
    """A look that is under way, in a thread that nobody has to wait for."""

    def __init__(self, thing: str, where: str, look: Callable[[], object]) -> None:
        self._thing, self._where, self._look = thing, where, look
        self._problem = f"no answer within {SECONDS:g} s"
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name=thing, daemon=True)
        self._thread.start()

    def found(self) -> Reached:
        """What came of it; waits for it, but not without end."""
        self._thread.join(SECONDS)
        return Reached(self._thing, self._where, self._problem)

    def _run(self) -> None:
        try:
            with bounded(SECONDS):
                self._look()
        except MigrationError as error:
            self._problem = error.message
        except Exception as error:  # Whatever a library says of it: it cannot be used from here.
            self._problem = f"{type(error).__name__}: {error}"
        else:
            self._problem = ""


def _look_at_state(config: MigrationConfig, token: str) -> None:
    """Raises StateNotUsableError where it is not the one that the command has."""
    if not config.state_url and not (config.work_dir / FILE_NAME).exists():
        raise StateNotUsableError("there is no such file")
    store = StateStore.of(config.work_dir, config.state_url)
    if store.read(_KIND, token) is None:
        raise StateNotUsableError("it is another one than the command's")
    store.write(_KIND, token, "{}", _ANSWER)


def _look_at_storage(config: MigrationConfig, token: str) -> None:
    """Raises StorageError where it is not the one that the command has, or cannot be written to."""
    root = storage_root(config.storage, config.work_dir)
    if read_text(_sign(root, token)) != token:
        raise StorageError("what the command has written there is not there")
    try_out(_sign(root, token, _ANSWER))


def _sign(root: UPath, token: str, kind: str = _KIND) -> UPath:
    return root / f".weaviate_migration_{kind}_{token}"


def _remove_signs(work_folder: WorkFolder) -> None:
    for token in {owner for owner, _ in work_folder.store.all(_KIND)}:
        for kind in (_KIND, _ANSWER):
            remove(_sign(work_folder.files, token, kind))
        work_folder.store.remove(_KIND, token)
