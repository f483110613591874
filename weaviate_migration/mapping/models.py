"""What becomes what, as frozen models: the collections of a mapping, and the mapping as a whole."""

import hashlib
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from weaviate_migration.base.texts import suggestion
from weaviate_migration.mapping.asset_names import AssetNames, NamedBy, asset_names
from weaviate_migration.mapping.given_fields import columns_from, fields_of, given_twice, items_of, texts_of
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.mapping.names import RESERVED_PROPERTIES, CollectionName, NonEmpty, PropertyName, folded
from weaviate_migration.mapping.property_mapping import (
    PropertyMapping,
    RelationMapping,
    TenantMapping,
)
from weaviate_migration.mapping.reachable import reachable
from weaviate_migration.mapping.statements import Statement, condition_mistake, statement_mistake
from weaviate_migration.mapping.text_index import TOKENIZATIONS_ON_DEMAND, Stopwords
from weaviate_migration.mapping.validated_model import Items, Mistake, ValidatedModel, in_fields_or_else, later
from weaviate_migration.mapping.vector_mapping import VectorMapping, vector_fields

MissingPolicy = Literal["refuse", "warn"]
UnmappedPolicy = Literal["refuse", "warn"]
# Of each vector and property: what alters neither the objects nor what they are made from.
_NOT_OF_VECTORS = {"on_failure", "headers", "query_prefix", "recall"}
_NOT_OF_PROPERTIES = {"containment"}
_NO_OTHER_MIGRATION: dict[str, Any] = {
    # Each collection has them from there.
    "replication": True,
    "shards": True,
    "collections": {
        "__all__": {"vectors": {"__all__": _NOT_OF_VECTORS}, "properties": {"__all__": _NOT_OF_PROPERTIES}}
    },
}
# So much of a condition is shown where rows are named in a line.
_SHOWN_CONDITION = 60


def _is_whole(collection: dict[str, Any]) -> bool:
    """Whether a collection that is not validated yet takes all rows of its table."""
    given = (collection.get("select"), collection.get("where"), fields_of(collection.get("tenant")).get("only"))
    return all(each is None for each in given)


def _leads_back(collection: dict[str, Any], table: str, leads: dict[str, set[str]]) -> bool:
    """Whether references lead from a table back to a collection, or begin there."""
    own = folded(str(collection.get("table")))
    return own in {folded(table), *reachable(folded(table), leads)}


def _as_given(schema: dict[str, Any]) -> None:
    """The JSON schema of what people write: what the validators fill in may be missing there."""
    schema["required"].remove("table")
    schema |= {"if": {"not": {"required": ["select"]}}, "then": {"required": ["table"]}}
    fields = schema["properties"]
    fields["vectors"]["items"] = in_fields_or_else(fields["vectors"]["items"], "string")
    tenant = next(each for each in fields["tenant"].pop("anyOf") if each != {"type": "null"})
    fields["tenant"] |= in_fields_or_else(tenant, "null")


class CollectionMapping(ValidatedModel):
    """One table, or a part of it, or what a statement gives, and the collection that it becomes.

    Attributes:
        table: the table or view. With `select` it names the rows: where the file has such a table, they are the
            table's, with the same UUIDs; otherwise it is the collection's name.
        select: the statement that gives the rows, instead of a table.
        where: the condition that a row of it fulfils, as in a WHERE; others are no part of the collection.
        key: the columns that identify a row; empty means the declared primary key, or else the rowid.
        provenance: the name of the object property that holds origin and `source_columns`.
        vectors: the named vectors: carried in columns, made from texts, or provided by the application itself.
        omit: columns that are left out altogether, each with the reason.
        tenant: which tenant a row's object belongs to; None: the collection has no tenants.
        replication: on how many nodes each object is kept; None: as the server's settings say.
        shards: into how many parts Weaviate cuts the collection; None: one for each node.
        stopwords: words that no search looks for, where a property does not say its own; None: the server's, `en`.
        index_timestamps: whether queries can filter by when an object was made or changed; None: they can, of what is
            made from now on.
        index_null_state: whether queries can filter by properties that an object does not have.
        index_property_length: whether queries can filter by how long a property is.
    """

    model_config = ConfigDict(json_schema_extra=_as_given)

    name: CollectionName
    table: NonEmpty
    select: Statement | None = later(None)
    where: Statement | None = later(None)
    description: str = ""
    key: Items[NonEmpty] = ()
    provenance: PropertyName = "metadata"
    vectors: Items[Annotated[VectorMapping, BeforeValidator(vector_fields)]] = ()
    properties: Items[PropertyMapping] = Field(min_length=1)
    relations: Items[RelationMapping] = ()
    omit: dict[NonEmpty, NonEmpty] = Field(default_factory=dict)
    tenant: TenantMapping | None = later(None)
    replication: int | None = later(None, ge=1)
    shards: int | None = later(None, ge=1)
    stopwords: Stopwords = later(None)
    index_timestamps: bool | None = later(None)
    index_null_state: bool = later(False)
    index_property_length: bool = later(False)
    # Not part of what a mapping says, nor of its digest.
    _asset_names: AssetNames
    _collections: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_rows(cls, given: Any) -> Any:
        return _with_table(given) if isinstance(given, dict) else given

    @property
    def is_whole_table(self) -> bool:
        """Whether each row of the table becomes an object, with the table's own columns."""
        return self.select is None and self.where is None and (self.tenant is None or self.tenant.only is None)

    @property
    def rows_of(self) -> str:
        """What the rows are known by on record: other collections may be made from the same table."""
        return self.table if self.is_whole_table else f"{self.table}/{self.name}"

    @property
    def made_from(self) -> str:
        """What its rows are, in short: a table, `documents where kind = 'letter'`, or a statement."""
        rows = self.table
        if self.select is not None:
            rows = "a statement" if self.table == self.name else f"{self.table}, with columns of a statement"
        if self.where is not None:
            rows += f" where {textwrap.shorten(self.where, _SHOWN_CONDITION, placeholder='…')}"
        if self.tenant is not None and self.tenant.only is not None:
            rows += f" of tenant {self.tenant.only} alone"
        return rows

    @property
    def blobs(self) -> tuple[str, ...]:
        """The names of the properties that are blobs: Weaviate returns those only where they are named."""
        return tuple(prop.name for prop in self.properties if prop.type == "blob")

    @property
    def asks_of_server(self) -> frozenset[str]:
        """What it says that a server may not be able to make: for its nodes, its environment, or its version."""
        asked = {f"replication {self.replication}"} if self.replication is not None else set()
        for prop in self.properties:
            if prop.tokenization in TOKENIZATIONS_ON_DEMAND:
                asked.add(f"tokenization {prop.tokenization}")
            asked |= {name for name in ("ascii_fold", "ascii_fold_ignore", "stopwords") if getattr(prop, name)}
        asked |= {f"index {vector.index.model_dump_json()}" for vector in self.vectors if vector.index is not None}
        asked |= {f"vectorizer {vector.vectorizer}" for vector in self.vectors if vector.vectorizer is not None}
        return frozenset(asked)

    @property
    def parent_properties(self) -> tuple[PropertyMapping, ...]:
        """The properties that hold the UUIDs of parents' objects; none of them holds its column."""
        return tuple(
            PropertyMapping(
                name=relation.parent_id,
                column=relation.column,
                type="uuid",
                description=f"The UUID of the object of the row of {relation.to_table} that `{relation.column}` names.",
            )
            for relation in self.relations
            if relation.parent_id is not None
        )

    @property
    def references(self) -> dict[str, str]:
        """The cross-references to parents' objects: the name of the collection that each leads to, by its own."""
        return {
            relation.reference: self._collections[folded(relation.to_table)]
            for relation in self.relations
            if relation.reference is not None
        }

    @property
    def column_vectors(self) -> dict[str, str]:
        """The vectors that are made from columns: the column of each, by the vector's name."""
        return {vector.name: vector.column for vector in self.vectors if vector.column is not None}

    @property
    def made_vectors(self) -> tuple[VectorMapping, ...]:
        """The vectors that models of ours make from texts."""
        return tuple(vector for vector in self.vectors if vector.origin == "model")

    @property
    def expected_vectors(self) -> tuple[str, ...]:
        """The names of the vectors of which a row says whether its object has one, and as a rule which."""
        known = [each.name for each in self.known_vectors]
        return tuple(
            each.name
            for each in self.vectors
            if each.name in known or (each.origin == "server" and each.from_columns and each.reads_texts)
        )

    @property
    def known_vectors(self) -> tuple[VectorMapping, ...]:
        """The vectors whose numbers are known apart from Weaviate: those of columns, and those that models make."""
        return tuple(vector for vector in self.vectors if vector.origin in ("column", "model"))

    @property
    def provided_vectors(self) -> tuple[str, ...]:
        """The names of the vectors that the application provides."""
        return tuple(vector.name for vector in self.vectors if vector.origin == "application")

    @property
    def without_vectorizers(self) -> Self:
        """The same, where the server makes no vector."""
        kept = (vector for vector in self.vectors if vector.origin != "server")
        plain = tuple(each.model_copy(update={"vectorizer": None, "headers": {}}) for each in kept)
        return self.model_copy(update={"vectors": plain})

    def texts_of(self, vector: VectorMapping) -> tuple[str, ...]:
        """The properties of Weaviate that hold the columns which a vector is made from, in the order of `from`."""
        held = {folded(prop.column): prop.name for prop in reversed(self.properties) if _is_whole_text(prop)}
        return tuple(held[folded(column)] for column in vector.from_columns)

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the environment that the server's vectorizers need, each with what needs it."""
        return {
            variable: f"vector `{vector.name}` of {self.name}"
            for vector in self.vectors
            for variable in vector.headers.values()
        }

    @property
    def asset_name(self) -> str:
        """The name of the collection's asset: `MultiModalContent` gives `multi_modal_content`, unless that is taken."""
        return self._asset_names.collection

    @property
    def extract_name(self) -> str:
        """The name of the asset, and of the folder, of the table's extract: `messages_extract`, unless it is taken."""
        return self._asset_names.extract

    @property
    def vectors_name(self) -> str:
        """The name of the asset that has models make its vectors, `message_vectors`; of a collection that has such."""
        assert self._asset_names.vectors is not None, f"no model makes a vector of {self.name}"
        return self._asset_names.vectors

    def model_post_init(self, _context: object) -> None:
        """Names its assets as if there were no other collection."""
        (self._asset_names,) = asset_names([self.named_by])

    def spread_by_default(self, replication: int | None, shards: int | None) -> Self:
        """The same, with these where it does not say its own."""
        given: dict[str, int | None] = {"replication": self.replication or replication}
        if self.tenant is None:
            given["shards"] = self.shards or shards
        return self.model_copy(update=given)

    def among(self, names: AssetNames, collections: dict[str, str]) -> Self:
        """The same, as it is among the collections of its mapping: with other names of its assets, knowing the others.

        Args:
            collections: the names of those that references may lead to, by their tables, folded.
        """
        same = self.model_copy()
        same._asset_names, same._collections = names, collections
        return same

    @property
    def named_by(self) -> NamedBy:
        """What the names of its assets are made from."""
        table = self.table if self.is_whole_table else self.name
        return NamedBy(self.name, table, bool(self.relations), bool(self.made_vectors))

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        properties = items_of(given, "properties")
        names = texts_of(properties, "name")
        for at, name, earlier in given_twice(names):
            yield ("properties", at, "name"), f"`{name}` is the name of properties[{earlier}], too"
        provenance = given.get("provenance", cls.model_fields["provenance"].default)
        if provenance in RESERVED_PROPERTIES:
            yield ("provenance",), f"`{provenance}` is reserved by Weaviate; choose another name"
        for at, name in names:
            if isinstance(provenance, str) and folded(name) == folded(provenance):
                yield ("properties", at, "name"), f"`{name}` is also the name of the provenance property"
        vectors = items_of(given, "vectors", vector_fields)
        for at, name, earlier in given_twice(texts_of(vectors, "name")):
            yield ("vectors", at, "name"), f"`{name}` is the name of vectors[{earlier}], too"
        yield from cls._mistakes_of_vectorizers(vectors, properties)
        if given.get("shards") is not None and given.get("tenant") is not None:
            yield ("shards",), "a collection with tenants has a shard for each of them: leave it out"
        relations = items_of(given, "relations")
        yield from cls._mistakes_of_parents(relations, names, provenance)
        naming = [(at, fields) for at, fields in relations if fields.get("parent_id") or fields.get("reference")]
        yield from cls._mistakes_of_omit(given, {"vectors": vectors, "properties": properties, "relations": naming})
        yield from cls._mistakes_of_statements(given)

    @classmethod
    def _mistakes_of_vectorizers(
        cls, vectors: list[tuple[int, dict[str, Any]]], properties: list[tuple[int, dict[str, Any]]]
    ) -> Iterator[Mistake]:
        """Columns that the server's module cannot read: it knows properties only, and makes vectors of texts."""
        held = {folded(column) for at, column in texts_of(properties, "column") if _is_whole_text(dict(properties)[at])}
        for at, vector in vectors:
            for position, column in columns_from(vector) if vector.get("vectorizer") is not None else ():
                if folded(column) not in held:
                    yield (
                        ("vectors", at, "from", position),
                        f"no text property is made from `{column}`, and the server's vectorizer reads properties",
                    )

    @classmethod
    def _mistakes_of_parents(
        cls, relations: list[tuple[int, dict[str, Any]]], names: list[tuple[int, str]], provenance: object
    ) -> Iterator[Mistake]:
        """Names of what leads to parents that something else of the object has."""
        taken = {folded(name): f"properties[{at}]" for at, name in reversed(names)}
        if isinstance(provenance, str):
            taken[folded(provenance)] = "the provenance property"
        for at, relation in relations:
            for field in ("parent_id", "reference"):
                if not isinstance(name := relation.get(field), str):
                    continue
                if earlier := taken.get(folded(name)):
                    yield ("relations", at, field), f"`{name}` is the name of {earlier}, too"
                taken.setdefault(folded(name), f"relations[{at}].{field}")

    @classmethod
    def _mistakes_of_statements(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        select, where = given.get("select"), given.get("where")
        if select and isinstance(select, str) and (mistake := statement_mistake(select)):
            yield ("select",), f"is not one SELECT, as SQLite reads it: {mistake}"
        if where and isinstance(where, str) and (mistake := condition_mistake(where)):
            yield ("where",), f"is no condition, as SQLite reads it: {mistake}"
        if select is not None and not given.get("key"):
            yield ("key",), "is missing: name the columns of the `select` that identify a row"

    @classmethod
    def _mistakes_of_omit(
        cls, given: dict[str, Any], mapped: dict[str, list[tuple[int, dict[str, Any]]]]
    ) -> Iterator[Mistake]:
        """Columns that are left out and needed: `omit` would make them nowhere to be found."""
        key = given.get("key", ())
        needed = {
            folded(column): f"is also mapped, in {field}[{at}]"
            for field, items in mapped.items()
            for at, column in texts_of(items, "column")
        }
        for at, vector in mapped["vectors"]:
            needed |= {folded(column): f"is also mapped, in vectors[{at}]" for _, column in columns_from(vector)}
        if isinstance(key, list | tuple):
            needed |= {folded(column): "is part of the key" for column in key if isinstance(column, str)}
        if isinstance(tenant := fields_of(given.get("tenant")).get("column"), str):
            needed[folded(tenant)] = "names the tenant"
        for column in fields_of(given.get("omit")):
            if isinstance(column, str) and folded(column) in needed:
                yield ("omit", column), f"column `{column}` {needed[folded(column)]}"


def _is_whole_text(prop: PropertyMapping | dict[str, Any]) -> bool:
    """Whether a property holds the text of its column, and not a member of it; it may not be validated yet."""
    fields = fields_of(prop)
    return fields.get("type", "text") in ("text", "text[]") and fields.get("json_key") is None


def _with_table(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a collection that is not validated yet: what a statement gives is called as the collection is."""
    if given.get("select") is None or "table" in given or "name" not in given:
        return given
    return {**given, "table": given["name"]}


def _rows_of(given: dict[str, Any]) -> str:
    """What the rows of a collection that is not validated yet are known by, see `CollectionMapping.rows_of`."""
    return str(given.get("table")) if _is_whole(given) else f"{given.get('table')}/{given.get('name')}"


class Mapping(ValidatedModel):
    """A whole mapping file.

    Attributes:
        missing: what to do when the SQLite file lacks a table or column named here: `refuse`, or go on and `warn`.
        omit_tables: tables that are left out altogether, each with the reason.
        unmapped: what to do when a table has rows and is neither mapped nor left out: `refuse` to migrate, or `warn`.
        models: what makes vectors of texts, by the name that vectors call it by.
        replication: of all collections that do not say it themselves.
        shards: the same; a collection with tenants has a shard for each of them.
    """

    name: NonEmpty
    missing: MissingPolicy = "refuse"
    omit_tables: dict[NonEmpty, NonEmpty] = later({})
    unmapped: UnmappedPolicy = later("warn")
    models: dict[NonEmpty, ModelMapping] = later({})
    replication: int | None = later(None, ge=1)
    shards: int | None = later(None, ge=1)
    collections: Items[CollectionMapping] = Field(min_length=1)

    @field_validator("collections")
    @classmethod
    def _spread_over_nodes(
        cls, collections: tuple[CollectionMapping, ...], info: ValidationInfo
    ) -> tuple[CollectionMapping, ...]:
        """Each collection with what the mapping says for all of them."""
        return tuple(
            each.spread_by_default(info.data.get("replication"), info.data.get("shards")) for each in collections
        )

    @field_validator("collections")
    @classmethod
    def _call_assets(cls, collections: tuple[CollectionMapping, ...]) -> tuple[CollectionMapping, ...]:
        """Each collection with the names that its assets have beside those of the others."""
        names = asset_names([each.named_by for each in collections])
        of_tables = {folded(each.table): each.name for each in collections}
        return tuple(each.among(own, of_tables) for each, own in zip(collections, names, strict=True))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what the mapping makes: two files that say the same have the same digest.

        Prices, limits, keys' names, and where a model's folder lies make no other migration: they may change under way.
        """
        models = {name: self.models[name].identity for name in sorted(self.models)}
        same = self.model_copy(update={"models": models})
        return hashlib.sha256(same.model_dump_json(exclude=_NO_OTHER_MIGRATION).encode()).hexdigest()

    def model_of(self, vector: VectorMapping) -> ModelMapping | None:
        """What makes a vector; None where no model of ours does."""
        return None if vector.model is None else self.models[vector.model]

    @property
    def makes_vectors(self) -> bool:
        """Whether models of ours make any vector."""
        return any(each.made_vectors for each in self.collections)

    @property
    def headers(self) -> dict[str, str]:
        """What the server's vectorizers need with each request: for each header the variable that holds it."""
        vectors = (vector for collection in self.collections for vector in collection.vectors)
        return {header: variable for vector in vectors for header, variable in vector.headers.items()}

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the environment that models and vectorizers need, each with what needs it."""
        of_models = {variable: f"model `{name}`" for name, each in self.models.items() for variable in each.variables}
        return of_models | {name: what for each in self.collections for name, what in each.variables.items()}

    def beside(self, folder: Path) -> Self:
        """The same, with the folders of its models found from this folder on."""
        models = {name: each.beside(folder) for name, each in self.models.items()}
        return self if models == self.models else self.model_copy(update={"models": models})

    def lone_tenants(self, prefix: str) -> dict[str, str]:
        """For each alias, which begins with the prefix, the one tenant that its collection has; without the others."""
        tenants = ((each.name, each.tenant) for each in self.collections)
        named = ((name, tenant.only_name) for name, tenant in tenants if tenant is not None)
        return {f"{prefix}{name}": only for name, only in named if only is not None}

    def __hash__(self) -> int:
        """By its content, so that what is made from a mapping can be remembered by it."""
        return hash(self.digest)

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        collections = items_of(given, "collections", lambda item: _with_table(fields_of(item)))
        names, tables = texts_of(collections, "name"), texts_of(collections, "table")
        whole = {at for at, each in collections if _is_whole(each)}
        for at, _, earlier in given_twice(names):
            yield ("collections", at, "name"), f"is that of collections[{earlier}], too"
        for at, _, earlier in given_twice((at, table) for at, table in tables if at in whole):
            told = f"is that of collections[{earlier}], too: all of them but one need a `where` or a `select`"
            yield ("collections", at, "table"), told
        for at, name, earlier in given_twice((at, _rows_of(each)) for at, each in collections):
            if (at in whole) != (earlier in whole):
                yield ("collections", at, "name"), f"rows of collections[{earlier}] are on record as `{name}`, too"
        yield from cls._mistakes_of_relations(collections, [table for _, table in tables])
        yield from cls._mistakes_of_references(collections)
        yield from cls._mistakes_of_omit_tables(fields_of(given.get("omit_tables")), tables)
        yield from cls._mistakes_of_models(fields_of(given.get("models")), collections)
        yield from cls._mistakes_of_headers(collections)

    @classmethod
    def _mistakes_of_headers(cls, collections: list[tuple[int, dict[str, Any]]]) -> Iterator[Mistake]:
        """A header that is to have two values: it goes with each request, whichever collection that is about."""
        first: dict[str, tuple[str, str]] = {}
        for at, collection in collections:
            for vector, fields in items_of(collection, "vectors", vector_fields):
                for header, variable in fields_of(fields.get("headers")).items():
                    earlier, place = first.setdefault(
                        str(header).lower(), (variable, f"collections[{at}].vectors[{vector}]")
                    )
                    if earlier != variable:
                        told = f"is {earlier} in {place}: a header goes with every request, and has one value"
                        yield ("collections", at, "vectors", vector, "headers", header), told

    @classmethod
    def _mistakes_of_models(
        cls, models: dict[str, Any], collections: list[tuple[int, dict[str, Any]]]
    ) -> Iterator[Mistake]:
        for at, collection in collections:
            for vector, name in texts_of(items_of(collection, "vectors", vector_fields), "model"):
                if name not in models:
                    told = f"`{name}` is none of the mapping's `models`{suggestion(name, map(str, models))}"
                    yield ("collections", at, "vectors", vector, "model"), told

    @classmethod
    def _mistakes_of_relations(
        cls, collections: list[tuple[int, dict[str, Any]]], tables: list[str]
    ) -> Iterator[Mistake]:
        mapped = {folded(table) for table in tables}
        for at, collection in collections:
            for relation, to_table in texts_of(items_of(collection, "relations"), "to_table"):
                if folded(to_table) not in mapped:
                    yield (
                        ("collections", at, "relations", relation, "to_table"),
                        f"`{to_table}` is no mapped table; mapped are {', '.join(sorted(tables))}",
                    )

    @classmethod
    def _mistakes_of_references(cls, collections: list[tuple[int, dict[str, Any]]]) -> Iterator[Mistake]:
        """References that Weaviate cannot have: into several collections, or with tenants at one end alone.

        With tenants, every reference is checked (measured on 1.39.0): there must be an order to write the objects in.
        A reference from a tenant to an object without one can be written, but fails every query that asks for it.
        """
        leads = {
            folded(table): {
                folded(to) for at, to in texts_of(relations, "to_table") if relations[at][1].get("reference")
            }
            for at, table in texts_of(collections, "table")
            for relations in [items_of(collections[at][1], "relations")]
        }
        of_table: dict[str, list[dict[str, Any]]] = {}
        for at, table in texts_of(collections, "table"):
            of_table.setdefault(folded(table), []).append(collections[at][1])
        for at, collection in collections:
            relations = items_of(collection, "relations")
            tables = dict(texts_of(relations, "to_table"))
            for relation, _ in texts_of(relations, "reference"):
                parents = of_table.get(folded(tables.get(relation, "")), [])
                place = ("collections", at, "relations", relation, "reference")
                if len(parents) > 1:
                    yield (
                        place,
                        f"leads into one collection, and `{tables[relation]}` has {len(parents)}: `parent_id` will do",
                    )
                elif parents and (parents[0].get("tenant") is None) != (collection.get("tenant") is None):
                    yield place, "cannot lead between a collection with tenants and one without: `parent_id` will do"
                elif collection.get("tenant") is not None and _leads_back(collection, tables[relation], leads):
                    yield place, "cannot lead around a circle in a collection with tenants: `parent_id` will do"

    @classmethod
    def _mistakes_of_omit_tables(cls, omitted: dict[str, Any], tables: list[tuple[int, str]]) -> Iterator[Mistake]:
        mapped = {folded(table): at for at, table in tables}
        for table in omitted:
            if isinstance(table, str) and folded(table) in mapped:
                yield ("omit_tables", table), f"table `{table}` is also mapped, in collections[{mapped[folded(table)]}]"
