"""Resources that a project of others has already, in the place of ours."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import dagster as dg
from weaviate import WeaviateClient

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import ConfigurationError, ServerNotUsableError, TargetError
from weaviate_migration.base.repeats import RepeatLimits
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.defs.resources.batches import BatchSettings
from weaviate_migration.defs.resources.sqlite import SQLiteSource
from weaviate_migration.defs.resources.weaviate import TargetServer, WeaviateServer
from weaviate_migration.runs.names import BATCHES, SOURCE, WEAVIATE, DagsterNames
from weaviate_migration.target.calls import bound_calls
from weaviate_migration.target.connect import server_version
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.probes import refuse_unusable_version
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.prefixes import Prefixes

GivenResources = Mapping[str, Any]
"""By our names: a resource, or the key that the project knows one by."""


@runtime_checkable
class ClientResource(Protocol):
    """A resource with clients of a server, as dagster-weaviate's `WeaviateResource` is one."""

    def get_client(self) -> AbstractContextManager[WeaviateClient]:
        """A client, connected while the context lives."""


_KINDS: Mapping[str, tuple[type, ...]] = {
    SOURCE: (SQLiteSource,),
    WEAVIATE: (WeaviateServer, ClientResource),
    BATCHES: (BatchSettings,),
}


@dataclass(frozen=True)
class GivenServer:
    """The server that a resource of others leads to.

    Attributes:
        resource: has the clients.
        url: where the server is, as the settings say.
        prefix: stands before the names of collections and aliases.
    """

    resource: ClientResource
    url: str
    prefix: str

    @contextmanager
    def client(self, work_folder: WorkFolder, limits: RepeatLimits) -> Iterator[WeaviateClient]:  # noqa: ARG002
        """A client, connected while the context lives; its key is that of the resource, its calls are bounded as ours.

        Raises:
            ServerNotUsableError: it cannot be connected to, or is too old.
        """
        with Endings() as parts:
            try:
                with target_errors("connecting"):
                    client = parts.enter_context(self.resource.get_client())
                    bound_calls(client, limits)
                    version = server_version(client)
            except TargetError as error:
                raise ServerNotUsableError(
                    f"the project's resource has no connection to Weaviate: {error.message}",
                    "Correct the resource, or start the server.",
                ) from error
            refuse_unusable_version(version, "the server of the project's resource")
            yield client


def project_resources(given: GivenResources, names: DagsterNames, config: MigrationConfig) -> dict[str, Any]:
    """The resources that stand in the place of ours, and those that they lead to, by their keys in the project.

    Raises:
        ConfigurationError: one of them is of no use here.
    """
    made: dict[str, Any] = {}
    for name, resource in given.items():
        _refuse_useless(name, resource)
        key = names.of(name)
        if isinstance(resource, str):
            made[key] = _led_to(name, resource, key, config)
        elif isinstance(resource, ClientResource):
            made |= {f"{key}_client": resource, key: _led_to(name, f"{key}_client", key, config)}
        else:
            made[key] = resource
    return made


def noted_work_folder(work_folder: WorkFolder, names: DagsterNames) -> dg.ResourceDefinition:
    """The work folder; a run that uses it notes there what Dagster calls its assets, for commands."""

    def noted(_: dg.InitResourceContext) -> WorkFolder:
        work_folder.keep_prefixes(Prefixes(names.key_prefix, names.group_prefix))
        return work_folder

    return dg.ResourceDefinition(noted, description="What a migration keeps on disk; not for a run to choose.")


def _refuse_useless(name: str, resource: Any) -> None:
    if name not in _KINDS:
        raise ConfigurationError(
            f"A migration takes no resource {name!r} of a project.",
            f"It takes {', '.join(_KINDS)}. Where extracts are kept is a setting: storage.",
        )
    if not isinstance(resource, (str, *_KINDS[name])):
        kinds = ", ".join(each.__name__ for each in _KINDS[name])
        raise ConfigurationError(
            f"The resource for {name!r} is a {type(resource).__name__}, which a migration cannot use.",
            f"Give one of these: {kinds}; or the key of one that the project has.",
        )


def _led_to(name: str, theirs: str, key: str, config: MigrationConfig) -> dg.ResourceDefinition:
    """The resource that the project knows by another key."""
    if theirs == key:
        raise ConfigurationError(
            f"The project's resource {theirs!r} has the key that the migration's own has.",
            "Give the migration a key prefix.",
        )

    def found(context: dg.InitResourceContext) -> TargetServer | SQLiteSource | BatchSettings:
        resource = getattr(context.resources, theirs)
        _refuse_useless(name, resource)
        if isinstance(resource, ClientResource):
            return GivenServer(resource, config.weaviate_url, config.prefix)
        return resource  # type: ignore[no-any-return]

    return dg.ResourceDefinition(
        found, required_resource_keys={theirs}, description=f"The project's own: the resource `{theirs}`."
    )
