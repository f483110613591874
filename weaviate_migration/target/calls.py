"""The calls of a client: each ends in time, and what is safe to repeat is repeated.

By itself weaviate-client tries again with waits of its own, which nothing ends (15 s before a write fails, 63 s before
a read does, measured on 4.24.1), and only where nobody answers; over REST it tries nothing again. So its calls go
through ours: one transport for REST, one wrapper for each call of gRPC.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import grpc
import httpx
from tenacity import RetryCallState, retry_if_exception, retry_if_exception_type, retry_if_result
from weaviate import WeaviateClient
from weaviate.exceptions import WeaviateRetryError

from weaviate_migration.base.deadline import seconds_left
from weaviate_migration.base.errors import MigrationError, TargetConnectionError, TargetError, TransientTargetError
from weaviate_migration.base.limited_http import LEAST_BYTES_PER_SECOND, LEAST_SECONDS
from weaviate_migration.base.repeats import NO_REPEATS, RepeatLimits, repeating
from weaviate_migration.base.settings import QUORUM, ConsistencyLevel
from weaviate_migration.base.waiting import LOOK_SECONDS, Wait, told_if_long
from weaviate_migration.target.answer_limits import PAGES
from weaviate_migration.target.failures import call_may_pass, response_may_pass, target_errors, tells_of_gone_node
from weaviate_migration.target.nodes import Node, Nodes

logger = logging.getLogger(__name__)

CALL_SECONDS = 120
"""For one call of the client; its own 30 s for a query are too few for a full page on a busy server."""
QUESTION_SECONDS = 30
"""For what the server is asked about itself over REST: schema, aliases, nodes. Nothing of that takes long."""
SECONDS_OF_ONE_NODE = 10
"""For schema and aliases, where another node can be asked: one that asks the leader in the moment in which that is
killed is never answered, and so never answers (measured on 1.39.0)."""
SEND_SECONDS = 10
"""For a connection to be made, and for each part of a request to be sent."""

# Asking again is harmless: what was removed is gone. Objects are written by batches, which are repeated as such
# (`write.py`), since a reply with errors acknowledges none of them.
_REPEATED_GRPC = {"Search", "Aggregate", "TenantsGet", "BatchDelete"}
# By HTTP's own rules. A POST makes something: see `make_once`.
_REPEATED_METHODS = {"GET", "HEAD", "PUT", "DELETE"}
# But for those that only ask.
_ASKING_POSTS = ("/tokenize",)
# What can take as long as objects do.
_OBJECTS = (PAGES, "/v1/batch")


_carried: ContextVar[int] = ContextVar("carried", default=0)


@contextmanager
def carrying(size: int) -> Iterator[None]:
    """Gives the calls of the block the time that so many bytes may take on a slow way, in either direction."""
    token = _carried.set(size)
    try:
        yield
    finally:
        _carried.reset(token)


def _seconds_for_call() -> float:
    return seconds_left(CALL_SECONDS + _carried.get() / LEAST_BYTES_PER_SECOND)


def bound_calls(
    client: WeaviateClient, limits: RepeatLimits, nodes: Nodes | None = None, level: ConsistencyLevel = QUORUM
) -> None:
    """Makes all calls of a connected client bounded and repeated; one that is so already has these limits from now on.

    It takes private parts: those of the client's connection that send, and the transports of its HTTP client.

    Args:
        nodes: that calls go to where the client's own is gone; None: there is no other.
        level: see `replicas.open_collection`.
    """
    connection: Any = client._connection
    rest, stub = connection._client, connection._grpc_stub
    rest._transport = BoundedTransport.around(rest._transport, limits, nodes, level)
    rest._mounts = {pattern: each and BoundedTransport.around(each, limits) for pattern, each in rest._mounts.items()}
    calls = {name: BoundedCall.around(name, each, limits, nodes) for name, each in vars(stub).items()}
    connection._grpc_stub = SimpleNamespace(**calls)


def repeats_of(client: WeaviateClient) -> RepeatLimits:
    """How the calls of this client are repeated; those of a client that is not bound, not at all."""
    transport = _transport_of(client)
    return transport.limits if isinstance(transport, BoundedTransport) else NO_REPEATS


def level_of(client: WeaviateClient) -> ConsistencyLevel:
    """How many replicas have to take part in what this client asks of objects."""
    transport = _transport_of(client)
    return transport.level if isinstance(transport, BoundedTransport) else QUORUM


def _transport_of(client: WeaviateClient) -> httpx.BaseTransport:
    connection: Any = client._connection
    transport: httpx.BaseTransport = connection._client._transport
    return transport


def make_once(client: WeaviateClient, doing: str, make: Callable[[], object], is_there: Callable[[], bool]) -> None:
    """Makes something by a call that must not be repeated blindly: the server may have done it, and the answer be lost.

    Where the call fails, it is first looked whether what it makes is there.

    Args:
        doing: as for `target_errors`, whose errors it raises.
    """

    failures: list[TargetError] = []

    def failure() -> TargetError | None:
        """Why it was not made; a failed look is raised, since it was repeated already."""
        try:
            with target_errors(doing):
                make()
        except TargetError as error:
            failures.append(error)
            may_be_there = len(failures) > 1 or isinstance(error, TransientTargetError)
            return None if may_be_there and is_there() else error
        return None

    may_pass = retry_if_result(lambda failed: isinstance(failed, TransientTargetError))
    if (failed := repeating(repeats_of(client), may_pass, tells(doing))(failure)) is not None:
        raise failed


class BoundedTransport(httpx.BaseTransport):
    """Sends a request, and reads its answer whole, so that one that breaks off is asked for again.

    Args:
        inner: sends it to the client's own node.
        nodes, level: as `bound_calls` takes them.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        limits: RepeatLimits,
        nodes: Nodes | None = None,
        level: ConsistencyLevel = QUORUM,
    ) -> None:
        self.inner = inner
        self.limits = limits
        self.level = level
        self._nodes = nodes

    @classmethod
    def around(
        cls,
        inner: httpx.BaseTransport,
        limits: RepeatLimits,
        nodes: Nodes | None = None,
        level: ConsistencyLevel = QUORUM,
    ) -> "BoundedTransport":
        """Around a transport, or in the place of another one of ours."""
        return cls(inner.inner if isinstance(inner, cls) else inner, limits, nodes, level)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, with all of its body.

        Raises:
            httpx.TransportError: there is none, or none in time.
        """
        if not _is_repeated(request):
            return self._answer(request)
        may_pass = retry_if_exception_type(httpx.TransportError) | retry_if_result(response_may_pass)
        return repeating(self.limits, may_pass, tells(_named(request)))(self._answer, request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        """The answer of the client's own node, or of another one where that is gone."""
        if self._nodes is None:
            return self._answer_of(None, request)

        def is_gone(error: Exception) -> bool:
            return isinstance(error, httpx.TransportError)

        again = _is_repeated(request)
        return self._nodes.ask(lambda node: self._answer_of(node, request), is_gone, again=again)

    def _answer_of(self, node: Node | None, request: httpx.Request) -> httpx.Response:
        inner = self.inner
        if node is not None:
            inner, request = node.rest, node.readdressed(request)
        limit = max(LEAST_SECONDS, self._seconds_for(request))
        short = min(SEND_SECONDS, limit)
        request.extensions["timeout"] = {"connect": short, "write": short, "pool": short, "read": limit}
        began = time.monotonic()
        with told_if_long(f"Weaviate to answer {_named(request)}", limit):
            answer = inner.handle_request(request)
            with closing(answer):
                answer.read()
        answer.elapsed = timedelta(seconds=time.monotonic() - began)  # httpx knows it only of one that it reads itself.
        return answer

    def _seconds_for(self, request: httpx.Request) -> float:
        is_about_objects = request.url.path.startswith(_OBJECTS)
        if self._nodes is not None and self._nodes.has_others and not is_about_objects:
            return seconds_left(SECONDS_OF_ONE_NODE)
        is_question = request.method in ("GET", "HEAD") and not is_about_objects
        return seconds_left(QUESTION_SECONDS) if is_question else _seconds_for_call()

    def close(self) -> None:
        """Closes the connections."""
        self.inner.close()
        if self._nodes is not None:
            self._nodes.close()


def _is_repeated(request: httpx.Request) -> bool:
    return request.method in _REPEATED_METHODS or request.url.path.endswith(_ASKING_POSTS)


def _named(request: httpx.Request) -> str:
    return f"{request.method} {request.url.path}"


class BoundedCall:
    """One of the calls of Weaviate's gRPC interface.

    Args:
        name: of the call.
        inner: makes it to the client's own node.
        nodes: as `bound_calls` takes them.
    """

    def __init__(
        self, name: str, inner: grpc.UnaryUnaryMultiCallable, limits: RepeatLimits, nodes: Nodes | None = None
    ) -> None:
        self.inner = inner
        self._name = name
        self._nodes = nodes
        own_limits = limits if name in _REPEATED_GRPC else NO_REPEATS
        self._repeating = repeating(own_limits, retry_if_exception(call_may_pass), tells(name))

    @classmethod
    def around(cls, name: str, call: Any, limits: RepeatLimits, nodes: Nodes | None = None) -> Any:
        """Around a call, or in the place of another one of ours; a stream, which nobody here uses, stays as it is."""
        inner = call.inner if isinstance(call, cls) else call
        return cls(name, inner, limits, nodes) if isinstance(inner, grpc.UnaryUnaryMultiCallable) else inner

    def __call__(self, request: Any, metadata: Any = None, timeout: float | None = None) -> Any:  # noqa: ARG002
        """The reply.

        Args:
            timeout: how long the client would wait: it does not know of a deadline.

        Raises:
            grpc.RpcError: the call failed.
            WeaviateRetryError: nobody answers; upon the error of gRPC the client would begin with its own waits.
        """
        try:
            return self._repeating(self._reply, request, metadata)
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNAVAILABLE:
                raise WeaviateRetryError(str(error), 1) from error
            raise

    def _reply(self, request: Any, metadata: Any) -> Any:
        """The reply of the client's own node, or of another one where that is gone."""
        if self._nodes is None:
            return self._reply_of(None, request, metadata)
        again = self._name in _REPEATED_GRPC
        return self._nodes.ask(lambda node: self._reply_of(node, request, metadata), tells_of_gone_node, again=again)

    def _reply_of(self, node: Node | None, request: Any, metadata: Any) -> Any:
        inner = self.inner if node is None else node.call(self._name)
        limit = _seconds_for_call()
        under_way = inner.future(request, metadata=metadata, timeout=limit)
        try:
            return self._awaited(under_way, limit)
        except BaseException:
            under_way.cancel()
            raise

    def _awaited(self, under_way: grpc.Future, limit: float) -> Any:
        wait = Wait(limit)
        while not wait.is_given_up():
            with suppress(grpc.FutureTimeoutError):
                return under_way.result(LOOK_SECONDS)
            wait.tell_if_long(f"Weaviate to answer {self._name}")
        raise TargetConnectionError(f"Weaviate has not answered {self._name} for {wait.seconds:.0f} s")


def tells(what: str) -> Callable[[RetryCallState], None]:
    """What says that it is tried again, and why."""

    def tell(state: RetryCallState) -> None:
        outcome = state.outcome
        assert outcome is not None, "it was tried"
        why = _reason(outcome.exception() if outcome.failed else outcome.result())
        logger.warning("%s: tried again in %.1f s (%d): %s", what, state.upcoming_sleep, state.attempt_number, why)

    return tell


def _reason(failed: Any) -> str:
    """Why a call is made again: an error of gRPC, of HTTP or of ours, or an answer."""
    if isinstance(failed, grpc.Call):
        return f"{failed.code().name}: {failed.details()}"
    if isinstance(failed, httpx.Response):
        return f"status {failed.status_code}"
    if isinstance(failed, MigrationError):
        return failed.message
    return str(failed) or type(failed).__name__
