"""Which column of a table seems to say whose row it is: a customer's, to whom a tenant of Weaviate could belong."""

from weaviate_migration.mapping.property_mapping import TenantMapping
from weaviate_migration.phases.preflight.inference.finding import share
from weaviate_migration.phases.preflight.inference.mapping_text import fields_of, in_braces
from weaviate_migration.phases.preflight.inference.names import spoken_words
from weaviate_migration.phases.preflight.inference.read_tables import ReadTable
from weaviate_migration.phases.preflight.inference.table_reading import FoundRelation

# What applications call those who share them and must not see each other's rows.
_OWNERS = {
    *("account", "client", "company", "customer", "org", "organisation", "organization"),
    *("team", "tenant", "workspace"),
}
# What the name of a column that holds a key may end with.
_OF_A_KEY = ("id", "uuid", "key")
_OF_NULL = "none"


def suggested_tenant(read: ReadTable) -> str | None:
    """A line for people where a column is called so, and declared as the key of another table; None elsewhere."""
    found = next((each for each in read.declared if _names_an_owner(each, read.name)), None)
    if found is None:
        return None
    column, facts = found.candidate.column, read.facts.columns[found.candidate.column]
    nulls = facts.count("null")
    tenant = TenantMapping(column=column, of_null=_OF_NULL if nulls else None)
    remark = f"; {_OF_NULL} is for {share(nulls, read.facts.rows, 'row')} without one" if nulls else ""
    parent = found.candidate.parent.table.name
    return (
        f"suggestion: tenant: {in_braces(fields_of(tenant))}, if each of {parent} is to have its own rows only{remark}"
    )


def _names_an_owner(relation: FoundRelation, table: str) -> bool:
    *before, last = spoken_words(relation.candidate.column) or [""]
    words = before if last in _OF_A_KEY else [*before, last]
    return len(words) == 1 and words[0] in _OWNERS and relation.candidate.parent.table.name != table
