"""What a command opens: each part when the command asks for it, and all of it closed with the session, the last first.

It knows nothing of Dagster: `job_session.py` does, for the commands that run jobs.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property

from weaviate import WeaviateClient

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.target.connect import (
    EmbeddedTarget,
    RemoteTarget,
    connected,
    open_running_weaviate,
    open_server,
    parse_weaviate_url,
)
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord, refuse_another_mapping


@dataclass(frozen=True)
class Session:
    """One call of a command.

    Attributes:
        config: its settings.
        parts: what is open so far.
    """

    config: MigrationConfig
    parts: ExitStack

    @cached_property
    def work_folder(self) -> WorkFolder:
        """The work folder of the settings."""
        return WorkFolder.of(self.config)

    @cached_property
    def mapping(self) -> Mapping:
        """What the mapping file of the settings says; read once.

        Raises:
            MappingError: it is wrong.
        """
        return read_mapping(self.config.mapping)

    def current_migration(self) -> MigrationRecord:
        """The unfinished migration, or else the one that was cut over last; what is logged from here on is about it.

        Raises:
            ConfigurationError: there is none.
            MigrationConflictError: it was begun with another mapping.
        """
        mapping = self.mapping
        record = self.work_folder.records.take_up()
        refuse_another_mapping(record, mapping)
        return record

    def lock(self) -> None:
        """Locks the work folder: one command at a time changes what is in it.

        Raises:
            MigrationConflictError: another command has it.
        """
        self.parts.enter_context(self.work_folder.locked())

    def start_server(self) -> ServerAddress:
        """Where the server answers; an embedded one is started if it does not run yet.

        Raises:
            ConfigurationError: the settings name no server.
            ServerNotUsableError: it cannot be started.
        """
        return self.parts.enter_context(open_server(self._target, self.work_folder.ensure()))

    def connect_to(self, address: ServerAddress) -> WeaviateClient:
        """A client of the server that was started.

        Raises:
            ServerNotUsableError: it cannot be reached, or refuses the key.
        """
        return self.parts.enter_context(connected(self._target, address, self.config.weaviate_api_key))

    def connect(self) -> WeaviateClient:
        """A client of the server; an embedded one is started if it does not run yet.

        Raises:
            ConfigurationError: the settings name no server.
            ServerNotUsableError: it cannot be started or reached, or refuses the key.
        """
        return self.connect_to(self.start_server())

    def connect_to_running(self) -> WeaviateClient:
        """A client of a server that runs already: nothing is started.

        Raises:
            ConfigurationError: the settings name no server.
            ServerNotUsableError: none runs, it cannot be reached, or it refuses the key.
        """
        folder = self.work_folder.path
        return self.parts.enter_context(open_running_weaviate(self._target, folder, self.config.weaviate_api_key))

    @property
    def _target(self) -> EmbeddedTarget | RemoteTarget:
        return parse_weaviate_url(self.config.weaviate_url, self.config.grpc_port)


@contextmanager
def opened(config: MigrationConfig) -> Iterator[Session]:
    """The session of a command, with a copy of the settings, while the context lives. Nothing is open at first."""
    with ExitStack() as parts:
        yield Session(config.model_copy(), parts)
