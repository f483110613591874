"""Reads the application's own queries from a file, and says everything that is wrong with it, and does not fit."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import Any

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.texts import suggestion
from weaviate_migration.base.yaml_file import FileKind, Misfit, Place, parse_yaml, read_text
from weaviate_migration.mapping.given_fields import given_twice, items_of, texts_of
from weaviate_migration.mapping.models import CollectionMapping, Mapping
from weaviate_migration.mapping.property_mapping import PropertyMapping
from weaviate_migration.mapping.queries import BY_WORDS, Condition, Query
from weaviate_migration.mapping.validated_model import Items, Mistake, ValidatedModel


class _QueryFile(ValidatedModel):
    queries: Items[Query]

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        for at, name, earlier in given_twice(texts_of(items_of(given, "queries"), "name")):
            yield ("queries", at, "name"), f"`{name}` is the name of queries[{earlier}], too"


_FILE = FileKind(
    "file of queries",
    "a file of queries",
    "--queries",
    ConfigurationError,
    {"queries": Query, "filters": Condition},
    named=frozenset(["filters"]),
)


@dataclass(frozen=True)
class Queries:
    """What a file of queries says.

    Attributes:
        text: of the file.
    """

    queries: tuple[Query, ...] = ()
    text: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the text; '' where there are no queries."""
        return hashlib.sha256(self.text.encode()).hexdigest() if self.queries else ""

    def __hash__(self) -> int:
        """By the text, so that what is made from it can be remembered by it."""
        return hash(self.text)

    def of(self, collection: CollectionMapping) -> tuple[Query, ...]:
        """Those about a collection."""
        return tuple(each for each in self.queries if each.collection == collection.name)


NO_QUERIES = Queries()


def read_queries(source: Traversable, mapping: Mapping) -> Queries:
    """Reads and validates a file of queries.

    Args:
        source: a YAML file in UTF-8.
        mapping: that of the collections which are asked.

    Raises:
        ConfigurationError: there is no such file, it is not YAML, or it is wrong, or the mapping has not what it asks
            for: then the message lists every mistake with its line.
    """
    return parse_queries(read_text(source, _FILE), str(source), mapping)


def parse_queries(text: str, file: str, mapping: Mapping | None = None) -> Queries:
    """Validates the text of a file of queries; raises as `read_queries` does.

    Args:
        file: how messages name it.
        mapping: that of the collections which are asked; None: it was held to one before.
    """
    found = parse_yaml(text, file, _QueryFile, _FILE, lambda content: _misfits(content, mapping) if mapping else ())
    return Queries(found.queries, text)


def _misfits(content: _QueryFile, mapping: Mapping) -> Iterator[Misfit]:
    """What the mapping has not, or has in another way than a query takes it."""
    collections = {each.name: each for each in mapping.collections}
    for at, query in enumerate(content.queries):
        place = ("queries", str(at))
        if (collection := collections.get(query.collection)) is None:
            told = f"`{query.collection}` is no collection of the mapping"
            yield (*place, "collection"), told + suggestion(query.collection, collections)
            continue
        for field, told in (
            *_tenant_misfits(query, collection),
            *_vector_misfits(query, collection),
            *_word_misfits(query, collection),
            *_filter_misfits(query, collection),
        ):
            yield (*place, *field), told


def _tenant_misfits(query: Query, collection: CollectionMapping) -> Iterator[Misfit]:
    if collection.tenant is not None and query.tenant is None:
        yield (), f"lacks `tenant`: {collection.name} is asked in one tenant at a time"
    if collection.tenant is None and query.tenant is not None:
        yield ("tenant",), f"{collection.name} has no tenants"


def _vector_misfits(query: Query, collection: CollectionMapping) -> Iterator[Misfit]:
    if not query.is_by_vector:
        return
    names = [each.name for each in collection.vectors]
    if query.vector is not None and query.vector not in names:
        yield ("vector",), f"`{query.vector}` is no vector of {collection.name}" + suggestion(query.vector, names)
    elif query.vector is None and len(names) != 1:
        has = f"has {', '.join(names)}: name one" if names else "has no vector"
        yield (query.kind,), f"`{query.kind}` needs a `vector`, and {collection.name} {has}"
    elif query.text is not None and not query.vector_in(collection).serves_texts:
        instead = "`near_vector` beside it" if query.kind == "hybrid" else "`near_key` or `near_vector`"
        told = f"nothing makes the vector `{query.vector_in(collection).name}` of a text: give {instead}"
        yield (query.kind,), told


def _word_misfits(query: Query, collection: CollectionMapping) -> Iterator[Misfit]:
    if query.kind not in BY_WORDS:
        return
    searchable = [each.name for each in collection.properties if each.index == "words"]
    if not searchable:
        yield (query.kind,), f"{collection.name} has no property that is searched by words (`index: words`)"
        return
    for at, name in enumerate(query.properties):
        if name not in searchable:
            told = f"`{name}` is no property of {collection.name} that is searched by words"
            yield ("properties", str(at)), told + suggestion(name, searchable)


# What an operator takes that takes no value of the property's type.
_OPERATORS_WITH_OWN_VALUE = ("like", "is_none")
_Fits = Callable[[object], bool]
_VALUES: dict[str, tuple[_Fits, str]] = {
    "int": (lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
    "number": (lambda value: isinstance(value, int | float) and not isinstance(value, bool), "a number"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "date": (lambda value: isinstance(value, datetime), "a date: 2026-01-31, or 2026-01-31T12:00:00Z"),
    "text": (lambda value: isinstance(value, str), "a text"),
    "uuid": (lambda value: isinstance(value, str), "a UUID as text"),
}


def _filter_misfits(query: Query, collection: CollectionMapping) -> Iterator[Misfit]:
    filterable = {
        each.name: each for each in (*collection.properties, *collection.parent_properties) if each.is_filterable
    }
    for name, condition in query.filters.items():
        if (prop := filterable.get(name)) is None:
            told = f"`{name}` is no property of {collection.name} that can be filtered by"
            yield ("filters", name), told + suggestion(name, filterable)
        else:
            yield from (((*("filters", name), *field), told) for field, told in _value_misfits(prop, condition))


def _value_misfits(prop: PropertyMapping, condition: Condition) -> Iterator[tuple[Place, str]]:
    fits, wanted = _VALUES[prop.type.removesuffix("[]")]
    for operator, value in condition.operators.items():
        values = value if isinstance(value, tuple) else (value,)
        if operator not in _OPERATORS_WITH_OWN_VALUE and not all(map(fits, values)):
            yield (operator,), f"`{prop.name}` is of type {prop.type}: give {wanted}"
