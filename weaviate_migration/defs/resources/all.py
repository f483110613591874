"""All resources of a migration, made from its settings."""

from typing import Any

import dagster as dg

from weaviate_migration.base.settings import MigrationConfig, environment_variable
from weaviate_migration.defs.resources.batches import BatchSettings
from weaviate_migration.defs.resources.extract_storage import ExtractIOManager
from weaviate_migration.defs.resources.models import open_models_resource
from weaviate_migration.defs.resources.sqlite import SQLiteSource
from weaviate_migration.defs.resources.weaviate import WeaviateServer
from weaviate_migration.defs.resources.work_folder import work_folder_resource
from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.names import BATCHES, EXTRACT_STORAGE, MODELS, SOURCE, WEAVIATE, WORK_FOLDER, DagsterNames
from weaviate_migration.work_folder.folder import WorkFolder


def own_resources(
    config: MigrationConfig,
    mapping: Mapping,
    names: DagsterNames,
    work_folder: WorkFolder,
    api_key_variable: str,
    processes: int,
) -> dict[str, Any]:
    """The resources, by the keys that they have in the project.

    Args:
        api_key_variable: the variable of the environment with the server's key; empty: it wants none.
        processes: that load side by side.
    """
    resources = {
        WORK_FOLDER: work_folder_resource(
            work_folder,
            f"What a migration keeps on disk; chosen by {environment_variable('work_dir')}, not by a run.",
        ),
        SOURCE: SQLiteSource(url=config.sqlite_url, allow_pause=config.allow_pause),
        WEAVIATE: WeaviateServer(
            url=config.weaviate_url,
            grpc_port=config.grpc_port,
            grpc_host=config.grpc_host,
            consistency_level=config.consistency_level,
            api_key=dg.EnvVar(api_key_variable) if api_key_variable else "",
            prefix=config.prefix,
            headers=mapping.headers,
        ),
        BATCHES: BatchSettings.of_config(config, processes),
        MODELS: open_models_resource(work_folder, names.of(BATCHES), config.max_embedding_calls),
        EXTRACT_STORAGE: dg.IOManagerDefinition.hardcoded_io_manager(
            ExtractIOManager(work_folder), "Extracts as Parquet, one file for each partition."
        ),
    }
    return {names.of(name): each for name, each in resources.items()}
