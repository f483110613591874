"""A migration of one tenant alone: the mapping, narrowed to its rows."""

from contextlib import closing
from typing import Any

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import Database
from weaviate_migration.source.plan import MigrationPlan


def of_one_tenant(mapping: Mapping, tenant: str) -> Mapping:
    """The part of a mapping that makes the objects of one tenant.

    Collections without tenants are no part of it, and neither are the relations that lead to their tables: nobody
    else's rows come along.

    Args:
        tenant: the text of the value that names it, or the name under `of_null`.

    Raises:
        ConfigurationError: no collection has tenants, or the mapping is one tenant's alone already.
    """
    kept = [each for each in mapping.collections if each.tenant is not None]
    if not kept:
        raise ConfigurationError(
            f"The mapping `{mapping.name}` has no collection with tenants, so that there is no tenant `{tenant}`.",
            "Say in the mapping which column names the tenant: `tenant: {column: org_id}`.",
        )
    if narrowed := [each.name for each in kept if each.tenant and each.tenant.only not in (None, tenant)]:
        raise ConfigurationError(
            f"The mapping `{mapping.name}` is another tenant's alone already: {', '.join(narrowed)}.",
            "Name the mapping of all tenants with --mapping.",
        )
    tables = {folded(each.table) for each in kept}
    left_out = {
        each.table: f"of all tenants, and tenant {tenant} is migrated alone"
        for each in mapping.collections
        if folded(each.table) not in tables
    }
    collections = [_narrowed(each, tenant, tables) for each in kept]
    omitted = {**mapping.omit_tables, **left_out}
    return Mapping.model_validate({**dict(mapping), "collections": collections, "omit_tables": omitted})


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


def _narrowed(collection: CollectionMapping, tenant: str, tables: set[str]) -> dict[str, Any]:
    assert collection.tenant is not None, "others are no part of it"
    relations = tuple(each for each in collection.relations if folded(each.to_table) in tables)
    only = collection.tenant.model_copy(update={"only": tenant})
    return {**dict(collection), "tenant": only, "relations": relations}
