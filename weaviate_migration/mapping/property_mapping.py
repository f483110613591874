"""What of a row becomes what: properties, relations, and the tenant that it belongs to."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

from weaviate_migration.mapping.names import RESERVED_PROPERTIES, NonEmpty, PropertyName, TenantName
from weaviate_migration.mapping.spellings import BooleanValues, DecimalFormat, date_format_mistake
from weaviate_migration.mapping.tenants import HASHED, tenant_name
from weaviate_migration.mapping.text_index import (
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
UnfitPolicy = Literal["keep", "refuse"]


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
        containment: how much of what SQLite's full-text search finds a search has to find, too, of 1; None: any of it.
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
    containment: float | None = later(None, gt=0, le=1)
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
