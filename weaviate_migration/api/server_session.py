"""The session of a command that asks the server for something, or changes something there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

from weaviate import WeaviateClient

from weaviate_migration.api.session import MappingChoice, Session
from weaviate_migration.base.endings import Endings
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.target.connect import connected, open_running_weaviate, open_server
from weaviate_migration.target.module_headers import NO_HEADERS
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.weaviate_url import EmbeddedTarget, RemoteTarget, configured_target
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.own_mapping import current_mapping


class ServerSession(Session):
    """One call of a command that needs the server."""

    def start_server(self) -> ServerAddress:
        """Where the server answers; an embedded one is started if it does not run yet.

        Raises:
            ConfigurationError: the settings name no server.
            ServerNotUsableError: it cannot be started.
        """
        return self.parts.enter_context(open_server(self._target, self.work_folder.ensure()))

    def connect_to(self, address: ServerAddress, headers: Mapping[str, str] = NO_HEADERS) -> WeaviateClient:
        """A client of the server that was started.

        Args:
            headers: what the server's vectorizers need, where objects are written or searched: a mapping has them.

        Raises:
            ServerNotUsableError: it cannot be reached, or refuses the key.
        """
        return self.parts.enter_context(
            connected(self._target, address, self.config.weaviate_api_key, self.config, headers)
        )

    def connect(self, headers: Mapping[str, str] = NO_HEADERS) -> WeaviateClient:
        """A client of the server; an embedded one is started if it does not run yet.

        Args:
            headers: as `connect_to` takes them.

        Raises:
            ConfigurationError: the settings name no server.
            ServerNotUsableError: it cannot be started or reached, or refuses the key.
        """
        return self.connect_to(self.start_server(), headers)

    def connect_to_running(self) -> WeaviateClient:
        """A client of a server that runs already: nothing is started.

        Raises:
            ConfigurationError: the settings name no server.
            ServerNotUsableError: none runs, it cannot be reached, or it refuses the key.
        """
        folder, config = self.work_folder.path, self.config
        return self.parts.enter_context(open_running_weaviate(self._target, folder, config.weaviate_api_key, config))

    @cached_property
    def models(self) -> OpenModels:
        """The models that make vectors; each is opened when it is first needed."""
        cache, config = self.work_folder.vector_cache_place, self.config
        return self.parts.enter_context(OpenModels(cache, config, config.max_embedding_calls))

    @property
    def _target(self) -> EmbeddedTarget | RemoteTarget:
        return configured_target(self.config)


@contextmanager
def opened_with_server(
    config: MigrationConfig, choose_mapping: MappingChoice = current_mapping
) -> Iterator[ServerSession]:
    """The session of a command that needs the server, while the context lives; nothing is open at first.

    Args:
        config: the settings; the session has its own copy.
        choose_mapping: which mapping it works with.
    """
    with Endings() as parts:
        yield ServerSession(config.model_copy(), parts, choose_mapping=choose_mapping)
