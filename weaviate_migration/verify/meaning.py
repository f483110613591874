"""Whether a property says what its column says: judged from both values, not by converting the row again.

Nothing here is shared with `row_to_object`: a mistake in a conversion would otherwise agree with itself.
"""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from weaviate_migration.mapping.models import PropertyMapping

# Weaviate keeps nine digits of a second, its client returns six.
_CLIENT_PRECISION = timedelta(microseconds=1)


def agrees(prop: PropertyMapping, value: Any, found: Any) -> bool:
    """Whether the property holds what the column's value means, or is absent where it could not hold it.

    Args:
        prop: the property's part of the mapping.
        value: the column's value as SQLite holds it; None for NULL and for a column that the file does not have.
        found: the property as weaviate-client returns it; None where it is absent.
    """
    if prop.default is not None and (value is None or (prop.default_for_empty and value == "")):
        return bool(found == prop.default)
    if prop.json_key is not None:
        value = _member(value, prop.json_key)
        return bool(found == value) if _could_hold(prop, value) else found is None
    if value is None:
        return found is None
    return _JUDGES[prop.type](value, found)


def _text(value: Any, found: Any) -> bool:
    return bool(found == value) if _is_encodable(value) else found is None


def _int(value: Any, found: Any) -> bool:
    if found is None:
        return not (isinstance(value, int) and -(2**53) < value < 2**53)
    return isinstance(value, int | float) and type(found) is int and bool(found == value)


def _number(value: Any, found: Any) -> bool:
    if found is None:
        return not isinstance(value, int | float) or not math.isfinite(value) or abs(value) >= 2**53
    return isinstance(value, int | float) and bool(found == value)


def _boolean(value: Any, found: Any) -> bool:
    return found is {0: False, 1: True}.get(value) if isinstance(value, int) else found is None


def _date(value: Any, found: Any) -> bool:
    moment = _moment(value)
    if found is None:
        return moment is None or len(value) < len("2026-01-01 00:00:00")
    return moment is not None and abs(found - moment) < _CLIENT_PRECISION


def _texts(value: Any, found: Any) -> bool:
    document = _json(value)
    held = isinstance(document, list) and all(map(_is_encodable, document))
    return bool(found == document) if held else found is None


_JUDGES: dict[str, Callable[[Any, Any], bool]] = {
    "text": _text,
    "text[]": _texts,
    "int": _int,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}


def _could_hold(prop: PropertyMapping, member: Any) -> bool:
    if prop.type == "text":
        return _is_encodable(member)
    return isinstance(member, list) and all(map(_is_encodable, member))


def _is_encodable(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _moment(value: Any) -> datetime | None:
    """The moment that a text names, by Python's own reader of ISO 8601; UTC where it names no offset."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _member(value: Any, key: str) -> Any:
    document = _json(value)
    return document.get(key) if isinstance(document, dict) else None


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
