"""What a column's values are, read once and slice by slice, in bounded memory.

How many values a property of some kind would hold is counted with the very converters that make the property later: a
guess that rests on it cannot disagree with the audit. Whole columns of a slice are looked at first, at the speed of C.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.audit.columns import STORAGE_CLASSES, Group, by_class, surely_held

# So many different texts are told apart, and only up to this length: what is longer is no choice from a list.
DISTINCT_TEXTS = 1_000
DISTINCT_LENGTH = 256

_DIGITS = frozenset("0123456789")


@dataclass(frozen=True)
class Reading:
    """One way of reading values, as a property would.

    Attributes:
        prop: a property of that kind; its name and column say nothing.
        classes: the storage classes that it may take.
        heads: the characters that a text begins with which it may take; None: any.
    """

    prop: PropertyMapping
    classes: tuple[type, ...]
    heads: frozenset[str] | None = None


def _prop(**fields: object) -> PropertyMapping:
    return PropertyMapping.model_validate({"name": "any", "column": "any", **fields})


# The ways of reading whose fitting values are counted, by the names that `ColumnFacts.fits` has for them.
READINGS: dict[str, Reading] = {
    "text": Reading(_prop(type="text", index="stored"), (str,)),
    "int": Reading(_prop(type="int"), (int, float)),
    "number": Reading(_prop(type="number"), (int, float)),
    "boolean": Reading(_prop(type="boolean"), (int,)),
    "date": Reading(_prop(type="date"), (str,), _DIGITS),
}

# Numbers that can be moments, from 2000 to 2100 (from the first to the excluded last), by what they would count.
_FROM_2000, _TO_2100 = 946_684_800, 4_102_444_800
_SECONDS_TO_2001, _SECONDS_FROM_1601 = 978_307_200, 11_644_473_600
RANGES: dict[str, tuple[float, float]] = {
    "epoch_seconds": (_FROM_2000, _TO_2100),
    "epoch_milliseconds": (_FROM_2000 * 10**3, _TO_2100 * 10**3),
    "epoch_microseconds": (_FROM_2000 * 10**6, _TO_2100 * 10**6),
    "epoch_nanoseconds": (_FROM_2000 * 10**9, _TO_2100 * 10**9),
    "apple": (1, _TO_2100 - _SECONDS_TO_2001),
    "webkit": ((_FROM_2000 + _SECONDS_FROM_1601) * 10**6, (_TO_2100 + _SECONDS_FROM_1601) * 10**6),
    "julian_day": (2_400_000, 2_500_000),
}


@dataclass(frozen=True)
class ColumnFacts:
    """What the values of a column are.

    Attributes:
        rows: how many values, NULLs included.
        classes: how many have each storage class, by its name; those that none has are left out.
        fits: how many a property of each kind in `READINGS` would hold, exactly or in another form.
        zeros: numbers that are 0.
        ranges: numbers within each of `RANGES`, which overlap.
        longest: the characters of the longest text.
        characters: those of all texts.
        spaced: texts with a blank between other characters.
        empty: texts without any character.
        texts: how often each different text is there; None if they are more than `DISTINCT_TEXTS`, or long.
    """

    rows: int
    classes: Mapping[str, int]
    fits: Mapping[str, int]
    zeros: int
    ranges: Mapping[str, int]
    longest: int
    characters: int
    spaced: int
    empty: int
    texts: Mapping[str, int] | None

    @property
    def values(self) -> int:
        """Those that are not NULL."""
        return self.rows - self.count("null")

    def count(self, *classes: str) -> int:
        """How many values have one of these storage classes."""
        return sum(self.classes.get(each, 0) for each in classes)


@dataclass
class _Numbers:
    """The integers and reals of a column."""

    zeros: int = 0
    ranges: Counter[str] = field(default_factory=Counter)

    def add(self, group: Group) -> None:
        self.zeros += group.values.count(0)
        in_order: list[float] = []
        for name, (first, end) in RANGES.items():
            if group.largest < first or group.smallest >= end:  # type: ignore[operator]  # one storage class: numbers
                continue
            in_order = in_order or sorted(group.values)  # type: ignore[arg-type]
            self.ranges[name] += bisect_left(in_order, end) - bisect_left(in_order, first)


@dataclass
class _Texts:
    """The texts of a column."""

    longest: int = 0
    characters: int = 0
    spaced: int = 0
    empty: int = 0
    different: Counter[str] | None = field(default_factory=Counter)

    def add(self, counts: Counter[str]) -> None:
        longest = max(map(len, counts))
        self.longest = max(self.longest, longest)
        self.characters += sum([len(text) * count for text, count in counts.items()])
        self.spaced += sum([count for text, count in counts.items() if " " in text and " " in text.strip()])
        self.empty += counts[""]
        if self.different is not None:
            self.different += counts
            if longest > DISTINCT_LENGTH or len(self.different) > DISTINCT_TEXTS:
                self.different = None


class ColumnReading:
    """Reads all values of one column."""

    def __init__(self) -> None:
        self._classes: Counter[type] = Counter()
        self._fits: Counter[str] = Counter()
        self._numbers = _Numbers()
        self._texts = _Texts()

    def add(self, values: Sequence[SqlValue]) -> None:
        """Looks at the column's values in one slice; how they are cut into slices changes nothing of the facts."""
        for of_class, group in by_class(values).items():
            self._classes[of_class] += len(group.values)
            if of_class in (int, float):
                self._numbers.add(group)
            counts: Counter[SqlValue] = Counter(group.values) if of_class is str else Counter()
            if of_class is str:
                self._texts.add(counts)  # type: ignore[arg-type]  # one storage class: texts
            for name, reading in READINGS.items():
                if of_class in reading.classes:
                    self._fits[name] += _fitting(name, of_class, group, counts)

    def facts(self) -> ColumnFacts:
        """What was found so far."""
        texts = self._texts
        return ColumnFacts(
            rows=self._classes.total(),
            classes={name: self._classes[each] for each, name in STORAGE_CLASSES.items() if self._classes[each]},
            fits={name: self._fits[name] for name in READINGS},
            zeros=self._numbers.zeros,
            ranges={name: self._numbers.ranges[name] for name in RANGES},
            longest=texts.longest,
            characters=texts.characters,
            spaced=texts.spaced,
            empty=texts.empty,
            texts=None if texts.different is None else dict(sorted(texts.different.items())),
        )


_CONVERTERS = {name: property_converter(reading.prop) for name, reading in READINGS.items()}


def _fitting(name: str, of_class: type, group: Group, counts: Counter[SqlValue]) -> int:
    """How many values of a group a property of that kind would hold.

    Args:
        counts: how often each value of a group of texts is there.
    """
    reading = READINGS[name]
    if surely_held(reading.prop, {of_class: group}):
        return len(group.values)
    convert = _CONVERTERS[name]
    if of_class is not str:
        return sum([convert(value)[0] is not None for value in group.values])
    return sum([counts[text] for text in _beginning(counts, reading.heads) if convert(text)[0] is not None])


def _beginning(texts: Iterable[SqlValue], heads: frozenset[str] | None) -> Iterable[SqlValue]:
    if heads is None:
        return texts
    return [text for text in texts if text[:1] in heads]  # type: ignore[index,operator]  # one storage class: texts
