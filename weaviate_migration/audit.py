"""What the SQLite file holds: tables, rows, and which tables and columns go where."""

from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from weaviate_migration.mapping import Mapping
from weaviate_migration.settings import MigrationConfig
from weaviate_migration.source.connect import connect_read_only, readable_source, source_errors, sqlite_path
from weaviate_migration.source.inspect import inspect_database, row_count
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, plan_migration


@dataclass(frozen=True)
class SourceAudit:
    """The plan of a migration of this file, and the rows of each of its tables."""

    plan: MigrationPlan
    rows: ReadOnlyMapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """What `audit --json` prints."""
        return {
            "tables": [_table_dict(each, self.rows) for each in self.plan.collections],
            "not_migrated": [{"table": name, "rows": self.rows[name]} for name in self.plan.unmapped_tables],
            "warnings": list(self.plan.warnings),
        }


def audit_source(config: MigrationConfig, mapping: Mapping) -> SourceAudit:
    """Looks into the configured file; nothing is written to it.

    Raises:
        SourceNotUsableError: it is no SQLite database, or has none of the mapped tables.
        MappingError: it lacks what the mapping wants.
        SourceError: it is locked or corrupt.
    """
    path = sqlite_path(config.sqlite_url)
    with readable_source(path, config.work_dir.absolute() / "scratch") as readable:
        database = inspect_database(readable)
        plan = plan_migration(mapping, database)
        with source_errors(path), closing(connect_read_only(readable)) as connection:
            rows = {table.name: row_count(connection, table) for table in database.tables if not table.is_view}
            rows |= {
                each.table.name: row_count(connection, each.table)
                for each in plan.collections
                if each.table is not None and each.table.is_view
            }
    return SourceAudit(plan, rows)


def _table_dict(plan: CollectionPlan, rows: ReadOnlyMapping[str, int]) -> dict[str, Any]:
    return {
        "table": plan.mapping.table,
        "collection": plan.mapping.name,
        "rows": rows[plan.table.name] if plan.table else None,
        "key": list(plan.key),
        "uses_rowid": plan.uses_rowid,
        "properties": {prop.name: prop.column for prop in plan.mapping.properties},
        "in_source_columns_only": list(plan.unmapped_columns),
        "missing_columns": list(plan.missing_columns),
        "left_out": dict(plan.mapping.omit),
    }
