"""What `--weaviate-url`, `--grpc-port` and `--grpc-host` say."""

from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.weaviate_url import EmbeddedTarget, RemoteTarget, grpc_host_of, parse_weaviate_url


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
    assert grpc_host_of(target.address) == host
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
    assert grpc_host_of(address) == "proxy"


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
    assert grpc_host_of(ServerAddress(host, 443, 443, secure=True)) == grpc_host


def test_several_addresses_are_nodes_of_a_cluster() -> None:
    target = parse_weaviate_url("http://a:8080,https://b, http://a:8081?grpc_port=50052", 9, consistency_level="ALL")
    assert isinstance(target, RemoteTarget)
    assert target.level == "ALL"
    assert target.address.nodes == (
        ServerAddress("a", 8080, 9),
        ServerAddress("b", 443, 9, secure=True),
        ServerAddress("a", 8081, 50052),
    )


@pytest.mark.parametrize(
    "url", ["http://a,", "http://a,embedded", "http://a?grpc_port=", "http://a?grpc_port=x", "http://a?port=1"]
)
def test_an_address_of_several_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the address of a Weaviate server"):
        parse_weaviate_url(url, None)
