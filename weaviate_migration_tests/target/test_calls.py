"""How calls are repeated and bounded: real calls to real servers of this process, which fail as a network does."""

import io
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import httpx
import pytest
from weaviate.exceptions import WeaviateRetryError

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import TransientTargetError
from weaviate_migration.base.limited_http import LimitedTransport
from weaviate_migration.base.repeats import Repeats
from weaviate_migration.target.answer_limits import WEAVIATE_ANSWERS
from weaviate_migration.target.calls import CALL_SECONDS, BoundedCall, BoundedTransport

THRICE = Repeats(max_retries=3, retry_delay=0.0)
DIRECT = [("grpc.enable_http_proxy", 0)]


class Answers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Ends the first calls with these failures, and answers those that come after.

    Attributes:
        asked: the names of the calls.
    """

    def __init__(self) -> None:
        self.failures: list[Callable[[grpc.ServicerContext], None]] = []
        self.asked: list[str] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.asked.append(details.method.rpartition("/")[2])
            if self.failures:
                self.failures.pop(0)(context)
            return request

        return grpc.unary_unary_rpc_method_handler(answer)

    def fail(self, times: int, code: str, said: str = "said so", details: bytes = b"") -> None:
        def end(context: grpc.ServicerContext) -> None:
            if details:
                context.set_trailing_metadata([("grpc-status-details-bin", details)])
            context.abort(grpc.StatusCode[code], said)

        self.failures = [end] * times


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Answers, grpc.Channel]]:
    answers = Answers()
    server = grpc.server(ThreadPoolExecutor(2), handlers=[answers])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", DIRECT) as channel:
        yield answers, channel
    server.stop(None).wait()


@pytest.fixture
def answers(served: tuple[Answers, grpc.Channel]) -> Answers:
    served[0].failures, served[0].asked = [], []
    return served[0]


@pytest.fixture
def channel(served: tuple[Answers, grpc.Channel]) -> grpc.Channel:
    return served[1]


def call(channel: grpc.Channel, name: str, limits: Repeats = THRICE) -> BoundedCall:
    return BoundedCall(name, channel.unary_unary(f"/test/{name}"), limits)


@pytest.mark.parametrize("name", ["Search", "Aggregate", "TenantsGet", "BatchDelete"])
@pytest.mark.parametrize("code", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "RESOURCE_EXHAUSTED"])
def test_what_may_pass_is_asked_again(answers: Answers, channel: grpc.Channel, name: str, code: str) -> None:
    answers.fail(3, code)
    assert call(channel, name)(b"?") == b"?"
    assert answers.asked == [name] * 4


def test_no_more_often_than_the_settings_say(answers: Answers, channel: grpc.Channel) -> None:
    answers.fail(9, "ABORTED")
    with pytest.raises(grpc.RpcError, match="said so"):
        call(channel, "Search")(b"?")
    assert len(answers.asked) == 4


def test_the_client_does_not_begin_with_waits_of_its_own(answers: Answers, channel: grpc.Channel) -> None:
    """It would, upon gRPC's own error for an answer that does not come."""
    answers.fail(9, "UNAVAILABLE")
    with pytest.raises(WeaviateRetryError, match="said so") as raised:
        call(channel, "Search")(b"?")
    assert isinstance(raised.value.__cause__, grpc.Call)


def test_a_batch_is_repeated_by_who_sends_it(answers: Answers, channel: grpc.Channel) -> None:
    answers.fail(1, "UNAVAILABLE")
    with pytest.raises(WeaviateRetryError):
        call(channel, "BatchObjects")(b"?")
    assert len(answers.asked) == 1


@pytest.mark.parametrize(
    ("code", "said", "details"),
    [
        ("UNKNOWN", "no such property", b""),
        ("INVALID_ARGUMENT", "said so", b""),
        ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (200 vs. 100)", b""),
        ("RESOURCE_EXHAUSTED", "said so", b"USAGE_LIMIT_EXCEEDED"),
    ],
)
def test_what_would_fail_again_is_not_repeated(
    answers: Answers, channel: grpc.Channel, code: str, said: str, details: bytes
) -> None:
    answers.fail(9, code, said, details)
    with pytest.raises(grpc.RpcError):
        call(channel, "Search")(b"?")
    assert len(answers.asked) == 1


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes connections, and answers nothing: what a network does that loses all."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        yield silent.getsockname()[1]


def searches(port: int) -> Callable[[], object]:
    """A call to a server, with the connection that belongs to it."""

    def search() -> object:
        with grpc.insecure_channel(f"127.0.0.1:{port}", DIRECT) as channel:
            return call(channel, "Search")(b"?")

    return search


def gets(port: int) -> Callable[[], object]:
    def get() -> object:
        with client() as rest:
            return rest.get(f"http://127.0.0.1:{port}/v1/meta")

    return get


@pytest.mark.parametrize("asking", [searches, gets])
def test_a_call_ends_with_the_deadline(asking: Callable[[int], Callable[[], object]]) -> None:
    began = time.monotonic()
    with (
        silent_server() as port,
        bounded(0.2),
        pytest.raises((grpc.RpcError, WeaviateRetryError, httpx.TransportError)),
    ):
        asking(port)()
    assert time.monotonic() - began < CALL_SECONDS / 2


def test_a_call_that_is_stopped_is_given_up(answers: Answers, channel: grpc.Channel) -> None:
    stop, go_on = threading.Event(), threading.Event()

    def wait(_: grpc.ServicerContext) -> None:
        stop.set()  # The call is under way when the work is stopped.
        go_on.wait()

    answers.failures = [wait]
    began = time.monotonic()
    try:
        with bounded(stop=stop), pytest.raises(TransientTargetError, match="has not answered Search"):
            call(channel, "Search")(b"?")
    finally:
        go_on.set()
    assert time.monotonic() - began < CALL_SECONDS / 2
    assert len(answers.asked) == 1


def test_nothing_is_repeated_once_it_is_stopped(answers: Answers, channel: grpc.Channel) -> None:
    stop = threading.Event()
    stop.set()
    answers.fail(9, "ABORTED")
    with bounded(stop=stop), pytest.raises(grpc.RpcError):
        call(channel, "Search")(b"?")
    assert len(answers.asked) == 1


def client(limits: Repeats = THRICE) -> httpx.Client:
    return httpx.Client(transport=BoundedTransport(LimitedTransport(None, WEAVIATE_ANSWERS), limits), trust_env=False)


class Site:
    """Answers REST; the first requests fail as told.

    Attributes:
        asked: method and path of each.
    """

    def __init__(self) -> None:
        self.failures: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.asked: list[str] = []
        self.url = ""

    @contextmanager
    def served(self) -> Iterator["Site"]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                site.asked.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if site.failures:
                    site.failures.pop(0)(self)
                else:
                    whole(self)

            do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Nothing is written to standard error."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def whole(request: BaseHTTPRequestHandler) -> None:
    status(200, b'{"version": "1.39.0"}')(request)


def status(number: int, body: bytes = b"") -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(number)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    return answer


def reset(request: BaseHTTPRequestHandler) -> None:
    """The connection is gone, without a word."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()
    request.close_connection = True
    request.wfile = io.BytesIO()


def broken_off(request: BaseHTTPRequestHandler) -> None:
    """The connection is closed in the middle of the answer."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"{")


@pytest.fixture
def site() -> Iterator[Site]:
    with Site().served() as site:
        yield site


@pytest.mark.parametrize("failure", [reset, broken_off, status(429), status(502), status(503), status(504)])
def test_an_answer_of_rest_that_does_not_come_is_asked_for_again(
    site: Site, failure: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    site.failures = [failure] * 3
    with client() as rest:
        answer = rest.get(f"{site.url}/v1/meta")
    assert (answer.status_code, answer.json()) == (200, {"version": "1.39.0"})
    assert answer.elapsed.total_seconds() > 0
    assert site.asked == ["GET /v1/meta"] * 4


def test_a_call_of_rest_that_is_stopped_is_given_up(site: Site) -> None:
    stop, go_on = threading.Event(), threading.Event()

    def wait(_: BaseHTTPRequestHandler) -> None:
        stop.set()
        go_on.wait()

    site.failures = [wait]
    began = time.monotonic()
    try:
        with bounded(stop=stop), client() as rest, pytest.raises(httpx.TransportError):
            rest.get(f"{site.url}/v1/meta")
    finally:
        go_on.set()
    assert time.monotonic() - began < CALL_SECONDS / 2
    assert len(site.asked) == 1


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
def test_what_is_safe_to_repeat_is_repeated(site: Site, method: str) -> None:
    site.failures = [reset]
    with client() as rest:
        assert rest.request(method, f"{site.url}/v1/x").status_code == 200
    assert len(site.asked) == 2


def test_what_makes_something_is_not_sent_again_blindly(site: Site) -> None:
    site.failures = [reset]
    with client() as rest, pytest.raises(httpx.TransportError):
        rest.post(f"{site.url}/v1/aliases", json={})
    assert len(site.asked) == 1


@pytest.mark.parametrize("answer", [status(404), status(500), status(429, b'{"errorCode": "USAGE_LIMIT_EXCEEDED"}')])
def test_an_answer_that_would_come_again_is_taken(site: Site, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
    site.failures = [answer] * 9
    with client() as rest:
        assert rest.get(f"{site.url}/v1/meta").status_code in (404, 429, 500)
    assert len(site.asked) == 1


def test_the_last_answer_is_given_where_none_is_better(site: Site) -> None:
    site.failures = [status(503)] * 9
    with client() as rest:
        assert rest.get(f"{site.url}/v1/meta").status_code == 503
    assert len(site.asked) == 4
