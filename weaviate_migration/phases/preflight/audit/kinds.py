"""The kinds of values that a property cannot hold exactly, and what becomes of them."""

from dataclasses import dataclass
from typing import Literal

from weaviate_migration.mapping.values import SqlValue

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


NULL_REPLACED = _kind("null_replaced", "default", "NULL, which the default stands in for")
EMPTY_REPLACED = _kind("empty_replaced", "default", "empty text, which the default stands in for")

NOT_UTF8 = _kind("text_not_utf8", "left out", "text whose bytes are not UTF-8")
SURROGATES = _kind(
    "surrogates", "left out", "text with surrogates encoded one by one (as CESU-8 does), which is no UTF-8"
)

BEYOND_2_53 = _kind("integer_beyond_2_53", "left out", "integers beyond ±(2^53 - 1), which Weaviate would alter")
INFINITY = _kind("infinity", "left out", "Infinity or -Infinity")
NEGATIVE_ZERO = _kind("negative_zero", "filled", "-0.0, which is no other number than 0.0, but has other bytes")
WHOLE_REAL = _kind("whole_real_in_int", "filled", "whole numbers that are stored as reals")
INTEGER_IN_NUMBER = _kind("integer_in_number", "filled", "integers where reals belong")
OTHER_INTEGER = _kind(
    "integer_other_than_0_1",
    "left out",
    "integers other than 0 and 1 where booleans belong: `values` says which are true, which false",
)
OTHER_SPELLING = _kind("boolean_other_spelling", "filled", "another spelling of true or false than the first")
NO_SPELLING = _kind("boolean_not_in_values", "left out", "values that `values` has neither under true nor under false")
OTHER_DECIMAL = _kind("decimal_other_form", "filled", "numbers in texts that are not the shortest, such as 12.50")
REAL_IN_DECIMAL = _kind("real_in_decimal_text", "filled", "reals where texts of numbers belong")
NO_DOUBLE = _kind("decimal_no_double", "left out", "decimal numbers with more digits than a double can say")
NO_NUMBER = _kind("text_no_number", "left out", "text that is no number")

DATE_ONLY = _kind("date_only", "filled", "dates without a time, taken for midnight")
NO_SECONDS = _kind("date_without_seconds", "filled", "dates and times without seconds")
WITH_OFFSET = _kind("date_with_offset", "filled", "dates with an offset or Z, turned into UTC")
WITH_T = _kind("date_with_t", "filled", "dates with a T before the time")
FRACTION = _kind("date_fraction", "filled", "dates with another fraction of seconds than six digits, or six zeros")
BASIC = _kind("date_basic", "filled", "dates without dashes and colons, as 20260102T030405Z")
FAR_YEAR = _kind("date_year_out_of_range", "left out", "dates outside the years 1 to 9999, in UTC")
NO_DATE = _kind("text_no_date", "left out", "text that is no date: a pattern in `date_format` reads other forms")
OTHER_WRITING = _kind(
    "date_other_writing", "filled", "dates that the pattern in `date_format` reads, and would write otherwise"
)
NOT_AS_PATTERN = _kind("text_not_as_pattern", "left out", "text that is no date by the pattern in `date_format`")
EPOCH_SECONDS = _kind(
    "epoch_seconds",
    "left out",
    "numbers that look like seconds since 1970: `date_format: epoch_seconds` makes dates, `apple` where it is 2001",
)
EPOCH_MILLISECONDS = _kind(
    "epoch_milliseconds",
    "left out",
    "numbers that look like milliseconds since 1970: `date_format: epoch_milliseconds` makes dates",
)
EPOCH_MICROSECONDS = _kind(
    "epoch_microseconds",
    "left out",
    "numbers that look like microseconds since 1970: `date_format: epoch_microseconds` makes dates",
)
EPOCH_NANOSECONDS = _kind(
    "epoch_nanoseconds",
    "left out",
    "numbers that look like nanoseconds since 1970: `date_format: epoch_nanoseconds` makes dates",
)
JULIAN_DAY = _kind("julian_day", "left out", "numbers that look like Julian days")
EPOCH_REAL = _kind("epoch_real", "filled", "reals that are whole, or finer than the microseconds of a date")
EPOCH_FINER = _kind("epoch_finer", "filled", "nanoseconds that are finer than the microseconds of a date")
EPOCH_OUT_OF_RANGE = _kind("epoch_out_of_range", "left out", "numbers that are dates outside the years 1 to 9999")

UUID_SPELLING = _kind("uuid_other_spelling", "filled", "UUIDs spelled otherwise than in small letters with hyphens")
UUID_IN_BLOB = _kind("uuid_in_blob", "filled", "blobs of 16 bytes, taken for UUIDs in the byte order of RFC 9562")
NO_UUID = _kind("text_no_uuid", "left out", "text that is no UUID")
EMPTY_BLOB = _kind("empty_blob", "left out", "empty blobs, which Weaviate refuses")

JSON_INVALID = _kind("json_invalid", "left out", "text that is no JSON, or is nested too deeply to be read")
JSON_NULL = _kind("json_null", "left out", "the JSON text `null`")
JSON_BEYOND_DOUBLE = _kind("json_number_beyond_double", "left out", "JSON with a number that no double can hold")
JSON_NO_ARRAY = _kind("json_no_array", "left out", "JSON that is no array")
JSON_OTHERS = _kind("json_array_of_others", "left out", "JSON arrays with items that the property's type cannot hold")
JSON_BEYOND_2_53 = _kind(
    "json_integer_beyond_2_53",
    "left out",
    "JSON arrays with integers beyond ±(2^53 - 1), which Weaviate would alter",
)
JSON_SURROGATES = _kind("json_surrogates", "left out", "JSON with half a surrogate pair in a text, as an escape")
JSON_OTHER_FORM = _kind(
    "json_other_form",
    "filled",
    "JSON with other blanks or escapes than json.dumps writes, or items in another form than the property's",
)
JSON_NO_OBJECT = _kind("json_no_object", "left out", "JSON that is no object, so it has no members")
JSON_MEMBER = _kind(
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


def misplaced(value: SqlValue, wanted: str) -> Kind:
    """A value of another storage class than a property wants, which is named as the kinds name it."""
    return KINDS[f"{_CLASSES[type(value)]}_in_{wanted}"]
