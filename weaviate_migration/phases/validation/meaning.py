"""Whether a property says what its column says: judged from both values, not by converting the row again.

Nothing here is shared with `row_to_object`: a mistake in a conversion would otherwise agree with itself.
"""

import math
import re
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

from weaviate_migration.mapping.property_mapping import PropertyMapping
from weaviate_migration.phases.validation.meaning_of_dates import COUNTED, count_agrees, date_agrees, pattern_agrees
from weaviate_migration.phases.validation.meaning_of_json import array_of, member_of

_SURROGATE = re.compile("[\ud800-\udfff]").search
_NUMBER_FORM = re.compile("[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?").fullmatch
# Letters of either case, hyphens where they belong or none, and braces or the name of a URN around them.
_UUID_FORM = re.compile(
    r"(?:urn:uuid:)?(?:{X}|[{{]{X}[}}])".format(
        X=r"[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{24}|(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})"
    )
).fullmatch
_UUID_BYTES = 16

Judge = Callable[[Any, Any], bool]


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
    if prop.date_format in COUNTED:
        return partial(count_agrees, *COUNTED[prop.date_format])
    return None if prop.date_format == "text" else partial(pattern_agrees, prop.date_format)


def _all_mean(meant: bool, spellings: Sequence[str | int]) -> list[tuple[str | int, bool]]:
    return [(each, meant) for each in spellings]


def _judge_of_member(prop: PropertyMapping, key: str) -> Judge:
    def agrees(value: Any, found: Any) -> bool:
        member = member_of(value, key)
        return bool(found == member) if _could_hold(prop, member) else found is None

    return agrees


def text_of(prop: PropertyMapping, value: Any) -> str | None:
    """The text that a text property says when its column has this value; None where it says none, or its default."""
    text = value if prop.json_key is None else member_of(value, prop.json_key)
    return text if _is_encodable(text) else None


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


def _uuid(value: Any, found: Any) -> bool:
    """Compared by their one canonical text; what is found may be that text, too."""
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
    items = array_of(value)
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
    "date": date_agrees,
    "uuid": _uuid,
    "text[]": partial(_array, _text, str),
    "int[]": partial(_array, _int, int),
    "number[]": partial(_array, _number, float),
    "boolean[]": partial(_array, _boolean, bool),
    "date[]": partial(_array, date_agrees, datetime),
    "blob": _blob,
}


def _could_hold(prop: PropertyMapping, member: Any) -> bool:
    if prop.type == "text":
        return _is_encodable(member)
    return isinstance(member, list) and all(map(_is_encodable, member))


def _is_encodable(value: Any) -> bool:
    return isinstance(value, str) and (value.isascii() or not _SURROGATE(value))
