"""Moves an application's data from SQLite into Weaviate as Dagster assets, and proves the copy."""

import warnings

# weaviate-client's dependency authlib announces on import that httpx will be replaced: nobody here can act on it.
with warnings.catch_warnings(record=True):
    import weaviate as _weaviate  # noqa: F401

from weaviate_migration.check_report import CheckReport, read_check_report
from weaviate_migration.migrator import SQLiteToWeaviateMigrator, run_migration
from weaviate_migration.result import MigrationResult
from weaviate_migration.settings import MigrationConfig, create_migration_config
from weaviate_migration.verification import VerificationResult, verify_migration

__all__ = [
    "CheckReport",
    "MigrationConfig",
    "MigrationResult",
    "SQLiteToWeaviateMigrator",
    "VerificationResult",
    "create_migration_config",
    "read_check_report",
    "run_migration",
    "verify_migration",
]
