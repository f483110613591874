"""The application's own queries: what is asked, and what has to be among the first that are found."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.names import NonEmpty
from weaviate_migration.mapping.statements import Statement, statement_mistake
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.validated_model import Items, Mistake, ValidatedModel
from weaviate_migration.mapping.vector_mapping import VectorMapping

NAME_LENGTH = 60
"""A longer name leaves no room for the bars in the report's picture."""
MOST_RESULTS = 1_000
"""A reader pages through more than these; Weaviate's own limit is 10,000."""

# What is searched for: at most one of these stands in a query, but for a hybrid one's own vector.
SEARCHES = ("bm25", "near_text", "near_key", "near_vector", "hybrid")
BY_WORDS, BY_VECTOR = ("bm25", "hybrid"), ("near_text", "near_key", "near_vector", "hybrid")


def _with_zone(value: object) -> object:
    """A date or a time as YAML reads it, in UTC where it names no zone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


FilterValue = Annotated[bool | int | float | str | datetime, BeforeValidator(_with_zone)]
KeyPart = int | float | str
# The value of the key's one column, or a list of the values of all its columns.
Key = KeyPart | Items[KeyPart]


class Condition(ValidatedModel):
    """What a property's value has to be: the operators of weaviate-client; several hold together."""

    equal: FilterValue | None = None
    not_equal: FilterValue | None = None
    greater_than: FilterValue | None = None
    greater_or_equal: FilterValue | None = None
    less_than: FilterValue | None = None
    less_or_equal: FilterValue | None = None
    like: NonEmpty | None = None
    contains_any: Items[FilterValue] | None = None
    contains_all: Items[FilterValue] | None = None
    is_none: bool | None = None

    @property
    def operators(self) -> dict[str, Any]:
        """The operators that are given, each with its value."""
        return {name: value for name, value in self if value is not None}

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        if all(value is None for value in given.values()):
            yield (), f"needs an operator: {', '.join(cls.model_fields)}"


def _condition(item: object) -> object:
    """A condition as fields: any other value stands for one that is equal to it."""
    return item if isinstance(item, dict | Condition) else {"equal": item}


class Query(ValidatedModel):
    """One question of the application, and the answer that it has to get.

    Attributes:
        name: as the check and the report call it.
        collection: the mapping's, without the prefix of its alias.
        tenant: the tenant's, where the collection has tenants: the value that its rows have.
        bm25: words that are searched for.
        near_text: a text; the vector's own model, or its module, makes a vector of it.
        near_key: the key of a row, whose object's vector is taken.
        near_vector: numbers; beside `hybrid` the vector of its words.
        hybrid: words that are searched for and, as a text, made a vector of.
        alpha: of a hybrid query, how much the vector counts, from 0 to 1; None: as the client has it.
        vector: by its name; None: the only one that there is.
        properties: that words are searched in; none: all that can be.
        operator: whether one word will do, or all have to be there.
        filters: the properties' conditions, which hold together.
        k: so many of the first results count.
        keys: of rows that have to be among them.
        sql: gives the keys as the application had them, the first k count: its first columns are the key's.
        least_shared: how much of what SQL gives has to be among Weaviate's first k, from 0 to 1; None: all of it
            where no `keys` are given, and else nothing: then it is only told.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=NAME_LENGTH)]
    collection: NonEmpty
    tenant: NonEmpty | None = None
    bm25: NonEmpty | None = None
    near_text: NonEmpty | None = None
    near_key: Key | None = None
    near_vector: Items[float] | None = None
    hybrid: NonEmpty | None = None
    alpha: float | None = Field(default=None, ge=0, le=1)
    vector: NonEmpty | None = None
    properties: Items[NonEmpty] = ()
    operator: Literal["or", "and"] = "or"
    filters: dict[NonEmpty, Annotated[Condition, BeforeValidator(_condition)]] = Field(default_factory=dict)
    k: int = Field(default=10, ge=1, le=MOST_RESULTS)
    keys: Items[Key] = ()
    sql: Statement | None = None
    least_shared: float | None = Field(default=None, ge=0, le=1)

    @property
    def kind(self) -> str:
        """What it is searched by: one of SEARCHES, or `filters`."""
        if self.hybrid is not None:
            return "hybrid"
        return next((each for each in SEARCHES if getattr(self, each) is not None), "filters")

    @property
    def is_by_vector(self) -> bool:
        """Whether it takes the index of a vector."""
        return self.kind in BY_VECTOR

    @property
    def text(self) -> str | None:
        """The text that a vector is needed of; None where it needs none, or brings its own."""
        return self.near_text if self.hybrid is None else self.hybrid if self.near_vector is None else None

    @property
    def share_wanted(self) -> float:
        """How much of what SQL gives has to be found, from 0 to 1."""
        return self.least_shared if self.least_shared is not None else 0.0 if self.keys else 1.0

    def tenant_in(self, mapping: CollectionMapping) -> str | None:
        """The name of its tenant in Weaviate; None where the collection has no tenants."""
        if mapping.tenant is None or self.tenant is None or self.tenant == mapping.tenant.of_null:
            return self.tenant
        return tenant_name(self.tenant, mapping.tenant.of_null)

    def vector_in(self, mapping: CollectionMapping) -> VectorMapping:
        """The vector that it searches by: one that is named, or the only one."""
        return next(each for each in mapping.vectors if self.vector in (None, each.name))

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        searches = [name for name in SEARCHES if given.get(name) is not None]
        if len(searches) > 1 and set(searches) != {"hybrid", "near_vector"}:
            yield (searches[1],), f"stands beside `{searches[0]}`: a query has one of {', '.join(SEARCHES)}"
        if not searches and not given.get("filters"):
            yield (), f"asks for nothing: give one of {', '.join(SEARCHES)}, or `filters`"
        if not given.get("keys") and given.get("sql") is None:
            yield (), "says nothing of its answer: give `keys`, or `sql`"
        for field, fits in (("alpha", ("hybrid",)), ("vector", BY_VECTOR), ("properties", BY_WORDS)):
            if given.get(field) and not set(searches) & set(fits):
                yield (field,), f"has no meaning without {' or '.join(fits)}"
        if given.get("least_shared") is not None and given.get("sql") is None:
            yield ("least_shared",), "needs `sql`"
        keys, k = given.get("keys"), given.get("k", cls.model_fields["k"].default)
        if isinstance(keys, list | tuple) and isinstance(k, int) and len(keys) > k:
            yield ("keys",), f"are {len(keys)}, which cannot all be among the first {k}"
        if isinstance(sql := given.get("sql"), str) and sql and (mistake := statement_mistake(sql)):
            yield ("sql",), f"is not one SELECT, as SQLite reads it: {mistake}"
