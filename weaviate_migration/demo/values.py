"""What all rows of the demo are made of: keys, dates and JSON, the same on every run."""

import json
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

Value = str | int | float | bytes | None
Row = dict[str, Value]

FIRST_DAY = datetime(2024, 3, 1, 8, 0, 0)
_YEAR_IN_SECONDS = 365 * 24 * 60 * 60
_NAMESPACE = uuid5(NAMESPACE_URL, "https://docs.python.org/3/library/")


def key_for(table: str, name: str) -> str:
    """The UUID text that is the key of the row with this name."""
    return str(uuid5(_NAMESPACE, f"{table}/{name}"))


def moment_for(serial: int, total: int) -> datetime:
    """The date of the row `serial` of `total`, spread over a year; every third falls on a whole second."""
    microseconds = 0 if serial % 3 == 0 else serial * 7_919 % 1_000_000
    return FIRST_DAY + timedelta(seconds=_YEAR_IN_SECONDS * serial // total, microseconds=microseconds)


def date_text(moment: datetime) -> str:
    """As an application stores it: without an offset, with microseconds only where there are some."""
    return moment.isoformat(sep=" ")


def json_text(value: object) -> str:
    """As SQLAlchemy's JSON type stores it."""
    return json.dumps(value)
