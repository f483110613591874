"""Connects to a Weaviate server: the one that was named, or an embedded one; each call of the client is bounded."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import weaviate
from tenacity import retry_if_exception_type
from weaviate.classes.init import AdditionalConfig, Auth, GrpcConfig, Timeout
from weaviate.connect import ConnectionParams

from weaviate_migration.base.deadline import bounded, seconds_left
from weaviate_migration.base.errors import ServerNotUsableError, TargetError, TransientTargetError
from weaviate_migration.base.limited_http import LEAST_SECONDS
from weaviate_migration.base.redaction import secret_kept
from weaviate_migration.base.repeats import NO_REPEATS, RepeatLimits, repeating
from weaviate_migration.base.settings import QUORUM, ConsistencyLevel
from weaviate_migration.target.answer_limits import LARGEST_PAGE_BYTES, limited_client
from weaviate_migration.target.calls import bound_calls, tells
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.module_headers import NO_HEADERS, module_headers
from weaviate_migration.target.nodes import Nodes
from weaviate_migration.target.probes import CHECK_SECONDS, DIRECT, NoAnswerError, check_usable
from weaviate_migration.target.server import ServerAddress, embedded_server, running_server
from weaviate_migration.target.server_binary import Say, say_on_stderr
from weaviate_migration.target.weaviate_url import EmbeddedTarget, RemoteTarget, grpc_host_of

logger = logging.getLogger(__name__)

UNPACKED = (("grpc.compression_enabled_algorithms_bitset", 1), ("grpc.per_message_decompression", 0))
"""gRPC asks for packed messages, and unpacks any number of bytes before it looks at its limit (1.5 GB, measured)."""
KEEPALIVE_SECONDS = 30
"""A connection on which nothing comes for so long, while an answer is awaited, is asked whether it is still there. A
firewall or a load balancer may forget one without a word; each repeated call would take it again, for a quarter of an
hour (measured: gRPC makes no new connection while it takes the old one for whole)."""
KEEPALIVE_ANSWER_SECONDS = 60
"""It is given up where that is not answered. On a slow way the question waits behind the data that are being sent."""


@contextmanager
def open_weaviate(
    target: EmbeddedTarget | RemoteTarget,
    work_dir: Path,
    api_key: str | None,
    limits: RepeatLimits = NO_REPEATS,
    say: Say = say_on_stderr,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Iterator[weaviate.WeaviateClient]:
    """A connected client, closed at the end; for an embedded target with the server, see `embedded_server`.

    Args:
        target: what `parse_weaviate_url` returned.
        work_dir: where an embedded server has its data folder, unless the target names one.
        api_key: for a server that wants one; an embedded one has its own.
        limits: how calls that fail for a passing reason are repeated.
        say: told what is being done with an embedded server.
        headers: what the server's modules need: for each header the variable of the environment that holds it.

    Raises:
        ServerNotUsableError: the server cannot be started, or be connected to.
    """
    with open_server(target, work_dir, say) as address, connected(target, address, api_key, limits, headers) as client:
        yield client


@contextmanager
def open_server(
    target: EmbeddedTarget | RemoteTarget, work_dir: Path, say: Say = say_on_stderr
) -> Iterator[ServerAddress]:
    """Where the server answers; an embedded one is held while the context lives."""
    if isinstance(target, RemoteTarget):
        yield target.address
    else:
        with embedded_server(target.data_folder(work_dir), say) as address:
            yield address


@contextmanager
def connected(
    target: EmbeddedTarget | RemoteTarget,
    address: ServerAddress,
    api_key: str | None,
    limits: RepeatLimits,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Iterator[weaviate.WeaviateClient]:
    """A client of the server that `open_server` gave, closed at the end; an embedded one is sent its own key.

    Args:
        headers: as `open_weaviate` takes them.
    """
    key = api_key if isinstance(target, RemoteTarget) else None
    with secret_kept(key), connect(address, key, limits, headers, target.level) as client:
        yield client


@contextmanager
def open_running_weaviate(
    target: EmbeddedTarget | RemoteTarget, work_dir: Path, api_key: str | None, limits: RepeatLimits
) -> Iterator[weaviate.WeaviateClient]:
    """As `open_weaviate`, of a server that runs: an embedded one is not started.

    Raises:
        ServerNotUsableError: none runs, or it cannot be connected to.
    """
    if isinstance(target, EmbeddedTarget):
        folder = target.data_folder(work_dir)
        if (address := running_server(folder)) is None:
            raise ServerNotUsableError(f"the embedded server on {folder} is not running")
        api_key = None
    else:
        address = target.address
    with connect(address, api_key, limits, level=target.level) as client:
        yield client


def connect(
    address: ServerAddress,
    api_key: str | None,
    limits: RepeatLimits = NO_REPEATS,
    headers: Mapping[str, str] = NO_HEADERS,
    level: ConsistencyLevel = QUORUM,
) -> weaviate.WeaviateClient:
    """A connected client, which the caller closes; its calls are bounded and repeated, see `calls.bound_calls`.

    Of a cluster it is connected to the first node that can be worked with; when that is gone, calls go to the next.

    Args:
        limits: how calls that fail for a passing reason are repeated, those of connecting too.
        headers: as `open_weaviate` takes them.
        level: see `replicas.open_collection`.

    Raises:
        ServerNotUsableError: unreachable, not ready, key refused, not Weaviate, too old, or gRPC unreachable.
        ConfigurationError: a key that cannot be sent.
    """
    may_pass, sent = retry_if_exception_type(NoAnswerError), module_headers(headers)

    def connect_to_any() -> tuple[ServerAddress, weaviate.WeaviateClient]:
        return _connect_to_any(address.nodes, api_key, sent)

    own, client = repeating(limits, may_pass, tells(f"connecting to {address}"))(connect_to_any)
    others = [each for each in address.nodes if each != own]
    nodes = Nodes(own, others, lambda at: check_usable(at, api_key), lambda at: _connect(at, api_key, sent))
    bound_calls(client, limits, nodes, level)
    return client


def _connect_to_any(
    nodes: Sequence[ServerAddress], api_key: str | None, headers: dict[str, str]
) -> tuple[ServerAddress, weaviate.WeaviateClient]:
    """A client of the first node that can be worked with; where none can, what is wrong with the very first."""
    refusals: list[ServerNotUsableError] = []
    for each in nodes:
        try:
            return each, _connect(each, api_key, headers)
        except ServerNotUsableError as error:
            refusals.append(error)
            if len(nodes) > 1:
                logger.warning("%s", error.message)
    raise refusals[0]


def _connect(address: ServerAddress, api_key: str | None, headers: dict[str, str]) -> weaviate.WeaviateClient:
    api_key = api_key or address.api_key
    check_usable(address, api_key)
    client = _client(address, api_key, headers)
    try:
        with target_errors(f"connecting to Weaviate at {address}"):
            client.connect()
    except TargetError as error:
        client.close()
        kind = NoAnswerError if isinstance(error, TransientTargetError) else ServerNotUsableError
        raise kind(error.message, error.hint or "Try again.") from error
    return client


def _client(address: ServerAddress, api_key: str | None, headers: dict[str, str]) -> weaviate.WeaviateClient:
    """A client that is not connected yet."""
    host = grpc_host_of(address)
    client = weaviate.WeaviateClient(
        ConnectionParams.from_params(
            address.host, address.http_port, address.secure, host, address.grpc_port, address.secure
        ),
        auth_client_secret=Auth.api_key(api_key) if api_key else None,
        additional_headers=headers or None,
        additional_config=AdditionalConfig(
            # While it connects; `bound_calls` has limits of its own.
            timeout=Timeout(init=CHECK_SECONDS, query=max(LEAST_SECONDS, seconds_left(CHECK_SECONDS))),
            grpc_config=GrpcConfig(channel_options=_channel_options()),
        ),
        skip_init_checks=True,
    )
    connection: Any = client._connection

    def with_limits(_: str) -> httpx.Client:
        return limited_client(address.secure, headers=connection._headers)

    open_grpc = connection.open_connection_grpc

    def with_largest_message(colour: str) -> None:
        told = connection._grpc_max_msg_size or MESSAGE_BYTES
        connection._grpc_max_msg_size = told if 0 < told <= LARGEST_PAGE_BYTES else LARGEST_PAGE_BYTES
        open_grpc(colour)

    # Private: the client has no public way to what it sends REST through, and limits no answer; of gRPC's messages it
    # takes any limit that the server says.
    connection._make_client = with_limits
    connection.open_connection_grpc = with_largest_message
    return client


def _channel_options() -> list[tuple[str, int]]:
    """Of the last two, older versions of gRPC take the first, and newer ones the second (measured with grpcio 1.78)."""
    return [
        DIRECT,
        *UNPACKED,
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_ANSWER_SECONDS * 1000),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_ANSWER_SECONDS * 1000),
    ]


def answers(client: weaviate.WeaviateClient) -> bool:
    """Whether the server is still there, within seconds; the client's own `is_live` would print where it is not."""
    try:
        with bounded(CHECK_SECONDS), target_errors("asking for the version"):
            client.get_meta()
    except TargetError:
        return False
    return True


@target_errors("asking for the server's version")
def server_version(client: weaviate.WeaviateClient) -> str:
    """Which Weaviate it is."""
    return str(client.get_meta()["version"])
