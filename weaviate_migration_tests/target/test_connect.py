"""What a URL says, and what is told when no usable server answers there; no Weaviate is started."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError, ServerNotUsableError
from weaviate_migration.target import connect as connect_module
from weaviate_migration.target.connect import EmbeddedTarget, RemoteTarget, connect, parse_weaviate_url
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.server_process import free_ports

KEY = "a-key-that-stays-secret"


@pytest.mark.parametrize(
    ("url", "grpc_port", "target"),
    [
        ("embedded", None, EmbeddedTarget(None)),
        ("embedded:data/here", None, EmbeddedTarget(Path("data/here"))),
        ("embedded:~/data", None, EmbeddedTarget(Path.home() / "data")),
        ("http://localhost:8080", None, RemoteTarget(ServerAddress("localhost", 8080, 50051))),
        ("http://localhost:8080/", 9, RemoteTarget(ServerAddress("localhost", 8080, 9))),
        ("http://localhost", None, RemoteTarget(ServerAddress("localhost", 80, 50051))),
        ("http://[::1]:8080", None, RemoteTarget(ServerAddress("[::1]", 8080, 50051))),
        ("HTTPS://Some.Host:8443", None, RemoteTarget(ServerAddress("some.host", 8443, 443, secure=True))),
        ("https://some.host", 50051, RemoteTarget(ServerAddress("some.host", 443, 50051, secure=True))),
        ("https://me.weaviate.cloud", None, RemoteTarget(ServerAddress("me.weaviate.cloud", 443, 443, secure=True))),
    ],
)
def test_url(url: str, grpc_port: int | None, target: EmbeddedTarget | RemoteTarget) -> None:
    assert parse_weaviate_url(url, grpc_port) == target


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "does not begin with http"),
        ("localhost:8080", "does not begin with http"),
        ("ftp://host", "does not begin with http"),
        ("http://", "names no host"),
        ("http://:8080", "names no host"),
        ("http://host:port", "[Pp]ort"),
        ("http://host:0", "ports go from"),
        ("http://host:70000", "[Pp]ort"),
        ("http://[::1", "IPv6"),
        ("http://host:8080/prefix", "root of its host"),
        ("http://host:8080?key=value", "root of its host"),
        ("embedded:", "names no folder"),
        ("https://host", "cannot share port 443"),
        ("http://host:50051", "cannot share port 50051"),
    ],
)
def test_url_that_is_none(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as raised:
        parse_weaviate_url(url, None)
    assert raised.value.hint


@pytest.mark.parametrize("url", ["http://me:secret@host:8080", "http://secret@host", "me:secret@host"])
def test_secret_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="user name or a password") as raised:
        parse_weaviate_url(url, None)
    assert "secret" not in str(raised.value)
    assert "--api-key" in raised.value.hint


@pytest.mark.parametrize("grpc_port", [0, -1, 65536])
def test_grpc_port_that_is_none(grpc_port: int) -> None:
    with pytest.raises(ConfigurationError, match="ports go from"):
        parse_weaviate_url("http://host:8080", grpc_port)


def test_grpc_port_of_an_embedded_server_is_not_to_choose() -> None:
    with pytest.raises(ConfigurationError, match="chooses its own"):
        parse_weaviate_url("embedded", 50051)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("grpc.example.org", "grpc.example.org"),
        ("Weaviate-gRPC", "weaviate-grpc"),
        ("weaviate_grpc.prod.svc.", "weaviate_grpc.prod.svc."),
        ("10.0.0.7", "10.0.0.7"),
        ("fd00::7", "[fd00::7]"),
        ("[fd00::7]", "[fd00::7]"),
    ],
)
def test_host_of_grpc(given: str, host: str) -> None:
    target = parse_weaviate_url("https://host:8080", None, given)
    assert target == RemoteTarget(ServerAddress("host", 8080, 443, secure=True, grpc_host=host))
    assert connect_module._grpc_host(target.address) == host
    assert f"gRPC at {host}:443" in str(target.address)


@pytest.mark.parametrize(
    "given",
    ["http://host", "host:50051", "me:secret@host", "host/path", "", " host", "fd00::7::8", "[host", "a..b", "[]"],
)
def test_host_of_grpc_that_is_none(given: str) -> None:
    with pytest.raises(ConfigurationError, match="--grpc-host has to be") as raised:
        parse_weaviate_url("http://host:8080", None, given)
    assert "secret" not in str(raised.value)


def test_grpc_may_have_the_same_port_on_another_host() -> None:
    target = parse_weaviate_url("https://host", None, "other")
    assert target == RemoteTarget(ServerAddress("host", 443, 443, secure=True, grpc_host="other"))
    with pytest.raises(ConfigurationError, match="cannot share port 443"):
        parse_weaviate_url("https://host", None, "host")


def test_cloud_s_grpc_host_can_be_another_one_too() -> None:
    address = ServerAddress("me.weaviate.cloud", 443, 443, secure=True, grpc_host="proxy")
    assert connect_module._grpc_host(address) == "proxy"


def test_grpc_host_of_an_embedded_server_is_not_to_choose() -> None:
    with pytest.raises(ConfigurationError, match="on this machine"):
        parse_weaviate_url("embedded", None, "host")


@pytest.mark.parametrize(
    ("host", "grpc_host"),
    [
        ("localhost", "localhost"),
        ("me.weaviate.cloud", "grpc-me.weaviate.cloud"),
        ("me.weaviate.network", "me.grpc.weaviate.network"),
    ],
)
def test_grpc_has_a_host_name_of_its_own_in_the_cloud(host: str, grpc_host: str) -> None:
    assert connect_module._grpc_host(ServerAddress(host, 443, 443, secure=True)) == grpc_host


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
            yield ServerAddress("127.0.0.1", http_server.server_port, free_ports().grpc)
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
    ports = free_ports()
    with pytest.raises(ServerNotUsableError, match=f"no Weaviate answers at http://127.0.0.1:{ports.http}") as raised:
        connect(ServerAddress("127.0.0.1", ports.http, ports.grpc), None)
    assert "--weaviate-url" in raised.value.hint


def test_forgotten_port_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connect_module.HTTP_PORTS, "http", port := free_ports().http)
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
    monkeypatch.setattr(connect_module, "CHECK_SECONDS", 0.2)
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as silent:
        port = int(silent.server_address[1])
        with pytest.raises(ServerNotUsableError, match="timed out"):
            connect(ServerAddress("127.0.0.1", port, 50051), None)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_key_that_cannot_be_sent_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be sent") as raised:
        connect(ServerAddress("127.0.0.1", 1, 2), key)
    assert key not in str(raised.value)
