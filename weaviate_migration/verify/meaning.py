"""Whether a property says what its column says: judged from both values, not by converting the row again.

Nothing here is shared with `row_to_object`: a mistake in a conversion would otherwise agree with itself.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from weaviate_migration.mapping.models import PropertyMapping

# Weaviate keeps nine digits of a second, its client returns six.
_CLIENT_PRECISION = timedelta(microseconds=1)
_DATE_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?( ?(Z|[+-][0-9]{2}:[0-5][0-9]))?)?"
).fullmatch


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
    held = isinstance(value, int | float) and -(2**53) < value < 2**53 and value == math.trunc(value)
    return type(found) is int and bool(found == value) if held else found is None


def _number(value: Any, found: Any) -> bool:
    held = math.isfinite(value) if isinstance(value, float) else isinstance(value, int) and -(2**53) < value < 2**53
    return bool(found == value) if held else found is None


def _boolean(value: Any, found: Any) -> bool:
    return found is {0: False, 1: True}.get(value) if isinstance(value, int) else found is None


def _date(value: Any, found: Any) -> bool:
    moment = _moment(value)
    if moment is None or found is None:
        return moment is found
    return bool(abs(found - moment) < _CLIENT_PRECISION)


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
    """The moment that a text names, by Python's own reader of ISO 8601; UTC where it names no offset.

    Of what that reader takes, only the forms that a date property promises to hold, and only what is a date in UTC too.
    """
    if not isinstance(value, str) or not _DATE_FORM(value):
        return None
    try:
        moment = datetime.fromisoformat(value[:11] + value[11:].replace(" ", ""))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _member(value: Any, key: str) -> Any:
    document = _json(value)
    return document.get(key) if isinstance(document, dict) else None


def _json(value: Any) -> Any:
    """The value of a JSON text, which has no NaN and no infinities."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(value, parse_int=float, parse_constant=refuse) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
