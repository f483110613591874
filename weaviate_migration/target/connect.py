"""Connects to a Weaviate server: the one that was named, or an embedded one; says what is wrong when that fails.

The client's own checks are left out: they ask PyPI for newer clients, and their messages name no remedy.
"""

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import grpc
import httpx
import weaviate
from tenacity import retry_if_exception_type
from weaviate.classes.init import AdditionalConfig, Auth, GrpcConfig, Timeout
from weaviate.connect import ConnectionParams

from weaviate_migration.base.deadline import bounded, seconds_left
from weaviate_migration.base.errors import (
    ConfigurationError,
    ServerNotUsableError,
    TargetError,
    TransientTargetError,
    UnusableAnswerError,
)
from weaviate_migration.base.redaction import secret_kept
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.target.answer_limits import LARGEST_PAGE_BYTES, LEAST_SECONDS, limited_client
from weaviate_migration.target.calls import bound_calls, tells
from weaviate_migration.target.failures import PASSING_STATUSES, call_may_pass, target_errors
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.repeats import NO_REPEATS, RepeatLimits, repeating
from weaviate_migration.target.server import ServerAddress, embedded_server, running_server
from weaviate_migration.target.server_binary import Say, say_on_stderr

MINIMUM_VERSION = (1, 32)
"""Collections are switched to by aliases, which no server before 1.32 has."""
IPV6 = 6
HTTP_PORTS = {"http": 80, "https": 443}
GRPC_PORTS = {"http": 50051, "https": 443}
# What `1.39.0` and `1.40.0-rc.0-3f2a9c1` are; whatever else stands there may be of any length.
_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})[-+.\w]{0,60}", re.ASCII)
FORBIDDEN_QUESTION = (403, 404, 405, 422)
CHECK_SECONDS = 10
"""For each question that is asked before the client connects."""
UNPACKED = (("grpc.compression_enabled_algorithms_bitset", 1), ("grpc.per_message_decompression", 0))
"""gRPC asks for packed messages, and unpacks any number of bytes before it looks at its limit (1.5 GB, measured)."""
_BROKEN_OFF = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.TimeoutException)
"""Of these another try may make good; where nobody listens, the address may be wrong."""
DIRECT = ("grpc.enable_http_proxy", 0)
"""The client sends HTTP without a proxy; gRPC would take one from the environment, even to this machine."""
KEEPALIVE_SECONDS = 30
"""A connection on which nothing comes for so long, while an answer is awaited, is asked whether it is still there. A
firewall or a load balancer may forget one without a word; each repeated call would take it again, for a quarter of an
hour (measured: gRPC makes no new connection while it takes the old one for whole)."""
KEEPALIVE_ANSWER_SECONDS = 60
"""It is given up where that is not answered. On a slow way the question waits behind the data that are being sent."""


@dataclass(frozen=True)
class EmbeddedTarget:
    """A server of our own; `data_dir` is None for the work folder's."""

    data_dir: Path | None

    def data_folder(self, work_dir: Path) -> Path:
        """Where its data are, for this work folder."""
        return self.data_dir or work_dir / "weaviate"


@dataclass(frozen=True)
class RemoteTarget:
    """A server that runs already."""

    address: ServerAddress


def configured_target(config: MigrationConfig) -> EmbeddedTarget | RemoteTarget:
    """The server that the settings name; raises what `parse_weaviate_url` does."""
    return parse_weaviate_url(config.weaviate_url, config.grpc_port, config.grpc_host)


def parse_weaviate_url(url: str, grpc_port: int | None, grpc_host: str | None = None) -> EmbeddedTarget | RemoteTarget:
    """Reads `embedded`, `embedded:DIR` or `http(s)://host[:port]`.

    Args:
        url: what `--weaviate-url` says.
        grpc_port: what `--grpc-port` says; None for 50051, and for 443 with https.
        grpc_host: what `--grpc-host` says; None for the host of the URL, and for Weaviate Cloud the one beside it.

    Raises:
        ConfigurationError: it is none of these; the message leaves out what could be a secret.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "embedded":
        return _embedded_target(url, rest, grpc_port, grpc_host)
    if "@" in url:
        raise ConfigurationError(
            "the Weaviate URL holds a user name or a password", "Leave it out, and give the key with --api-key."
        )
    address = _address(url, _split(url), grpc_port, _host(grpc_host) if grpc_host is not None else "")
    if (address.host, address.http_port) == (_grpc_host(address), address.grpc_port):
        raise ConfigurationError(
            f"{url}: HTTP and gRPC cannot share port {address.http_port} of one host",
            "Name the gRPC port: --grpc-port, or another host: --grpc-host.",
        )
    return RemoteTarget(address)


def _embedded_target(url: str, folder: str, grpc_port: int | None, grpc_host: str | None) -> EmbeddedTarget:
    if grpc_port is not None:
        raise ConfigurationError("an embedded server chooses its own gRPC port", "Leave out --grpc-port.")
    if grpc_host is not None:
        raise ConfigurationError("an embedded server answers on this machine", "Leave out --grpc-host.")
    if not folder and url != "embedded":
        raise ConfigurationError(f"{url!r} names no folder", "Write embedded, or embedded:DIR.")
    return EmbeddedTarget(Path(folder).expanduser() if folder else None)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no port
    except ValueError as error:
        raise _no_url(url, str(error)) from error
    if parts.scheme not in HTTP_PORTS:
        raise _no_url(url, "it does not begin with http:// or https://")
    if not parts.hostname:
        raise _no_url(url, "it names no host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _no_url(url, "Weaviate has to be at the root of its host")
    return parts


def _no_url(url: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"{url!r} is not the address of a Weaviate server: {reason}",
        "Write embedded, embedded:DIR, or for example http://localhost:8080.",
    )


def _host(given: str) -> str:
    """The host that `--grpc-host` names, and nothing but that; an IPv6 address in brackets, as in a URL."""
    name = given.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        address = ip_address(name)
        return f"[{address}]" if address.version == IPV6 else str(address)
    if re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", given):
        return given.lower()
    raise ConfigurationError(
        "--grpc-host has to be the name or the address of a host, and nothing else",
        "Write for example --grpc-host grpc.example.org, and its port with --grpc-port.",
    )


def _address(url: str, parts: SplitResult, grpc_port: int | None, grpc_host: str) -> ServerAddress:
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    http_port = HTTP_PORTS[parts.scheme] if parts.port is None else parts.port
    grpc_port = GRPC_PORTS[parts.scheme] if grpc_port is None else grpc_port
    if not (0 < http_port < 65536 and 0 < grpc_port < 65536):
        raise _no_url(url, "ports go from 1 to 65535")
    return ServerAddress(host, http_port, grpc_port, parts.scheme == "https", grpc_host)


def _grpc_host(address: ServerAddress) -> str:
    """Weaviate Cloud answers gRPC under a host name of its own, as the client's `connect_to_weaviate_cloud` has it."""
    if address.grpc_host:
        return address.grpc_host
    if address.host.endswith(".weaviate.network"):
        cluster, domain = address.host.split(".", 1)
        return f"{cluster}.grpc.{domain}"
    return f"grpc-{address.host}" if address.host.endswith(".weaviate.cloud") else address.host


@contextmanager
def open_weaviate(
    target: EmbeddedTarget | RemoteTarget,
    work_dir: Path,
    api_key: str | None,
    limits: RepeatLimits = NO_REPEATS,
    say: Say = say_on_stderr,
) -> Iterator[weaviate.WeaviateClient]:
    """A connected client, closed at the end; for an embedded target with the server, see `embedded_server`.

    Args:
        target: what `parse_weaviate_url` returned.
        work_dir: where an embedded server has its data folder, unless the target names one.
        api_key: for a server that wants one; an embedded one has its own.
        limits: how calls that fail for a passing reason are repeated.
        say: told what is being done with an embedded server.

    Raises:
        ServerNotUsableError: the server cannot be started, or be connected to.
    """
    with open_server(target, work_dir, say) as address, connected(target, address, api_key, limits) as client:
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
    target: EmbeddedTarget | RemoteTarget, address: ServerAddress, api_key: str | None, limits: RepeatLimits
) -> Iterator[weaviate.WeaviateClient]:
    """A client of the server that `open_server` gave, closed at the end; an embedded one is sent its own key."""
    key = api_key if isinstance(target, RemoteTarget) else None
    with secret_kept(key), connect(address, key, limits) as client:
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
    with connect(address, api_key, limits) as client:
        yield client


def connect(address: ServerAddress, api_key: str | None, limits: RepeatLimits = NO_REPEATS) -> weaviate.WeaviateClient:
    """A connected client, which the caller closes; its calls are bounded and repeated, see `calls.bound_calls`.

    Args:
        limits: how calls that fail for a passing reason are repeated, those of connecting too.

    Raises:
        ServerNotUsableError: unreachable, not ready, key refused, not Weaviate, too old, or gRPC unreachable.
        ConfigurationError: a key that cannot be sent.
    """
    may_pass = retry_if_exception_type(_NoAnswerError)
    client = repeating(limits, may_pass, tells(f"connecting to {address}"))(_connect, address, api_key)
    bound_calls(client, limits)
    return client


class _NoAnswerError(ServerNotUsableError):
    """No answer, or one that another answer may follow."""


def _connect(address: ServerAddress, api_key: str | None) -> weaviate.WeaviateClient:
    api_key = api_key or address.api_key
    headers = _authorization(api_key)
    _check_ready(address, headers)
    _check_version(address, _meta(address, headers))
    _check_grpc(address)
    client = _client(address, api_key)
    try:
        with target_errors(f"connecting to Weaviate at {address}"):
            client.connect()
    except TargetError as error:
        client.close()
        kind = _NoAnswerError if isinstance(error, TransientTargetError) else ServerNotUsableError
        raise kind(error.message, error.hint or "Try again.") from error
    return client


def _client(address: ServerAddress, api_key: str | None) -> weaviate.WeaviateClient:
    """A client that is not connected yet."""
    host = _grpc_host(address)
    client = weaviate.WeaviateClient(
        ConnectionParams.from_params(
            address.host, address.http_port, address.secure, host, address.grpc_port, address.secure
        ),
        auth_client_secret=Auth.api_key(api_key) if api_key else None,
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


def clock_ahead_seconds(address: ServerAddress) -> float | None:
    """How far the server's clock is ahead of this machine's, to about half a second: HTTP's date has whole seconds.

    None where the server does not tell the time.

    Raises:
        ServerNotUsableError: it does not answer.
    """
    asked = time.time()
    answer = _get(address, "/v1/.well-known/live", {})
    try:
        told = parsedate_to_datetime(answer.date or "").timestamp()
    except (ValueError, OverflowError):
        return None
    return told + 0.5 - (asked + time.time()) / 2


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


def _authorization(api_key: str | None) -> dict[str, str]:
    """The header with the key. One with a line break, say, is refused here: the HTTP library would quote it."""
    if not api_key:
        return {}
    if not re.fullmatch(r"[!-~]+", api_key):
        raise ConfigurationError(
            "the API key holds a character that cannot be sent (a blank, a line break, a letter beyond ASCII)",
            "Give --api-key the key alone.",
        )
    return {"Authorization": f"Bearer {api_key}"}


class _Answer(NamedTuple):
    """Status, body, and when it was made, as HTTP writes a date."""

    status: int
    body: bytes
    date: str | None


def _get(address: ServerAddress, path: str, headers: dict[str, str], body: bytes | None = None) -> _Answer:
    """An answer to GET or, with a body, to POST."""
    url = f"{'https' if address.secure else 'http'}://{address.host}:{address.http_port}{path}"
    try:
        with limited_client(address.secure, timeout=max(LEAST_SECONDS, seconds_left(CHECK_SECONDS))) as client:
            response = client.request("GET" if body is None else "POST", url, headers=headers, content=body)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise _unreachable(address, error) from error
    except UnusableAnswerError as error:
        raise ServerNotUsableError(error.message, error.hint) from error
    return _Answer(response.status_code, response.content, response.headers.get("Date"))


def _unreachable(address: ServerAddress, error: Exception) -> ServerNotUsableError:
    reason = str(error) or type(error).__name__
    hint = "Start it, or correct --weaviate-url; --weaviate-url embedded starts a server of your own."
    if _comes_from_tls(error):
        hint = "Does it speak https at all? Otherwise write http:// in --weaviate-url, or trust its certificate."
    elif address.http_port == HTTP_PORTS["http"]:
        hint = "Does --weaviate-url need a port? Weaviate's own is 8080."
    kind = _NoAnswerError if isinstance(error, _BROKEN_OFF) else ServerNotUsableError
    return kind(f"no Weaviate answers at {address}: {reason}", hint)


def _comes_from_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def answer(address: ServerAddress, path: str, api_key: str | None, body: bytes | None = None) -> bytes | None:
    """The body of one answer, of a server that need not be ready: without a client, and within seconds.

    Args:
        body: JSON to send; without any it is asked for with GET.

    Returns:
        None where the server is well and does not answer this question: its settings, or the key's rights, forbid it.

    Raises:
        ServerNotUsableError: no answer, or one that says that the server cannot be used.
    """
    content_type = {"Content-Type": "application/json"} if body is not None else {}
    headers = _authorization(api_key or address.api_key) | content_type
    status, answered, _ = _get(address, path, headers, body)
    if status in FORBIDDEN_QUESTION:
        return None
    if status != 200:
        raise ServerNotUsableError(f"Weaviate at {address} answers {path} with status {status}", "Look into its log.")
    return answered


def _check_ready(address: ServerAddress, headers: dict[str, str]) -> None:
    status = _get(address, "/v1/.well-known/ready", headers).status
    if status in (401, 403):
        raise _refused(address, status, headers)
    if status != 200:
        kind = _NoAnswerError if status in PASSING_STATUSES else ServerNotUsableError
        raise kind(
            f"the server at {address} is not a Weaviate that is ready (status {status})",
            "Wait until it has started, or correct --weaviate-url.",
        )


def _meta(address: ServerAddress, headers: dict[str, str]) -> bytes:
    status, body, _ = _get(address, "/v1/meta", headers)
    if status in (401, 403):
        raise _refused(address, status, headers)
    return body if status == 200 else b""


def _refused(address: ServerAddress, status: int, headers: dict[str, str]) -> ServerNotUsableError:
    if headers:
        return ServerNotUsableError(
            f"Weaviate at {address} refuses the API key (status {status})",
            "Give another with --api-key; or none, because a server without authentication refuses them all.",
        )
    return ServerNotUsableError(f"Weaviate at {address} wants an API key (status {status})", "Give it with --api-key.")


def _check_version(address: ServerAddress, meta: bytes) -> None:
    try:
        version = str(json.loads(meta)["version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        version = ""
    refuse_unusable_version(version, str(address))


def refuse_unusable_version(version: str, where: str) -> None:
    """Holds that a server is a Weaviate that this package can work with.

    Args:
        where: the server is, for the message.

    Raises:
        ServerNotUsableError: it is no Weaviate, or one that is too old.
    """
    numbers = _VERSION.fullmatch(version)
    if numbers is None:
        raise ServerNotUsableError(f"what answers at {where} is not Weaviate", "Correct --weaviate-url.")
    if (int(numbers[1]), int(numbers[2])) < MINIMUM_VERSION:
        raise ServerNotUsableError(
            f"Weaviate {version} at {where} is too old: it has no aliases",
            f"Upgrade it to {MINIMUM_VERSION[0]}.{MINIMUM_VERSION[1]} or newer.",
        )


def _check_grpc(address: ServerAddress) -> None:
    """Asks gRPC's standard health service; the client would only notice with its first query, after 15 s of retries."""
    target = f"{_grpc_host(address)}:{address.grpc_port}"
    options = [DIRECT]
    channel = (
        grpc.secure_channel(target, grpc.ssl_channel_credentials(), options)
        if address.secure
        else grpc.insecure_channel(target, options)
    )
    with channel:
        try:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=seconds_left(CHECK_SECONDS))
        except grpc.RpcError as error:
            kind = _NoAnswerError if call_may_pass(error) and _is_listened_to(address) else ServerNotUsableError
            raise kind(
                f"Weaviate answers at {address}, but its gRPC at {target} does not ({error.code().name})",
                "Publish that port, or name the right one with --grpc-port, and a host of its own with --grpc-host.",
            ) from error


def _is_listened_to(address: ServerAddress) -> bool:
    """Whether somebody may take connections at the address of gRPC, which has one code for all that is not there."""
    host = _grpc_host(address).removeprefix("[").removesuffix("]")
    try:
        socket.create_connection((host, address.grpc_port), seconds_left(CHECK_SECONDS)).close()
    except (ConnectionRefusedError, socket.gaierror):
        return False
    except OSError:  # Too slow, say, or no way there now.
        return True
    return True
