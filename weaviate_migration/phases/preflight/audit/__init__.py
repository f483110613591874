"""Reads every value that a migration would move, before anything is written, and says what of it does not fit."""

from weaviate_migration.phases.preflight.audit.report import ColumnReport, Finding, KeyReport, OrphanReport, TableReport
from weaviate_migration.phases.preflight.audit.source import SourceAudit, audit_source
from weaviate_migration.phases.preflight.audit.verdict import Verdict, verdict

__all__ = [
    "ColumnReport",
    "Finding",
    "KeyReport",
    "OrphanReport",
    "SourceAudit",
    "TableReport",
    "Verdict",
    "audit_source",
    "verdict",
]
