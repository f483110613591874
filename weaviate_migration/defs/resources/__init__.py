"""Dagster resources: the SQLite source, the Weaviate server, batch settings, extract storage."""

from weaviate_migration.defs.resources.batches import BatchSettings
from weaviate_migration.defs.resources.extract_storage import ExtractIOManager
from weaviate_migration.defs.resources.sqlite import SQLiteSource
from weaviate_migration.defs.resources.weaviate import TargetServer, WeaviateServer

__all__ = ["BatchSettings", "ExtractIOManager", "SQLiteSource", "TargetServer", "WeaviateServer"]
