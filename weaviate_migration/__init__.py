"""Moves an application's data from SQLite into Weaviate as Dagster assets, and proves the copy."""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

# weaviate-client's dependency authlib announces on import that httpx will be replaced: nobody here can act on it.
with warnings.catch_warnings(record=True):
    import weaviate as _weaviate  # noqa: F401

if TYPE_CHECKING:
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

# Imported when they are asked for: an application that writes to both sides does not pay for Dagster.
_HOME = {
    "CheckReport": "check_report",
    "MigrationConfig": "settings",
    "MigrationResult": "result",
    "SQLiteToWeaviateMigrator": "migrator",
    "VerificationResult": "verification",
    "create_migration_config": "settings",
    "read_check_report": "check_report",
    "run_migration": "migrator",
    "verify_migration": "verification",
}


def __getattr__(name: str) -> Any:
    """A public name, from the module that it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
