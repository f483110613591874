"""What real calls to real servers of this process raise, as errors of ours: by code, status and type."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import grpc
import httpx
import pytest
from weaviate.exceptions import (
    InsufficientPermissionsError,
    UnexpectedStatusCodeError,
    WeaviateConnectionError,
    WeaviateQueryError,
    WeaviateTimeoutError,
)

from weaviate_migration.base.errors import (
    TargetConnectionError,
    TargetError,
    TargetLimitError,
    TransientTargetError,
    category_of,
)
from weaviate_migration.target.failures import (
    call_may_pass,
    passing_kind,
    refusal_of_all,
    response_may_pass,
    target_errors,
)


class Failing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Ends each call with the status that the call is named after."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        name = details.method.rpartition("/")[2]
        if name == "QUOTA":
            return grpc.unary_unary_rpc_method_handler(_quota_reached)
        if name == "SHUTDOWN":
            said = "batch delete: cannot find objects: no read replica found"
            return grpc.unary_unary_rpc_method_handler(lambda _, context: context.abort(grpc.StatusCode.UNKNOWN, said))
        code = grpc.StatusCode[name]
        return grpc.unary_unary_rpc_method_handler(lambda _, context: context.abort(code, "said so"))


def _quota_reached(_: bytes, context: grpc.ServicerContext) -> None:
    """Ends a call as Weaviate 1.39.0 does: an ErrorInfo in the details, here the beginning of one."""
    context.set_trailing_metadata([("grpc-status-details-bin", b"\x08\x08\x12\x07said so\n\x14USAGE_LIMIT_EXCEEDED")])
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "said so")


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    server = grpc.server(ThreadPoolExecutor(1), handlers=[Failing()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_http_proxy", 0)]) as channel:
        yield channel
    server.stop(None).wait()


def ask(channel: grpc.Channel, code: str) -> None:
    """Calls and raises as weaviate-client does."""
    try:
        channel.unary_unary(f"/test/{code}")(b"")
    except grpc.RpcError as error:
        raise WeaviateQueryError(str(error), "GRPC search") from error


@pytest.mark.parametrize(
    ("code", "category", "passing"),
    [
        ("UNAVAILABLE", "connection", True),
        ("CANCELLED", "connection", True),
        ("DEADLINE_EXCEEDED", "timeout", True),
        ("RESOURCE_EXHAUSTED", "overload", True),
        ("ABORTED", "overload", True),
        ("INVALID_ARGUMENT", "refused", False),
        ("UNAUTHENTICATED", "refused", False),
        ("UNKNOWN", "refused", False),
    ],
)
def test_a_grpc_call_that_fails(channel: grpc.Channel, code: str, category: str, passing: bool) -> None:
    with pytest.raises(TargetError, match=rf"^asking: .*{code}: said so") as raised, target_errors("asking"):
        ask(channel, code)
    assert category_of(raised.value) == category
    assert isinstance(raised.value, TransientTargetError) == passing


def test_a_server_that_is_being_shut_down(channel: grpc.Channel) -> None:
    """It has no code for that: what it says of its own node tells it from what is refused for good."""
    with pytest.raises(TransientTargetError, match="no read replica found"), target_errors("asking"):
        ask(channel, "SHUTDOWN")
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/test/SHUTDOWN")(b"")
    assert call_may_pass(raised.value)
    answer = httpx.Response(500, json={"error": [{"message": 'resolve node name "node1" to host'}]})
    assert response_may_pass(answer)
    assert not response_may_pass(httpx.Response(500, json={"error": [{"message": "no such class"}]}))
    with pytest.raises(TransientTargetError), target_errors("asking"):
        raise UnexpectedStatusCodeError("delete object", answer)


@pytest.mark.parametrize(
    ("status", "category", "passing"),
    [
        (429, "overload", True),
        (502, "connection", True),
        (503, "overload", True),
        (504, "timeout", True),
        (401, "refused", False),
        (422, "refused", False),
        (500, "refused", False),
    ],
)
def test_an_http_status(status: int, category: str, passing: bool) -> None:
    with pytest.raises(TargetError, match=r"^asking: ") as raised, target_errors("asking"):
        raise UnexpectedStatusCodeError("meta", httpx.Response(status))
    assert category_of(raised.value) == category
    assert isinstance(raised.value, TransientTargetError) == passing


QUOTA = {
    "errorCode": "USAGE_LIMIT_EXCEEDED",
    "limit": "collections",
    "message": "collections count limit of 2 reached for this instance.",
    "value": 2,
}


def test_a_quota_is_no_overload() -> None:
    """It has the status of one; the code in the body says that no waiting helps."""
    with (
        pytest.raises(TargetLimitError, match="a quota of this Weaviate") as raised,
        target_errors("asking"),
    ):
        raise UnexpectedStatusCodeError("making", httpx.Response(429, json=QUOTA))
    assert "limit of 2" in raised.value.message
    assert "MAXIMUM_ALLOWED_COLLECTIONS_COUNT" in raised.value.hint
    assert not isinstance(raised.value, TransientTargetError)
    with pytest.raises(TransientTargetError), target_errors("asking"):
        raise UnexpectedStatusCodeError("making", httpx.Response(429, json=QUOTA | {"errorCode": "TOO_MANY"}))


@pytest.mark.parametrize(("code", "kind"), [("QUOTA", TargetLimitError), ("RESOURCE_EXHAUSTED", TransientTargetError)])
def test_a_quota_of_grpc_is_no_overload(channel: grpc.Channel, code: str, kind: type[TargetError]) -> None:
    with pytest.raises(kind, match="said so") as raised, target_errors("asking"):
        ask(channel, code)
    assert isinstance(raised.value, TransientTargetError) == (code != "QUOTA")


def test_too_few_nodes_for_replication() -> None:
    said = "init sharding state: could not find enough weaviate nodes for replication: 1 available, 2 requested"
    with pytest.raises(TargetLimitError, match=r"1 available, 2 requested") as raised, target_errors("asking"):
        raise UnexpectedStatusCodeError("making", httpx.Response(422, json={"error": [{"message": said}]}))
    assert "REPLICATION_MINIMUM_FACTOR" in raised.value.hint


def test_a_key_without_rights() -> None:
    with pytest.raises(TargetError, match="Weaviate refuses this key") as raised, target_errors("asking"):
        raise InsufficientPermissionsError(httpx.Response(403, json={"error": "no"}))
    assert category_of(raised.value) == "refused"


def test_nobody_listens() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(TransientTargetError, match="does not answer") as raised,
            target_errors("asking"),
        ):
            httpx.get(url, trust_env=False)
        assert category_of(raised.value) == "connection"


def test_no_answer_comes() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TransientTargetError, match="does not answer in time") as raised, target_errors("asking"):
            httpx.get(url, trust_env=False, timeout=httpx.Timeout(60, read=0.05))
        assert category_of(raised.value) == "timeout"


@pytest.mark.parametrize(
    ("error", "category"), [(WeaviateConnectionError("away"), "connection"), (WeaviateTimeoutError("slow"), "timeout")]
)
def test_what_weaviate_client_has_mapped(error: Exception, category: str) -> None:
    with pytest.raises(TransientTargetError) as raised, target_errors("asking"):
        raise error
    assert category_of(raised.value) == category


@pytest.mark.parametrize(
    ("reason", "category"),
    [
        ("store is read-only", "overload"),
        ("429 Too many requests", "overload"),
        ("context deadline exceeded", "timeout"),
        ("connect: connection refused", "connection"),
        ("unexpected 503 status", "connection"),
        ('resolve node name "node1" to host', "connection"),
        ("batch delete: cannot find objects: no read replica found", "connection"),
        ("connection to: OpenAI API failed with status: 429 error: too many", "overload"),
        ("connection to: OpenAI API failed with status: 503 error: busy", "connection"),
        ('send POST request: Post "http://h/api/embed": dial tcp: connect: connection refused', "connection"),
        ("connection to: OpenAI API failed with status: 500 error: this text", None),
        ("invalid text property 'body': not a string", None),
    ],
)
def test_the_text_of_one_object(reason: str, category: str | None) -> None:
    kind = passing_kind(reason)
    assert (kind.category if kind else None) == category


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("API Key: no api key found neither in request header: X-Openai-Api-Key nor in environment var", "`headers`"),
        ("connection to: OpenAI API failed with status: 401 error: Incorrect API key provided", "another key"),
        ("panic occurred: runtime error: invalid memory address or nil pointer dereference", "TIKTOKEN_CACHE_DIR"),
        ("fail with status 500: this text", None),
        ("connection to: OpenAI API failed with status: 500 error: this text", None),
        ("invalid text property 'body': not a string", None),
    ],
)
def test_what_a_vectorizer_says_of_every_object(reason: str, hint: str | None) -> None:
    """As Weaviate 1.39.0 says it; what is about one text alone goes to quarantine."""
    found = refusal_of_all(reason)
    assert (found is not None) == (hint is not None)
    if found is not None and hint is not None:
        assert hint in found.hint
        assert not isinstance(found, TransientTargetError)


@pytest.mark.parametrize(
    "said",
    [
        "cannot reach enough replicas: required 3 replicas, got 2",
        'connect: Post "http://10.0.0.2:7101/indices/Note/shards/a/objects": dial tcp 10.0.0.2:7101: i/o timeout',
        'Put "http://10.0.0.2:7101/replicas/indices/Note": read: EOF',
        "failed to execute query: rpc error: code = Canceled desc = grpc: the client connection is closing",
        "updating schema: leadership lost while committing log",
        "explorer: list class: search: tried to browse non-existing index for Note",
    ],
)
def test_what_a_cluster_says_while_a_node_is_away(said: str) -> None:
    """As Weaviate 1.39.0 says it."""
    assert passing_kind(said) is TargetConnectionError


def test_a_value_that_reads_like_the_end_of_a_connection_is_refused_for_good() -> None:
    assert passing_kind("invalid date property 'at': the given value is 'EOF'") is None


def test_a_change_of_the_schema_waits_for_a_leader() -> None:
    answer = httpx.Response(422, json={"error": [{"message": "leader not found"}]})
    assert response_may_pass(answer)
    assert not response_may_pass(httpx.Response(422, json={"error": [{"message": "no such property: 503 status"}]}))
