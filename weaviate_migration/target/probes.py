"""Asks a server without a client: before one connects, so that what is wrong is told with its remedy, and for metrics.

weaviate-client's own checks are left out: they ask PyPI for newer clients, and their messages name no remedy.
"""

import json
import re
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import grpc
import httpx

from weaviate_migration.base.deadline import seconds_left
from weaviate_migration.base.errors import ConfigurationError, ServerNotUsableError, UnusableAnswerError
from weaviate_migration.base.limited_http import LEAST_SECONDS
from weaviate_migration.target.answer_limits import limited_client
from weaviate_migration.target.failures import PASSING_STATUSES, call_may_pass
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.weaviate_url import HTTP_PORTS, grpc_host_of

MINIMUM_VERSION = (1, 32)
"""Collections are switched to by aliases, which no server before 1.32 has."""
# What `1.39.0` and `1.40.0-rc.0-3f2a9c1` are; whatever else stands there may be of any length.
_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})[-+.\w]{0,60}", re.ASCII)
FORBIDDEN_QUESTION = (403, 404, 405, 422)
CHECK_SECONDS = 10
"""For each question that is asked before the client connects."""
_BROKEN_OFF = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.TimeoutException)
"""Of these another try may make good; where nobody listens, the address may be wrong."""
DIRECT = ("grpc.enable_http_proxy", 0)
"""The client sends HTTP without a proxy; gRPC would take one from the environment, even to this machine."""


class NoAnswerError(ServerNotUsableError):
    """No answer, or one that another answer may follow."""


def check_usable(address: ServerAddress, api_key: str | None) -> None:
    """Asks whether this package can work with a server.

    Raises:
        NoAnswerError: no answer, or one that another answer may follow.
        ServerNotUsableError: unreachable, not ready, key refused, not Weaviate, too old, or gRPC unreachable.
        ConfigurationError: a key that cannot be sent.
    """
    headers = _authorization(api_key)
    _check_ready(address, headers)
    _check_version(address, _meta(address, headers))
    _check_grpc(address)


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
    kind = NoAnswerError if isinstance(error, _BROKEN_OFF) else ServerNotUsableError
    return kind(f"no Weaviate answers at {address}: {reason}", hint)


def _comes_from_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _check_ready(address: ServerAddress, headers: dict[str, str]) -> None:
    status = _get(address, "/v1/.well-known/ready", headers).status
    if status in (401, 403):
        raise _refused(address, status, headers)
    if status != 200:
        kind = NoAnswerError if status in PASSING_STATUSES else ServerNotUsableError
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


def _check_grpc(address: ServerAddress) -> None:
    """Asks gRPC's standard health service; the client would only notice with its first query, after 15 s of retries."""
    target = f"{grpc_host_of(address)}:{address.grpc_port}"
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
            kind = NoAnswerError if call_may_pass(error) and _is_listened_to(address) else ServerNotUsableError
            raise kind(
                f"Weaviate answers at {address}, but its gRPC at {target} does not ({error.code().name})",
                "Publish that port, or name the right one with --grpc-port, and a host of its own with --grpc-host.",
            ) from error


def _is_listened_to(address: ServerAddress) -> bool:
    """Whether somebody may take connections at the address of gRPC, which has one code for all that is not there."""
    host = grpc_host_of(address).removeprefix("[").removesuffix("]")
    try:
        socket.create_connection((host, address.grpc_port), seconds_left(CHECK_SECONDS)).close()
    except (ConnectionRefusedError, socket.gaierror):
        return False
    except OSError:  # Too slow, say, or no way there now.
        return True
    return True
