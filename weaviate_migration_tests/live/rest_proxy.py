"""A REST proxy in front of a real server: requests go on as a test has them, and answers may be lost."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from weaviate_migration.target.server import ServerAddress

Sent = Callable[[str, bytes], bytes]
"""Gets a request (`POST /v1/aliases`) and its body; gives the body that the server sees."""


def as_it_is(_: str, body: bytes) -> bytes:
    """For requests that go on as they came."""
    return body


@contextmanager
def run_rest_proxy(
    server: ServerAddress, sent: Sent = as_it_is, loses: Callable[[str], bool] = lambda _: False
) -> Iterator[ServerAddress]:
    """The address of the server with the proxy's port.

    Args:
        loses: whether the connection is reset in the place of the answer to this request, which the server has done.
    """
    behind = httpx.Client(base_url=f"http://{server.host}:{server.http_port}", timeout=60, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            asked = f"{self.command} {self.path}"
            body = sent(asked, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            kept = {name: value for name, value in self.headers.items() if name.lower() in ("content-type", "accept")}
            answer = behind.request(self.command, self.path, content=body, headers=kept)
            if loses(asked):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing is written to standard error."""

    with behind, ThreadingHTTPServer((server.host, 0), Handler) as front:
        thread = Thread(target=front.serve_forever)
        thread.start()
        try:
            yield ServerAddress(server.host, front.server_port, server.grpc_port)
        finally:
            front.shutdown()
            thread.join()
