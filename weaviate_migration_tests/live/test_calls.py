"""Calls whose answer is lost on the way: what they do is done once, and whoever made them does not notice."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import weaviate
from weaviate.classes.config import Configure

from weaviate_migration.base.errors import TargetError, TransientTargetError
from weaviate_migration.base.repeats import NO_REPEATS, Repeats
from weaviate_migration.phases.preflight.server_side import clock
from weaviate_migration.target.aliases import alias_targets, point_aliases
from weaviate_migration.target.calls import BoundedCall, bound_calls
from weaviate_migration.target.connect import answers, connect
from weaviate_migration.target.query import has_words
from weaviate_migration.target.references import ensure_references
from weaviate_migration.target.schema import Maker, Origin, drop_collection, ensure_collection, origin_of
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.forgetful_proxy import Forgetful, run_forgetful_proxy
from weaviate_migration_tests.strategies import EVERY_TYPE

ORIGIN = Origin("1", "/data/app.db", "digest")


@dataclass(frozen=True)
class Way:
    """A client, what loses answers between it and the server, and where that is reached."""

    client: weaviate.WeaviateClient
    proxy: Forgetful
    address: ServerAddress


@pytest.fixture(scope="module")
def whole_way(server: ServerAddress) -> Iterator[Way]:
    with (
        run_forgetful_proxy(server) as (proxy, address),
        connect(address, None, Repeats(max_retries=2, retry_delay=0.0)) as client,
    ):
        yield Way(client, proxy, address)


@pytest.fixture
def way(client: weaviate.WeaviateClient, whole_way: Way) -> Way:  # noqa: ARG001
    """Where the server is empty, and nothing is lost yet."""
    whole_way.proxy.lost, whole_way.proxy.asked = [], []
    return whole_way


@pytest.mark.parametrize("lost", ["POST /v1/schema", "GET /v1/schema/Note_1"])
def test_a_collection_is_made_once(way: Way, lost: str) -> None:
    way.proxy.lost = [lost]
    assert ensure_collection(way.client, "Note_1", EVERY_TYPE, ORIGIN)
    assert not way.proxy.lost
    assert origin_of(way.client, "Note_1") == ORIGIN
    assert way.proxy.asked.count("POST /v1/schema") == 1


def test_a_collection_is_removed(way: Way) -> None:
    ensure_collection(way.client, "Note_1", EVERY_TYPE, ORIGIN)
    way.proxy.lost = ["DELETE /v1/schema/Note_1"]
    assert drop_collection(way.client, "Note_1", Maker("1"))
    assert not way.proxy.lost
    assert origin_of(way.client, "Note_1") is None


@pytest.mark.parametrize("lost", ["POST /v1/aliases", "PUT /v1/aliases/Note", "DELETE /v1/aliases/Note", "GET /v1/"])
def test_aliases_are_moved(way: Way, lost: str) -> None:
    for migration in ("1", "2"):
        ensure_collection(way.client, f"Note_{migration}", EVERY_TYPE, Origin(migration, "/data/app.db", "digest"))
    way.proxy.lost, way.proxy.asked = [lost], []
    for target in ("Note_1", "Note_2", None):
        point_aliases(way.client, {"Note": target})
        assert alias_targets(way.client, ["Note"]) == {"Note": target}
    assert not way.proxy.lost
    assert way.proxy.asked.count("POST /v1/aliases") == 1


def test_the_clock_is_asked_for_again(way: Way) -> None:
    way.proxy.lost = ["GET /v1/.well-known/live"]
    assert clock(way.client, way.address).verdict == "passed"
    assert not way.proxy.lost


def test_words_are_asked_for_again(way: Way) -> None:
    """By a POST, which makes nothing."""
    ensure_collection(way.client, "Note_1", EVERY_TYPE, ORIGIN)
    notes = way.client.collections.use("Note_1")
    stored = str(notes.data.insert({"title": "A red fox"}))
    way.proxy.lost = ["POST /v1/schema/Note_1/properties/title/tokenize"] * 2
    assert has_words(way.client, notes, "title", ["fox"], stored)
    assert not way.proxy.lost


def test_a_reference_is_made_once(way: Way) -> None:
    ensure_collection(way.client, "Note_1", EVERY_TYPE, ORIGIN)
    way.proxy.lost = ["POST /v1/schema/Note_1/properties"]
    ensure_references(way.client, "Note_1", {"parent": "Note_1"})
    assert not way.proxy.lost
    assert [each.name for each in way.client.collections.use("Note_1").config.get().references] == ["parent"]


def test_what_is_refused_is_not_asked_for_again(way: Way) -> None:
    """An alias cannot have the name of a collection."""
    ensure_collection(way.client, "Note_1", EVERY_TYPE, ORIGIN)
    way.client.collections.create("Note", properties=[], vector_config=Configure.Vectors.self_provided())
    way.proxy.asked = []
    with pytest.raises(TargetError, match="moving aliases") as raised:
        point_aliases(way.client, {"Note": "Note_1"})
    assert not isinstance(raised.value, TransientTargetError)
    assert way.proxy.asked.count("POST /v1/aliases") == 1


def test_a_server_that_is_away_for_longer_is_told(way: Way) -> None:
    way.proxy.lost = ["GET /v1/aliases"] * 3
    with pytest.raises(TransientTargetError, match="reading aliases"):
        alias_targets(way.client, ["Note"])


def test_a_server_that_does_not_answer_any_more_is_no_fault_of_ours(way: Way) -> None:
    way.proxy.lost = ["GET /v1/meta"] * 3
    assert not answers(way.client)
    assert answers(way.client)


def test_a_connection_that_is_cut_while_connecting_is_made_again(server: ServerAddress) -> None:
    with run_forgetful_proxy(server) as (proxy, address):
        proxy.lost = ["GET /v1/.well-known/ready", "GET /v1/meta", "GET /v1/meta"]
        with connect(address, None, Repeats(max_retries=3, retry_delay=0.0)) as client:
            assert answers(client)
        assert not proxy.lost


def test_calls_are_bound_once(server: ServerAddress) -> None:
    """A project's own client may be given to each step anew."""
    with connect(server, None) as client:
        bound_calls(client, NO_REPEATS)
        call = client._connection.grpc_stub.Search  # type: ignore[union-attr]
        assert isinstance(call, BoundedCall)
        assert not isinstance(call.inner, BoundedCall)
        assert answers(client)
