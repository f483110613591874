"""gRPC under another host than HTTP, as Helm charts have it: a second address of the real server, for gRPC alone."""

from collections.abc import Iterator

import pytest

from weaviate_migration.base.settings import environment_variable
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.live.forwarder import OTHER_LOOPBACK, run_forwarder
from weaviate_migration_tests.live.notes import NoteMigration


@pytest.fixture
def grpc_port(server: ServerAddress) -> Iterator[int]:
    with run_forwarder(server.host, server.grpc_port) as forwarder:
        yield forwarder.port


def test_all_of_a_migration_goes_through_the_other_host(notes: NoteMigration, grpc_port: int) -> None:
    """Objects, searches and all else; nothing answers gRPC at that port of the first host."""
    options = [*notes.options, "--grpc-port", grpc_port]
    alone = run_here("migrate", *options)
    assert alone.code == 2, alone.stderr
    assert f"gRPC at {notes.server.host}:{grpc_port} does not" in alone.stderr
    assert "--grpc-host" in alone.stderr
    ended = run_here("migrate", *options, "--grpc-host", OTHER_LOOPBACK)
    assert ended.code == 0, ended.stderr
    assert "64 of 64 rows" in ended.stderr


def test_host_from_the_environment(notes: NoteMigration, grpc_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment_variable("grpc_host"), OTHER_LOOPBACK)
    ended = run_here("preflight", *notes.options, "--grpc-port", grpc_port, "--json")
    assert ended.code == 0, ended.stdout
    told = next(each["figure"] for each in ended.json["items"] if each["name"] == "server")
    assert f"(gRPC at {OTHER_LOOPBACK}:{grpc_port})" in told
