"""Single dates: from SQLite to a Weaviate property, and what of it the property holds exactly (see `values.py`).

The inverse of a date gives `YYYY-MM-DD HH:MM:SS`, with `.ffffff` where the microseconds are not 0, or, where the
mapping says so, the integer of seconds or milliseconds since 1970 that it is, else the real.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from weaviate_migration.mapping.values import LEFT_OUT, NULL, Converted, Converter, SqlValue

_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?(Z|[+-]\d\d:[0-5]\d))?)?",
    re.ASCII,
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
    if not (match := _DATE(text)):
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


def epoch_property(unit: int) -> Converter:
    """Numbers since 1970 (UTC), to RFC 3339, to the microsecond; everything else is left out.

    Args:
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
            moment = datetime(1970, 1, 1) + timedelta(microseconds=microseconds)
        except OverflowError:  # Infinities, and years outside 1 to 9999.
            return LEFT_OUT
        exact = isinstance(value, int) or (microseconds % unit != 0 and microseconds / unit == value)
        return f"{moment.isoformat()}Z", exact

    return convert


def _zone(offset: str | None) -> timezone:
    """Raises ValueError for an offset of a day or more, as `timezone` does."""
    if offset is None or offset == "Z":
        return UTC
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6])))
