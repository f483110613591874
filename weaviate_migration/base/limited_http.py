"""Limits for what a server answers over HTTP: in bytes and in time, whatever it sends.

httpx limits neither: an answer without end fills the memory, and one that brings a byte a second never ends, since its
timeout begins anew with each byte. So both are counted where bytes come in, at the socket: headers, interim answers and
what frames a body count, too. Nothing is unpacked, since a few bytes can be made to unpack to any number. No redirect
is followed, since it would carry the key elsewhere.
"""

import math
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from weaviate_migration.base.errors import MigrationError
from weaviate_migration.base.texts import size_text
from weaviate_migration.base.waiting import LOOK_SECONDS, Wait

LARGEST_HEAD_BYTES = 1024 * 1024
"""Of what comes before the body, and of an answer that tells of no success."""
PART_BYTES = 256
"""What a part of a body counts beside its bytes: it takes time and memory, and a body can be cut into single bytes."""
LEAST_BYTES_PER_SECOND = 50_000
"""What carries much has so much longer than a call may take: it is not cut off where it comes slowly, and is where it
trickles. A way that carries nothing any more is given up sooner, since its connection is asked whether it is still
there (`connect.KEEPALIVE_SECONDS`)."""
LEAST_SECONDS = 0.001
"""0 would be no time limit for a socket, but no waiting at all."""


@dataclass(frozen=True)
class AnswerLimits:
    """What the answers of one kind of server may be.

    Attributes:
        largest: how many bytes an answer may have, by the path that was asked.
        error: what is raised for one that is not read.
        hint: what to do about one that is too large.
    """

    largest: Callable[[str], int]
    error: type[MigrationError]
    hint: str


class _Call:
    """What one call has received, and what it may receive.

    Args:
        asked: method and URL, for messages.
        seconds: its limit; None for none.
        limits: of the server that is asked.

    Attributes:
        largest: bytes that it may receive.
    """

    def __init__(self, asked: str, seconds: float | None, limits: AnswerLimits) -> None:
        self.asked = asked
        self.largest = LARGEST_HEAD_BYTES
        self._limits = limits
        self._received = 0
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def note(self, size: int) -> None:
        """Counts what has come in.

        Raises:
            MigrationError: it is too much.
        """
        self._received += size
        if self._received > self.largest:
            raise self._limits.error(
                f"{self.asked} is answered with more than {size_text(self.largest)}, the most that is read",
                self._limits.hint,
            )

    def refuse_packed(self, answer: httpx.Response) -> None:
        """Holds that an answer has come as it was made.

        Raises:
            MigrationError: it is packed.
        """
        packed = answer.headers.get("Content-Encoding", "identity")
        if packed != "identity":
            raise self._limits.error(
                f"{self.asked} is answered packed, which was not asked for (Content-Encoding: {packed[:40]})",
                "Have what stands before the server send answers as they are.",
            )

    def seconds_left(self, at_most: float | None) -> float | None:
        """How long the next bytes may take.

        Raises:
            httpcore.ReadTimeout: the call has taken as long as it may.
        """
        if self._deadline is None:
            return at_most
        left = self._deadline + self._received / LEAST_BYTES_PER_SECOND - time.monotonic()
        if left < LEAST_SECONDS:
            raise httpcore.ReadTimeout(f"timed out: {size_text(self._received)} came in the time for one answer")
        return left if at_most is None else min(left, at_most)


_under_way: ContextVar[_Call] = ContextVar("_under_way")


class _CountedStream(httpcore.NetworkStream):
    """A connection that is read within the limits of the call that is under way."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = _under_way.get()
        data = self._awaited(max_bytes, call.seconds_left(timeout))
        call.note(len(data))
        return data

    def _awaited(self, max_bytes: int, timeout: float | None) -> bytes:
        """The next bytes; given up soon when the work is stopped."""
        wait = Wait()
        while True:
            left = math.inf if timeout is None else timeout - wait.seconds
            try:
                return self._stream.read(max_bytes, max(LEAST_SECONDS, min(left, LOOK_SECONDS)))
            except httpcore.ReadTimeout:
                if left <= LOOK_SECONDS or wait.is_given_up():
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _CountedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CountedNetwork(httpcore.SyncBackend):
    """Opens connections whose bytes are counted."""

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _CountedStream(super().connect_tcp(*args, **kwargs))


class LimitedTransport(httpx.HTTPTransport):
    """Sends requests of httpx, and gives only answers that are within the limits, each of them whole.

    Args:
        certificates: whom to trust; None where nothing is encrypted.
        limits: of the server that is asked.
        proxy: the URL of the one to go through, if any.
    """

    def __init__(self, certificates: ssl.SSLContext | None, limits: AnswerLimits, proxy: str | None = None) -> None:
        super().__init__(verify=certificates or False, trust_env=False)
        self._limits = limits
        # Private: httpx has no public way to what it sends through; httpcore has.
        self._pool = httpcore.ConnectionPool(
            ssl_context=certificates,
            proxy=httpcore.Proxy(proxy) if proxy else None,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_CountedNetwork(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The whole answer.

        Raises:
            MigrationError: it is larger than any that such a server gives, or packed (`AnswerLimits.error`).
            httpx.TransportError: none came, or none in time.
        """
        request.headers["Accept-Encoding"] = "identity"
        seconds = request.extensions.get("timeout", {}).get("read")
        asked = f"{request.method} {request.url.copy_with(query=None)}"
        with _limited(_Call(asked, seconds, self._limits)) as call:
            answer = super().handle_request(request)
            try:
                if answer.is_success:
                    call.largest = self._limits.largest(request.url.path)
                call.refuse_packed(answer)
                assert isinstance(answer.stream, Iterable)
                whole = _joined(answer.stream, call)
            finally:
                answer.close()
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(whole), extensions=answer.extensions
        )


@contextmanager
def _limited(call: _Call) -> Iterator[_Call]:
    token = _under_way.set(call)
    try:
        yield call
    finally:
        _under_way.reset(token)


def _joined(parts: Iterable[bytes], call: _Call) -> bytes:
    whole: list[bytes] = []
    for part in parts:
        call.note(PART_BYTES)
        whole.append(part)
    return b"".join(whole)


def limited_client(secure: bool, limits: AnswerLimits, proxy: str | None = None, **settings: Any) -> httpx.Client:
    """A client of httpx with these settings, which keeps to the limits, and asks no environment."""
    certificates = ssl.create_default_context() if secure else None
    transport = LimitedTransport(certificates, limits, proxy)
    return httpx.Client(transport=transport, trust_env=False, follow_redirects=False, **settings)
