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
    from weaviate_migration.api.capture import (
        CaptureStatus,
        change_capture_status,
        install_change_capture,
        remove_change_capture,
    )
    from weaviate_migration.api.checks import read_check_report
    from weaviate_migration.api.cleanup import CleanupResult, clean_up_migrations
    from weaviate_migration.api.cutover import CutoverResult, cut_over_migration
    from weaviate_migration.api.init import draft_mapping, infer_mapping, update_mapping
    from weaviate_migration.api.migrate import SQLiteToWeaviateMigrator, run_migration
    from weaviate_migration.api.outcome import MigrationResult
    from weaviate_migration.api.postflight import check_postflight
    from weaviate_migration.api.preflight import check_preflight
    from weaviate_migration.api.report import read_migration_report
    from weaviate_migration.api.rollback import RollbackResult, roll_back_migration
    from weaviate_migration.api.status import read_status
    from weaviate_migration.api.sync import SyncResult, follow_changes, sync_changes
    from weaviate_migration.api.verify import VerificationResult, verify_migration
    from weaviate_migration.base.settings import MigrationConfig, create_migration_config
    from weaviate_migration.defs.build import build_migration_definitions
    from weaviate_migration.defs.component import SQLiteMigrationComponent
    from weaviate_migration.monitoring.report import MigrationReport
    from weaviate_migration.monitoring.status import MigrationStatus
    from weaviate_migration.phases.dual_write.dual_writer import DualWriter
    from weaviate_migration.phases.dual_write.query_recorder import QueryRecorder
    from weaviate_migration.phases.dual_write.shadow_reads import ShadowReads, compare_reads, compare_reads_async
    from weaviate_migration.phases.preflight.inference.draft import MappingDraft
    from weaviate_migration.phases.preflight.inference.update import MappingUpdate
    from weaviate_migration.runs.checks import CheckReport
    from weaviate_migration.work_folder.checklist import Checklist

__all__ = [
    "CaptureStatus",
    "CheckReport",
    "Checklist",
    "CleanupResult",
    "CutoverResult",
    "DualWriter",
    "MappingDraft",
    "MappingUpdate",
    "MigrationConfig",
    "MigrationReport",
    "MigrationResult",
    "MigrationStatus",
    "QueryRecorder",
    "RollbackResult",
    "SQLiteMigrationComponent",
    "SQLiteToWeaviateMigrator",
    "ShadowReads",
    "SyncResult",
    "VerificationResult",
    "build_migration_definitions",
    "change_capture_status",
    "check_postflight",
    "check_preflight",
    "clean_up_migrations",
    "compare_reads",
    "compare_reads_async",
    "create_migration_config",
    "cut_over_migration",
    "draft_mapping",
    "follow_changes",
    "infer_mapping",
    "install_change_capture",
    "read_check_report",
    "read_migration_report",
    "read_status",
    "remove_change_capture",
    "roll_back_migration",
    "run_migration",
    "sync_changes",
    "update_mapping",
    "verify_migration",
]

# Imported when they are asked for: an application that writes to both sides does not pay for Dagster.
_HOME = {
    "CaptureStatus": "api.capture",
    "CheckReport": "runs.checks",
    "Checklist": "work_folder.checklist",
    "CleanupResult": "api.cleanup",
    "CutoverResult": "api.cutover",
    "DualWriter": "phases.dual_write.dual_writer",
    "MappingDraft": "phases.preflight.inference.draft",
    "MappingUpdate": "phases.preflight.inference.update",
    "MigrationConfig": "base.settings",
    "MigrationReport": "monitoring.report",
    "MigrationResult": "api.outcome",
    "MigrationStatus": "monitoring.status",
    "QueryRecorder": "phases.dual_write.query_recorder",
    "RollbackResult": "api.rollback",
    "SQLiteMigrationComponent": "defs.component",
    "SQLiteToWeaviateMigrator": "api.migrate",
    "ShadowReads": "phases.dual_write.shadow_reads",
    "SyncResult": "api.sync",
    "VerificationResult": "api.verify",
    "build_migration_definitions": "defs.build",
    "change_capture_status": "api.capture",
    "check_postflight": "api.postflight",
    "check_preflight": "api.preflight",
    "clean_up_migrations": "api.cleanup",
    "compare_reads": "phases.dual_write.shadow_reads",
    "compare_reads_async": "phases.dual_write.shadow_reads",
    "create_migration_config": "base.settings",
    "cut_over_migration": "api.cutover",
    "draft_mapping": "api.init",
    "follow_changes": "api.sync",
    "infer_mapping": "api.init",
    "install_change_capture": "api.capture",
    "read_check_report": "api.checks",
    "read_migration_report": "api.report",
    "read_status": "api.status",
    "remove_change_capture": "api.capture",
    "roll_back_migration": "api.rollback",
    "run_migration": "api.migrate",
    "sync_changes": "api.sync",
    "update_mapping": "api.init",
    "verify_migration": "api.verify",
}


def __getattr__(name: str) -> Any:
    """A public name, from the module that it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
