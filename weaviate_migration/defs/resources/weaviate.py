"""The Weaviate server that is migrated to."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol, cast

import dagster as dg
from pydantic import Field, PrivateAttr
from weaviate import WeaviateClient

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.redaction import secret_kept
from weaviate_migration.base.repeats import NO_REPEATS, RepeatLimits
from weaviate_migration.base.settings import QUORUM, ConsistencyLevel
from weaviate_migration.target.connect import answers, connected, open_server
from weaviate_migration.target.server import ServerAddress, embedded_server, running_server
from weaviate_migration.target.weaviate_url import EmbeddedTarget, RemoteTarget, parse_weaviate_url
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)


class TargetServer(Protocol):
    """What the steps ask of the resource `weaviate`."""

    @property
    def url(self) -> str:
        """Where the server is, for the report."""

    @property
    def prefix(self) -> str:
        """Stands before the names of collections and aliases."""

    def client(self, work_folder: WorkFolder, limits: RepeatLimits) -> AbstractContextManager[WeaviateClient]:
        """A client, connected while the context lives.

        Args:
            work_folder: which an embedded server belongs to.
            limits: how calls that fail for a passing reason are repeated.

        Raises:
            ServerNotUsableError: the server cannot be started, or be connected to.
        """


class WeaviateServer(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A Weaviate server: an embedded one that belongs to the work folder, or any other."""

    url: str = Field(
        default="embedded", description="embedded, embedded:DIR, or http(s)://host[:port]; of a cluster several."
    )
    grpc_port: int | None = Field(default=None, description="For http 50051, for https 443, unless given here.")
    grpc_host: str | None = Field(default=None, description="Where gRPC is served; by default the host of the URL.")
    consistency_level: str = Field(default=QUORUM, description="ONE, QUORUM or ALL: how many replicas take part.")
    api_key: str = Field(default="", description="For a server that wants one; give it through the environment.")
    prefix: str = Field(default="", description="Stands before the names of collections and aliases.")
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="What the server's vectorizers need: for each header the variable that holds it.",
    )

    # What is open until the run ends: a server for each step took longer than the work, and each client loads the
    # certificates of this machine.
    _open: Endings = PrivateAttr(default_factory=Endings)
    _holds_server: bool = PrivateAttr(default=False)
    _client: tuple[ServerAddress, WeaviateClient] | None = PrivateAttr(default=None)
    _is_away: bool = PrivateAttr(default=False)
    _opening: Lock = PrivateAttr(default_factory=Lock)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Closes the run's client, and stops an embedded server that the run has started, unless others use it."""
        self._open.close()

    @contextmanager
    def client(self, work_folder: WorkFolder, limits: RepeatLimits) -> Iterator[WeaviateClient]:
        """The run's client, connected; it is closed when the run ends, as is an embedded server that it has started.

        Args:
            work_folder: which an embedded server belongs to.
            limits: how calls that fail for a passing reason are repeated.

        Raises:
            ServerNotUsableError: the server cannot be started, or be connected to.
        """
        level = cast(ConsistencyLevel, self.consistency_level)
        target = parse_weaviate_url(self.url, self.grpc_port, self.grpc_host, level)
        folder = work_folder.ensure()
        with self._opening:
            if isinstance(target, EmbeddedTarget) and not self._holds_server:
                self._open.enter_context(_held_server(target.data_folder(folder)))
                self._holds_server = True
        with open_server(target, folder, logger.debug) as address, secret_kept(self.api_key):
            yield self._connected(target, address, limits)

    def _connected(
        self, target: EmbeddedTarget | RemoteTarget, address: ServerAddress, limits: RepeatLimits
    ) -> WeaviateClient:
        """The client that is open, or another one where the server does not answer it: it may have been killed."""
        with self._opening:
            if self._client is None or self._client[0] != address or not answers(self._client[1]):
                # A step that has waited in vain is enough: those that follow, and there may be many, ask once.
                limits = NO_REPEATS if self._is_away else limits
                self._is_away = True
                client = self._open.enter_context(
                    connected(target, address, self.api_key or None, limits, self.headers)
                )
                self._client, self._is_away = (address, client), False
            return self._client[1]


def _held_server(data_folder: Path) -> AbstractContextManager[ServerAddress]:
    """The server on this folder. To fetch and start one takes its time, so the run tells of that."""
    return embedded_server(data_folder, logger.debug if running_server(data_folder) else logger.info)
