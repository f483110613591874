"""One Weaviate server process on this machine: starts it, waits until it answers, stops it.

weaviate-client's embedded mode would start it too, but into our standard output, inside our process group (where Ctrl-C
kills it), with 30 s to come up, and under a node name made from its port, so that its data is lost with the port.
"""

import os
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel

from weaviate_migration.base.errors import ServerNotUsableError
from weaviate_migration.base.permissions import FILE

LOOPBACK = "127.0.0.1"
NODE = "node1"
"""Data belongs to the node of this name: it must be the same at each start on a folder."""
_KEY_USER = "weaviate-migration"
READY_SECONDS = 120.0
"""It takes 2.5 s on two cores; a slow machine, or a folder with much data, takes longer."""
STOP_SECONDS = 30.0
"""For the server to flush what it holds in memory; it is killed after that, and recovers from its logs."""
POLL_SECONDS = 0.05
PASSED_ON = ("HOME", "LANG", "PATH", "TMPDIR", "GOMAXPROCS", "GOMEMLIMIT", "GODEBUG")
"""All that the server gets of our environment, which may configure another Weaviate, or hold secrets."""


class ProcessIdentity(BaseModel, frozen=True):
    """A process, told from another that is given the same number later."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """The identity of a process that runs.

        Raises:
            psutil.NoSuchProcess: it does not.
        """
        return cls(pid=pid, created=psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        """Whether it still runs. Clock corrections move times of creation a little; a zombie has ended."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.created) < 2
            return is_same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:  # gone, or now another user's
            return False


class Ports(BaseModel, frozen=True):
    """The ports one server listens on, each of the cluster's two with the next one.

    On one machine Weaviate expects its data port to be `gossip` + 1, and that of its RAFT calls to be `raft` + 1;
    with any other it finds no leader and is never ready.
    """

    http: int
    grpc: int
    gossip: int
    raft: int

    def in_use(self) -> bool:
        """Whether one of them is taken."""
        return not all(_is_free(port) for port in (*self.model_dump().values(), self.gossip + 1, self.raft + 1))


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports() -> Ports:
    """Ports that are free now; all are held until the last one is found, so that none comes twice.

    Raises:
        ServerNotUsableError: there are none.
    """
    try:
        with ExitStack() as held:
            http, grpc = _hold_port(held, 0), _hold_port(held, 0)
            gossip, raft = _hold_pair(held), _hold_pair(held)
    except OSError as error:
        raise ServerNotUsableError(
            f"no free port on {LOOPBACK} for an embedded Weaviate ({error})",
            "Stop programs that hold ports, or name a running server with --weaviate-url.",
        ) from error
    return Ports(http=http, grpc=grpc, gossip=gossip, raft=raft)


def _hold_port(held: ExitStack, port: int) -> int:
    """Binds the port, or with 0 any free one, until `held` is closed."""
    listener = held.enter_context(closing(socket.socket()))
    listener.bind((LOOPBACK, port))
    return int(listener.getsockname()[1])


def _hold_pair(held: ExitStack) -> int:
    """Binds two neighbours and returns the first; one without a free neighbour stays held, and is not tried twice."""
    while True:
        first = _hold_port(held, 0)
        with suppress(OSError, OverflowError):
            _hold_port(held, first + 1)
            return first


def server_environment(data_dir: Path, ports: Ports) -> dict[str, str]:
    """The environment that makes a server of one node out of the binary.

    Everything listens on the loopback address, but for gRPC and the cluster's data port: Weaviate 1.39 binds these to
    all addresses and has no setting for it.
    """
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "PERSISTENCE_DATA_PATH": str(data_dir),
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
        "AUTOSCHEMA_ENABLED": "false",
        "DEFAULT_VECTORIZER_MODULE": "none",
        "ENABLE_MODULES": "",
        "API_BASED_MODULES_DISABLED": "true",
        "DISABLE_TELEMETRY": "true",
        "LOG_LEVEL": "warning",
        "GO_PROFILING_DISABLE": "true",
        "GRPC_PORT": str(ports.grpc),
        **_cluster_environment(ports),
    }


def key_environment(key: str) -> dict[str, str]:
    """Settings of a server that takes this key, and nobody without it.

    Its gRPC port, and the cluster's data port, listen on every interface: no setting of 1.39.0 binds them to the
    loopback. The second takes the key as a password.
    """
    return {
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": key,
        "AUTHENTICATION_APIKEY_USERS": _KEY_USER,
        "AUTHORIZATION_ADMINLIST_ENABLED": "true",
        "AUTHORIZATION_ADMINLIST_USERS": _KEY_USER,
        "CLUSTER_BASIC_AUTH_USERNAME": _KEY_USER,
        "CLUSTER_BASIC_AUTH_PASSWORD": key,
    }


def _cluster_environment(ports: Ports) -> dict[str, str]:
    """A cluster of one: with a join address that is not its own node and port it is never ready (503).

    It elects itself after a timeout, which the server multiplies by 5 for slow networks: one node waits for nobody.
    """
    return {
        "CLUSTER_HOSTNAME": NODE,
        "CLUSTER_IN_LOCALHOST": "true",
        "CLUSTER_BIND_ADDR": LOOPBACK,
        "CLUSTER_ADVERTISE_ADDR": LOOPBACK,
        "CLUSTER_GOSSIP_BIND_PORT": str(ports.gossip),
        "CLUSTER_DATA_BIND_PORT": str(ports.gossip + 1),
        "RAFT_PORT": str(ports.raft),
        "RAFT_INTERNAL_RPC_PORT": str(ports.raft + 1),
        "RAFT_JOIN": f"{NODE}:{ports.raft}",
        "RAFT_BOOTSTRAP_EXPECT": "1",
        "RAFT_TIMEOUTS_MULTIPLIER": "1",
    }


def start(binary: Path, ports: Ports, environment: Mapping[str, str], log: Path) -> ProcessIdentity:
    """Starts the server and returns at once.

    It gets a session of its own: Ctrl-C at the terminal goes to the whole group, and would end the server before the
    command has finished with it. `posix_spawn`, because a `Popen` warns when the server outlives it, as it may.

    Args:
        binary: what `server_binary` returned.
        ports: where it shall listen.
        environment: what `server_environment` returned.
        log: the file that its output goes to; overwritten.

    Raises:
        OSError: the binary cannot be run, or the log not be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    arguments = ["--scheme", "http", "--host", LOOPBACK, "--port", str(ports.http)]
    pid = os.posix_spawn(
        binary,
        [str(binary), *arguments, "--read-timeout=600s", "--write-timeout=600s"],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, FILE),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGTERM, signal.SIGPIPE],
    )
    return ProcessIdentity.of(pid)


def wait_until_ready(server: ProcessIdentity, ports: Ports, limit: float = READY_SECONDS) -> bool:
    """Waits until HTTP and gRPC both answer.

    Args:
        server: the process that was started; it may still be starting, or have ended.
        ports: where it listens.
        limit: seconds to wait.

    Returns:
        False when the process ended, or the time was over.
    """
    deadline = time.monotonic() + limit
    while server.is_alive() and time.monotonic() < deadline:
        if {ports.http, ports.grpc} <= _ports_of(server) and _http_is_ready(ports.http):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _ports_of(server: ProcessIdentity) -> set[int]:
    """Where this very process listens: on a port that was taken meanwhile, another program answers."""
    try:
        connections = psutil.Process(server.pid).net_connections("tcp")
    except psutil.Error:  # it has just ended
        return set()
    return {connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN}


def _http_is_ready(port: int) -> bool:
    with closing(HTTPConnection(LOOPBACK, port, timeout=5)) as connection:
        try:
            connection.request("GET", "/v1/.well-known/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False


def stop(server: ProcessIdentity) -> None:
    """Has the server flush and end, and waits for it; kills it when it takes longer than `STOP_SECONDS`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if server.is_alive():
            with suppress(ProcessLookupError):
                os.kill(server.pid, number)
            _wait_for_end(server)
    with suppress(ChildProcessError):  # not ours: its own parent, or init, takes its exit status
        os.waitpid(server.pid, os.WNOHANG)


def _wait_for_end(server: ProcessIdentity) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while server.is_alive() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def servers_of(data_dir: Path) -> list[ProcessIdentity]:
    """The servers that run on this folder, also those that nobody has on record.

    Finds what a command started that was killed before it could write down the process id.
    """
    return [
        ProcessIdentity(pid=process.pid, created=process.create_time())
        for process in psutil.process_iter()
        if _serves(process, data_dir)
    ]


def _serves(process: psutil.Process, data_dir: Path) -> bool:
    try:
        environment = process.environ()
    except (psutil.Error, OSError):
        return False  # somebody else's process, or one that has just ended
    is_server = environment.get("CLUSTER_HOSTNAME") == NODE
    return is_server and environment.get("PERSISTENCE_DATA_PATH") == str(data_dir)


def last_lines(log: Path, count: int = 8) -> str:
    """The end of the server's log, or a remark that there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(lines[-count:]) or "(the server wrote nothing)"
