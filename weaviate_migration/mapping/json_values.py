"""Values out of JSON texts: arrays whose items are all of one type, and members of objects.

The inverse of an array is what `json.dumps` gives of its items, each as the inverse of its own type gives it.
"""

import json
from collections.abc import Callable
from typing import Any

from weaviate_migration.mapping.dates import date_property
from weaviate_migration.mapping.values import (
    LEFT_OUT,
    NULL,
    Converted,
    Converter,
    PropertyItem,
    SqlValue,
    int_property,
    is_utf8,
    number_property,
    text_property,
)

# An item's value (None: the array is left out) and whether its inverse gives back the very item.
_ConvertItem = Callable[[Any], Converted]


def _array_property(convert_item: _ConvertItem) -> Converter:
    """A JSON array of items that all fit; everything else, the JSON text `null` too, is left out."""

    def convert(value: SqlValue) -> Converted:
        if value is None:
            return NULL
        document = _read_json(value)
        items, exact = _converted_items(document, convert_item)
        return LEFT_OUT if items is None else (items, exact and json.dumps(document) == value)

    return convert


def _converted_items(document: Any, convert_item: _ConvertItem) -> tuple[list[PropertyItem] | None, bool]:
    """The items of an array, and whether each is exact; None where one of them does not fit, or it is no array."""
    if not isinstance(document, list):
        return None, False
    converted = list(map(convert_item, document))
    items: list[Any] = [item for item, _ in converted]
    return (None, False) if None in items else (items, all(exact for _, exact in converted))


def _no_boolean(convert: Converter) -> _ConvertItem:
    """Of numbers: `true` is none in JSON, though it is 1 for Python."""
    return lambda item: LEFT_OUT if isinstance(item, bool) else convert(item)


def _boolean_item(item: Any) -> Converted:
    """`true` and `false`; 1 and 0, as SQLite's own JSON functions write its booleans, mean the same."""
    if isinstance(item, bool):
        return item, True
    return (item == 1, False) if isinstance(item, int) and item in (0, 1) else LEFT_OUT


ARRAY_CONVERTERS: dict[str, Converter] = {
    "text[]": _array_property(text_property),
    "int[]": _array_property(_no_boolean(int_property)),
    "number[]": _array_property(_no_boolean(number_property)),
    "boolean[]": _array_property(_boolean_item),
    "date[]": _array_property(date_property),
}


def text_member(key: str) -> Converter:
    """The member of that name of the JSON object in a column, where it is a text; the column itself stays verbatim."""

    def convert(value: SqlValue) -> Converted:
        member = _member(value, key)
        return (member if isinstance(member, str) and is_utf8(member) else None), False

    return convert


def texts_member(key: str) -> Converter:
    """The member of that name of the JSON object in a column, where it is an array of texts; the column stays."""

    def convert(value: SqlValue) -> Converted:
        return _converted_items(_member(value, key), text_property)[0], False

    return convert


def _member(value: SqlValue, key: str) -> Any:
    document = parse_json(value)
    return document.get(key) if isinstance(document, dict) else None


def parse_json(value: SqlValue) -> Any:
    """The value of a JSON text, numbers as reals; None for what is no JSON text (RFC 8259: no NaN, no infinities).

    Of a name that an object gives twice, the last counts, as for Python and JavaScript.
    """
    return _decoded(_WITH_REALS, value)


def _read_json(value: SqlValue) -> Any:
    """The same with integers as such; None, too, where one is longer than Python reads: it fits no property."""
    return _decoded(_WITH_INTEGERS, value)


def _decoded(decoder: json.JSONDecoder, value: SqlValue) -> Any:
    if not isinstance(value, str):
        return None
    try:
        return decoder.decode(value)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# JSON knows integers of any length, Python reads those of over 4,300 digits as reals only.
_WITH_REALS = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)
_WITH_INTEGERS = json.JSONDecoder(parse_constant=_refuse_constant)
