"""What is told when no usable server answers; no Weaviate is started."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from weaviate_migration.base.errors import ConfigurationError, ServerNotUsableError
from weaviate_migration.target import probes, weaviate_url
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.free_ports import free_server_ports

KEY = "a-key-that-stays-secret"


class Answers(BaseHTTPRequestHandler):
    """Answers as told, in the place of servers that cannot be had: one too old, one that is not ready, no Weaviate."""

    ready = 200
    meta_status = 200
    meta: bytes = json.dumps({"version": "1.39.0"}).encode()

    def do_GET(self) -> None:
        is_meta = self.path == "/v1/meta"
        body = self.meta if is_meta else b""
        self.send_response(self.meta_status if is_meta else self.ready)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def answering(**answers: object) -> Iterator[ServerAddress]:
    kind = type("TheseAnswers", (Answers,), answers)
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield ServerAddress("127.0.0.1", http_server.server_port, free_server_ports().grpc)
        finally:
            http_server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"ready": 503}, r"not a Weaviate that is ready \(status 503\)"),
        ({"ready": 404}, r"not a Weaviate that is ready \(status 404\)"),
        ({"ready": 401}, "refuses the API key"),
        ({"meta_status": 401}, "refuses the API key"),
        ({"meta_status": 403}, "refuses the API key"),
        ({"meta_status": 404}, "is not Weaviate"),
        ({"meta": b"<html>"}, "is not Weaviate"),
        ({"meta": b"[]"}, "is not Weaviate"),
        ({"meta": b'{"version": "new"}'}, "is not Weaviate"),
        ({"meta": b'{"version": "1.30.5"}'}, "1.30.5 at .* is too old"),
        ({"meta": b'{"version": "0.40.0"}'}, "0.40.0 at .* is too old"),
        ({"meta": b'{"version": "1.32.0-rc.1"}'}, "gRPC at .* does not"),
    ],
)
def test_server_that_cannot_be_used(
    answers: dict[str, object], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with answering(**answers) as address, pytest.raises(ServerNotUsableError, match=message) as raised:
        connect(address, KEY)
    assert f"{address.host}:{address.http_port}" in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.hint
    assert KEY not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_nobody_answers() -> None:
    ports = free_server_ports()
    with pytest.raises(ServerNotUsableError, match=f"no Weaviate answers at http://127.0.0.1:{ports.http}") as raised:
        connect(ServerAddress("127.0.0.1", ports.http, ports.grpc), None)
    assert "--weaviate-url" in raised.value.hint


def test_forgotten_port_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weaviate_url.HTTP_PORTS, "http", port := free_server_ports().http)
    with pytest.raises(ServerNotUsableError) as raised:
        connect(ServerAddress("127.0.0.1", port, 50051), None)
    assert "8080" in raised.value.hint


def test_host_name_that_cannot_be() -> None:
    with pytest.raises(ServerNotUsableError, match="no Weaviate answers"):
        connect(ServerAddress("a" * 70 + ".invalid", 8080, 50051), None)


def test_https_to_a_server_without_it() -> None:
    with answering() as address, pytest.raises(ServerNotUsableError, match="no Weaviate answers") as raised:
        connect(ServerAddress(address.host, address.http_port, address.grpc_port, secure=True), None)
    assert "http://" in raised.value.hint


def test_server_that_does_not_answer_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "CHECK_SECONDS", 0.2)
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as silent:
        port = int(silent.server_address[1])
        with pytest.raises(ServerNotUsableError, match="timed out"):
            connect(ServerAddress("127.0.0.1", port, 50051), None)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_key_that_cannot_be_sent_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent") as raised:
        connect(ServerAddress("127.0.0.1", 1, 2), key)
    assert key not in str(raised.value)
