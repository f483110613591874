"""A webhook in the test's own process: keeps what it was told, and can be told to refuse."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "canary-7f3a"
# So that nothing of the machine that runs the tests is told of.
QUIET = {"memory_mb": 1_000_000, "free_disk_mb": 0, "server_disk_percent": 100}


class Receiver:
    """What was sent to `url`, in the order in which it came."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.notifications: list[dict[str, Any]] = []
        self.refuses = False

    @property
    def url(self) -> str:
        """As apprise has it; with a secret that must not be found anywhere."""
        return f"json://team:{SECRET}@127.0.0.1:{self._server.server_port}/"

    @property
    def told(self) -> list[tuple[str, str]]:
        """Urgency and title of each."""
        return [(each["type"], each["title"]) for each in self.notifications]

    def taken(self) -> list[tuple[str, str]]:
        """What was told since the last call."""
        told = self.told
        self.notifications.clear()
        return told

    def take(self, body: bytes) -> int:
        """The status that a request is answered with."""
        if self.refuses:
            return 500
        self.notifications.append(json.loads(body))
        return 200


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def alerts_file(path: Path, *channels: str, **thresholds: float) -> Path:
    """The file of `--alerts`, with these channels and thresholds; of the others, none can be met."""
    path.write_text(json.dumps({"alerts": {"channels": channels, **QUIET, **thresholds}}), encoding="utf-8")
    return path
