"""Single values: from SQLite to a Weaviate property, and what of it the property holds exactly.

Each property type has a forward function here. It returns the property's value (None: the property is left out) and
whether its inverse gives back the very SQLite value: same storage class, same bytes. Where it does not, the caller
keeps the value verbatim in `source_columns` (the round-trip rule). The inverses are: text, int and number themselves;
a boolean gives 0 or 1; a text[] gives what `json.dumps` gives; a property that is absent gives NULL. Dates are in
`dates.py`, and `converters.py` has the function of each property.
"""

import json
import math
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

# What SQLite's five storage classes are in Python. Text that is not UTF-8 has its bytes as surrogate escapes.
SqlValue = int | float | str | bytes | None
PropertyValue = str | int | float | bool | list[str]

# A property's value (None: left out) and whether its inverse gives back the very SQLite value.
Converted = tuple[PropertyValue | None, bool]
Converter = Callable[[SqlValue], Converted]

# Weaviate holds int as a double on the way in: 2^53 + 1 comes back as 2^53 (measured on 1.39.0, gRPC and REST).
MAX_EXACT_INT = 2**53 - 1

# A value that the property cannot hold, and NULL, which an absent property holds.
LEFT_OUT: Converted = (None, False)
NULL: Converted = (None, True)


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


def texts_property(value: SqlValue) -> Converted:
    """A JSON array of texts; everything else, the JSON text `null` too, is left out."""
    if value is None:
        return NULL
    texts = _as_texts(parse_json(value))
    return (texts, json.dumps(texts) == value) if texts is not None else LEFT_OUT


def text_member(key: str) -> Converter:
    """The member of that name of the JSON object in a column, where it is a text; the column itself stays verbatim."""

    def convert(value: SqlValue) -> Converted:
        member = _member(value, key)
        return (member if isinstance(member, str) and is_utf8(member) else None), False

    return convert


def texts_member(key: str) -> Converter:
    """The member of that name of the JSON object in a column, where it is an array of texts; the column stays."""

    def convert(value: SqlValue) -> Converted:
        return _as_texts(_member(value, key)), False

    return convert


def _member(value: SqlValue, key: str) -> Any:
    document = parse_json(value)
    return document.get(key) if isinstance(document, dict) else None


def default_property(converter: Converter, default: str, for_empty: bool) -> Converter:
    """The default stands in for NULL (and for '' where the mapping says so); what it replaced is kept verbatim."""

    def convert(value: SqlValue) -> Converted:
        return (default, False) if value is None or (for_empty and value == "") else converter(value)

    return convert


def parse_json(value: SqlValue) -> Any:
    """The value of a JSON text, numbers as reals; None for what is no JSON text (RFC 8259: no NaN, no infinities).

    Of a name that an object gives twice, the last counts, as for Python and JavaScript.
    """
    if not isinstance(value, str):
        return None
    try:
        return _JSON.decode(value)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# JSON knows integers of any length, Python reads those of over 4,300 digits as reals only.
_JSON = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)


def _as_texts(document: Any) -> list[str] | None:
    if isinstance(document, list) and all(isinstance(each, str) and is_utf8(each) for each in document):
        return document
    return None


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
