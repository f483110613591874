"""Single values: from SQLite to a Weaviate property, and what of it the property holds exactly.

Each property type has a forward function here. It returns the property's value (None: the property is left out) and
whether its inverse gives back the very SQLite value: same storage class, same bytes. Where it does not, the caller
keeps the value verbatim in `source_columns` (the round-trip rule). The inverses are: text, int and number themselves;
a boolean gives 0 or 1; a uuid its text in small letters, with hyphens; a blob its bytes; a property that is absent
gives NULL. Dates are in `dates.py`, arrays in `json_values.py`, and `converters.py` has the function of each property.
"""

import json
import math
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

# What SQLite's five storage classes are in Python. Text that is not UTF-8 has its bytes as surrogate escapes.
SqlValue = int | float | str | bytes | None
PropertyItem = str | int | float | bool
PropertyValue = PropertyItem | list[PropertyItem]

# A property's value (None: left out) and whether its inverse gives back the very SQLite value.
Converted = tuple[PropertyValue | None, bool]
Converter = Callable[[SqlValue], Converted]

# Weaviate holds int as a double on the way in: 2^53 + 1 comes back as 2^53 (measured on 1.39.0, gRPC and REST).
MAX_EXACT_INT = 2**53 - 1

# A value that the property cannot hold, and NULL, which an absent property holds.
LEFT_OUT: Converted = (None, False)
NULL: Converted = (None, True)


# Of what `uuid.UUID` takes the spellings that people mean: 32 digits, with hyphens where they belong or without any,
# in braces or as a URN. It would also take hyphens anywhere, underscores, blanks and signs.
_UUID = re.compile(
    r"(?:urn:uuid:)?(\{)?[0-9a-fA-F]{8}(?:-(?:[0-9a-fA-F]{4}-){3}|[0-9a-fA-F]{12})[0-9a-fA-F]{12}(?(1)\})"
).fullmatch
_INVERSE_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch


def is_utf8(text: str) -> bool:
    """Whether the text can be encoded: neither escapes of bytes that are no UTF-8 nor lone surrogates are in it."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_property(value: SqlValue) -> Converted:
    """Text as it is; other storage classes and text that is not UTF-8 are left out."""
    if value is None:
        return NULL
    return (value, True) if isinstance(value, str) and is_utf8(value) else LEFT_OUT


def int_property(value: SqlValue) -> Converted:
    """Integers within ±(2^53 - 1); a whole real means the same and fills the property, but is kept verbatim too."""
    if value is None:
        return NULL
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT_INT:
        return int(value), False
    if isinstance(value, int) and abs(value) <= MAX_EXACT_INT:
        return value, True
    return LEFT_OUT


def number_property(value: SqlValue) -> Converted:
    """Finite reals; an integer within ±(2^53 - 1) means the same and fills the property, but is kept verbatim too."""
    if value is None:
        return NULL
    if isinstance(value, float) and math.isfinite(value):
        return value, not _is_negative_zero(value)
    if isinstance(value, int) and abs(value) <= MAX_EXACT_INT:
        return float(value), False
    return LEFT_OUT


def boolean_property(value: SqlValue) -> Converted:
    """The integers 0 and 1."""
    if value is None:
        return NULL
    return (value == 1, True) if isinstance(value, int) and value in (0, 1) else LEFT_OUT


def spelled_boolean(true: Sequence[str | int], false: Sequence[str | int]) -> Converter:
    """What stands for true and for false; everything else is left out. The first of each is what the inverse gives."""
    meanings = {(type(each), each): each_means for each_means, all_ in ((True, true), (False, false)) for each in all_}
    first = {True: true[0], False: false[0]}

    def convert(value: SqlValue) -> Converted:
        if value is None:
            return NULL
        meant = meanings.get((type(value), value))  # type: ignore[arg-type]  # a real or a blob is none of them
        return LEFT_OUT if meant is None else (meant, value == first[meant])

    return convert


def uuid_property(value: SqlValue) -> Converted:
    """UUIDs as text, and blobs of 16 bytes, in the order of RFC 9562; exact is only the text that a UUID is written as.

    Of any other spelling, and of a blob, the value is kept verbatim too.
    """
    if value is None:
        return NULL
    if isinstance(value, str):
        if _INVERSE_UUID(value):
            return value, True
        return (str(UUID(value)), False) if _UUID(value) else LEFT_OUT
    return (str(UUID(bytes=value)), False) if isinstance(value, bytes) and len(value) == 16 else LEFT_OUT


def are_exact_uuids(texts: Iterable[str]) -> bool:
    """Whether `uuid_property` holds every one of these texts exactly."""
    return all(map(_INVERSE_UUID, texts))


def blob_property(value: SqlValue) -> Converted:
    """Blobs, as base64; an empty one is left out: Weaviate refuses it (measured on 1.39.0)."""
    if value is None:
        return NULL
    return (b64encode(value).decode(), True) if isinstance(value, bytes) and value else LEFT_OUT


def default_property(converter: Converter, default: str, for_empty: bool) -> Converter:
    """The default stands in for NULL (and for '' where the mapping says so); what it replaced is kept verbatim."""

    def convert(value: SqlValue) -> Converted:
        return (default, False) if value is None or (for_empty and value == "") else converter(value)

    return convert


def _is_negative_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def verbatim_json(columns: dict[str, SqlValue]) -> str:
    """Columns and their values as one JSON object, exactly: the text of `source_columns`."""
    return _to_json({name: verbatim(value) for name, value in columns.items()})


# json.dumps would make an encoder for each row.
_to_json = json.JSONEncoder(ensure_ascii=False).encode


def verbatim(value: SqlValue) -> Any:
    """A value as JSON holds it in `source_columns`."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str) and not is_utf8(value):
        return {"text_base64": b64encode(value.encode(errors="surrogateescape")).decode()}
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode()}
    if isinstance(value, float) and math.isinf(value):
        return {"real": "Infinity" if value > 0 else "-Infinity"}
    return value


def sql_literal(value: SqlValue) -> str:
    """The value as SQL writes it; each value and storage class has a text of its own."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex().upper()}'"
    if isinstance(value, float) and math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    if isinstance(value, str) and not is_utf8(value):
        return f"CAST({sql_literal(value.encode(errors='surrogateescape'))} AS TEXT)"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def class_name(value: SqlValue) -> str:
    """The storage class of a value that is not NULL, with its article, for messages."""
    if isinstance(value, str) and not is_utf8(value):
        return "a text that is not UTF-8"
    return {int: "an integer", float: "a real", str: "a text", bytes: "a blob"}[type(value)]
