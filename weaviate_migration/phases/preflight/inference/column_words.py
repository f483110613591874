"""What the name and the declared type of a column say of it."""

import re
from dataclasses import dataclass

from weaviate_migration.source.inspect import Column

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# ZTITLE, ZCREATIONDATE.
_CORE_DATA = re.compile("Z[A-Z][A-Z0-9_]*").fullmatch

_DATE_WORDS = _listed(
    "accessed added archived at atime birthday changed completed created ctime date datetime deadline deleted due "
    "edited ended expiration expire expires expiry finished issued joined mod modified mtime opened published received "
    "requested scheduled seen sent started stamp time timestamp ts tstamp updated used utc visited when"
)
# Names in one word: CREATIONDATE, lastmodified.
_DATE_ENDINGS = ("date", "time", "timestamp", "datetime", "modified", "accessed", "updated")

_BOOLEAN_FIRST = _listed("is has have had can was are should allow allows enable do does needs must")
_BOOLEAN_WORDS = _listed(
    "accepted active approved archived available canceled cancelled checked closed completed confirmed deleted "
    "disabled done enabled expired favorite favorited favourite featured finished flagged hidden installed locked "
    "muted optional paid pinned primary private processed public published required resolved revoked selected sent "
    "starred subscribed synced trashed unread valid verified visible"
)
_VECTOR_WORDS = _listed("embedding embeddings embed emb vector vectors vec encoding encodings centroid")
_NUMBER_WORDS = _listed(
    "amount balance cost discount fee fees height latitude length longitude price rate ratio salary score subtotal sum "
    "tax total weight width"
)

_BOOLEAN_TYPE = re.compile(r"\s*(bool(ean)?|bit(\s*\(\s*1\s*\))?|tinyint\s*\(\s*1\s*\))\s*", re.IGNORECASE).fullmatch
_DATE_TYPE = re.compile("date|timestamp", re.IGNORECASE).search
_INT_TYPE = re.compile("(?<!po)int(?!erval)|serial", re.IGNORECASE).search
_NUMBER_TYPE = re.compile("real|floa|doub|money", re.IGNORECASE).search
_DECIMAL_TYPE = re.compile("dec|numeric|number|money", re.IGNORECASE).search
_BLOB_TYPE = re.compile("blob|binary|bytea|image", re.IGNORECASE).search
_PROSE_TYPE = re.compile("text|clob", re.IGNORECASE).search
_JSON_TYPE = re.compile("json", re.IGNORECASE).search
_UUID_TYPE = re.compile("uuid|guid|uniqueidentifier", re.IGNORECASE).search
# FLOAT[384] of sqlite-vec, F32_BLOB(384) of libSQL, VECTOR(384); FLOAT(24) is a number.
_VECTOR_TYPE = re.compile(
    r"(?P<type>float|float32|int8|f32_blob|f64_blob|f16_blob|vector|vector32|vector64)\s*"
    r"(?:\[\s*(?P<items>\d+)\s*\]|(?<!float)(?<!float32)(?<!int8)\(\s*(?P<length>\d+)\s*\))",
    re.IGNORECASE,
).fullmatch
_VECTOR_NUMBERS = {"int8": "int8", "f64_blob": "float64", "vector64": "float64", "f16_blob": "float16"}


@dataclass(frozen=True)
class DeclaredVector:
    """How a declared type says that the bytes of a vector are read, and how many numbers it has."""

    numbers: str
    length: int


@dataclass(frozen=True)
class ColumnWords:
    """What name and declared type of a column say.

    Attributes:
        declared: the declared type, as written, but in one line.
        declares_...: what the declared type says.
        names_...: what the name says.
        is_of_core_data: whether it has a name as Apple's Core Data gives them.
    """

    declared: str
    declares_boolean: bool
    declares_date: bool
    declares_int: bool
    declares_number: bool
    declares_decimal: bool
    declares_blob: bool
    declares_prose: bool
    declares_json: bool
    declares_uuid: bool
    declared_vector: DeclaredVector | None
    names_boolean: bool
    names_date: bool
    names_vector: bool
    names_number: bool
    names_uuid: bool
    names_id: bool
    is_of_core_data: bool


def column_words(column: Column) -> ColumnWords:
    """Reads the name and the declared type of a column."""
    declared = " ".join(column.declared_type.split())
    is_of_core_data = _CORE_DATA(column.name) is not None
    words = words_of(column.name[1:] if is_of_core_data else column.name)
    known = set(words)
    return ColumnWords(
        declared=declared,
        declares_boolean=_BOOLEAN_TYPE(declared) is not None,
        declares_date=_DATE_TYPE(declared) is not None,
        declares_int=_INT_TYPE(declared) is not None,
        declares_number=_NUMBER_TYPE(declared) is not None,
        declares_decimal=_DECIMAL_TYPE(declared) is not None,
        declares_blob=_BLOB_TYPE(declared) is not None,
        declares_prose=_PROSE_TYPE(declared) is not None,
        declares_json=_JSON_TYPE(declared) is not None,
        declares_uuid=_UUID_TYPE(declared) is not None,
        declared_vector=_declared_vector(declared),
        names_boolean=bool(words) and (words[0] in _BOOLEAN_FIRST or words[-1] in _BOOLEAN_WORDS),
        names_date=bool(known & _DATE_WORDS) or any(each.endswith(_DATE_ENDINGS) for each in words),
        names_vector=bool(known & _VECTOR_WORDS),
        names_number=bool(known & _NUMBER_WORDS),
        names_uuid=bool(known & {"uuid", "guid"}),
        names_id=words[-1:] == ["id"],
        is_of_core_data=is_of_core_data,
    )


def words_of(name: str) -> list[str]:
    """The words of a name, in small letters: `createdAt` and `CREATED_AT` are created, at."""
    return [each.lower() for each in _WORD.findall(name)]


def _declared_vector(declared: str) -> DeclaredVector | None:
    if (found := _VECTOR_TYPE(declared)) is None:
        return None
    return DeclaredVector(_VECTOR_NUMBERS.get(found["type"].lower(), "float32"), int(found["items"] or found["length"]))
