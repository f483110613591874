"""Numbers with their units, as a person reads them."""

from datetime import datetime


def seconds_text(seconds: float | None) -> str:
    """`0.25 s`, `12.3 s`, `2 min 5 s`, `1 h 2 min`; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def time_text(moment: datetime | None) -> str:
    """`2026-11-22 20:12:19`, in UTC; nothing for None."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
