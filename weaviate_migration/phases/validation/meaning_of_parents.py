"""Whether a property holds the UUID of the parent that a column names: judged without the conversion's code.

What a column of the parent's affinity would hold of a value is computed here by the rules that SQLite documents
(https://www.sqlite.org/datatype3.html, 3 and 4.2); only the spelling of a number, as text or from text, is SQLite's.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from typing import Any

from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.parents import ParentKey
from weaviate_migration.mapping.values import SqlValue

# What SQLite takes for a number in a text: blanks around it, digits with a point or an exponent.
_BLANKS = " \t\n\v\f\r"
_INTEGER_FORM = re.compile(r"([+-]?)0*([0-9]+)").fullmatch
_NUMBER_FORM = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch
_SMALLEST, _LARGEST, _DIGITS = -(2**63), 2**63 - 1, 19
_REMEMBERED = 10_000


def parent_meant(parent: ParentKey) -> Callable[[SqlValue], str | None]:
    """A function that gives the UUID of the object that a value of the column names; None for NULL."""

    def meant(value: SqlValue) -> str | None:
        return None if value is None else object_uuid(parent.table, (_held(parent.affinity, value),))

    remembered = lru_cache(_REMEMBERED, typed=True)(meant)
    # Zeros of both signs are one value to a cache.
    return lambda value: meant(value) if value == 0 else remembered(value)


def parent_judge(parent: ParentKey) -> Callable[[Any, Any], bool]:
    """A function that says whether a property names the parent that a value names, or is absent for NULL.

    What is found is a UUID as weaviate-client returns it, or its text.
    """
    meant = parent_meant(parent)

    def agrees(value: Any, found: Any) -> bool:
        return meant(value) == (None if found is None else str(found))

    return agrees


def _held(affinity: str, value: SqlValue) -> SqlValue:
    """What a column of an affinity holds of a value."""
    if affinity == "BLOB" or value is None or isinstance(value, bytes):
        return value
    if affinity == "TEXT":
        return _cast(value, "TEXT") if isinstance(value, float) else str(value)
    number = _number(value) if isinstance(value, str) else value
    if isinstance(number, str):
        return number
    # A column of reals has no negative zero: it is kept as the integer 0.
    return float(number) + 0.0 if affinity == "REAL" else _whole(number)


def _number(text: str) -> int | float | str:
    """The number that a text is; the text where it is none."""
    stripped = text.strip(_BLANKS)
    integer = _INTEGER_FORM(stripped)
    # Python reads no integer of 5,000 digits.
    if integer and len(integer[2]) <= _DIGITS and _SMALLEST <= (found := int(integer[1] + integer[2])) <= _LARGEST:
        return found
    return float(_cast(stripped, "REAL")) if _NUMBER_FORM(stripped) else text


def _cast(value: str | float, to_type: str) -> Any:
    with closing(sqlite3.connect(":memory:")) as connection:
        return connection.execute(f"SELECT CAST(? AS {to_type})", (value,)).fetchone()[0]


def _whole(number: int | float) -> SqlValue:
    """The integer that a real is, where it is one that SQLite would make of it."""
    if isinstance(number, float) and number.is_integer() and _SMALLEST < number < _LARGEST:
        return int(number)
    return number
