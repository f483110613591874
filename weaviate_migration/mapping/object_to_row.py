"""One object of Weaviate back to the row of SQLite that it came from: same storage classes, same bytes.

The inverse of `row_to_object`, written apart from it, so that the checks do not believe what they are to prove.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from weaviate_migration.mapping.models import CollectionMapping, PropertyMapping, folded
from weaviate_migration.mapping.values import SqlValue

Row = tuple[SqlValue, ...]
Properties = ReadOnlyMapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UNITS = {"epoch_seconds": timedelta(seconds=1), "epoch_milliseconds": timedelta(milliseconds=1)}


def row_rebuilder(mapping: CollectionMapping, columns: Sequence[str]) -> Callable[[Properties], Row]:
    """A function that rebuilds the rows of one table from their objects.

    Args:
        mapping: the collection's part of the mapping.
        columns: the names of the row's columns, in the row's order.

    Returns:
        A function of an object's properties, as weaviate-client returns them: dates with a time zone, what is absent
        as None. It raises ValueError, LookupError, TypeError or AttributeError for an object that tells no row.
    """
    readers = [
        (column, prop.name if prop else "", inverse(prop) if prop else to_sql)
        for column, prop in zip(columns, holding_properties(mapping, columns), strict=True)
    ]

    def rebuild(found: Properties) -> Row:
        verbatim = source_columns(mapping, found)
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


def object_to_row(mapping: CollectionMapping, columns: Sequence[str], properties: Properties) -> Row:
    """The row that one object was made from; `row_rebuilder` is for many."""
    return row_rebuilder(mapping, columns)(properties)


def source_columns(mapping: CollectionMapping, properties: ReadOnlyMapping[str, Any]) -> dict[str, SqlValue]:
    """What the object keeps verbatim: columns and their values."""
    provenance = properties.get(mapping.provenance) or {}
    return {name: from_verbatim(value) for name, value in json.loads(provenance.get("source_columns") or "{}").items()}


def inverse(prop: PropertyMapping) -> Callable[[Any], SqlValue]:
    """The function that gives the SQLite value of a property that is not kept verbatim."""
    return to_sql if prop.date_format == "text" else partial(_since_1970, _EPOCH_UNITS[prop.date_format])


def to_sql(value: Any) -> SqlValue:
    """The SQLite value of a property, wherever it is not a date that was a number.

    A date gives `YYYY-MM-DD HH:MM:SS`, with `.ffffff` where the microseconds are not 0; a boolean 0 or 1; a list what
    `json.dumps` gives; an absent property NULL; everything else itself.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return json.dumps(value)
    found: SqlValue = value
    return found


def _since_1970(unit: timedelta, value: datetime | None) -> SqlValue:
    """A date as the number of units since 1970 that it was: an integer where it is a whole one."""
    if value is None:
        return None
    whole, rest = divmod(value - _EPOCH, unit)
    return (value - _EPOCH) / unit if rest else whole


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
