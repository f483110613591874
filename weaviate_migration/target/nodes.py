"""The nodes of a cluster: a client talks to one of them, and to the next one when that is gone."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import RLock
from typing import Any, TypeVar

import grpc
import httpx
from weaviate import WeaviateClient

from weaviate_migration.base.deadline import is_stopped, seconds_left
from weaviate_migration.base.errors import ServerNotUsableError
from weaviate_migration.target.server import ServerAddress

logger = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Node:
    """A node that a client talks to, though it was made for another one.

    Attributes:
        client: whose connection is used.
    """

    address: ServerAddress
    client: WeaviateClient

    @property
    def rest(self) -> httpx.BaseTransport:
        """What requests go through."""
        connection: Any = self.client._connection
        transport: httpx.BaseTransport = connection._client._transport
        return transport

    def call(self, name: str) -> grpc.UnaryUnaryMultiCallable:
        """A call of its gRPC interface."""
        connection: Any = self.client._connection
        return getattr(connection._grpc_stub, name)

    def readdressed(self, request: httpx.Request) -> httpx.Request:
        """The same request, to this node."""
        scheme = "https" if self.address.secure else "http"
        host = self.address.host.removeprefix("[").removesuffix("]")
        url = request.url.copy_with(scheme=scheme, host=host, port=self.address.http_port)
        headers: Mapping[str, str] = {**request.headers, "host": url.netloc.decode("ascii")}
        return httpx.Request(
            request.method, url, headers=headers, content=request.read(), extensions=request.extensions
        )


class Nodes:
    """The nodes that calls of a client can go to, one at a time; used by several threads.

    Args:
        own: the node that the client was made for.
        others: the addresses of the others, in the order in which they take its place.
        check: raises ServerNotUsableError where a node cannot be worked with.
        connect: opens a client of one that can.

    Attributes:
        current: the one that calls go to; None: the client's own.
    """

    def __init__(
        self,
        own: ServerAddress,
        others: Sequence[ServerAddress],
        check: Callable[[ServerAddress], None],
        connect: Callable[[ServerAddress], WeaviateClient],
    ) -> None:
        self.current: Node | None = None
        self._own = own
        self._others = tuple(others)
        self._check = check
        self._connect = connect
        self._opened: dict[ServerAddress, Node] = {}
        self._leaving = RLock()

    @property
    def has_others(self) -> bool:
        """Whether there is another node than the client's own."""
        return bool(self._others)

    def ask(
        self, ask: Callable[[Node | None], _Answer], is_gone: Callable[[Exception], bool], *, again: bool
    ) -> _Answer:
        """The answer of a node. Where one is gone, calls go to the next one from then on.

        Args:
            is_gone: whether that is what an error says.
            again: whether the next one is asked the same at once; otherwise the error is raised.
        """
        for _ in self._others:
            node = self.current
            try:
                return ask(node)
            except Exception as error:
                if not is_gone(error) or not self._leave(node) or not again:
                    raise
        return ask(self.current)

    def close(self) -> None:
        """Closes the clients that were opened."""
        with self._leaving:
            for each in self._opened.values():
                each.client.close()
            self._opened.clear()

    def _leave(self, node: Node | None) -> bool:
        """Goes to the next node that answers; returns whether calls go to another one than this by now."""
        if is_stopped() or not seconds_left():
            return False
        with self._leaving:
            if self.current is not node:  # Another thread was faster.
                return True
            left = self._own if node is None else node.address
            order = (self._own, *self._others)
            at = order.index(left)
            for address in (*order[at + 1 :], *order[:at]):
                with suppress(ServerNotUsableError):
                    self._check(address)
                    self.current = None if address == self._own else self._node(address)
                    logger.warning("Weaviate at %s is gone: from now on the one at %s is asked", left, address)
                    return True
        return False

    def _node(self, address: ServerAddress) -> Node:
        if address not in self._opened:
            self._opened[address] = Node(address, self._connect(address))
        return self._opened[address]
