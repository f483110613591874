"""The Weaviate server that is migrated to."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr
from weaviate import WeaviateClient

from weaviate_migration.target.connect import EmbeddedTarget, open_weaviate, parse_weaviate_url
from weaviate_migration.target.server import ServerAddress, embedded_server, running_server
from weaviate_migration.work_folder import WorkFolder

logger = logging.getLogger(__name__)


class WeaviateServer(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A Weaviate server: an embedded one that belongs to the work folder, or any other."""

    url: str = Field(default="embedded", description="embedded, embedded:DIR, or http(s)://host[:port].")
    grpc_port: int | None = Field(default=None, description="For http 50051, for https 443, unless given here.")
    api_key: str = Field(default="", description="For a server that wants one; give it through the environment.")
    prefix: str = Field(default="", description="Stands before the names of collections and aliases.")

    # What the run has started: with a server for each step, the starts took longer than the work.
    _server: ExitStack | None = PrivateAttr(default=None)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Stops an embedded server that the run has started, unless others use it."""
        if self._server is not None:
            self._server.close()

    @contextmanager
    def client(self, work_folder: WorkFolder) -> Iterator[WeaviateClient]:
        """A connected client, closed afterwards; an embedded server that is started for it serves the run to its end.

        Args:
            work_folder: which an embedded server belongs to.
        """
        target = parse_weaviate_url(self.url, self.grpc_port)
        if isinstance(target, EmbeddedTarget) and self._server is None:
            self._server = ExitStack()
            self._server.enter_context(_held_server(target.data_folder(work_folder.folder)))
        with open_weaviate(target, work_folder.folder, self.api_key or None, logger.debug) as client:
            yield client


def _held_server(data_folder: Path) -> AbstractContextManager[ServerAddress]:
    """The server on this folder. To fetch and start one takes its time, so the run tells of that."""
    return embedded_server(data_folder, logger.debug if running_server(data_folder) else logger.info)
