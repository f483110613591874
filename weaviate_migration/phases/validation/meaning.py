"""Whether a property says what its column says: judged from both values, not by converting the row again.

Nothing here is shared with `row_to_object`: a mistake in a conversion would otherwise agree with itself.
"""

import json
import math
import re
import sys
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

from weaviate_migration.mapping.models import PropertyMapping

# Weaviate keeps nine digits of a second, its client returns six.
_CLIENT_PRECISION = timedelta(microseconds=1)
_SURROGATE = re.compile("[\ud800-\udfff]").search
_YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
_SECONDS_UNTIL_1970 = 719_162 * 86_400
_SECONDS_UNTIL_10000 = 3_652_059 * 86_400
_PER_SECOND = {"epoch_seconds": 1, "epoch_milliseconds": 1_000}
_DATE_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?( ?(Z|[+-][0-9]{2}:[0-5][0-9]))?)?"
).fullmatch


Judge = Callable[[Any, Any], bool]

# The exponent's bits of a float32: all of them are set in infinities and NaN only.
_EXPONENT = 0x7F800000


def judge(prop: PropertyMapping) -> Judge:
    """A function that says whether the property holds what the column's value means, or is absent if it cannot.

    Args:
        prop: the property's part of the mapping.

    Returns:
        A function of the column's value as SQLite holds it (None for NULL and for a column that the file does not
        have) and of the property as weaviate-client returns it (None where it is absent).
    """
    if prop.json_key is not None:
        agrees = _judge_of_member(prop, prop.json_key)
    elif prop.date_format != "text":
        agrees = partial(_epoch, _PER_SECOND[prop.date_format])
    else:
        agrees = _JUDGES[prop.type]

    def agrees_or_default(value: Any, found: Any) -> bool:
        replaced = value is None or (prop.default_for_empty and value == "")
        return bool(found == prop.default) if replaced else agrees(value, found)

    def agrees_or_null(value: Any, found: Any) -> bool:
        return found is None if value is None else agrees(value, found)

    return agrees_or_null if prop.default is None else agrees_or_default


def _judge_of_member(prop: PropertyMapping, key: str) -> Judge:
    def agrees(value: Any, found: Any) -> bool:
        member = _member(value, key)
        return bool(found == member) if _could_hold(prop, member) else found is None

    return agrees


def text_of(prop: PropertyMapping, value: Any) -> str | None:
    """The text that a text property says when its column has this value; None where it says none, or its default."""
    text = value if prop.json_key is None else _member(value, prop.json_key)
    return text if _is_encodable(text) else None


def vector_meant(value: Any) -> list[float] | None:
    """The vector that a column's value means, in numbers as float32 holds them; None where it means none."""
    numbers = _float32s_of_blob(value) if isinstance(value, bytes) else _float32s_of_list(_json(value))
    if not numbers or any(bits & _EXPONENT == _EXPONENT for bits in array("I", numbers.tobytes())):
        return None
    return numbers.tolist()


def _float32s_of_blob(blob: bytes) -> "array[float]":
    """Little-endian float32s; none where bytes are left over."""
    numbers = array("f", blob if len(blob) % 4 == 0 else b"")
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _float32s_of_list(document: Any) -> "array[float]":
    """A JSON array of numbers, infinities for those beyond float32; none for anything else."""
    is_vector = isinstance(document, list) and not any(isinstance(each, bool) for each in document)
    try:
        return array("f", document if is_vector else [])
    except TypeError:
        return array("f")
    except OverflowError:
        return array("f", [math.inf])


def same_vector(meant: Sequence[float] | None, found: Sequence[float] | None) -> bool:
    """Whether two vectors are the same float32s, bit for bit (0.0 and -0.0 differ), or neither is there.

    Weaviate returns a vector as it was written, with the cosine distance too: only what its index holds is normalized
    (measured on 1.39.0).
    """
    if meant is None or found is None:
        return meant is found
    return array("f", meant).tobytes() == array("f", found).tobytes()


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


def _epoch(per_second: int, value: Any, found: Any) -> bool:
    """Compared as exact fractions of seconds since year 1, so that nothing is rounded here."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return found is None
    expected = Fraction(value) / per_second + _SECONDS_UNTIL_1970
    held = 0 <= expected < _SECONDS_UNTIL_10000
    if not held or found is None:
        return held == (found is not None)
    return bool(abs(Fraction((found - _YEAR_1) // _CLIENT_PRECISION, 10**6) - expected) < Fraction(1, 10**6))


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
    return isinstance(value, str) and (value.isascii() or not _SURROGATE(value))


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
    try:
        return _read_json(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# Made once: `json.loads` would make a decoder for each value.
_read_json = json.JSONDecoder(parse_int=float, parse_constant=_refuse).decode
