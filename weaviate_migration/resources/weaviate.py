"""The Weaviate server that is migrated to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field
from weaviate import WeaviateClient

from weaviate_migration.target.connect import open_weaviate, parse_weaviate_url
from weaviate_migration.work_folder import WorkFolder

logger = logging.getLogger(__name__)


class WeaviateServer(dg.ConfigurableResource):  # type: ignore[type-arg]
    """A Weaviate server: an embedded one that belongs to the work folder, or any other."""

    url: str = Field(default="embedded", description="embedded, embedded:DIR, or http(s)://host[:port].")
    grpc_port: int | None = Field(default=None, description="For http 50051, for https 443, unless given here.")
    api_key: str = Field(default="", description="For a server that wants one; give it through the environment.")

    prefix: str = Field(default="", description="Stands before the names of collections and aliases.")

    @contextmanager
    def client(self, work_folder: WorkFolder) -> Iterator[WeaviateClient]:
        """A connected client; it is closed afterwards, and an embedded server that was started for it is stopped.

        Args:
            work_folder: which an embedded server belongs to.
        """
        target = parse_weaviate_url(self.url, self.grpc_port)
        with open_weaviate(target, work_folder.folder, self.api_key or None, logger.debug) as client:
            yield client
