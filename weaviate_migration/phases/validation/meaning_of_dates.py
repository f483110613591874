"""Whether a property says the moment that its column says: as a text, by a pattern, or as a number of units.

Apart from the conversion, as all of `meaning`.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

# Weaviate keeps nine digits of a second, its client returns six.
_CLIENT_PRECISION = timedelta(microseconds=1)
_YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
_DAYS_UNTIL_1970, _DAYS_UNTIL_2001, _DAYS_UNTIL_10000 = 719_162, 730_485, 3_652_059
_SECONDS_OF_A_DAY = 86_400
# Of numbers that are dates: which day is 0, and how many are a second.
COUNTED = {
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


def date_agrees(value: Any, found: Any) -> bool:
    """A text, in one of the forms that a date property promises to hold."""
    return _same_moment(_moment(value), found)


def pattern_agrees(pattern: str, value: Any, found: Any) -> bool:
    """A text that the pattern reads."""
    try:
        moment = _in_utc(datetime.strptime(value, pattern)) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        moment = None
    return _same_moment(moment, found)


def _same_moment(moment: datetime | None, found: Any) -> bool:
    if moment is None or found is None:
        return moment is found
    return bool(abs(found - moment) < _CLIENT_PRECISION)


def count_agrees(days: int, per_second: int, value: Any, found: Any) -> bool:
    """A number of units since a day; compared as exact fractions of seconds since year 1, so that nothing is rounded.

    Args:
        days: from the year 1 to the day that is 0.
        per_second: how many units are a second.
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        return found is None
    expected = Fraction(value) / per_second + days * _SECONDS_OF_A_DAY
    held = 0 <= round(expected * 10**6) < _DAYS_UNTIL_10000 * _SECONDS_OF_A_DAY * 10**6
    if not held or found is None:
        return held == (found is not None)
    # The nearest microsecond; a moment halfway between two may be either.
    return bool(abs(Fraction((found - _YEAR_1) // _CLIENT_PRECISION, 10**6) - expected) <= Fraction(1, 2 * 10**6))


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
