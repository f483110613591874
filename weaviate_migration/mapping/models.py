"""What becomes what, as frozen models: tables, keys, columns, properties, types, indexing, vectors, relations."""

import hashlib
import string
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PrivateAttr,
    StringConstraints,
    field_validator,
    model_validator,
)

from weaviate_migration.mapping.asset_names import AssetNames, asset_names
from weaviate_migration.mapping.reachable import reachable
from weaviate_migration.mapping.spellings import BooleanValues, DecimalFormat, date_format_mistake
from weaviate_migration.mapping.statements import Statement, condition_mistake, statement_mistake
from weaviate_migration.mapping.tenants import HASHED, TENANT_NAME, tenant_name
from weaviate_migration.mapping.text_index import (
    TOKENIZATIONS_ON_DEMAND,
    Letter,
    Stopwords,
    Tokenization,
    text_index_mistakes,
)
from weaviate_migration.mapping.validated_model import Items, Mistake, ValidatedModel, later

PropertyType = Literal[
    "text", "text[]", "int", "number", "boolean", "date", "uuid", "int[]", "number[]", "boolean[]", "date[]", "blob"
]
TextIndex = Literal["whole", "words", "stored"]
VectorBytes = Literal["float32", "float64", "float16", "int8", "json", "base64"]
Distance = Literal["cosine", "dot", "l2-squared", "hamming", "manhattan"]
MissingPolicy = Literal["refuse", "warn"]
UnfitPolicy = Literal["keep", "refuse"]
UnmappedPolicy = Literal["refuse", "warn"]

# What Weaviate accepts as names of collections, properties and vectors (server 1.39.0, schema validation). Silently, it
# would turn a capital that a property begins with into a small letter.
COLLECTION_LENGTH, PROPERTY_LENGTH = 200, 230
CollectionName = Annotated[str, StringConstraints(pattern=r"^[A-Z][_0-9A-Za-z]*$", max_length=COLLECTION_LENGTH)]
PropertyName = Annotated[str, StringConstraints(pattern=r"^[_a-z][_0-9A-Za-z]*$", max_length=PROPERTY_LENGTH)]
VectorName = Annotated[str, StringConstraints(pattern=r"^[_A-Za-z][_0-9A-Za-z]*$", max_length=PROPERTY_LENGTH)]
TenantName = Annotated[str, StringConstraints(pattern=TENANT_NAME)]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]

# Reserved by Weaviate for the object itself: the server or weaviate-client refuses them as property names.
RESERVED_PROPERTIES = ("id", "_id", "vector", "_additional")

# So much of a condition is shown where rows are named in a line.
_SHOWN_CONDITION = 60

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def folded(name: str) -> str:
    """The name as SQLite compares names of tables and columns: without regard to case, but of ASCII letters only.

    https://www.sqlite.org/c3ref/stricmp.html
    """
    return name.translate(_ASCII_LOWER)


def _fields(item: object) -> dict[str, Any]:
    """The fields of an item that is not validated yet, or is a model already; of anything else, none."""
    if isinstance(item, BaseModel):
        return dict(item)
    return item if isinstance(item, dict) else {}


def _items(
    given: dict[str, Any], field: str, long_form: Callable[[object], object] = lambda item: item
) -> list[tuple[int, dict[str, Any]]]:
    """Position and fields of each item of a list field; none where it is no list."""
    items = given.get(field)
    return [(at, _fields(long_form(item))) for at, item in enumerate(items)] if isinstance(items, list | tuple) else []


def _texts(items: Iterable[tuple[int, dict[str, Any]]], field: str) -> list[tuple[int, str]]:
    """Position and value of a text field of each item that has it."""
    return [(at, fields[field]) for at, fields in items if isinstance(fields.get(field), str)]


def _is_whole(collection: dict[str, Any]) -> bool:
    """Whether a collection that is not validated yet takes all rows of its table."""
    given = (collection.get("select"), collection.get("where"), _fields(collection.get("tenant")).get("only"))
    return all(each is None for each in given)


def _given_twice(names: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str, int]]:
    """Position and name of each that an earlier one has too, and the earlier one's position; case is ignored.

    Weaviate, too, ignores case when it refuses a second collection or property of a name.
    """
    first: dict[str, int] = {}
    for at, name in names:
        earlier = first.setdefault(folded(name), at)
        if earlier != at:
            yield at, name, earlier


def _leads_back(collection: dict[str, Any], table: str, leads: dict[str, set[str]]) -> bool:
    """Whether references lead from a table back to a collection, or begin there."""
    own = folded(str(collection.get("table")))
    return own in {folded(table), *reachable(folded(table), leads)}


class PropertyMapping(ValidatedModel):
    """One property of a collection, and the column that it is made from.

    Attributes:
        name: the property in Weaviate.
        column: the SQLite column.
        type: the property's type in Weaviate.
        index: for text and text[]: `whole` (one token, filterable), `words` (BM25), `stored` (neither).
        tokenization: how a text with the index `words` is parted; None: as `word`.
        ascii_fold: an indexed text is found without its accents, too: `é` is `e`.
        ascii_fold_ignore: letters that stay as they are nevertheless.
        stopwords: words that no search asks for; None: those of the collection.
        default: the text that stands in for NULL and, with `default_for_empty`, for an empty text.
            The value it replaced is kept in the object's `source_columns`.
        json_key: the property is this member of the JSON object in the column; the column stays in `source_columns`.
        date_format: what a date is in the column: text, a number since 1970 or 2001 (UTC), or a pattern of `strptime`.
        values: what stands for true and for false in the column of a boolean; otherwise 1 and 0.
        decimal: what a number is in the column where it is no real: `text`, or an integer with a scale.
        on_unfit: what becomes of a row whose value the property cannot hold: the object goes without the property and
            the value is in `source_columns` (`keep`), or the row goes to quarantine (`refuse`).
    """

    name: PropertyName
    column: NonEmpty
    type: PropertyType = "text"
    index: TextIndex | None = None
    tokenization: Tokenization | None = later(None)
    ascii_fold: bool = later(False)
    ascii_fold_ignore: Items[Letter] = later(())
    stopwords: Stopwords = later(None)
    default: str | None = None
    default_for_empty: bool = False
    json_key: NonEmpty | None = None
    date_format: str = "text"
    values: BooleanValues | None = later(None)
    decimal: DecimalFormat = later(None)
    on_unfit: UnfitPolicy = "keep"
    description: str = ""

    @property
    def is_spelled(self) -> bool:
        """Whether the mapping says how the column spells booleans, numbers or dates."""
        return self.date_format != "text" or self.values is not None or self.decimal is not None

    @property
    def is_indexed(self) -> bool:
        """Whether Weaviate keeps an index of it, to filter or to search by."""
        return self.is_filterable or self.index == "words"

    @property
    def is_filterable(self) -> bool:
        """Whether Weaviate can filter by it: by texts that are indexed whole, and by all else but blobs."""
        return self.index in ("whole", None) and self.type != "blob"

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        if given.get("name") in RESERVED_PROPERTIES:
            yield ("name",), f"`{given['name']}` is reserved by Weaviate; choose another name"
        if given.get("default_for_empty") is True and given.get("default") is None:
            yield ("default_for_empty",), "needs a `default`"
        if given.get("on_unfit") == "refuse" and given.get("json_key") is not None:
            yield ("on_unfit",), "cannot be `refuse` beside `json_key`: all of the column is kept anyway"
        of_type = given.get("type", "text")
        if of_type in get_args(PropertyType):
            yield from cls._mistakes_of_type(given, of_type)

    @classmethod
    def _mistakes_of_type(cls, given: dict[str, Any], of_type: str) -> Iterator[Mistake]:
        is_text = of_type in ("text", "text[]")
        if is_text and given.get("index") is None:
            yield ("index",), "is missing: a text property says how it is indexed: whole, words or stored"
        if not is_text and given.get("index") is not None:
            yield ("index",), f"only text and text[] properties have one, this is of type {of_type}"
        if of_type != "text" and given.get("default") is not None:
            yield ("default",), f"only text properties have one, this is of type {of_type}"
        if not is_text and given.get("json_key") is not None:
            yield ("json_key",), f"only text and text[] properties have one, this is of type {of_type}"
        date_format = given.get("date_format", "text")
        if of_type != "date" and date_format != "text":
            yield ("date_format",), f"only date properties have one, this is of type {of_type}"
        elif isinstance(date_format, str) and (mistake := date_format_mistake(date_format)):
            yield ("date_format",), mistake
        if of_type != "boolean" and given.get("values") is not None:
            yield ("values",), f"only boolean properties have them, this is of type {of_type}"
        if of_type != "number" and given.get("decimal") is not None:
            yield ("decimal",), f"only number properties have it, this is of type {of_type}"
        yield from text_index_mistakes(given)


class VectorMapping(ValidatedModel):
    """A named vector of a collection; in a mapping file its name alone will do.

    All vectors of one name have the length of the first one that Weaviate took; objects with another are refused.

    Attributes:
        name: the vector in Weaviate.
        column: the SQLite column that it is made from; None: the application provides it.
        bytes: how the column's values are read; None: a blob as little-endian float32s, a text as JSON.
        length: how many numbers it has: a value with more or fewer makes no vector; None: any number of them.
        distance: how Weaviate measures how near two of them are.
    """

    name: VectorName
    column: NonEmpty | None = None
    bytes: VectorBytes | None = later(None)
    length: int | None = later(None, ge=1)
    distance: Distance = later("cosine")

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        for field in ("bytes", "length"):
            if given.get(field) is not None and given.get("column") is None:
                yield (field,), "needs a `column`: the vector is the application's own"


def _vector_fields(item: object) -> object:
    """An item of `vectors` as fields: anything else stands for the name."""
    return item if isinstance(item, dict | BaseModel) else {"name": item}


class RelationMapping(ValidatedModel):
    """A column that holds the key of a row in another mapped table.

    Attributes:
        parent_id: the property of type uuid that holds the UUID of the parent's object; None for no such property.
        reference: the cross-reference to the parent's object; None for none.
    """

    column: NonEmpty
    to_table: NonEmpty
    parent_id: PropertyName | None = later(None)
    reference: PropertyName | None = later(None)

    @property
    def names_objects(self) -> bool:
        """Whether anything in an object says which object the parent is, beside the key itself."""
        return self.parent_id is not None or self.reference is not None

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        for field in ("parent_id", "reference"):
            if given.get(field) in RESERVED_PROPERTIES:
                yield (field,), f"`{given[field]}` is reserved by Weaviate; choose another name"


class TenantMapping(ValidatedModel):
    """How the rows of a collection are divided among tenants of Weaviate.

    Attributes:
        column: whose value names the tenant, see `mapping.tenants`.
        of_null: the tenant of rows where it is NULL; None: they are refused.
        only: the one tenant whose rows are meant, as the text of its value, or the name under `of_null`; None: all.
    """

    column: NonEmpty
    of_null: TenantName | None = None
    only: NonEmpty | None = None

    @property
    def only_name(self) -> str | None:
        """The name of the one tenant whose rows are meant; None: all are."""
        return self.only if self.only in (None, self.of_null) else tenant_name(self.only, self.of_null)

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        of_null = given.get("of_null")
        if isinstance(of_null, str) and of_null.startswith(HASHED):
            yield ("of_null",), f"begins with `{HASHED}`, as the names of values do that cannot be names themselves"
        if isinstance(only := given.get("only"), str) and "\0" in only:
            yield ("only",), "has a NUL, which no text of SQL can have"


class CollectionMapping(ValidatedModel):
    """One table, or a part of it, or what a statement gives, and the collection that it becomes.

    Attributes:
        table: the table or view. With `select` it names the rows: where the file has such a table, they are the
            table's, with the same UUIDs; otherwise it is the collection's name.
        select: the statement that gives the rows, instead of a table.
        where: the condition that a row of it fulfils, as in a WHERE; others are no part of the collection.
        key: the columns that identify a row; empty means the declared primary key, or else the rowid.
        provenance: the name of the object property that holds origin and `source_columns`.
        vectors: the named vectors, made from columns or provided by the application itself.
        omit: columns that are left out altogether, each with the reason.
        tenant: which tenant a row's object belongs to; None: the collection has no tenants.
        replication: on how many nodes each object is kept; None: as the server's settings say.
        shards: into how many parts Weaviate cuts the collection; None: one for each node.
        stopwords: words that no search looks for, where a property does not say its own; None: the server's, `en`.
        index_timestamps: whether queries can filter by when an object was made or changed.
        index_null_state: whether queries can filter by properties that an object does not have.
        index_property_length: whether queries can filter by how long a property is.
    """

    name: CollectionName
    table: NonEmpty
    select: Statement | None = later(None)
    where: Statement | None = later(None)
    description: str = ""
    key: Items[NonEmpty] = ()
    provenance: PropertyName = "metadata"
    vectors: Items[Annotated[VectorMapping, BeforeValidator(_vector_fields)]] = ()
    properties: Items[PropertyMapping] = Field(min_length=1)
    relations: Items[RelationMapping] = ()
    omit: dict[NonEmpty, NonEmpty] = Field(default_factory=dict)
    tenant: TenantMapping | None = later(None)
    replication: int | None = later(None, ge=1)
    shards: int | None = later(None, ge=1)
    stopwords: Stopwords = later(None)
    index_timestamps: bool = later(False)
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
    def asks_of_server(self) -> bool:
        """Whether it says what a server may not be able to make: for its nodes, its environment, or its version."""
        return self.replication is not None or any(
            prop.tokenization in TOKENIZATIONS_ON_DEMAND or prop.ascii_fold or prop.stopwords is not None
            for prop in self.properties
        )

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
    def provided_vectors(self) -> tuple[str, ...]:
        """The names of the vectors that the application provides."""
        return tuple(vector.name for vector in self.vectors if vector.column is None)

    @property
    def asset_name(self) -> str:
        """The name of the collection's asset: `MultiModalContent` gives `multi_modal_content`, unless that is taken."""
        return self._asset_names.collection

    @property
    def extract_name(self) -> str:
        """The name of the asset, and of the folder, of the table's extract: `messages_extract`, unless it is taken."""
        return self._asset_names.extract

    def model_post_init(self, _context: object) -> None:
        """Names its assets as if there were no other collection."""
        (self._asset_names,) = asset_names([self.named_by])

    def among(self, names: AssetNames, collections: dict[str, str]) -> Self:
        """The same, as it is among the collections of its mapping: with other names of its assets, knowing the others.

        Args:
            collections: the names of those that references may lead to, by their tables, folded.
        """
        same = self.model_copy()
        same._asset_names, same._collections = names, collections
        return same

    @property
    def named_by(self) -> tuple[str, str, bool]:
        """What the names of its assets are made from, as `asset_names` takes it."""
        return self.name, self.table if self.is_whole_table else self.name, bool(self.relations)

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        properties = _items(given, "properties")
        names = _texts(properties, "name")
        for at, name, earlier in _given_twice(names):
            yield ("properties", at, "name"), f"`{name}` is the name of properties[{earlier}], too"
        provenance = given.get("provenance", cls.model_fields["provenance"].default)
        if provenance in RESERVED_PROPERTIES:
            yield ("provenance",), f"`{provenance}` is reserved by Weaviate; choose another name"
        for at, name in names:
            if isinstance(provenance, str) and folded(name) == folded(provenance):
                yield ("properties", at, "name"), f"`{name}` is also the name of the provenance property"
        vectors = _items(given, "vectors", _vector_fields)
        for at, name, earlier in _given_twice(_texts(vectors, "name")):
            yield ("vectors", at, "name"), f"`{name}` is the name of vectors[{earlier}], too"
        if given.get("shards") is not None and given.get("tenant") is not None:
            yield ("shards",), "a collection with tenants has a shard for each of them: leave it out"
        relations = _items(given, "relations")
        yield from cls._mistakes_of_parents(relations, names, provenance)
        naming = [(at, fields) for at, fields in relations if fields.get("parent_id") or fields.get("reference")]
        yield from cls._mistakes_of_omit(given, {"vectors": vectors, "properties": properties, "relations": naming})
        yield from cls._mistakes_of_statements(given)

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
            for at, column in _texts(items, "column")
        }
        if isinstance(key, list | tuple):
            needed |= {folded(column): "is part of the key" for column in key if isinstance(column, str)}
        if isinstance(tenant := _fields(given.get("tenant")).get("column"), str):
            needed[folded(tenant)] = "names the tenant"
        for column in _fields(given.get("omit")):
            if isinstance(column, str) and folded(column) in needed:
                yield ("omit", column), f"column `{column}` {needed[folded(column)]}"


def _with_table(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a collection that is not validated yet: what a statement gives is called as the collection is."""
    if given.get("select") is None or "table" in given or "name" not in given:
        return given
    return {**given, "table": given["name"]}


def _rows_of(given: dict[str, Any]) -> str:
    """What the rows of a collection that is not validated yet are known by, see `CollectionMapping.rows_of`."""
    is_whole = given.get("select") is None and given.get("where") is None
    return str(given.get("table")) if is_whole else f"{given.get('table')}/{given.get('name')}"


class Mapping(ValidatedModel):
    """A whole mapping file.

    Attributes:
        missing: what to do when the SQLite file lacks a table or column named here: `refuse`, or go on and `warn`.
        omit_tables: tables that are left out altogether, each with the reason.
        unmapped: what to do when a table has rows and is neither mapped nor left out: `refuse` to migrate, or `warn`.
    """

    name: NonEmpty
    missing: MissingPolicy = "refuse"
    omit_tables: dict[NonEmpty, NonEmpty] = later({})
    unmapped: UnmappedPolicy = later("warn")
    collections: Items[CollectionMapping] = Field(min_length=1)

    @field_validator("collections")
    @classmethod
    def _call_assets(cls, collections: tuple[CollectionMapping, ...]) -> tuple[CollectionMapping, ...]:
        """Each collection with the names that its assets have beside those of the others."""
        names = asset_names([each.named_by for each in collections])
        of_tables = {folded(each.table): each.name for each in collections}
        return tuple(each.among(own, of_tables) for each, own in zip(collections, names, strict=True))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the mapping's content: two files that say the same have the same digest."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

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
        collections = _items(given, "collections", lambda item: _with_table(_fields(item)))
        names, tables = _texts(collections, "name"), _texts(collections, "table")
        whole = {at for at, each in collections if _is_whole(each)}
        for at, _, earlier in _given_twice(names):
            yield ("collections", at, "name"), f"is that of collections[{earlier}], too"
        for at, _, earlier in _given_twice((at, table) for at, table in tables if at in whole):
            yield ("collections", at, "table"), f"is that of collections[{earlier}], too"
        for at, name, earlier in _given_twice((at, _rows_of(each)) for at, each in collections):
            if (at in whole) != (earlier in whole):
                yield ("collections", at, "name"), f"rows of collections[{earlier}] are on record as `{name}`, too"
        yield from cls._mistakes_of_relations(collections, [table for _, table in tables])
        yield from cls._mistakes_of_references(collections)
        yield from cls._mistakes_of_omit_tables(_fields(given.get("omit_tables")), tables)

    @classmethod
    def _mistakes_of_relations(
        cls, collections: list[tuple[int, dict[str, Any]]], tables: list[str]
    ) -> Iterator[Mistake]:
        mapped = {folded(table) for table in tables}
        for at, collection in collections:
            for relation, to_table in _texts(_items(collection, "relations"), "to_table"):
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
            folded(table): {folded(to) for at, to in _texts(relations, "to_table") if relations[at][1].get("reference")}
            for at, table in _texts(collections, "table")
            for relations in [_items(collections[at][1], "relations")]
        }
        of_table: dict[str, list[dict[str, Any]]] = {}
        for at, table in _texts(collections, "table"):
            of_table.setdefault(folded(table), []).append(collections[at][1])
        for at, collection in collections:
            relations = _items(collection, "relations")
            tables = dict(_texts(relations, "to_table"))
            for relation, _ in _texts(relations, "reference"):
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
