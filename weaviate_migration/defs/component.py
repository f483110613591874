"""A migration in a Dagster project of other people, as an entry in one of its `defs.yaml`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from dagster.components.resolved.errors import ResolutionException
from pydantic import Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema
from typing_extensions import TypeAliasType

from weaviate_migration.base.errors import ConfigurationError, MigrationError
from weaviate_migration.base.settings import DEFAULT_WORK_DIR, MigrationConfig
from weaviate_migration.base.texts import suggestion
from weaviate_migration.base.yaml_file import Place
from weaviate_migration.defs.build import build_migration_definitions
from weaviate_migration.defs.component_scaffolder import MigrationScaffolder
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.mapping.reader import PRESETS, mapping_in_file
from weaviate_migration.mapping.validated_model import in_fields_or_else
from weaviate_migration.source.connect import sqlite_path

SETTINGS = (
    *("allow_pause", "batch_size", "enable_parallel_processing", "executor", "keep_changes", "keep_hours"),
    *("max_embedding_calls", "max_retries", "memory_limit_mb", "partitions", "retry_delay", "state_url", "storage"),
    *("validation_sample_size", "vector_cache", "worker_count"),
)
"""What of `MigrationConfig` has no field of its own in the component, and is read by what Dagster loads."""


class MigrationServer(dg.Model, dg.Resolvable):
    """The Weaviate server that a migration goes to.

    Attributes:
        url: `embedded`, `embedded:DIR` or `http(s)://host[:port]`.
        grpc_port: of a server that is not embedded; 50051, for https 443.
        grpc_host: the host of its gRPC, where that is not the one of `url`.
        api_key_variable: the variable of the environment that holds the key, which is read when a run needs it.
    """

    url: str = "embedded"
    grpc_port: int | None = None
    grpc_host: str | None = None
    # A template is not filled in: `{{ env.KEY }}` would make the key itself the name of a variable, stored and shown.
    api_key_variable: Annotated[str, dg.Resolver.passthrough()] = Field(
        default="", pattern="^([A-Za-z_][A-Za-z0-9_]*)?$"
    )


@contextmanager
def _told_without_trace() -> Iterator[None]:
    """What a person has caused is told in a few lines: of any other exception Dagster would show the trace as text."""
    try:
        yield
    except MigrationError as error:
        raise ResolutionException(str(error)) from None


def _read_mapping(context: dg.ResolutionContext, given: str | dict[str, Any]) -> Mapping:
    """The mapping of a file, of a preset, or that stands there itself."""
    with _told_without_trace():
        if not isinstance(given, str):
            return mapping_in_file(given, *_where(context))
        path = context.resolve_source_relative_path(given)
        return read_mapping(Path(given) if given in PRESETS and not path.exists() else path)


def _where(context: dg.ResolutionContext) -> tuple[dict[Place, int], str]:
    """The lines of a field's value and of what is in that, and the file."""
    tree: Any = context.source_position_tree
    for step in context.path:
        tree = tree.children[step]
    return dict(_lines(tree, ())), tree.position.filename


def _lines(tree: Any, place: Place) -> Iterator[tuple[Place, int]]:
    yield place, tree.position.start.line
    for step, child in tree.children.items():
        yield from _lines(child, (*place, str(step)))


def _read_source(context: dg.ResolutionContext, given: str) -> str:
    """The path that a path or a URL names."""
    with _told_without_trace():
        return str(context.resolve_source_relative_path(str(sqlite_path(given))))


def _read_path(context: dg.ResolutionContext, given: str | None) -> Path | None:
    return None if given is None else context.resolve_source_relative_path(given)


def _read_settings(context: dg.ResolutionContext, given: dict[str, Any]) -> dict[str, Any]:
    return dict(context.resolve_value(given))


class _SchemaOfMapping:
    """Any fields, of which the schema alone says what they are: the mapping's own reader tells what is wrong."""

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(Mapping.__pydantic_core_schema__)


def _settings_schema() -> dict[str, Any]:
    known = MigrationConfig.model_json_schema()["properties"]
    return {"type": "object", "properties": {name: known[name] for name in SETTINGS}, "additionalProperties": False}


def _fields_or_text(schema: dict[str, Any]) -> None:
    """Has `dg check yaml` name the very field that is wrong."""
    fields = next(each for each in schema.pop("anyOf") if each != {"type": "string"})
    schema |= in_fields_or_else(fields, "string")


# What a prefix is, or a template that makes one: so `dg check yaml` names the line, too.
_WORD: dict[str, Any] = {"pattern": r"^[A-Za-z0-9_]*$|\{\{"}
_BEGINS_WITH_CAPITAL: dict[str, Any] = {"pattern": r"^([A-Z][A-Za-z0-9_]*)?$|\{\{"}


# By another name: Dagster refuses other people's models as types of fields, and does not look behind an alias.
_Mapping = TypeAliasType("_Mapping", Mapping)


@dg.scaffold_with(MigrationScaffolder)
class SQLiteMigrationComponent(dg.Component, dg.Model, dg.Resolvable):
    """Moves a SQLite file into Weaviate as assets, checks and jobs of a project that has others, and proves the copy.

    A path is one from the folder of the `defs.yaml`, unless it is absolute.

    Attributes:
        source: the SQLite file: a path, or a URL `sqlite:///path`.
        mapping: what becomes what: the path of a mapping file, the name of a preset, or the mapping's own fields.
        server: the Weaviate server.
        key_prefix: stands before the keys of the assets, and before the names of jobs, sensors and resources; two
            migrations in one project need different ones.
        group_prefix: stands before the names of the groups.
        collection_prefix: stands before the names of collections and aliases in Weaviate.
        work_dir: snapshot, extracts, quarantine, records, embedded server; by default `.weaviate_migration` in the
            project, and in that a folder for each key prefix.
        sync_schedule: a cron expression: when changes of a source in use are applied; else when the sensor is on.
        alerts: the file that says where alerts go, and from when on something is one.
        queries: the file of the application's own queries, which have to be answered before readers are switched.
        resources: which resources of the project stand for ours: `weaviate: my_server`.
        settings: other settings of `MigrationConfig`, such as `batch_size`.
    """

    source: Annotated[str, dg.Resolver(_read_source, model_field_type=str)]
    mapping: Annotated[
        _Mapping, dg.Resolver(_read_mapping, model_field_type=Annotated[dict[str, Any], _SchemaOfMapping()])
    ] = Field(json_schema_extra=_fields_or_text)
    server: MigrationServer = Field(default_factory=MigrationServer, json_schema_extra=_fields_or_text)
    key_prefix: str | list[str] = Field(default="", json_schema_extra={**_WORD, "items": _WORD})
    group_prefix: str = Field(default="", json_schema_extra=_WORD)
    collection_prefix: str = Field(default="", json_schema_extra=_BEGINS_WITH_CAPITAL)
    work_dir: Annotated[Path | None, dg.Resolver(_read_path, model_field_type=str | None)] = None
    sync_schedule: str = ""
    alerts: Annotated[Path | None, dg.Resolver(_read_path, model_field_type=str | None)] = None
    queries: Annotated[Path | None, dg.Resolver(_read_path, model_field_type=str | None)] = None
    resources: dict[str, str] = Field(default_factory=dict)
    settings: Annotated[
        dict[str, Any],
        dg.Resolver(_read_settings, model_field_type=Annotated[dict[str, Any], WithJsonSchema(_settings_schema())]),
    ] = Field(default_factory=dict, json_schema_extra=_fields_or_text)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definitions of this migration.

        Raises:
            ConfigurationError: a setting, a prefix or a resource is wrong.
        """
        return build_migration_definitions(
            self._config(context.project_root),
            self.mapping,
            key_prefix=self.key_prefix,
            group_prefix=self.group_prefix,
            resources=self.resources,
            api_key_variable=self.server.api_key_variable,
            sync_schedule=self.sync_schedule,
        )

    def _config(self, project: Path) -> MigrationConfig:
        for name in self.settings:
            if name not in SETTINGS:
                raise ConfigurationError(f"settings.{name}: is none here{suggestion(name, SETTINGS)}")
        folders = [self.key_prefix] if isinstance(self.key_prefix, str) else self.key_prefix
        return MigrationConfig(
            sqlite_url=self.source,
            weaviate_url=self.server.url,
            grpc_port=self.server.grpc_port,
            grpc_host=self.server.grpc_host,
            prefix=self.collection_prefix,
            work_dir=self.work_dir or project.joinpath(DEFAULT_WORK_DIR, *folders),
            alerts=self.alerts,
            queries=self.queries,
            **self.settings,
        )
