"""A REST proxy in front of a real server that remembers what it was asked for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from weaviate_migration.target.server import ServerAddress


@contextmanager
def run_counting_proxy(
    server: ServerAddress, unknown: str = ""
) -> Iterator[tuple[list[dict[str, str]], ServerAddress]]:
    """The parameters of each page of objects that was asked for, and the server with the proxy's port.

    Args:
        unknown: a field of JSON that the server does not get to see: an older one passes over what it does not know.
    """
    pages: list[dict[str, str]] = []
    behind = httpx.Client(base_url=f"http://{server.host}:{server.http_port}", timeout=60)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            asked = urlsplit(self.path)
            if self.command == "GET" and asked.path == "/v1/objects":
                pages.append(dict(parse_qsl(asked.query)))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if unknown and body:
                body = json.dumps(json.loads(body, object_hook=lambda fields: _without(fields, unknown))).encode()
            kept = {name: value for name, value in self.headers.items() if name.lower() in ("content-type", "accept")}
            answer = behind.request(self.command, self.path, content=body, headers=kept)
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
            yield pages, ServerAddress(server.host, front.server_port, server.grpc_port)
        finally:
            front.shutdown()
            thread.join()


def _without(fields: dict[str, Any], unknown: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != unknown}
