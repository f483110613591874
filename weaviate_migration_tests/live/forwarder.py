"""A second address of a server: what is sent there goes on to the first, byte by byte."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

OTHER_LOOPBACK = "127.0.0.2"
CHUNK = 65_536


class Connection:
    """A connection of a client, and the one behind it."""

    def __init__(self, front: socket.socket, behind: socket.socket) -> None:
        self._front = front
        self._behind = behind
        self.is_forgotten = False

    def carry(self) -> None:
        """Sends on all that comes, in both directions, until they are closed."""
        back = Thread(target=self._pump, args=(self._behind, self._front))
        back.start()
        self._pump(self._front, self._behind)
        back.join()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK):
                if not self.is_forgotten:
                    target.sendall(chunk)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Forwarder(ThreadingTCPServer):
    """Forwards what is sent to its port on the other loopback address."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        connections = self._connections = list[Connection]()

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with closing(socket.create_connection((host, port))) as behind:
                    connections.append(Connection(self.request, behind))
                    connections[-1].carry()

        super().__init__((OTHER_LOOPBACK, 0), Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def forget(self) -> int:
        """Of the connections that there are now nothing arrives any more, and neither side is told; returns how many.

        As a firewall does with those on which nothing came for a while. New ones are forwarded.
        """
        for each in self._connections:
            each.is_forgotten = True
        return len(self._connections)


@contextmanager
def run_forwarder(host: str, port: int) -> Iterator[Forwarder]:
    """A second address of the server at this one."""
    with Forwarder(host, port) as front:
        thread = Thread(target=front.serve_forever)
        thread.start()
        try:
            yield front
        finally:
            front.shutdown()
            thread.join()
