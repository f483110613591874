"""The kinds of values that a property cannot hold exactly, and what becomes of them.

Whether a value is one is decided by the conversion itself, in `mapping/converters.py`; here it is only told which.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.decimals import is_number
from weaviate_migration.mapping.json_values import parse_json
from weaviate_migration.mapping.values import SqlValue, is_utf8

Fate = Literal["filled", "left out", "default", "taken", "quarantine"]

# What each fate is for a person; whatever it is, the value itself is never lost.
FATES: dict[Fate, str] = {
    "filled": "the property is filled with what means the same; the value itself is kept verbatim too",
    "left out": "the property is left out; the value is kept verbatim",
    "default": "the property gets its default; what it replaced is kept verbatim",
    "taken": "the vector is written as it is, though it can hardly be meant",
    "quarantine": "the row goes to quarantine: the mapping says on_unfit: refuse, or Weaviate refuses it",
}


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes:
        name: short, and the same in every version.
        sentence: what it is, for a person.
    """

    name: str
    fate: Fate
    sentence: str


KINDS: dict[str, Kind] = {}


def _kind(name: str, fate: Fate, sentence: str) -> Kind:
    KINDS[name] = Kind(name, fate, sentence)
    return KINDS[name]


_NULL_REPLACED = _kind("null_replaced", "default", "NULL, which the default stands in for")
_EMPTY_REPLACED = _kind("empty_replaced", "default", "empty text, which the default stands in for")

_NOT_UTF8 = _kind("text_not_utf8", "left out", "text whose bytes are not UTF-8")
_SURROGATES = _kind(
    "surrogates", "left out", "text with surrogates encoded one by one (as CESU-8 does), which is no UTF-8"
)

_BEYOND_2_53 = _kind("integer_beyond_2_53", "left out", "integers beyond ±(2^53 - 1), which Weaviate would alter")
_INFINITY = _kind("infinity", "left out", "Infinity or -Infinity")
_NEGATIVE_ZERO = _kind("negative_zero", "filled", "-0.0, which is no other number than 0.0, but has other bytes")
_WHOLE_REAL = _kind("whole_real_in_int", "filled", "whole numbers that are stored as reals")
_INTEGER_IN_NUMBER = _kind("integer_in_number", "filled", "integers where reals belong")
_OTHER_INTEGER = _kind(
    "integer_other_than_0_1",
    "left out",
    "integers other than 0 and 1 where booleans belong: `values` says which are true, which false",
)
_OTHER_SPELLING = _kind("boolean_other_spelling", "filled", "another spelling of true or false than the first")
_NO_SPELLING = _kind("boolean_not_in_values", "left out", "values that `values` has neither under true nor under false")
_OTHER_DECIMAL = _kind("decimal_other_form", "filled", "numbers in texts that are not the shortest, such as 12.50")
_REAL_IN_DECIMAL = _kind("real_in_decimal_text", "filled", "reals where texts of numbers belong")
_NO_DOUBLE = _kind("decimal_no_double", "left out", "decimal numbers with more digits than a double can say")
_NO_NUMBER = _kind("text_no_number", "left out", "text that is no number")

_DATE_ONLY = _kind("date_only", "filled", "dates without a time, taken for midnight")
_NO_SECONDS = _kind("date_without_seconds", "filled", "dates and times without seconds")
_WITH_OFFSET = _kind("date_with_offset", "filled", "dates with an offset or Z, turned into UTC")
_WITH_T = _kind("date_with_t", "filled", "dates with a T before the time")
_FRACTION = _kind("date_fraction", "filled", "dates with another fraction of seconds than six digits, or six zeros")
_BASIC = _kind("date_basic", "filled", "dates without dashes and colons, as 20260102T030405Z")
_FAR_YEAR = _kind("date_year_out_of_range", "left out", "dates outside the years 1 to 9999, in UTC")
_NO_DATE = _kind("text_no_date", "left out", "text that is no date: a pattern in `date_format` reads other forms")
_OTHER_WRITING = _kind(
    "date_other_writing", "filled", "dates that the pattern in `date_format` reads, and would write otherwise"
)
_NOT_AS_PATTERN = _kind("text_not_as_pattern", "left out", "text that is no date by the pattern in `date_format`")
_EPOCH_SECONDS = _kind(
    "epoch_seconds",
    "left out",
    "numbers that look like seconds since 1970: `date_format: epoch_seconds` makes dates, `apple` where it is 2001",
)
_EPOCH_MILLISECONDS = _kind(
    "epoch_milliseconds",
    "left out",
    "numbers that look like milliseconds since 1970: `date_format: epoch_milliseconds` makes dates",
)
_EPOCH_MICROSECONDS = _kind(
    "epoch_microseconds",
    "left out",
    "numbers that look like microseconds since 1970: `date_format: epoch_microseconds` makes dates",
)
_EPOCH_NANOSECONDS = _kind(
    "epoch_nanoseconds",
    "left out",
    "numbers that look like nanoseconds since 1970: `date_format: epoch_nanoseconds` makes dates",
)
_JULIAN_DAY = _kind("julian_day", "left out", "numbers that look like Julian days")
_EPOCH_REAL = _kind("epoch_real", "filled", "reals that are whole, or finer than the microseconds of a date")
_EPOCH_FINER = _kind("epoch_finer", "filled", "nanoseconds that are finer than the microseconds of a date")
_EPOCH_OUT_OF_RANGE = _kind("epoch_out_of_range", "left out", "numbers that are dates outside the years 1 to 9999")

_UUID_SPELLING = _kind("uuid_other_spelling", "filled", "UUIDs spelled otherwise than in small letters with hyphens")
_UUID_IN_BLOB = _kind("uuid_in_blob", "filled", "blobs of 16 bytes, taken for UUIDs in the byte order of RFC 9562")
_NO_UUID = _kind("text_no_uuid", "left out", "text that is no UUID")
_EMPTY_BLOB = _kind("empty_blob", "left out", "empty blobs, which Weaviate refuses")

_JSON_INVALID = _kind("json_invalid", "left out", "text that is no JSON, or is nested too deeply to be read")
_JSON_NULL = _kind("json_null", "left out", "the JSON text `null`")
_JSON_BEYOND_DOUBLE = _kind("json_number_beyond_double", "left out", "JSON with a number that no double can hold")
_JSON_NO_ARRAY = _kind("json_no_array", "left out", "JSON that is no array")
_JSON_OTHERS = _kind("json_array_of_others", "left out", "JSON arrays with items that the property's type cannot hold")
_JSON_BEYOND_2_53 = _kind(
    "json_integer_beyond_2_53",
    "left out",
    "JSON arrays with integers beyond ±(2^53 - 1), which Weaviate would alter",
)
_JSON_SURROGATES = _kind("json_surrogates", "left out", "JSON with half a surrogate pair in a text, as an escape")
_JSON_OTHER_FORM = _kind(
    "json_other_form",
    "filled",
    "JSON with other blanks or escapes than json.dumps writes, or items in another form than the property's",
)
_JSON_NO_OBJECT = _kind("json_no_object", "left out", "JSON that is no object, so it has no members")
_JSON_MEMBER = _kind(
    "json_member_of_other_type", "left out", "JSON objects whose member is no text, or no array of texts"
)

# The storage class that a value has, where its property wants another: `blob_in_text`, and so on.
_CLASSES: dict[type, str] = {int: "integer", float: "real", str: "text", bytes: "blob"}
_WANTED = {
    "text": ("texts", ("integer", "real", "blob")),
    "int": ("integers", ("real", "text", "blob")),
    "number": ("reals", ("text", "blob")),
    "boolean": ("booleans", ("real", "text", "blob")),
    "date": ("dates", ("integer", "real", "blob")),
    "epoch": ("numbers that are dates", ("text", "blob")),
    "scaled": ("integers with a scale", ("real", "text", "blob")),
    "uuid": ("UUIDs", ("integer", "real", "blob")),
    "blob": ("blobs", ("integer", "real", "text")),
    "json": ("JSON", ("integer", "real", "blob")),
}
_HINTS = {
    "text_in_boolean": ": `values` says which stand for true, which for false",
    "text_in_number": ": `decimal: text` takes those that are numbers",
}
_PLURALS = {"integer": "integers", "real": "reals", "text": "texts", "blob": "blobs"}
for _name, (_words, _classes) in _WANTED.items():
    for _class in _classes:
        _what = f"{_class}_in_{_name}"
        _kind(_what, "left out", f"{_PLURALS[_class]} where {_words} belong{_HINTS.get(_what, '')}")

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
            return _NULL_REPLACED if prop.default is not None else None
        if prop.default_for_empty and value == "":
            return _EMPTY_REPLACED
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
        return _NOT_UTF8
    return _SURROGATES


def _misplaced(value: SqlValue, wanted: str) -> Kind:
    return KINDS[f"{_CLASSES[type(value)]}_in_{wanted}"]


def _text_kind(value: SqlValue, _filled: bool) -> Kind:
    return _undecodable(value) or _misplaced(value, "text")


def _int_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, int):
        return _BEYOND_2_53
    if isinstance(value, float) and math.isinf(value):
        return _INFINITY
    if filled:
        return _NEGATIVE_ZERO if str(value) == "-0.0" else _WHOLE_REAL
    return _misplaced(value, "int")


def _number_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, int):
        return _INTEGER_IN_NUMBER if filled else _BEYOND_2_53
    if isinstance(value, float):
        return _NEGATIVE_ZERO if filled else _INFINITY
    return _misplaced(value, "number")


def _boolean_kind(value: SqlValue, _filled: bool) -> Kind:
    return _OTHER_INTEGER if isinstance(value, int) else _misplaced(value, "boolean")


def _spelling_kind(_value: SqlValue, filled: bool) -> Kind:
    return _OTHER_SPELLING if filled else _NO_SPELLING


def _decimal_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, str):
        if filled:
            return _NEGATIVE_ZERO if value == "-0.0" else _OTHER_DECIMAL
        return _undecodable(value) or (_NO_DOUBLE if is_number(value) else _NO_NUMBER)
    return _REAL_IN_DECIMAL if filled and isinstance(value, float) else _number_kind(value, filled)


def _scaled_kind(value: SqlValue, _filled: bool) -> Kind:
    return _NO_DOUBLE if isinstance(value, int) else _misplaced(value, "scaled")


def _pattern_kind(value: SqlValue, filled: bool) -> Kind:
    if not isinstance(value, str):
        return _date_kind(value, filled)
    return _OTHER_WRITING if filled else _undecodable(value) or _NOT_AS_PATTERN


def _date_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, str):
        if filled:
            return _date_form(value)
        return _undecodable(value) or (_FAR_YEAR if _FAR_DATE(value) else _NO_DATE)
    if isinstance(value, int | float):
        return _number_in_date(value)
    return _misplaced(value, "date")


def _date_form(text: str) -> Kind:
    """The first of its peculiarities; it may have several."""
    if "-" not in text[:5]:
        return _BASIC
    if len(text) == len("2026-01-02"):
        return _DATE_ONLY
    if text[16:17] != ":":
        return _NO_SECONDS
    if _OFFSET(text, len("2026-01-02")):
        return _WITH_OFFSET
    return _WITH_T if text[10] == "T" else _FRACTION


def _number_in_date(value: float) -> Kind:
    if _MAX_EPOCH_SECONDS // 100 <= value < _MAX_EPOCH_SECONDS:
        return _EPOCH_SECONDS
    if _MAX_EPOCH_SECONDS * 10 <= value < _MAX_EPOCH_SECONDS * 1000:
        return _EPOCH_MILLISECONDS
    if _MAX_EPOCH_SECONDS * 10**4 <= value < _MAX_EPOCH_SECONDS * 10**6:
        return _EPOCH_MICROSECONDS
    if _MAX_EPOCH_SECONDS * 10**7 <= value < _MAX_EPOCH_SECONDS * 10**9:
        return _EPOCH_NANOSECONDS
    if _JULIAN_DAYS.start <= value < _JULIAN_DAYS.stop:
        return _JULIAN_DAY
    return _INFINITY if math.isinf(value) else _misplaced(value, "date")


def _epoch_kind(value: SqlValue, filled: bool) -> Kind:
    if isinstance(value, float) and math.isinf(value):
        return _INFINITY
    if isinstance(value, int | float):
        filled_by = _EPOCH_FINER if isinstance(value, int) else _EPOCH_REAL
        return filled_by if filled else _EPOCH_OUT_OF_RANGE
    return _misplaced(value, "epoch")


def _uuid_kind(value: SqlValue, filled: bool) -> Kind:
    if filled:
        return _UUID_SPELLING if isinstance(value, str) else _UUID_IN_BLOB
    return (_undecodable(value) or _NO_UUID) if isinstance(value, str) else _misplaced(value, "uuid")


def _blob_kind(value: SqlValue, _filled: bool) -> Kind:
    return _EMPTY_BLOB if isinstance(value, bytes) else _misplaced(value, "blob")


def _array_kind(value: SqlValue, filled: bool) -> Kind:
    if not isinstance(value, str):
        return _misplaced(value, "json")
    if filled:
        return _JSON_OTHER_FORM
    if (kind := _undecodable(value) or _no_value(value)) is not None:
        return kind
    document = parse_json(value)
    if _holds_infinity(document):
        return _JSON_BEYOND_DOUBLE
    return _JSON_OTHERS if isinstance(document, list) else _JSON_NO_ARRAY


def _texts_kind(value: SqlValue, filled: bool) -> Kind:
    kind = _array_kind(value, filled)
    # Texts alone that do not fit: one of them cannot be encoded.
    all_texts = kind is _JSON_OTHERS and all(isinstance(each, str) for each in parse_json(value))
    return _JSON_SURROGATES if all_texts else kind


def _numbers_kind(value: SqlValue, filled: bool) -> Kind:
    kind = _array_kind(value, filled)
    # Whole numbers alone that do not fit: one of them is too large.
    all_whole = kind is _JSON_OTHERS and all(type(each) is float and each.is_integer() for each in parse_json(value))
    return _JSON_BEYOND_2_53 if all_whole else kind


def _member_kind(value: SqlValue, _filled: bool) -> Kind:
    if not isinstance(value, str):
        return _misplaced(value, "json")
    if (kind := _undecodable(value) or _no_value(value)) is not None:
        return kind
    return _JSON_MEMBER if isinstance(parse_json(value), dict) else _JSON_NO_OBJECT


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
    return _JSON_NULL if text.strip(" \t\r\n") == "null" else _JSON_INVALID


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
