"""Patterns of dates, as Python's `strptime` reads them: which of them tell a moment, on every machine the same."""

import re
from datetime import UTC, datetime

# https://docs.python.org/3/library/datetime.html#format-codes. Names of months and days are English: see `_ENGLISH`.
_PARTS = {
    "year": ("%Y", "%y"),
    "month": ("%m", "%b", "%B"),
    "day": ("%d",),
    "hour": ("%H", "%I"),
    "half of the day": ("%p",),
    "minute": ("%M",),
    "second": ("%S",),
    "fraction": ("%f",),
    "offset": ("%z",),
    "day of the week": ("%a", "%A"),
}
_PART_OF = {directive: part for part, directives in _PARTS.items() for directive in directives}
_NEEDED = ("year", "month", "day")
_DIRECTIVES = re.compile("%.?", re.DOTALL).findall
# Names depend on the process's locale, which is C unless somebody has set it.
_NAMES = {"%a": "Fri", "%A": "Friday", "%b": "Jan", "%B": "January", "%p": "PM"}
_ANY_TIME = datetime(2026, 1, 2, 15, 4, 5, 678_901, UTC)


def pattern_mistake(pattern: str) -> str | None:
    """What keeps a pattern from telling one moment on every machine; None for one that does."""
    found = [each for each in _DIRECTIVES(pattern) if each != "%%"]
    for each in found:
        if each not in _PART_OF:
            return f"`{each}` is not allowed in a pattern. Allowed: {', '.join(_PART_OF)}, %%"
    parts = [_PART_OF[each] for each in found]
    for part in parts:
        if parts.count(part) > 1:
            return f"the pattern has the {part} twice"
    if missing := [part for part in _NEEDED if part not in parts]:
        return f"the pattern lacks the {' and the '.join(missing)}: {_choices(missing)}"
    if ("%I" in found) != ("%p" in found):
        return "%I and %p belong together: hours from 1 to 12, and which half of the day"
    if any(each in found and _ANY_TIME.strftime(each) != name for each, name in _NAMES.items()):
        return "names of months and days are English, and this process has another language set (LC_TIME)"
    return None


def _choices(parts: list[str]) -> str:
    return ", ".join(" or ".join(_PARTS[part]) for part in parts)


def read_by_pattern(text: str, pattern: str) -> datetime | None:
    """The moment that a text names, in UTC; None where it is not as the pattern says, or outside the years 1 to 9999.

    UTC where the pattern has no offset. As Python reads it: one digit will do for two, case makes no difference, and
    %y is 1969 to 2068.
    """
    try:
        moment = datetime.strptime(text, pattern)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
