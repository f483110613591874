"""The embedded server: a real Weaviate that belongs to a data folder, shared by the commands that use the folder.

The folder remembers the server. Its users share a lock; the one that gets the lock alone at the end is the last, and
stops the server. So a command that starts a server stops it, one that finds a server running leaves it, and one that
goes first hands it over. A killed command holds no lock any more: the next one adopts its server.
"""

import fcntl
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import IO

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from weaviate_migration.base.atomic_file import replace_file, replacing
from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import ServerNotUsableError, StorageError
from weaviate_migration.base.permissions import FILE, close_to_others, is_open_to_others, make_folder, owner_only
from weaviate_migration.base.redaction import keep_secret, secret_kept
from weaviate_migration.target.server_binary import SERVER_VERSION, Say, say_on_stderr, server_binary
from weaviate_migration.target.server_process import (
    LOOPBACK,
    READY_SECONDS,
    STOP_SECONDS,
    Ports,
    ProcessIdentity,
    free_ports,
    key_environment,
    last_lines,
    server_environment,
    servers_of,
    start,
    stop,
    wait_until_ready,
)

STATE_FILE = "weaviate-migration-server.json"
LOCK_FILE = "weaviate-migration-server.lock"
"""Who starts, adopts or stops the server holds it."""
USERS_FILE = "weaviate-migration-server.users"
"""Who uses the server shares a lock on it."""
KEY_FILE = "weaviate-migration-server.key"
"""The API key that the server wants; only the folder's owner can read it."""
LOG_FILE = "server.log"
STARTS = 3
"""A port that was free may be taken before the server binds it; then other ports are tried."""
LOCK_SECONDS = 2 * (STARTS * READY_SECONDS + STOP_SECONDS)
"""Longer than another command can need for its start and its stop."""
END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class ServerAddress:
    """Where a Weaviate server answers; `grpc_host` is '' where that follows from the host.

    `api_key` is that of an embedded server; of another one the settings have it, or nobody. `others` are the other
    nodes of a cluster, which can be asked instead.
    """

    host: str
    http_port: int
    grpc_port: int
    secure: bool = False
    grpc_host: str = ""
    api_key: str = field(default="", repr=False)
    others: "tuple[ServerAddress, ...]" = field(default=(), repr=False)

    @property
    def nodes(self) -> "tuple[ServerAddress, ...]":
        """All nodes, each by itself, this one first."""
        return (replace(self, others=()), *self.others)

    def __str__(self) -> str:
        grpc = f"at {self.grpc_host}:{self.grpc_port}" if self.grpc_host else f"port {self.grpc_port}"
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.http_port} (gRPC {grpc})"


class FolderState(BaseModel, frozen=True):
    """What a data folder remembers: the version that wrote its data last, and the server that runs on it.

    Attributes:
        wants_key: whether that server wants the key in `KEY_FILE`: one that an earlier version started takes anybody.
    """

    version: str = SERVER_VERSION
    wants_key: bool = False
    server: ProcessIdentity | None = None
    ports: Ports | None = None

    def running(self) -> tuple[ProcessIdentity, Ports] | None:
        """The server and its ports, or None when it does not run."""
        if self.server is None or self.ports is None or not self.server.is_alive():
            return None
        return self.server, self.ports


@contextmanager
def embedded_server(data_dir: Path, say: Say = say_on_stderr) -> Iterator[ServerAddress]:
    """A server on this folder: the one that runs there, or else one that is started.

    It is stopped at the end, unless others use it still. SIGTERM and SIGHUP end the block as Ctrl-C does (in the main
    thread, and where nothing else handles them), so that the server is stopped then too.

    Args:
        data_dir: the server's data, its log and what is remembered about it; made when it is missing.
        say: told what is being done, and how long it takes.

    Yields:
        Where the server answers, over HTTP and gRPC.

    Raises:
        ServerNotUsableError: no binary, no free port, a folder that is not writable or of a newer version, or a server
            that does not come up: with the end of its log.
    """
    folder = _DataFolder(data_dir.expanduser().resolve(), say)
    with _ended_like_ctrl_c(), folder.used() as ports, secret_kept(folder.key()) as key:
        yield ServerAddress(LOOPBACK, ports.http, ports.grpc, api_key=key)


def running_server(data_dir: Path) -> ServerAddress | None:
    """Where the server on this folder answers; None where none runs. Nothing is started or made for it."""
    folder = _DataFolder(data_dir.expanduser().resolve(), say_on_stderr)
    if (running := folder.read().running()) is None:
        return None
    keep_secret(key := folder.key())
    return ServerAddress(LOOPBACK, running[1].http, running[1].grpc, api_key=key)


def key_file(data_dir: Path) -> Path:
    """The file with the API key of the server on this folder; it is made when a server is started."""
    return data_dir.expanduser().resolve() / KEY_FILE


def running_process(data_dir: Path) -> int | None:
    """The process id of the server on this folder; None where none runs. Nothing is started or made for it."""
    running = _DataFolder(data_dir.expanduser().resolve(), say_on_stderr).read().running()
    return running[0].pid if running else None


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Turns the signals that would end the process on the spot into what Ctrl-C does, which runs every `finally`.

    A handler that somebody has set stays: it ends the process in its own way. Python allows it in the main thread only.
    """
    is_main = threading.current_thread() is threading.main_thread()
    unhandled = [number for number in END_SIGNALS if is_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in unhandled:
        signal.signal(number, _like_ctrl_c)
    try:
        yield
    finally:
        for number in unhandled:
            signal.signal(number, signal.SIG_DFL)


def _like_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """Asks what Ctrl-C means at this moment: Dagster delays it while it records what a step did."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as for a command that a shell runs in the background
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


@dataclass(frozen=True)
class _DataFolder:
    """A data folder, where starting, adopting and stopping happens one at a time."""

    path: Path
    say: Say

    def key(self) -> str:
        """The key that the server which runs wants; '' for none."""
        return (self.path / KEY_FILE).read_text(encoding="ascii") if self.read().wants_key else ""

    @contextmanager
    def used(self) -> Iterator[Ports]:
        """The ports of a server that is ready, and that runs as long as the block."""
        binary = server_binary(self.say)
        with Endings() as at_end:
            try:
                self._ensure()
                users = at_end.enter_context(open(self.path / USERS_FILE, "a", opener=owner_only))  # noqa: SIM115
                at_end.callback(self._leave, users)
                ports = self._enter(users, binary)
            except OSError as error:
                raise ServerNotUsableError(
                    f"an embedded Weaviate cannot use the data folder {self.path}: {error.strerror or error}",
                    "Name a folder that can be written: --weaviate-url embedded:DIR.",
                ) from error
            yield ports

    def _ensure(self) -> None:
        """Makes the folder, for its owner alone; one that an earlier version made for others too is closed."""
        make_folder(self.path)
        if is_open_to_others(self.path) and (self.path / STATE_FILE).exists():
            close_to_others(self.path)

    def _enter(self, users: IO[str], binary: Path) -> Ports:
        """Shares the users' lock before anything is started, and returns the ports of a server that is ready."""
        with self._lock():
            fcntl.flock(users, fcntl.LOCK_SH)
            state = self.read()
            self._check_version(state.version)
            return self._use(state) or self._start(state, binary)

    def _leave(self, users: IO[str]) -> None:
        """Stops the server when nobody else uses it."""
        with self._lock():
            if _is_alone(users):
                stopped = self._stop(self.read())
                with suppress(StorageError):  # Who reads what it was sees that the process is gone.
                    self._write(stopped)

    def _check_version(self, version: str) -> None:
        if _numbers(version) > _numbers(SERVER_VERSION):
            raise ServerNotUsableError(
                f"the data folder {self.path} was last used by Weaviate {version}, which is newer than "
                f"{SERVER_VERSION}: an older server could damage it",
                "Use another data folder (--weaviate-url embedded:DIR), or a newer weaviate-migration.",
            )

    def _use(self, state: FolderState) -> Ports | None:
        """The ports of the server that runs already, perhaps still starting because its starter was killed."""
        running = state.running()
        if running is None:
            return None
        server, ports = running
        if not wait_until_ready(server, ports):
            self.say(f"the Weaviate server that runs on {self.path} does not answer; starting another one")
            return None
        self.say(f"using the Weaviate {state.version} that runs on {self.path}, at http://{LOOPBACK}:{ports.http}")
        return ports

    def _start(self, state: FolderState, binary: Path) -> Ports:
        """Starts a server and waits for it; with other ports when one of them was taken meanwhile."""
        self._stop_leftovers()
        self.say(f"starting Weaviate {SERVER_VERSION} on {self.path} (3 s, more on a slow machine or with much data)")
        for _ in range(STARTS):
            started, ports = time.monotonic(), free_ports()
            server = self._spawn(binary, ports)
            found = {"version": SERVER_VERSION, "wants_key": True, "server": server, "ports": ports}
            self._write(state.model_copy(update=found))
            if wait_until_ready(server, ports):
                self.say(
                    f"Weaviate is ready at http://{LOOPBACK}:{ports.http} after {time.monotonic() - started:.1f} s"
                )
                return ports
            stop(server)
            if not ports.in_use():
                break
        raise ServerNotUsableError(
            f"an embedded Weaviate did not come up on {self.path}; its log {self.path / LOG_FILE} ends with:\n"
            f"{last_lines(self.path / LOG_FILE)}",
            "Use another data folder (--weaviate-url embedded:DIR), or a running server (--weaviate-url http://…).",
        )

    def _spawn(self, binary: Path, ports: Ports) -> ProcessIdentity:
        environment = {**server_environment(self.path, ports), **key_environment(self._own_key())}
        try:
            return start(binary, ports, environment, self.path / LOG_FILE)
        except OSError as error:
            raise ServerNotUsableError(
                f"{binary} cannot be run: {error.strerror or error}",
                "Delete it, so that it is fetched again, or name a running server with --weaviate-url.",
            ) from error

    def _own_key(self) -> str:
        """The folder's own key, made with the first server and kept, so that programs which know it go on."""
        file = self.path / KEY_FILE
        if not file.is_file():
            with replacing(file) as draft:
                draft.write(secrets.token_urlsafe(32).encode())
        return file.read_text(encoding="ascii")

    def _stop_leftovers(self) -> None:
        """Stops what still holds the folder: a server that is not remembered, or that does not answer."""
        for server in servers_of(self.path):
            self.say(f"stopping a Weaviate server that was left behind on {self.path} (process {server.pid})")
            stop(server)

    def _stop(self, state: FolderState) -> FolderState:
        running = state.running()
        if running is not None:
            started = time.monotonic()
            stop(running[0])
            self.say(f"stopped the Weaviate server on {self.path} after {time.monotonic() - started:.1f} s")
        return FolderState(version=state.version)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        lock = FileLock(self.path / LOCK_FILE, mode=FILE)
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout:
            raise ServerNotUsableError(
                f"another command has been starting or stopping Weaviate on {self.path} for {LOCK_SECONDS:.0f} s",
                "End it, or use another data folder: --weaviate-url embedded:DIR.",
            ) from None
        try:
            yield
        finally:
            lock.release()

    def read(self) -> FolderState:
        """What the folder remembers; of a new folder, nothing."""
        file = self.path / STATE_FILE
        try:
            return FolderState.model_validate_json(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return FolderState()
        except ValidationError as error:
            raise ServerNotUsableError(f"{file} is damaged", "Delete it when no Weaviate server runs.") from error

    def _write(self, state: FolderState) -> None:
        replace_file(self.path / STATE_FILE, state.model_dump_json(indent=2))


def _is_alone(users: IO[str]) -> bool:
    """Whether nobody else shares the lock. Asking gives up the own share, so that one of two gets it alone."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
