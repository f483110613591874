"""A second address of a server: what is sent there goes on to the first, byte by byte."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

OTHER_LOOPBACK = "127.0.0.2"
CHUNK = 65_536


@contextmanager
def run_forwarder(host: str, port: int) -> Iterator[int]:
    """The port on the other loopback address at which the server at this address answers too."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with closing(socket.create_connection((host, port))) as behind:
                back = Thread(target=_pump, args=(behind, self.request))
                back.start()
                _pump(self.request, behind)
                back.join()

    class Front(ThreadingTCPServer):
        daemon_threads = True

    with Front((OTHER_LOOPBACK, 0), Handler) as front:
        thread = Thread(target=front.serve_forever)
        thread.start()
        try:
            yield front.server_address[1]
        finally:
            front.shutdown()
            thread.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Sends on all that comes, until either end is closed."""
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
