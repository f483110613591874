"""Servers that answer as no Weaviate does: over real sockets, with whatever bytes a test wants."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import SO_SNDBUF, SOL_SOCKET, socket
from socketserver import StreamRequestHandler, ThreadingTCPServer

import grpc

from weaviate_migration.target.server import ServerAddress

Answer = Callable[[socket, threading.Event], None]
"""Sends an answer, whole or without end, until the event is set or the other side hangs up."""
GrpcAnswer = Callable[[grpc.ServicerContext], bytes]
BLOCK = bytes(64 * 1024)
NESTED = 200_000
DIGITS = 10_000


def json_answer(content: object, status: str = "200 OK") -> Answer:
    """What a well server would say."""
    return text_answer(json.dumps(content).encode(), status)


def text_answer(body: bytes, status: str = "200 OK", *headers: str) -> Answer:
    """One body, of a known length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return lambda sender, _: sender.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def endless_answer(beginning: bytes, block: bytes, seconds: float = 0) -> Answer:
    """The same block again and again after the beginning, so many seconds between two."""

    def send(sender: socket, ended: threading.Event) -> None:
        sender.sendall(beginning)
        while not ended.wait(seconds):
            sender.sendall(block)

    return send


def _chunk(block: bytes) -> bytes:
    return f"{len(block):x}\r\n".encode() + block + b"\r\n"


OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"Connection: close\r\n"
TOO_MUCH: dict[str, Answer] = {
    "until the connection ends": endless_answer(JSON + b"\r\n", BLOCK),
    "of a length that nobody has": endless_answer(JSON + b"Content-Length: 1000000000000\r\n\r\n", BLOCK),
    "in chunks": endless_answer(JSON + b"Transfer-Encoding: chunked\r\n\r\n", _chunk(BLOCK)),
    "in chunks of a byte": endless_answer(JSON + b"Transfer-Encoding: chunked\r\n\r\n", _chunk(b"[") * 1_000),
    "in headers": endless_answer(OK, b"X-Filler: " + b"a" * 1_000 + b"\r\n"),
    "in one header": endless_answer(OK + b"X-Filler: ", b"a" * 1_000),
    "in interim answers": endless_answer(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "in an error": endless_answer(b"HTTP/1.1 422 Unprocessable Entity\r\n\r\n", BLOCK),
    "packed": text_answer(gzip.compress(bytes(100_000_000)), "200 OK", "Content-Encoding: gzip"),
}
TRICKLES: dict[str, Answer] = {
    "in the body": endless_answer(JSON + b"Content-Length: 1000000\r\n\r\n", b"[", 0.02),
    "in the headers": endless_answer(OK + b"X-Filler: ", b"a", 0.02),
    "in interim answers": endless_answer(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02),
}
UNREADABLE: dict[str, Answer] = {
    "nested lists": text_answer(b"[" * NESTED + b"]" * NESTED),
    "nested fields": text_answer(b'{"version":' * NESTED + b"1" + b"}" * NESTED),
    "a number of many digits": text_answer(b'{"version": ' + b"9" * DIGITS + b"}"),
    "no JSON": text_answer(b"<html><body>Sign in, please.</body></html>"),
    "no UTF-8": text_answer(b'{"version": "\xff\xfe"}'),
    "a list": json_answer([1, 2, 3]),
    "a text": json_answer("1.39.0"),
    "nothing": json_answer(None),
    "other fields": json_answer({"aliases": 1, "nodes": {"a": 1}, "classes": [{"x": 1}], "version": ["1"]}),
    "no HTTP": lambda sender, _: sender.sendall(b"\x00\xffSSH-2.0-nothing\r\n" * 100),
    "nothing at all": lambda _, __: None,
}


@dataclass
class HostileServer:
    """A server of HTTP, and the one of gRPC beside it, which is a well one.

    Attributes:
        answers: by path; of any other path, `otherwise`.
        asked: the heads of all requests.
    """

    address: ServerAddress
    otherwise: Answer
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, head: str, sender: socket) -> None:
        """Answers a request, and remembers it."""
        self.asked.append(head)
        path = head.split(" ")[1].partition("?")[0]
        with suppress(OSError):
            self.answers.get(path, self.otherwise)(sender, self.ended)


@contextmanager
def hostile_server(otherwise: Answer, by_grpc: GrpcAnswer = lambda _: b"") -> Iterator[HostileServer]:
    """A server that is asked for a key's worth of trouble; each connection takes one request."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            # A small buffer: what is sent beyond what was read is known to be little.
            self.request.setsockopt(SOL_SOCKET, SO_SNDBUF, 64 * 1024)
            head = b"".join(iter(self.rfile.readline, b"\r\n")).decode("latin-1")
            if head:
                made.answer(head, self.request)

    class Server(ThreadingTCPServer):
        daemon_threads = True

    with _grpc_service(by_grpc) as grpc_port, Server(("127.0.0.1", 0), Handler) as server:
        made = HostileServer(ServerAddress("127.0.0.1", int(server.server_address[1]), grpc_port), otherwise)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            made.ended.set()
            server.shutdown()
            thread.join()


@contextmanager
def well_at_first(otherwise: Answer, by_grpc: GrpcAnswer = lambda _: b"") -> Iterator[HostileServer]:
    """A server that a client connects to; what it is asked afterwards, it answers so."""
    with hostile_server(otherwise, by_grpc) as server:
        server.answers["/v1/.well-known/ready"] = json_answer({})
        server.answers["/v1/meta"] = json_answer({"version": "1.39.0", "grpcMaxMessageSize": 104_858_000})
        yield server


class _Service(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers the question for its health with nothing, which means that all is well, and every other one so."""

    def __init__(self, answer: GrpcAnswer) -> None:
        self._answer = answer

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        asks_for_health = details.method.endswith("/Check")
        return grpc.unary_unary_rpc_method_handler(lambda _, context: b"" if asks_for_health else self._answer(context))


@contextmanager
def _grpc_service(answer: GrpcAnswer) -> Iterator[int]:
    options = [("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_Service(answer)], options=options)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
