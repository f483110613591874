"""The embedded server: a real Weaviate that belongs to a data folder, shared by the commands that use the folder.

The folder remembers the server and who uses it, in the order in which they came; the first that is alive is the owner.
The last to go stops the server: so a command that starts one stops it, one that finds one running leaves it, an owner
that goes first hands it over, and a server whose owner was killed is adopted by the next command.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from uuid import uuid4

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.errors import ServerNotUsableError
from weaviate_migration.target.server_binary import SERVER_VERSION, Say, say_on_stderr, server_binary
from weaviate_migration.target.server_process import (
    LOOPBACK,
    READY_SECONDS,
    STOP_SECONDS,
    Ports,
    ProcessIdentity,
    free_ports,
    last_lines,
    server_environment,
    servers_of,
    start,
    stop,
    wait_until_ready,
)

STATE_FILE = "weaviate-migration-server.json"
LOCK_FILE = "weaviate-migration-server.lock"
LOG_FILE = "server.log"
STARTS = 3
"""A port that was free may be taken before the server binds it; then other ports are tried."""
LOCK_SECONDS = 2 * (STARTS * READY_SECONDS + STOP_SECONDS)
"""Longer than another command can need for its start and its stop."""
END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class ServerAddress:
    """Where a Weaviate server answers."""

    host: str
    http_port: int
    grpc_port: int
    secure: bool = False

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.http_port} (gRPC port {self.grpc_port})"


class User(BaseModel, frozen=True):
    """One use of the server; a process may have several."""

    process: ProcessIdentity
    token: str


class FolderState(BaseModel, frozen=True):
    """What a data folder remembers: the version that wrote its data last, the server that runs on it, and its users."""

    version: str = SERVER_VERSION
    server: ProcessIdentity | None = None
    ports: Ports | None = None
    users: tuple[User, ...] = ()

    def running(self) -> tuple[ProcessIdentity, Ports] | None:
        """The server and its ports, or None when it does not run."""
        if self.server is None or self.ports is None or not self.server.is_alive():
            return None
        return self.server, self.ports

    def with_user(self, user: User) -> "FolderState":
        """With one more user, and without those who are dead."""
        alive = (other for other in self.users if other.process.is_alive())
        return self.model_copy(update={"users": (*alive, user)})

    def without_user(self, user: User) -> "FolderState":
        """Without this user and without those who are dead."""
        others = (other for other in self.users if other != user and other.process.is_alive())
        return self.model_copy(update={"users": tuple(others)})


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
    user = User(process=ProcessIdentity.of(os.getpid()), token=uuid4().hex)
    with _ended_like_ctrl_c():
        try:
            ports = folder.enter(user)
            yield ServerAddress(LOOPBACK, ports.http, ports.grpc)
        finally:
            folder.leave(user)


def running_server(data_dir: Path) -> ServerAddress | None:
    """Where the server on this folder answers; None where none runs. Nothing is started or made for it."""
    running = _DataFolder(data_dir.expanduser().resolve(), say_on_stderr).read().running()
    return ServerAddress(LOOPBACK, running[1].http, running[1].grpc) if running else None


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

    def enter(self, user: User) -> Ports:
        """Registers the user, before anything is started for it, and returns the ports of a server that is ready."""
        binary = server_binary(self.say)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with self._lock():
                state = self.read().with_user(user)
                self._check_version(state.version)
                self._write(state)
                return self._use(state) or self._start(state, binary)
        except OSError as error:
            raise ServerNotUsableError(
                f"an embedded Weaviate cannot use the data folder {self.path}: {error.strerror or error}",
                "Name a folder that can be written: --weaviate-url embedded:DIR.",
            ) from error

    def leave(self, user: User) -> None:
        """Takes the user off, and stops the server when nobody is left; nothing for a user who never got in."""
        if user not in self.read().users:
            return
        with self._lock():
            state = self.read().without_user(user)
            if not state.users:
                state = self._stop(state)
            self._write(state)

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
            self._write(state.model_copy(update={"version": SERVER_VERSION, "server": server, "ports": ports}))
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
        try:
            return start(binary, ports, server_environment(self.path, ports), self.path / LOG_FILE)
        except OSError as error:
            raise ServerNotUsableError(
                f"{binary} cannot be run: {error.strerror or error}",
                "Delete it, so that it is fetched again, or name a running server with --weaviate-url.",
            ) from error

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
        return state.model_copy(update={"server": None, "ports": None})

    @contextmanager
    def _lock(self) -> Iterator[None]:
        lock = FileLock(self.path / LOCK_FILE)
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


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
