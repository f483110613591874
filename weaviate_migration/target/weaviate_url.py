"""Reads which server is meant: `--weaviate-url`, `--grpc-port` and `--grpc-host`."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import QUORUM, ConsistencyLevel, MigrationConfig
from weaviate_migration.target.server import ServerAddress

IPV6 = 6
HTTP_PORTS = {"http": 80, "https": 443}
_GRPC_PORT = "grpc_port"
GRPC_PORTS = {"http": 50051, "https": 443}


@dataclass(frozen=True)
class EmbeddedTarget:
    """A server of our own.

    Attributes:
        data_dir: None for the work folder's.
        level: as of `RemoteTarget`, whatever the settings say: it is one node.
    """

    data_dir: Path | None
    level: ClassVar[ConsistencyLevel] = QUORUM

    def data_folder(self, work_dir: Path) -> Path:
        """Where its data are, for this work folder."""
        return self.data_dir or work_dir / "weaviate"


@dataclass(frozen=True)
class RemoteTarget:
    """A server that runs already.

    Attributes:
        level: how many replicas have to take part in what is asked of objects.
    """

    address: ServerAddress
    level: ConsistencyLevel = QUORUM


def configured_target(config: MigrationConfig) -> EmbeddedTarget | RemoteTarget:
    """The server that the settings name; raises what `parse_weaviate_url` does."""
    return parse_weaviate_url(config.weaviate_url, config.grpc_port, config.grpc_host, config.consistency_level)


def parse_weaviate_url(
    url: str, grpc_port: int | None, grpc_host: str | None = None, consistency_level: ConsistencyLevel = QUORUM
) -> EmbeddedTarget | RemoteTarget:
    """Reads `embedded`, `embedded:DIR`, or `http(s)://host[:port]`, and of a cluster several of these, with commas.

    An address may name its gRPC port itself, as nodes on one machine need it: `http://localhost:8081?grpc_port=50052`.

    Args:
        url: what `--weaviate-url` says.
        grpc_port: what `--grpc-port` says; None for 50051, and for 443 with https.
        grpc_host: what `--grpc-host` says; None for the host of the URL, and for Weaviate Cloud the one beside it.
        consistency_level: what `--consistency-level` says.

    Raises:
        ConfigurationError: it is none of these; the message leaves out what could be a secret.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "embedded":
        return _embedded_target(url, rest, grpc_port, grpc_host)
    if "@" in url:
        raise ConfigurationError(
            "the Weaviate URL holds a user name or a password", "Leave it out, and give the key with --api-key."
        )
    host = _host(grpc_host) if grpc_host is not None else ""
    first, *others = [_node(each.strip(), grpc_port, host) for each in url.split(",")]
    return RemoteTarget(replace(first, others=tuple(others)), consistency_level)


def _node(url: str, grpc_port: int | None, grpc_host: str) -> ServerAddress:
    """The address of a server, or of one node of a cluster."""
    parts = _split(url)
    address = _address(url, parts, _own_grpc_port(url, parts) or grpc_port, grpc_host)
    if (address.host, address.http_port) == (grpc_host_of(address), address.grpc_port):
        raise ConfigurationError(
            f"{url}: HTTP and gRPC cannot share port {address.http_port} of one host",
            "Name the gRPC port: --grpc-port, or another host: --grpc-host.",
        )
    return address


def _own_grpc_port(url: str, parts: SplitResult) -> int | None:
    """The port that the URL itself names; None: it names none."""
    if not parts.query:
        return None
    name, _, port = parts.query.partition("=")
    if name != _GRPC_PORT or not re.fullmatch(r"[0-9]{1,5}", port):
        raise _no_url(url, f"Weaviate has to be at the root of its host, and behind ? only {_GRPC_PORT}=PORT can stand")
    return int(port)


def _embedded_target(url: str, folder: str, grpc_port: int | None, grpc_host: str | None) -> EmbeddedTarget:
    if grpc_port is not None:
        raise ConfigurationError("an embedded server chooses its own gRPC port", "Leave out --grpc-port.")
    if grpc_host is not None:
        raise ConfigurationError("an embedded server answers on this machine", "Leave out --grpc-host.")
    if not folder and url != "embedded":
        raise ConfigurationError(f"{url!r} names no folder", "Write embedded, or embedded:DIR.")
    return EmbeddedTarget(Path(folder).expanduser() if folder else None)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no port
    except ValueError as error:
        raise _no_url(url, str(error)) from error
    if parts.scheme not in HTTP_PORTS:
        raise _no_url(url, "it does not begin with http:// or https://")
    if not parts.hostname:
        raise _no_url(url, "it names no host")
    if parts.path.strip("/") or parts.fragment:
        raise _no_url(url, "Weaviate has to be at the root of its host")
    return parts


def _no_url(url: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"{url!r} is not the address of a Weaviate server: {reason}",
        "Write embedded, embedded:DIR, or for example http://localhost:8080.",
    )


def _host(given: str) -> str:
    """The host that `--grpc-host` names, and nothing but that; an IPv6 address in brackets, as in a URL."""
    name = given.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        address = ip_address(name)
        return f"[{address}]" if address.version == IPV6 else str(address)
    if re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", given):
        return given.lower()
    raise ConfigurationError(
        "--grpc-host has to be the name or the address of a host, and nothing else",
        "Write for example --grpc-host grpc.example.org, and its port with --grpc-port.",
    )


def _address(url: str, parts: SplitResult, grpc_port: int | None, grpc_host: str) -> ServerAddress:
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    http_port = HTTP_PORTS[parts.scheme] if parts.port is None else parts.port
    grpc_port = GRPC_PORTS[parts.scheme] if grpc_port is None else grpc_port
    if not (0 < http_port < 65536 and 0 < grpc_port < 65536):
        raise _no_url(url, "ports go from 1 to 65535")
    return ServerAddress(host, http_port, grpc_port, parts.scheme == "https", grpc_host)


def grpc_host_of(address: ServerAddress) -> str:
    """Weaviate Cloud answers gRPC under a host name of its own, as the client's `connect_to_weaviate_cloud` has it."""
    if address.grpc_host:
        return address.grpc_host
    if address.host.endswith(".weaviate.network"):
        cluster, domain = address.host.split(".", 1)
        return f"{cluster}.grpc.{domain}"
    return f"grpc-{address.host}" if address.host.endswith(".weaviate.cloud") else address.host
