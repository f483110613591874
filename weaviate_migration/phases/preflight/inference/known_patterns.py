"""The patterns by which applications and people write dates as text, other than those that need no pattern."""

from collections.abc import Iterator

_TIMES = {"": "", " %H:%M": r" \d\d?:\d\d", " %H:%M:%S": r" \d\d?:\d\d:\d\d"}
_HALF_DAYS = {" %I:%M %p": r" \d\d?:\d\d [AaPp][Mm]", " %I:%M:%S %p": r" \d\d?:\d\d:\d\d [AaPp][Mm]"}
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"


def _numeric() -> Iterator[tuple[str, str]]:
    for time, digits in (_TIMES | _HALF_DAYS).items():
        for mark in "/-":
            begins = rf"\d\d?{mark}\d\d?{mark}\d{{4}}{digits}$"
            yield f"%d{mark}%m{mark}%Y{time}", begins
            yield f"%m{mark}%d{mark}%Y{time}", begins
    for time, digits in _TIMES.items():
        yield f"%d.%m.%Y{time}", rf"\d\d?\.\d\d?\.\d{{4}}{digits}$"
        for mark in ("/", r"\."):
            yield f"%Y{mark[-1]}%m{mark[-1]}%d{time}", rf"\d{{4}}{mark}\d\d?{mark}\d\d?{digits}$"


# Each pattern, and a regular expression for what it may read: most texts are no dates, and `strptime` is slow.
PATTERNS: dict[str, str] = {
    **dict(_numeric()),
    "%d %b %Y": rf"\d\d? {_MONTH} \d{{4}}$",
    "%d %B %Y": rf"\d\d? {_MONTH}[a-z]* \d{{4}}$",
    "%b %d, %Y": rf"{_MONTH} \d\d?, \d{{4}}$",
    "%B %d, %Y": rf"{_MONTH}[a-z]* \d\d?, \d{{4}}$",
    "%a, %d %b %Y %H:%M:%S %z": rf"{_DAY}, \d\d? {_MONTH} \d{{4}} .*\d$",  # RFC 5322: mail and feeds
    "%a, %d %b %Y %H:%M:%S GMT": rf"{_DAY}, \d\d? {_MONTH} \d{{4}} .*GMT$",  # RFC 9110: HTTP
    "%a %b %d %H:%M:%S %Y": rf"{_DAY} {_MONTH} [ \d]\d ",  # `ctime` of C
    "%a %b %d %H:%M:%S %z %Y": rf"{_DAY} {_MONTH} [ \d]\d ",  # `Time#to_s` of Ruby, once
}


def exchanged(pattern: str) -> str | None:
    """The pattern that a date can be mistaken for: with day and month exchanged; None for one that is not mistaken."""
    other = pattern.translate(str.maketrans("dm", "md"))
    return other if other in PATTERNS and other != pattern else None
