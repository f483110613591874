"""A gRPC proxy in front of a real server: it can quote in errors what it was sent, lose answers, and find nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import grpc
from weaviate.proto.v1 import batch_pb2, search_get_pb2

from weaviate_migration.target.server import ServerAddress

OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", -1)]


@dataclass
class QuotingProxy(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Hands each call on to the server behind it.

    Attributes:
        quotes: what becomes of batches: nothing (None), each call fails, or one object is refused.
        status: of the calls that fail.
        marked: bytes of the object that is refused.
        blind: whether no BM25 search finds anything.
        lost: so many answers to batches do not arrive: the server has done what it was asked.
        asked: the names of the calls, as they came.
    """

    channel: grpc.Channel
    quotes: Literal["in calls", "in objects"] | None = None
    status: grpc.StatusCode = grpc.StatusCode.RESOURCE_EXHAUSTED
    marked: bytes = b""
    lost: int = 0
    blind: bool = False
    asked: list[str] = field(default_factory=list)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        metadata = {key: value for key, value in details.invocation_metadata if key == "authorization"}

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.asked.append(details.method.rpartition("/")[2])
            batch = self.asked[-1] == "BatchObjects"
            if batch and self.quotes == "in calls":
                context.abort(self.status, f"no room for {metadata}")
            if batch and self.quotes == "in objects" and self.marked in request:
                return self._refusal(request, f"not with {metadata}")
            if self.blind and self.asked[-1] == "Search" and _is_by_word(request):
                return bytes(search_get_pb2.SearchReply().SerializeToString())
            answered = bytes(self.channel.unary_unary(details.method)(request, metadata=list(metadata.items())))
            if batch and self.lost:
                self.lost -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "the answer was lost")
            return answered

        return grpc.unary_unary_rpc_method_handler(answer)

    def _refusal(self, request: bytes, reason: str) -> bytes:
        objects = batch_pb2.BatchObjectsRequest.FromString(request).objects
        (index,) = [number for number, each in enumerate(objects) if self.marked in each.SerializeToString()]
        error = batch_pb2.BatchObjectsReply.BatchError(index=index, error=reason)
        return bytes(batch_pb2.BatchObjectsReply(errors=[error]).SerializeToString())


def _is_by_word(request: bytes) -> bool:
    return bool(search_get_pb2.SearchRequest.FromString(request).HasField("bm25_search"))


@contextmanager
def run_quoting_proxy(server: ServerAddress) -> Iterator[tuple[QuotingProxy, ServerAddress]]:
    """The proxy, and the address of the server with the proxy's gRPC port."""
    with grpc.insecure_channel(f"{server.host}:{server.grpc_port}", OPTIONS) as channel:
        proxy = QuotingProxy(channel)
        front = grpc.server(ThreadPoolExecutor(8), handlers=[proxy], options=OPTIONS)
        port = front.add_insecure_port(f"{server.host}:0")
        front.start()
        try:
            yield proxy, ServerAddress(server.host, server.http_port, port)
        finally:
            front.stop(None).wait()
