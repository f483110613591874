"""Whether a property says what its column says: judged from both values, not by converting the row again.

Nothing here is shared with `row_to_object`: a mistake in a conversion would otherwise agree with itself.
"""

import binascii
import json
import math
import re
import sys
from array import array
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

from weaviate_migration.mapping.models import PropertyMapping, VectorMapping

# Weaviate keeps nine digits of a second, its client returns six.
_CLIENT_PRECISION = timedelta(microseconds=1)
_SURROGATE = re.compile("[\ud800-\udfff]").search
_YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
_DAYS_UNTIL_1970, _DAYS_UNTIL_2001, _DAYS_UNTIL_10000 = 719_162, 730_485, 3_652_059
_SECONDS_OF_A_DAY = 86_400
# Of numbers that are dates: which day is 0, and how many are a second.
_COUNTED = {
    "epoch_seconds": (_DAYS_UNTIL_1970, 1),
    "epoch_milliseconds": (_DAYS_UNTIL_1970, 1_000),
    "epoch_microseconds": (_DAYS_UNTIL_1970, 1_000_000),
    "epoch_nanoseconds": (_DAYS_UNTIL_1970, 1_000_000_000),
    "apple": (_DAYS_UNTIL_2001, 1),
}
_OFFSET_FORM = "[+-][0-9]{2}(:?[0-5][0-9])?"
_DATE_FORM = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    f"([ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]{{1,9}})?)?( ?(Z|{_OFFSET_FORM}))?)?"
    f"|[0-9]{{8}}(T[0-9]{{4}}([0-9]{{2}}([.][0-9]{{1,9}})?)?(Z|{_OFFSET_FORM}))?"
).fullmatch
# What may follow a time, and changes nothing of it: the name of its zone, and of Go a clock's reading.
_UTC_FORM = re.compile("(.{4}-.{6,}[0-9]) ?UTC").fullmatch
_GO_FORM = re.compile(
    f"(.{{4}}-.{{6,}}{_OFFSET_FORM}) ([A-Z]{{1,5}}|[+-][0-9]{{2}}([0-9]{{2}})?)( m=[+-][0-9]+[.][0-9]+)?"
).fullmatch
_NUMBER_FORM = re.compile("[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?").fullmatch
# Letters of either case, hyphens where they belong or none, and braces or the name of a URN around them.
_UUID_FORM = re.compile(
    r"(?:urn:uuid:)?(?:{X}|[{{]{X}[}}])".format(
        X=r"[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{24}|(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})"
    )
).fullmatch
_UUID_BYTES = 16

Judge = Callable[[Any, Any], bool]

# What `array` calls numbers of these forms; a float16 by its bits, since it knows none.
_LETTERS = {"float32": "f", "float64": "d", "float16": "H", "int8": "b"}
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
    else:
        agrees = _judge_of_spelling(prop) or _JUDGES[prop.type]

    def agrees_or_default(value: Any, found: Any) -> bool:
        replaced = value is None or (prop.default_for_empty and value == "")
        return bool(found == prop.default) if replaced else agrees(value, found)

    def agrees_or_null(value: Any, found: Any) -> bool:
        return found is None if value is None else agrees(value, found)

    return agrees_or_null if prop.default is None else agrees_or_default


def _judge_of_spelling(prop: PropertyMapping) -> Judge | None:
    """Where the mapping says how the column is to be read."""
    if prop.values is not None:
        return partial(_spelled, [*_all_mean(True, prop.values.true), *_all_mean(False, prop.values.false)])
    if prop.decimal is not None:
        return _decimal if prop.decimal == "text" else partial(_scaled, 10**prop.decimal.scale)
    if prop.date_format in _COUNTED:
        return partial(_epoch, *_COUNTED[prop.date_format])
    return None if prop.date_format == "text" else partial(_date_of_pattern, prop.date_format)


def _all_mean(meant: bool, spellings: Sequence[str | int]) -> list[tuple[str | int, bool]]:
    return [(each, meant) for each in spellings]


def _judge_of_member(prop: PropertyMapping, key: str) -> Judge:
    def agrees(value: Any, found: Any) -> bool:
        member = _member(value, key)
        return bool(found == member) if _could_hold(prop, member) else found is None

    return agrees


def text_of(prop: PropertyMapping, value: Any) -> str | None:
    """The text that a text property says when its column has this value; None where it says none, or its default."""
    text = value if prop.json_key is None else _member(value, prop.json_key)
    return text if _is_encodable(text) else None


def vector_meant(vector: VectorMapping, value: Any) -> list[float] | None:
    """The vector that a column's value means, in numbers as float32 holds them; None where it means none."""
    numbers = _float32s(_numbers_meant(vector.bytes, value))
    if not numbers or any(bits & _EXPONENT == _EXPONENT for bits in array("I", numbers.tobytes())):
        return None
    return None if vector.length not in (None, len(numbers)) else numbers.tolist()


def _numbers_meant(form: str | None, value: Any) -> Any:
    """The numbers that a value holds in the form that the mapping names, or any document; None for another form."""
    if form is None:
        form = "float32" if isinstance(value, bytes) else "json"
    if form in ("json", "base64"):
        text = value.decode(errors="surrogateescape") if isinstance(value, bytes) else value
        return _json(text) if form == "json" else _in_base64(text)
    return _in_blob(form, value) if isinstance(value, bytes) else None


def _in_base64(text: Any) -> "array[float] | None":
    try:
        return _in_blob("float32", binascii.a2b_base64(text, strict_mode=True)) if isinstance(text, str) else None
    except ValueError:
        return None


def _in_blob(form: str, blob: bytes) -> "array[float] | None":
    """Little-endian numbers; None where bytes are left over."""
    numbers: array[Any] = array(_LETTERS[form])
    if len(blob) % numbers.itemsize:
        return None
    numbers.frombytes(blob)
    if sys.byteorder == "big":
        numbers.byteswap()
    return array("d", map(_half, numbers)) if form == "float16" else numbers


def _half(bits: int) -> float:
    """The number that the bits of a float16 are (IEEE 754: 1 of sign, 5 of exponent, 10 of fraction)."""
    exponent, fraction = bits >> 10 & 31, bits & 1023
    size = math.inf if exponent == 31 else math.ldexp(fraction + 1024 * (exponent > 0), max(exponent, 1) - 25)
    return -size if bits >> 15 else size


def _float32s(numbers: Any) -> "array[float]":
    """Numbers, infinities for those beyond float32; none for a document that is no list of numbers."""
    is_list = isinstance(numbers, list) and not any(isinstance(each, bool) for each in numbers)
    try:
        return array("f", numbers if is_list or isinstance(numbers, array) else [])
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


def _spelled(meanings: Sequence[tuple[str | int, bool]], value: Any, found: Any) -> bool:
    meant = [means for each, means in meanings if type(each) is type(value) and each == value]
    return found is (meant[0] if meant else None)


def _decimal(value: Any, found: Any) -> bool:
    if not isinstance(value, str):
        return _number(value, found)
    number = float(value) if _NUMBER_FORM(value) else math.inf
    held = math.isfinite(number) and _decimal_parts(repr(number)) == _decimal_parts(value)
    return bool(found == number) if held else found is None


def _decimal_parts(number: str) -> tuple[bool, str, int]:
    """Sign, digits without zeros at both ends, and exponent: the same for the same number, however it is written."""
    mantissa, _, exponent = number.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    digits = (whole + fraction).rstrip("0")
    zeros = len(whole + fraction) - len(digits)
    significant = digits.lstrip("0")
    if not significant:
        return False, "", 0
    return number.startswith("-"), significant, int(exponent or 0) - len(fraction) + zeros


def _scaled(parts: int, value: Any, found: Any) -> bool:
    """The number that the shortest text of the property says, as a fraction, is the one that the integer stands for."""
    if not isinstance(value, int):
        return found is None
    meant = Fraction(value, parts)
    held = Fraction(repr(float(meant))) == meant
    return bool(found == float(meant)) if held else found is None


def _date(value: Any, found: Any) -> bool:
    return _same_moment(_moment(value), found)


def _date_of_pattern(pattern: str, value: Any, found: Any) -> bool:
    try:
        moment = _in_utc(datetime.strptime(value, pattern)) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        moment = None
    return _same_moment(moment, found)


def _same_moment(moment: datetime | None, found: Any) -> bool:
    if moment is None or found is None:
        return moment is found
    return bool(abs(found - moment) < _CLIENT_PRECISION)


def _epoch(days: int, per_second: int, value: Any, found: Any) -> bool:
    """Compared as exact fractions of seconds since year 1, so that nothing is rounded here."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return found is None
    expected = Fraction(value) / per_second + days * _SECONDS_OF_A_DAY
    held = 0 <= round(expected * 10**6) < _DAYS_UNTIL_10000 * _SECONDS_OF_A_DAY * 10**6
    if not held or found is None:
        return held == (found is not None)
    return bool(abs(Fraction((found - _YEAR_1) // _CLIENT_PRECISION, 10**6) - expected) < Fraction(1, 10**6))


def _uuid(value: Any, found: Any) -> bool:
    """UUIDs are compared as numbers; what is found may be the text of one, too."""
    meant = _uuid_meant(value)
    if meant is None or found is None:
        return meant is found
    return str(found) == str(meant)


def _uuid_meant(value: Any) -> UUID | None:
    if isinstance(value, bytes) and len(value) == _UUID_BYTES:
        return UUID(int=int.from_bytes(value, "big"))
    return UUID(value) if isinstance(value, str) and _UUID_FORM(value) else None


def _blob(value: Any, found: Any) -> bool:
    """Compared as base64 that leaves no choice: its last bits are zeros."""
    held = isinstance(value, bytes) and len(value) > 0
    return found == b2a_base64(value, newline=False).decode() if held else found is None


def _array(agrees: Judge, of_type: type, value: Any, found: Any) -> bool:
    """Each item for itself: an array is held where every one of its items is."""
    items = _array_of(value)
    if items is None or not all(_is_held(agrees, of_type, item) for item in items):
        return found is None
    return (
        isinstance(found, list)
        and all(type(each) is of_type for each in found)
        and len(found) == len(items)
        and all(map(agrees, items, found))
    )


def _is_held(agrees: Judge, of_type: type, item: Any) -> bool:
    """Whether a property of the item's type would have to be there. For Python alone, booleans are numbers."""
    return (of_type is bool or not isinstance(item, bool)) and not agrees(item, None)


_JUDGES: dict[str, Judge] = {
    "text": _text,
    "int": _int,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "uuid": _uuid,
    "text[]": partial(_array, _text, str),
    "int[]": partial(_array, _int, int),
    "number[]": partial(_array, _number, float),
    "boolean[]": partial(_array, _boolean, bool),
    "date[]": partial(_array, _date, datetime),
    "blob": _blob,
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
    if not isinstance(value, str):
        return None
    if named := _GO_FORM(value):
        value = named[1]
    elif named := _UTC_FORM(value):
        value = f"{named[1]}Z"
    if not _DATE_FORM(value):
        return None
    try:
        return _in_utc(datetime.fromisoformat(value[:11] + value[11:].replace(" ", "")))
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: datetime) -> datetime:
    """Raises OverflowError for a moment that is outside the years 1 to 9999 there."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _member(value: Any, key: str) -> Any:
    document = _json(value)
    return document.get(key) if isinstance(document, dict) else None


def _json(value: Any, read: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text, which has no NaN and no infinities; integers as reals, unless it is read otherwise."""
    try:
        return (read or _read_json)(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None


def _array_of(value: Any) -> list[Any] | None:
    document = _json(value, _read_array)
    return document if isinstance(document, list) else None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# Made once: `json.loads` would make a decoder for each value.
_read_json = json.JSONDecoder(parse_int=float, parse_constant=_refuse).decode
# Integers that are too long for Python's reader are too long for a property.
_read_array = json.JSONDecoder(parse_constant=_refuse).decode
