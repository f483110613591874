"""One object of Weaviate back to the row of SQLite that it came from: same storage classes, same bytes.

The inverse of `row_to_object`, written apart from it, so that the checks do not believe what they are to prove.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.property_mapping import PropertyMapping
from weaviate_migration.mapping.row_to_object import NO_VECTORS, Vectors
from weaviate_migration.mapping.spellings import BooleanValues
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import VectorMapping

Row = tuple[SqlValue, ...]
Properties = ReadOnlyMapping[str, Any]

# A vector's value as its column holds it.
VectorInverse = Callable[[Sequence[float]], SqlValue]

# How `struct` writes the numbers of a blob.
_LETTERS = {None: "f", "float32": "f", "float64": "d", "float16": "e", "int8": "b"}

# What 0 stands for, and how many units a second has.
_1970, _2001 = datetime(1970, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)
_EPOCHS = {
    "epoch_seconds": (_1970, 1),
    "epoch_milliseconds": (_1970, 10**3),
    "epoch_microseconds": (_1970, 10**6),
    "epoch_nanoseconds": (_1970, 10**9),
    "apple": (_2001, 1),
}


def row_rebuilder(mapping: CollectionMapping, columns: Sequence[str]) -> Callable[[Properties, Vectors], Row]:
    """A function that rebuilds the rows of one table from their objects.

    Args:
        mapping: the collection's part of the mapping.
        columns: the names of the row's columns, in the row's order.

    Returns:
        A function of an object's properties and vectors, as weaviate-client returns them: dates with a time zone, what
        is absent as None. It raises ValueError, LookupError, TypeError or AttributeError where they tell no row.
    """
    readers = [
        (column, prop.name if prop else "", inverse(prop) if prop else to_sql)
        for column, prop in zip(columns, holding_properties(mapping, columns), strict=True)
    ]

    holders = [
        (column, vector.name, vector_inverse(vector))
        for column, holding in zip(columns, holding_vectors(mapping, columns), strict=True)
        for vector in reversed(holding)
    ]

    def rebuild(found: Properties, vectors: Vectors) -> Row:
        told = {column: to_value(vectors[name]) for column, name, to_value in holders if name in vectors}
        verbatim = told | source_columns(mapping, found)
        return tuple(
            [
                verbatim[column] if column in verbatim else to_value(found.get(name))
                for column, name, to_value in readers
            ]
        )

    return rebuild


def holding_properties(mapping: CollectionMapping, columns: Sequence[str]) -> list[PropertyMapping | None]:
    """For each column the property that it is read from unless it is kept verbatim; None where no property holds it."""
    held_by: dict[str, PropertyMapping] = {}
    for each in mapping.properties:
        if each.json_key is None:
            held_by.setdefault(folded(each.column), each)
    return [held_by.get(folded(column)) for column in columns]


def holding_vectors(mapping: CollectionMapping, columns: Sequence[str]) -> list[list[VectorMapping]]:
    """For each column the vectors that tell it, unless a property holds it or it is kept verbatim: the first there is.

    There are several where a column has vectors of several lengths.
    """
    held_by: dict[str, list[VectorMapping]] = {}
    for each in mapping.vectors:
        if each.column is not None and each.bytes != "json":
            held_by.setdefault(folded(each.column), []).append(each)
    held = holding_properties(mapping, columns)
    return [[] if prop else held_by.get(folded(column), []) for column, prop in zip(columns, held, strict=True)]


def object_to_row(
    mapping: CollectionMapping, columns: Sequence[str], properties: Properties, vectors: Vectors = NO_VECTORS
) -> Row:
    """The row that one object was made from; `row_rebuilder` is for many."""
    return row_rebuilder(mapping, columns)(properties, vectors)


def source_columns(mapping: CollectionMapping, properties: ReadOnlyMapping[str, Any]) -> dict[str, SqlValue]:
    """What the object keeps verbatim: columns and their values."""
    provenance = properties.get(mapping.provenance) or {}
    return {name: from_verbatim(value) for name, value in json.loads(provenance.get("source_columns") or "{}").items()}


def inverse(prop: PropertyMapping) -> Callable[[Any], SqlValue]:
    """The function that gives the SQLite value of a property that is not kept verbatim."""
    if prop.type == "blob":
        return _bytes
    if prop.values is not None:
        return partial(_spelled, prop.values)
    if prop.decimal is not None:
        return _decimal_text if prop.decimal == "text" else partial(_scaled_integer, prop.decimal.scale)
    if prop.date_format == "text":
        return to_sql
    if prop.date_format in _EPOCHS:
        return partial(_since, *_EPOCHS[prop.date_format])
    return partial(_by_pattern, prop.date_format)


def vector_inverse(vector: VectorMapping) -> VectorInverse:
    """The function that gives the SQLite value of a vector whose column is not kept verbatim.

    It raises ValueError for numbers that no value of the column makes.
    """
    return _base64_text if vector.bytes == "base64" else partial(_blob, _LETTERS[vector.bytes])


def to_sql(value: Any) -> SqlValue:
    """The SQLite value of a property that is no blob, and whose mapping says nothing of how the column spells it.

    A date gives `YYYY-MM-DD HH:MM:SS`, with `.ffffff` where the microseconds are not 0; a boolean 0 or 1; a UUID its
    text; a list what `json.dumps` gives, dates as texts; an absent property NULL; everything else itself.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list):
        return json.dumps(value, default=_date_text)
    found: SqlValue = _date_text(value) if isinstance(value, datetime) else value
    return found


def _date_text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _bytes(value: str | None) -> SqlValue:
    return None if value is None else b64decode(value, validate=True)


def _blob(letter: str, numbers: Sequence[float]) -> SqlValue:
    try:
        return struct.pack(f"<{len(numbers)}{letter}", *map(int if letter == "b" else float, numbers))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a number of the vector is beyond the column's: {error}") from error


def _base64_text(numbers: Sequence[float]) -> SqlValue:
    return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def _since(start: datetime, per_second: int, value: datetime | None) -> SqlValue:
    """A date as the number of units since a moment that it was: an integer where it is a whole one."""
    if value is None:
        return None
    units = (value - start) // timedelta(microseconds=1) * per_second
    whole, rest = divmod(units, 10**6)
    return units / 10**6 if rest else whole


def _by_pattern(pattern: str, value: datetime | None) -> SqlValue:
    return None if value is None else value.astimezone(UTC).strftime(pattern)


def _spelled(values: BooleanValues, value: bool | None) -> SqlValue:
    if value is None:
        return None
    return values.true[0] if value else values.false[0]


def _decimal_text(value: float | None) -> SqlValue:
    return None if value is None else repr(value)


def _scaled_integer(scale: int, value: float | None) -> SqlValue:
    """The integer that a number was: of the shortest decimal that the double is; itself where that is none."""
    if value is None:
        return None
    units = Fraction(repr(value)) * 10**scale
    return units.numerator if units.denominator == 1 else value


def from_verbatim(value: Any) -> SqlValue:
    """The SQLite value of one that `source_columns` holds; raises ValueError or LookupError where it is none."""
    if isinstance(value, dict):
        if "base64" in value:
            return b64decode(value["base64"])
        if "text_base64" in value:
            return b64decode(value["text_base64"]).decode("utf-8", "surrogateescape")
        return float(value["real"])
    found: SqlValue = value
    return found
