"""Where metrics go while a command runs: served over HTTP, written into a file, pushed to a gateway."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway, start_http_server
from prometheus_client.exposition import basic_auth_handler, default_handler

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import OPTIONS, MigrationConfig
from weaviate_migration.monitoring.metrics.collector import MigrationCollector

logger = logging.getLogger(__name__)

# As often as a Prometheus usually looks at what a node_exporter or a gateway has. Gathering takes 20 ms (measured).
SECONDS_BETWEEN_PUBLICATIONS = 15.0
PUSH_SECONDS = 5.0
JOB = "weaviate_migration"


@contextmanager
def exposition(config: MigrationConfig) -> Iterator[None]:
    """Exposes the metrics of a work folder, as the settings say, while the context lives and once at its end.

    Raises:
        ConfigurationError: the port is taken, the file cannot be written. A gateway that is away is no error.
    """
    registry = CollectorRegistry()
    registry.register(MigrationCollector(config))
    with Endings() as stack:
        if config.metrics_port is not None:
            stack.enter_context(_served(config.metrics_address, config.metrics_port, registry))
        if config.metrics_file is not None:
            stack.enter_context(_written(config.metrics_file, registry))
        if config.metrics_push_url is not None:
            stack.enter_context(_pushed(config.metrics_push_url, registry))
        yield


@contextmanager
def _served(address: str, port: int, registry: CollectorRegistry) -> Iterator[None]:
    try:
        server, thread = start_http_server(port, address, registry)
    except OSError as error:
        raise ConfigurationError(
            f"Metrics cannot be served at port {port} of {address}: {error.strerror}.",
            f"Give {OPTIONS['metrics_port']} a free one, and {OPTIONS['metrics_address']} one of this machine's.",
        ) from error
    logger.info("metrics are served at http://%s:%d/metrics", address, port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _written(path: Path, registry: CollectorRegistry) -> Iterator[None]:
    """Into a file that is replaced in one step, as node_exporter wants it."""
    try:
        _write(path, registry)
    except OSError as error:
        raise ConfigurationError(
            f"The metrics file {path} cannot be written: {error.strerror}.",
            f"Name another one with {OPTIONS['metrics_file']}.",
        ) from error
    with _repeated(lambda: _write(path, registry), SECONDS_BETWEEN_PUBLICATIONS, f"written to {path}"):
        yield


def _write(path: Path, registry: CollectorRegistry) -> None:
    replace_file(path, generate_latest(registry), durable=False, named=True)


@contextmanager
def _pushed(url: str, registry: CollectorRegistry) -> Iterator[None]:
    """To a push gateway, in a group of this machine."""
    parts = urlsplit(url)
    place = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    handler = _handler(parts)

    def push() -> None:
        push_to_gateway(place, JOB, registry, {"instance": socket.gethostname()}, PUSH_SECONDS, handler)

    with _repeated(push, SECONDS_BETWEEN_PUBLICATIONS, f"pushed to {place}"):
        yield


def _handler(parts: SplitResult) -> Callable[..., Callable[[], None]]:
    """Sends a push, with the user and the password of the URL, if it has them."""
    if parts.username is None:
        return default_handler
    return partial(basic_auth_handler, username=unquote(parts.username), password=unquote(parts.password or ""))


@contextmanager
def _repeated(publish: Callable[[], None], seconds: float, done: str) -> Iterator[None]:
    """Publishes now and then in a thread of its own, and at the end. What fails is told once, and tried again."""
    stopped = threading.Event()
    publication = _Publication(publish, done)

    def repeat() -> None:
        while not stopped.wait(seconds):
            publication.attempt()

    thread = threading.Thread(target=repeat, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        publication.attempt()


class _Publication:
    """Tries to publish, and says when it begins to fail and when it works again."""

    def __init__(self, publish: Callable[[], None], done: str) -> None:
        self._publish = publish
        self._done = done
        self._failing = False

    def attempt(self) -> None:
        """Once; never raises: no migration fails for its metrics."""
        try:
            self._publish()
        except Exception as error:
            if not self._failing:
                logger.warning("metrics cannot be %s: %s; it is tried again", self._done, error)
            self._failing = True
        else:
            if self._failing:
                logger.info("metrics are %s again", self._done)
            self._failing = False
