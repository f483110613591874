"""A REST proxy in front of a real server that loses answers: what was asked for is done, and nobody hears of it."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from weaviate_migration.target.server import ServerAddress


class Forgetful:
    """What is lost.

    Attributes:
        lost: beginnings of requests (`POST /v1/aliases`); of each the next answer is lost, once.
        asked: what was asked for.
    """

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.asked: list[str] = []

    def loses(self, asked: str) -> bool:
        """Whether the answer to this request is lost."""
        self.asked.append(asked)
        found = next((each for each in self.lost if asked.startswith(each)), None)
        if found is not None:
            self.lost.remove(found)
        return found is not None


@contextmanager
def run_forgetful_proxy(server: ServerAddress) -> Iterator[tuple[Forgetful, ServerAddress]]:
    """The proxy, and the address of the server with the proxy's port."""
    forgetful = Forgetful()
    behind = httpx.Client(base_url=f"http://{server.host}:{server.http_port}", timeout=60, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {name: value for name, value in self.headers.items() if name.lower() in ("content-type", "accept")}
            answer = behind.request(self.command, self.path, content=body, headers=kept)
            if forgetful.loses(f"{self.command} {self.path}"):
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
            yield forgetful, ServerAddress(server.host, front.server_port, server.grpc_port)
        finally:
            front.shutdown()
            thread.join()
