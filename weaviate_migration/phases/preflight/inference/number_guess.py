"""What integers and reals become: numbers, booleans, or moments."""

from collections.abc import Iterator
from dataclasses import dataclass

from weaviate_migration.phases.preflight.inference.boolean_guess import boolean
from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts
from weaviate_migration.phases.preflight.inference.column_words import ColumnWords
from weaviate_migration.phases.preflight.inference.finding import (
    NEARLY_ALL,
    Found,
    classes_text,
    held,
    holds_most,
    share,
)


@dataclass(frozen=True)
class _Unit:
    """What numbers of a range can count.

    Attributes:
        words: in words.
        date_format: what reads them as dates; None where nothing does.
    """

    words: str
    date_format: str | None


# By the names of `RANGES`.
_UNITS = {
    "epoch_seconds": _Unit("seconds since 1970", "epoch_seconds"),
    "epoch_milliseconds": _Unit("milliseconds since 1970", "epoch_milliseconds"),
    "epoch_microseconds": _Unit("microseconds since 1970", "epoch_microseconds"),
    "epoch_nanoseconds": _Unit("nanoseconds since 1970", "epoch_nanoseconds"),
    "apple_2010": _Unit("seconds since 2001", "apple"),
    "apple_nanoseconds": _Unit("nanoseconds since 2001, which no date_format reads", None),
    "webkit": _Unit("microseconds since 1601, as Chrome writes them, which no date_format reads", None),
    "julian_day": _Unit("Julian days, which no date_format reads", None),
}
_APPLE = _UNITS["apple_2010"]


def number(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """A property of numbers, booleans or dates; None where none holds most of the values."""
    return boolean(words, facts) or _moment(words, facts) or plain_number(facts, hints=_hints(words, facts))


def plain_number(facts: ColumnFacts, hints: str = "") -> Found | None:
    """An int or number, whatever the numbers count; None where neither holds most of the values."""
    kind, figures = ("number", classes_text(facts)) if facts.count("real") else ("int", _integers(facts))
    if holds_most(facts, kind):
        return held(facts, kind, facts.fits[kind], figures + hints)
    if kind == "int" and 2 * facts.count("integer") >= facts.values:
        return Found(None, f"{figures}, most of them beyond what Weaviate holds exactly{hints}")
    return None


def _moment(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """Dates, where range and name or declaration say so.

    Numbers since 2001 are also some since 1970, in the nineties: they are the former in columns of Core Data, and where
    they have fractions, as Safari writes them.
    """
    if not (words.declares_date or words.names_date):
        return None
    if words.is_of_core_data:
        return _dates(_APPLE, facts.numbers.ranges["apple"], facts) if _nearly_all(facts, "apple") else None
    for name, unit in _in_range(facts):
        if unit.date_format is not None and (unit is not _APPLE or not facts.count("integer")):
            return _dates(unit, facts.numbers.ranges[name], facts)
    return None


def _dates(unit: _Unit, count: int, facts: ColumnFacts) -> Found:
    outside = facts.values - count
    rest = f"; outside of 2000 to 2100: {share(outside, facts.values, 'value')}" if outside else ""
    return Found({"type": "date", "date_format": unit.date_format}, unit.words + rest)


def _hints(words: ColumnWords, facts: ColumnFacts) -> str:
    """What the numbers could be, where nothing says that they are it."""
    return "".join(
        f"; could be {unit.words}"
        for _, unit in _in_range(facts)
        if unit is not _APPLE or words.declares_date or words.names_date
    )


def _in_range(facts: ColumnFacts) -> Iterator[tuple[str, _Unit]]:
    return ((name, unit) for name, unit in _UNITS.items() if _nearly_all(facts, name))


def _nearly_all(facts: ColumnFacts, name: str) -> bool:
    """Whether most of the values, and nearly all numbers that are not 0, are within a range."""
    count = facts.numbers.ranges[name]
    return 2 * count > facts.values and count >= NEARLY_ALL * (facts.count("integer", "real") - facts.numbers.zeros)


def _integers(facts: ColumnFacts) -> str:
    smallest, largest = facts.numbers.smallest, facts.numbers.largest
    return f"always {smallest:,}" if smallest == largest else f"integers from {smallest:,} to {largest:,}"
