"""Moves an application's data from SQLite into Weaviate as Dagster assets, and proves the copy."""

import importlib
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

# weaviate-client's dependency authlib announces on import that httpx will be replaced: nobody here can act on it.
# Its own filter, which shows that always, is set by this module: ours has to come after it. The client is not imported.
with suppress(ModuleNotFoundError):
    from authlib.deprecate import AuthlibDeprecationWarning as _AuthlibDeprecationWarning

    warnings.filterwarnings("ignore", "The httpx module is deprecated", _AuthlibDeprecationWarning)

if TYPE_CHECKING:
    from weaviate_migration.base.settings import MigrationConfig, create_migration_config
    from weaviate_migration.change_capture import (
        CaptureStatus,
        change_capture_status,
        install_change_capture,
        remove_change_capture,
    )
    from weaviate_migration.change_sync import SyncResult, follow_changes, sync_changes
    from weaviate_migration.check_report import CheckReport, read_check_report
    from weaviate_migration.migration_report import MigrationReport, read_migration_report
    from weaviate_migration.migrator import SQLiteToWeaviateMigrator, run_migration
    from weaviate_migration.phases.dual_write.dual_writer import DualWriter
    from weaviate_migration.phases.dual_write.shadow_reads import ShadowReads, compare_reads, compare_reads_async
    from weaviate_migration.phases.preflight import check_preflight
    from weaviate_migration.postflight import check_postflight
    from weaviate_migration.result import MigrationResult
    from weaviate_migration.rollback import RollbackResult, roll_back_migration
    from weaviate_migration.status import MigrationStatus, read_status
    from weaviate_migration.switch import (
        CleanupResult,
        CutoverResult,
        clean_up_migrations,
        cut_over_migration,
    )
    from weaviate_migration.verification import VerificationResult, verify_migration
    from weaviate_migration.work_folder.checklist import Checklist

__all__ = [
    "CaptureStatus",
    "CheckReport",
    "Checklist",
    "CleanupResult",
    "CutoverResult",
    "DualWriter",
    "MigrationConfig",
    "MigrationReport",
    "MigrationResult",
    "MigrationStatus",
    "RollbackResult",
    "SQLiteToWeaviateMigrator",
    "ShadowReads",
    "SyncResult",
    "VerificationResult",
    "change_capture_status",
    "check_postflight",
    "check_preflight",
    "clean_up_migrations",
    "compare_reads",
    "compare_reads_async",
    "create_migration_config",
    "cut_over_migration",
    "follow_changes",
    "install_change_capture",
    "read_check_report",
    "read_migration_report",
    "read_status",
    "remove_change_capture",
    "roll_back_migration",
    "run_migration",
    "sync_changes",
    "verify_migration",
]

# Imported when they are asked for: an application that writes to both sides does not pay for Dagster.
_HOME = {
    "CaptureStatus": "change_capture",
    "CheckReport": "check_report",
    "Checklist": "work_folder.checklist",
    "CleanupResult": "switch",
    "CutoverResult": "switch",
    "DualWriter": "phases.dual_write.dual_writer",
    "MigrationConfig": "base.settings",
    "MigrationReport": "migration_report",
    "MigrationResult": "result",
    "MigrationStatus": "status",
    "RollbackResult": "rollback",
    "SQLiteToWeaviateMigrator": "migrator",
    "ShadowReads": "phases.dual_write.shadow_reads",
    "SyncResult": "change_sync",
    "VerificationResult": "verification",
    "change_capture_status": "change_capture",
    "check_postflight": "postflight",
    "check_preflight": "phases.preflight",
    "clean_up_migrations": "switch",
    "compare_reads": "phases.dual_write.shadow_reads",
    "compare_reads_async": "phases.dual_write.shadow_reads",
    "create_migration_config": "base.settings",
    "cut_over_migration": "switch",
    "follow_changes": "change_sync",
    "install_change_capture": "change_capture",
    "read_check_report": "check_report",
    "read_migration_report": "migration_report",
    "read_status": "status",
    "remove_change_capture": "change_capture",
    "roll_back_migration": "rollback",
    "run_migration": "migrator",
    "sync_changes": "change_sync",
    "verify_migration": "verification",
}


def __getattr__(name: str) -> Any:
    """A public name, from the module that it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
