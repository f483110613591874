"""Texts for messages and pages: a name that was meant, what any terminal can show, times, durations and sizes."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from rich import filesize


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """Says which names are allowed, and the nearest of them: `; did you mean `title`? Allowed: id, title`.

    Args:
        name: what was given.
        allowed: what can be given; shown in this order.

    Returns:
        The end of a sentence, beginning with `; `.
    """
    names = list(allowed)
    spelled = {each.casefold(): each for each in names}
    near = difflib.get_close_matches(name.casefold(), spelled, n=1)
    meant = f"did you mean `{spelled[near[0]]}`? " if near else ""
    return f"; {meant}Allowed: {', '.join(names) or 'nothing'}"


# What XML 1.0 forbids, control characters that a terminal would obey, and the carriage return, which XML turns into
# another character. Keys and values of the source are in descriptions, and may hold all of them.
_NOT_PRINTABLE = re.compile("[^\\t\\n\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def printable(text: str) -> str:
    """The text, with control characters and lone surrogates as Python escapes them: an ESC becomes `\\x1b`."""
    return _NOT_PRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def as_code(text: str) -> str:
    """A text as Markdown shows code: whatever stands in it means nothing, neither a backtick nor the end of a line."""
    shown = " ".join(printable(text).split("\n"))
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    padding = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


# Control characters that a terminal may obey, and that JSON does not have to escape.
_NOT_ESCAPED_BY_JSON = re.compile("[\x7f-\x9f]")


def printable_json(document: str) -> str:
    """A document of JSON that says the same, with every control character escaped."""
    return _NOT_ESCAPED_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def seconds_text(seconds: float | None) -> str:
    """`0.25 s`, `12.3 s`, `2 min 5 s`, `1 h 2 min`; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def size_text(size: int) -> str:
    """`512 bytes`, `6.4 MB`, `10.0 GB`: of bytes, in powers of 1,000."""
    return filesize.decimal(size)


def time_text(moment: datetime | None) -> str:
    """`2026-11-22 20:12:19`, in UTC; nothing for None."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def counted(count: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def rows_of_tables(rows: Mapping[str, int | None]) -> str:
    """Tables with their rows, where that is known: `users (1,200 rows), logs (1 row)`."""
    return ", ".join(
        table if number is None else f"{table} ({counted(number, 'row')})" for table, number in rows.items()
    )
