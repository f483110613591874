"""Whether a migration of one tenant alone would find anything."""

from contextlib import closing

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import Database
from weaviate_migration.source.plan import MigrationPlan


def refuse_absent_tenant(database: Database, plan: MigrationPlan) -> None:
    """Checks that a mapping of one tenant finds any row: a name that is misspelled would make empty collections.

    Raises:
        ConfigurationError: no table has a row of the tenant.
        SourceError: the file is locked or damaged.
    """
    tables = [each.table for each in plan.collections if each.table is not None]
    with source_errors(database.path), closing(connect_to_read(database.path)) as connection:
        found = (connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table.from_sql})").fetchone() for table in tables)
        if any(exists for (exists,) in found):
            return
    names = {each.mapping.tenant.only for each in plan.collections if each.mapping.tenant}
    raise ConfigurationError(
        f"No row of {', '.join(table.name for table in tables)} is tenant {', '.join(map(str, names))}'s.",
        "Give the value of its column as it is, case included. `weaviate-migration audit` counts the tenants.",
    )
