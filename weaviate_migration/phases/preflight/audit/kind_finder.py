"""Which kind a value is: whether it is one at all is decided by the conversion itself, in `mapping/converters.py`."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.decimals import is_number
from weaviate_migration.mapping.json_values import parse_json
from weaviate_migration.mapping.values import SqlValue, is_utf8
from weaviate_migration.phases.preflight.audit import kinds
from weaviate_migration.phases.preflight.audit.kinds import KINDS, Kind, misplaced

_MAX_EPOCH_SECONDS = 10**10  # The year 2286; from 1973 on, so that small numbers are not taken for dates.
_JULIAN_DAYS = range(2_400_000, 2_500_000)  # 1858 to 2132.
_FAR_DATE = re.compile(
    r"((0000|[+-]?\d{5,}|-\d{4})-\d\d-\d\d([ T].*)?|(0001-01-01|9999-12-31)[ T].*[+-]\d\d:\d\d)", re.ASCII
).fullmatch
_OFFSET = re.compile(r"Z|UTC|[+-]\d\d").search


def kind_finder(prop: PropertyMapping) -> Callable[[SqlValue], Kind | None]:
    """A function that says which kind a value of the property's column is; None where the property holds it exactly.

    A property made from a member of JSON holds it where it is filled, and where there is no such member.
    """
    convert = property_converter(prop)
    name_kind = _member_kind if prop.json_key is not None else _KIND_OF_TYPE[_read_as(prop)]
    refused = _REFUSED if prop.on_unfit == "refuse" else {}

    def find(value: SqlValue) -> Kind | None:
        if value is None:
            return kinds.NULL_REPLACED if prop.default is not None else None
        if prop.default_for_empty and value == "":
            return kinds.EMPTY_REPLACED
        converted, exact = convert(value)
        if exact or (prop.json_key is not None and (converted is not None or _lacks_member(value, prop.json_key))):
            return None
        kind = name_kind(value, converted is not None)
        return refused.get(kind.name, kind)

    return find


# The kinds that the mapping may have refused.
_REFUSED = {name: replace(kind, fate="quarantine") for name, kind in KINDS.items() if kind.fate == "left out"}


def _read_as(prop: PropertyMapping) -> str:
    if prop.values is not None:
        return "values"
    if prop.decimal is not None:
        return "decimal text" if prop.decimal == "text" else "scaled"
    if "%" in prop.date_format:
        return "pattern"
    return "epoch" if prop.date_format != "text" else prop.type


def _undecodable(value: SqlValue) -> Kind | None:
    """Of a text that is no UTF-8: whether its bytes would be, if that had surrogates."""
    if not isinstance(value, str) or is_utf8(value):
        return None
    try:
        value.encode(errors="surrogateescape").decode(errors="surrogatepass")
    except ValueError:
        return kinds.NOT_UTF8
    return kinds.SURROGATES


def _text_kind(value: SqlValue, _filled: bool) -> Kind:
    return _undecodable(value) or misplaced(value, "text")


def _int_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, int):
        return kinds.BEYOND_2_53
    if isinstance(value, float) and math.isinf(value):
        return kinds.INFINITY
    if filled:
        return kinds.NEGATIVE_ZERO if str(value) == "-0.0" else kinds.WHOLE_REAL
    return misplaced(value, "int")


def _number_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, int):
        return kinds.INTEGER_IN_NUMBER if filled else kinds.BEYOND_2_53
    if isinstance(value, float):
        return kinds.NEGATIVE_ZERO if filled else kinds.INFINITY
    return misplaced(value, "number")


def _boolean_kind(value: SqlValue, _filled: bool) -> Kind:
    return kinds.OTHER_INTEGER if isinstance(value, int) else misplaced(value, "boolean")


def _spelling_kind(_value: SqlValue, filled: bool) -> Kind:
    return kinds.OTHER_SPELLING if filled else kinds.NO_SPELLING


def _decimal_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, str):
        if filled:
            return kinds.NEGATIVE_ZERO if value == "-0.0" else kinds.OTHER_DECIMAL
        return _undecodable(value) or (kinds.NO_DOUBLE if is_number(value) else kinds.NO_NUMBER)
    return kinds.REAL_IN_DECIMAL if filled and isinstance(value, float) else _number_kind(value, filled)


def _scaled_kind(value: SqlValue, _filled: bool) -> Kind:
    return kinds.NO_DOUBLE if isinstance(value, int) else misplaced(value, "scaled")


def _pattern_kind(value: SqlValue, filled: bool) -> Kind:
    if not isinstance(value, str):
        return _date_kind(value, filled)
    return kinds.OTHER_WRITING if filled else _undecodable(value) or kinds.NOT_AS_PATTERN


def _date_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, str):
        if filled:
            return _date_form(value)
        return _undecodable(value) or (kinds.FAR_YEAR if _FAR_DATE(value) else kinds.NO_DATE)
    if isinstance(value, int | float):
        return _number_in_date(value)
    return misplaced(value, "date")


def _date_form(text: str) -> Kind:
    """The first of its peculiarities; it may have several."""
    if "-" not in text[:5]:
        return kinds.BASIC
    if len(text) == len("2026-01-02"):
        return kinds.DATE_ONLY
    if text[16:17] != ":":
        return kinds.NO_SECONDS
    if _OFFSET(text, len("2026-01-02")):
        return kinds.WITH_OFFSET
    return kinds.WITH_T if text[10] == "T" else kinds.FRACTION


def _number_in_date(value: float) -> Kind:
    if _MAX_EPOCH_SECONDS // 100 <= value < _MAX_EPOCH_SECONDS:
        return kinds.EPOCH_SECONDS
    if _MAX_EPOCH_SECONDS * 10 <= value < _MAX_EPOCH_SECONDS * 1000:
        return kinds.EPOCH_MILLISECONDS
    if _MAX_EPOCH_SECONDS * 10**4 <= value < _MAX_EPOCH_SECONDS * 10**6:
        return kinds.EPOCH_MICROSECONDS
    if _MAX_EPOCH_SECONDS * 10**7 <= value < _MAX_EPOCH_SECONDS * 10**9:
        return kinds.EPOCH_NANOSECONDS
    if _JULIAN_DAYS.start <= value < _JULIAN_DAYS.stop:
        return kinds.JULIAN_DAY
    return kinds.INFINITY if math.isinf(value) else misplaced(value, "date")


def _epoch_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, float) and math.isinf(value):
        return kinds.INFINITY
    if isinstance(value, int | float):
        filled_by = kinds.EPOCH_FINER if isinstance(value, int) else kinds.EPOCH_REAL
        return filled_by if filled else kinds.EPOCH_OUT_OF_RANGE
    return misplaced(value, "epoch")


def _uuid_kind(value: SqlValue, filled: bool) -> Kind:
    if filled:
        return kinds.UUID_SPELLING if isinstance(value, str) else kinds.UUID_IN_BLOB
    return (_undecodable(value) or kinds.NO_UUID) if isinstance(value, str) else misplaced(value, "uuid")


def _blob_kind(value: SqlValue, _filled: bool) -> Kind:
    return kinds.EMPTY_BLOB if isinstance(value, bytes) else misplaced(value, "blob")


def _array_kind(value: SqlValue, filled: bool) -> Kind:
    if not isinstance(value, str):
        return misplaced(value, "json")
    if filled:
        return kinds.JSON_OTHER_FORM
    if (kind := _undecodable(value) or _no_value(value)) is not None:
        return kind
    document = parse_json(value)
    if _holds_infinity(document):
        return kinds.JSON_BEYOND_DOUBLE
    return kinds.JSON_OTHERS if isinstance(document, list) else kinds.JSON_NO_ARRAY


def _texts_kind(value: SqlValue, filled: bool) -> Kind:
    kind = _array_kind(value, filled)
    # Texts alone that do not fit: one of them cannot be encoded.
    all_texts = kind is kinds.JSON_OTHERS and all(isinstance(each, str) for each in parse_json(value))
    return kinds.JSON_SURROGATES if all_texts else kind


def _numbers_kind(value: SqlValue, filled: bool) -> Kind:
    kind = _array_kind(value, filled)
    # Whole numbers alone that do not fit: one of them is too large.
    all_whole = kind is kinds.JSON_OTHERS and all(
        type(each) is float and each.is_integer() for each in parse_json(value)
    )
    return kinds.JSON_BEYOND_2_53 if all_whole else kind


def _member_kind(value: SqlValue, _filled: bool) -> Kind:
    if not isinstance(value, str):
        return misplaced(value, "json")
    if (kind := _undecodable(value) or _no_value(value)) is not None:
        return kind
    return kinds.JSON_MEMBER if isinstance(parse_json(value), dict) else kinds.JSON_NO_OBJECT


_KIND_OF_TYPE: dict[str, Callable[[SqlValue, bool], Kind]] = {
    "text": _text_kind,
    "int": _int_kind,
    "number": _number_kind,
    "boolean": _boolean_kind,
    "date": _date_kind,
    "epoch": _epoch_kind,
    "values": _spelling_kind,
    "decimal text": _decimal_kind,
    "scaled": _scaled_kind,
    "pattern": _pattern_kind,
    "uuid": _uuid_kind,
    "text[]": _texts_kind,
    "int[]": _numbers_kind,
    "number[]": _numbers_kind,
    "boolean[]": _array_kind,
    "date[]": _array_kind,
    "blob": _blob_kind,
}


def _lacks_member(value: SqlValue, key: str) -> bool:
    document = parse_json(value)
    return isinstance(document, dict) and document.get(key) is None


def _no_value(text: str) -> Kind | None:
    """Of a JSON text that says nothing: whether it is `null`, or none at all."""
    if parse_json(text) is not None:
        return None
    return kinds.JSON_NULL if text.strip(" \t\r\n") == "null" else kinds.JSON_INVALID


def _holds_infinity(document: Any) -> bool:
    """Whether a number in it was too large when it was read; JSON itself has no infinities."""
    pending = [document]
    while pending:
        each = pending.pop()
        if isinstance(each, list | dict):
            pending.extend(each.values() if isinstance(each, dict) else each)
        elif isinstance(each, float) and math.isinf(each):
            return True
    return False
