"""Reads every value that a migration would move, before anything is written, and says what of it does not fit."""

from weaviate_migration.phases.preflight.audit.report import (
    ColumnReport,
    Finding,
    KeyReport,
    OrphanReport,
    TableReport,
    TenantReport,
)
from weaviate_migration.phases.preflight.audit.source import SourceAudit, audit_source
from weaviate_migration.phases.preflight.audit.verdict import Verdict, verdict

__all__ = [
    "ColumnReport",
    "Finding",
    "KeyReport",
    "OrphanReport",
    "SourceAudit",
    "TableReport",
    "TenantReport",
    "Verdict",
    "audit_source",
    "verdict",
]
