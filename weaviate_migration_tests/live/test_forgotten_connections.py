"""Connections that something between has forgotten without a word: calls go on over new ones."""

from collections.abc import Iterator

import pytest
import weaviate

from weaviate_migration.base.repeats import Repeats
from weaviate_migration.target import connect
from weaviate_migration.target.query import count_objects
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.forwarder import OTHER_LOOPBACK, Forwarder, run_forwarder


@pytest.fixture
def forwarder(server: ServerAddress) -> Iterator[Forwarder]:
    with run_forwarder(server.host, server.grpc_port) as forwarder:
        yield forwarder


@pytest.mark.timeout(60, func_only=True)
def test_grpc_gives_a_forgotten_connection_up(
    forwarder: Forwarder,
    server: ServerAddress,
    client: weaviate.WeaviateClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Well within the time of one call; without that each would wait for its answer to the end.

    On a busy machine an answer may take longer than it has here, whatever the connection: so there are many tries.
    """
    monkeypatch.setattr(connect, "KEEPALIVE_SECONDS", 1)
    monkeypatch.setattr(connect, "KEEPALIVE_ANSWER_SECONDS", 3)
    client.collections.create("Note")
    address = ServerAddress(server.host, server.http_port, forwarder.port, grpc_host=OTHER_LOOPBACK)
    with connect.connect(address, None, Repeats(20, 0.1)) as forwarded:
        notes = forwarded.collections.use("Note")
        assert count_objects(notes, None) == 0
        assert forwarder.forget() > 0
        assert count_objects(notes, None) == 0
