"""A mapping, narrowed to the rows of one tenant."""

from typing import Any

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping.models import CollectionMapping, Mapping
from weaviate_migration.mapping.names import folded


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


def _narrowed(collection: CollectionMapping, tenant: str, tables: set[str]) -> dict[str, Any]:
    assert collection.tenant is not None, "others are no part of it"
    relations = tuple(each for each in collection.relations if folded(each.to_table) in tables)
    only = collection.tenant.model_copy(update={"only": tenant})
    return {**dict(collection), "tenant": only, "relations": relations}
