"""Single dates: from SQLite to a Weaviate property, and what of it the property holds exactly (see `values.py`).

The inverse of a date gives `YYYY-MM-DD HH:MM:SS`, with `.ffffff` where the microseconds are not 0, or, where the
mapping says so, the number since 1970 or 2001 that it is, an integer where it is whole, else a real; or what `strftime`
makes of a pattern.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from weaviate_migration.mapping.date_patterns import read_by_pattern
from weaviate_migration.mapping.values import LEFT_OUT, NULL, Converted, Converter, SqlValue

_OFFSET = r"[+-]\d\d(?::?[0-5]\d)?"
# Behind its offset, Go's `Time.String` writes the name of the zone and the reading of a monotonic clock.
_GO_REST = r" (?:[A-Z]{1,5}|[+-]\d\d(?:\d\d)?)(?: m=[+-]\d+\.\d+)?"
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    rf"(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{{1,9}}))?)?(?: ?(Z|UTC|{_OFFSET})(?:(?<=\d){_GO_REST})?)?)?",
    re.ASCII,
).fullmatch
# ISO 8601 without dashes and colons. A time needs its offset there: iCalendar writes local times without one.
_BASIC_DATE = re.compile(
    rf"(\d{{4}})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:(\d\d)(?:\.(\d{{1,9}}))?)?(Z|{_OFFSET}))?", re.ASCII
).fullmatch
# The forms that the inverse of a date writes: a blank, no offset, and six digits that are not all 0, or none.
_INVERSE_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.(?!000000)\d{6})?", re.ASCII).fullmatch


def date_property(value: SqlValue) -> Converted:
    """Dates as SQLite and Python write them, to RFC 3339 in UTC; a date without an offset is UTC.

    A date without a time is midnight, as in SQLite's own date functions.
    """
    if value is None:
        return NULL
    if not isinstance(value, str):
        return LEFT_OUT
    if _INVERSE_DATE(value):
        return (f"{value[:10]}T{value[11:]}Z", True) if _is_moment(value) else LEFT_OUT
    rfc3339 = _rfc3339(value)
    return (rfc3339, False) if rfc3339 else LEFT_OUT


def are_exact_dates(texts: Sequence[str]) -> bool:
    """Whether `date_property` holds every one of these texts exactly; many at once take a fifth of the time."""
    try:
        return all(map(_INVERSE_DATE, texts)) and all(map(datetime.fromisoformat, texts))
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _rfc3339(text: str) -> str | None:
    if not (match := _DATE(text) or _BASIC_DATE(text)):
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=_zone(offset)
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    digits = f".{fraction}" if fraction else ""
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{digits}Z"


def _zone(offset: str | None) -> timezone:
    """Raises ValueError for an offset of a day or more, as `timezone` does."""
    if offset is None or offset in ("Z", "UTC"):
        return UTC
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:].removeprefix(":") or 0)))


def epoch_property(start: datetime, unit: Fraction) -> Converter:
    """Numbers since a moment, to RFC 3339, to the microsecond; everything else is left out.

    Args:
        start: what 0 stands for, in UTC.
        unit: microseconds that 1 stands for.
    """

    def convert(value: SqlValue) -> Converted:
        if value is None:
            return NULL
        if not isinstance(value, int | float):
            return LEFT_OUT
        try:
            # A product of floats would be rounded once more.
            microseconds = round(Fraction(value) * unit)
            moment = start + timedelta(microseconds=microseconds)
        except OverflowError:  # Infinities, and years outside 1 to 9999.
            return LEFT_OUT
        told = microseconds / unit
        exact = told == value if isinstance(value, int) else told.denominator != 1 and float(told) == value
        return f"{moment.isoformat()}Z", exact

    return convert


_1970, _2001 = datetime(1970, 1, 1), datetime(2001, 1, 1)

EPOCH_CONVERTERS: dict[str, Converter] = {
    "epoch_seconds": epoch_property(_1970, Fraction(10**6)),
    "epoch_milliseconds": epoch_property(_1970, Fraction(10**3)),
    "epoch_microseconds": epoch_property(_1970, Fraction(1)),
    "epoch_nanoseconds": epoch_property(_1970, Fraction(1, 10**3)),
    "apple": epoch_property(_2001, Fraction(10**6)),
}


def pattern_property(pattern: str) -> Converter:
    """Texts that are dates by a pattern of `strptime`, to RFC 3339; exact where `strftime` gives the very text back."""

    def convert(value: SqlValue) -> Converted:
        if value is None:
            return NULL
        moment = read_by_pattern(value, pattern) if isinstance(value, str) else None
        if moment is None:
            return LEFT_OUT
        return f"{moment.replace(tzinfo=None).isoformat()}Z", moment.strftime(pattern) == value

    return convert
