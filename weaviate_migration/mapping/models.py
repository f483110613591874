"""What becomes what, as frozen models: tables, keys, columns, properties, types, indexing, vectors, relations."""

import hashlib
import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

PropertyType = Literal["text", "text[]", "int", "number", "boolean", "date"]
TextIndex = Literal["whole", "words", "stored"]
MissingPolicy = Literal["refuse", "warn"]

# What Weaviate accepts as names of collections and properties (server 1.39.0, schema validation).
CollectionName = Annotated[str, StringConstraints(pattern=r"^[A-Z][_0-9A-Za-z]*$", max_length=200)]
PropertyName = Annotated[str, StringConstraints(pattern=r"^[_A-Za-z][_0-9A-Za-z]*$", max_length=230)]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]

# Reserved by Weaviate for the object itself; weaviate-client refuses them as property names.
RESERVED_PROPERTIES = frozenset({"id", "vector"})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PropertyMapping(_Model):
    """One property of a collection, and the column that it is made from.

    Attributes:
        name: the property in Weaviate.
        column: the SQLite column.
        type: the property's type in Weaviate.
        index: for text and text[]: `whole` (one token, filterable), `words` (BM25), `stored` (neither).
        default: the text that stands in for NULL and, with `default_for_empty`, for an empty text.
            The value it replaced is kept in the object's `source_columns`.
        json_key: the property is this member of the JSON object in the column; the column stays in `source_columns`.
    """

    name: PropertyName
    column: NonEmpty
    type: PropertyType = "text"
    index: TextIndex | None = None
    default: str | None = None
    default_for_empty: bool = False
    json_key: NonEmpty | None = None
    description: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        is_text = self.type in ("text", "text[]")
        if self.name in RESERVED_PROPERTIES:
            raise ValueError(f"name: `{self.name}` is reserved by Weaviate; choose another name")
        if is_text and self.index is None:
            raise ValueError("index: a text property says how it is indexed: whole, words or stored")
        if not is_text and self.index is not None:
            raise ValueError(f"index: only text properties have one, {self.name} is of type {self.type}")
        if self.default is not None and self.type != "text":
            raise ValueError(f"default: only text properties have one, {self.name} is of type {self.type}")
        if self.default_for_empty and self.default is None:
            raise ValueError("default_for_empty: needs a default")
        if self.json_key is not None and not is_text:
            raise ValueError("json_key: only for properties of type text or text[]")
        return self


class RelationMapping(_Model):
    """A column that holds the key of a row in another mapped table."""

    column: NonEmpty
    to_table: NonEmpty


class CollectionMapping(_Model):
    """One table and the collection that it becomes.

    Attributes:
        key: the columns that identify a row; empty means the declared primary key, or else the rowid.
        provenance: the name of the object property that holds origin and `source_columns`.
        vectors: names of the vectors, which the application provides itself.
        omit: columns that are left out altogether, each with the reason.
    """

    name: CollectionName
    table: NonEmpty
    description: str = ""
    key: tuple[NonEmpty, ...] = ()
    provenance: PropertyName = "metadata"
    vectors: tuple[PropertyName, ...] = ()
    properties: tuple[PropertyMapping, ...] = Field(min_length=1)
    relations: tuple[RelationMapping, ...] = ()
    omit: dict[NonEmpty, NonEmpty] = Field(default_factory=dict)

    @property
    def asset_name(self) -> str:
        """The collection's name as Dagster assets are called: `MultiModalContent` gives `multi_modal_content`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.name).lower()

    @property
    def extract_name(self) -> str:
        """The name of the table's extract asset: `messages_extract`; other characters become underscores."""
        return re.sub(r"\W", "_", self.table, flags=re.ASCII) + "_extract"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [prop.name for prop in self.properties]
        for name in {name for name in names if names.count(name) > 1}:
            raise ValueError(f"properties: `{name}` is given twice")
        if self.provenance in names:
            raise ValueError(f"provenance: `{self.provenance}` is also the name of a property")
        for prop in self.properties:
            if prop.column in self.omit:
                raise ValueError(f"omit: column `{prop.column}` is also mapped to property `{prop.name}`")
        for column in self.key:
            if column in self.omit:
                raise ValueError(f"omit: column `{column}` is part of the key")
        return self


class Mapping(_Model):
    """A whole mapping file.

    Attributes:
        missing: what to do when the SQLite file lacks a table or column named here: `refuse`, or go on and `warn`.
    """

    name: NonEmpty
    missing: MissingPolicy = "refuse"
    collections: tuple[CollectionMapping, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the mapping's content: two files that say the same have the same digest."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, names in (
            ("name", [each.name for each in self.collections]),
            ("table", [each.table for each in self.collections]),
            ("extract", [each.extract_name for each in self.collections]),
            ("asset", [each.asset_name for each in self.collections]),
        ):
            for name in {name for name in names if names.count(name) > 1}:
                raise ValueError(f"collections: {what} `{name}` is used by two collections")
        tables = {each.table for each in self.collections}
        for each in self.collections:
            for relation in each.relations:
                if relation.to_table not in tables:
                    raise ValueError(
                        f"collections: {each.name}: relation of `{relation.column}` leads to table "
                        f"`{relation.to_table}`, which is not mapped; mapped are {', '.join(sorted(tables))}"
                    )
        return self
