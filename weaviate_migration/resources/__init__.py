"""Dagster resources: the work folder, the SQLite source, the Weaviate server, batch settings, extract storage."""

from weaviate_migration.resources.batches import BatchSettings
from weaviate_migration.resources.extract_storage import ExtractIOManager
from weaviate_migration.resources.sqlite import SQLiteSource
from weaviate_migration.resources.weaviate import WeaviateServer
from weaviate_migration.resources.work_folder import WorkFolder

__all__ = ["BatchSettings", "ExtractIOManager", "SQLiteSource", "WeaviateServer", "WorkFolder"]
