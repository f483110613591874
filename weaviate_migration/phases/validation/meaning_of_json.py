"""What JSON in a column means: apart from the conversion, as all of `meaning`."""

import json
from collections.abc import Callable
from typing import Any


def member_of(value: Any, key: str) -> Any:
    """The member of that name of a JSON object; None where there is none."""
    document = document_of(value)
    return document.get(key) if isinstance(document, dict) else None


def document_of(value: Any) -> Any:
    """The value of a JSON text, which has no NaN and no infinities; integers are read as reals."""
    return _read(_WITH_REALS, value)


def array_of(value: Any) -> list[Any] | None:
    """A JSON array, integers as they are: those that are too long for Python's reader are too long for a property."""
    document = _read(_WITH_INTEGERS, value)
    return document if isinstance(document, list) else None


def _read(decode: Callable[[str], Any], value: Any) -> Any:
    try:
        return decode(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# Made once: `json.loads` would make a decoder for each value.
_WITH_REALS = json.JSONDecoder(parse_int=float, parse_constant=_refuse).decode
_WITH_INTEGERS = json.JSONDecoder(parse_constant=_refuse).decode
