"""What a column's values are, read once and slice by slice, in bounded memory.

How many values a property of some kind would hold is counted with the very converters that make the property later: a
guess that rests on it cannot disagree with the audit. Whole columns of a slice are looked at first, at the speed of C.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.date_patterns import pattern_mistake
from weaviate_migration.mapping.values import Converter, SqlValue
from weaviate_migration.phases.preflight.audit.columns import STORAGE_CLASSES, Group, by_class, surely_held
from weaviate_migration.phases.preflight.inference.known_patterns import PATTERNS
from weaviate_migration.phases.preflight.inference.number_facts import NumberFacts, NumberReading
from weaviate_migration.phases.preflight.inference.text_facts import LONGEST_READ, TextFacts, TextReading
from weaviate_migration.phases.preflight.inference.vector_facts import VectorFacts, VectorReading


@dataclass(frozen=True)
class Reading:
    """One way of reading values, as a property would.

    Attributes:
        prop: a property of that kind; its name and column say nothing.
        classes: the storage classes that it is asked for.
        heads: the characters that begin a text which it is asked for, if that is no longer than `LONGEST_READ`; empty:
            any text.
        begins: what else must be found where such a text begins.
    """

    prop: PropertyMapping
    convert: Converter
    classes: tuple[type, ...]
    heads: str
    begins: Callable[[str], object]

    def fits(self, value: SqlValue) -> bool:
        """Whether the property would hold the value, exactly or in another form."""
        return self.convert(value)[0] is not None


def _reading(fields: str | dict[str, Any], *classes: type, heads: str = "", begins: str = "") -> Reading:
    """A way of reading as a property of a type, or of these fields, would."""
    given = {"type": fields} if isinstance(fields, str) else fields
    if given["type"] in ("text", "text[]"):
        given = given | {"index": "stored"}
    prop = PropertyMapping.model_validate({"name": "any", "column": "any", **given})
    return Reading(prop, property_converter(prop), classes, heads, re.compile(begins, re.ASCII).match)


# https://www.rfc-editor.org/rfc/rfc9562.html#section-4: 32 digits with their version and variant.
RFC_9562 = "[0-9a-fA-F]{12}[1-8][0-9a-fA-F]{3}[89abAB][0-9a-fA-F]{15}"
_DIGITS = "0123456789"
_NUMBER_HEADS = _DIGITS + "+-."
_JSON_HEADS = "[ \t\r\n"
_UUID_HEADS = _DIGITS + "abcdefABCDEF{u"
_UUID = rf"(urn:uuid:|\{{)?[0-9a-fA-F]{{8}}-|{RFC_9562}$"
_DECIMAL = {"type": "number", "decimal": "text"}

# The ways of reading whose fitting values are counted, by the names that `ColumnFacts.fits` has for them. Of JSON
# arrays those are asked whose first item is of the right kind; an empty one is of each. Of 32 hexadecimal digits, and
# of blobs, those are UUIDs that have their version and variant where RFC 9562 has them: the others are hashes, or UUIDs
# in another order of bytes, as .NET writes them.
READINGS: dict[str, Reading] = {
    "text": _reading("text", str),
    "int": _reading("int", int, float),
    "number": _reading("number", int, float),
    "boolean": _reading("boolean", int),
    "date": _reading("date", str, heads=_DIGITS),
    "text[]": _reading("text[]", str, heads=_JSON_HEADS, begins=r'\s*\[\s*["\]]'),
    "date[]": _reading("date[]", str, heads=_JSON_HEADS, begins=r'\s*\[\s*("\d|\])'),
    "boolean[]": _reading("boolean[]", str, heads=_JSON_HEADS, begins=r"\s*\[\s*[tf\]]"),
    "int[]": _reading("int[]", str, heads=_JSON_HEADS, begins=r"\s*\[[-\d\s,]*\]\s*$"),
    "number[]": _reading("number[]", str, heads=_JSON_HEADS, begins=r"\s*\[\s*[-\d\]]"),
    "uuid": _reading("uuid", str, heads=_UUID_HEADS, begins=_UUID),
    "uuid with hyphens": _reading("uuid", str, heads=_UUID_HEADS, begins=r"(urn:uuid:|\{)?[0-9a-fA-F]{8}-"),
    "decimal": _reading(_DECIMAL, str, heads=_NUMBER_HEADS, begins=r"[-+]?\d*\.?\d"),
    "decimal places": _reading(_DECIMAL, str, heads=_NUMBER_HEADS, begins=r"[-+]?\d*\.\d"),
}
_IS_RFC_9562 = re.compile(RFC_9562).fullmatch
_IS_SWAPPED_UUID = re.compile("[0-9a-f]{14}[1-8][0-9a-f][89ab][0-9a-f]{15}").fullmatch
# So are those of dates by patterns that are in use, by the pattern; without those that this process cannot read.
PATTERN_READINGS: dict[str, Reading] = {
    pattern: _reading({"type": "date", "date_format": pattern}, str, begins=begins)
    for pattern, begins in PATTERNS.items()
    if pattern_mistake(pattern) is None
}
# Of all patterns at once: what a text begins with that one of them may read.
_PATTERN_HEADS = frozenset(_DIGITS + "ADFJMNOSTW")
_ANY_PATTERN = re.compile("|".join(PATTERNS.values()), re.ASCII).match


@dataclass(frozen=True)
class ColumnFacts:
    """What the values of a column are.

    Attributes:
        rows: how many values, NULLs included.
        classes: how many have each storage class, by its name; those that none has are left out.
        fits: how many a property of each kind in `READINGS` and `PATTERN_READINGS` would hold, in any form.
        numbers: what the integers and reals are.
        texts: what the texts are.
        blobs: what the blobs are.
        swapped_uuids: how many blobs are UUIDs in the order of bytes that .NET writes.
    """

    rows: int
    classes: Mapping[str, int]
    fits: Mapping[str, int]
    numbers: NumberFacts
    texts: TextFacts
    blobs: VectorFacts
    swapped_uuids: int

    @property
    def values(self) -> int:
        """Those that are not NULL."""
        return self.rows - self.count("null")

    def count(self, *classes: str) -> int:
        """How many values have one of these storage classes."""
        return sum(self.classes.get(each, 0) for each in classes)


class ColumnReading:
    """Reads all values of one column."""

    def __init__(self) -> None:
        self._classes: Counter[type] = Counter()
        self._fits: Counter[str] = Counter()
        self._numbers = NumberReading()
        self._texts = TextReading()
        self._blobs = VectorReading()
        self._swapped_uuids = 0

    def add(self, values: Sequence[SqlValue]) -> None:
        """Looks at the column's values in one slice; how they are cut into slices changes nothing of the facts."""
        for of_class, group in by_class(values).items():
            self._classes[of_class] += len(group.values)
            if of_class is str:
                self._add_texts(group)
            elif of_class is bytes:
                self._add_blobs(group.values)  # type: ignore[arg-type]  # one storage class: blobs
            elif of_class is not type(None):
                self._add_numbers(of_class, group)

    def facts(self) -> ColumnFacts:
        """What was found so far."""
        return ColumnFacts(
            rows=self._classes.total(),
            classes={name: self._classes[each] for each, name in STORAGE_CLASSES.items() if self._classes[each]},
            fits={name: self._fits[name] for name in (*READINGS, *PATTERN_READINGS)},
            numbers=self._numbers.facts(),
            texts=self._texts.facts(),
            blobs=self._blobs.facts(),
            swapped_uuids=self._swapped_uuids,
        )

    def _add_numbers(self, of_class: type, group: Group) -> None:
        self._numbers.add(group)
        for name, reading in READINGS.items():
            if of_class in reading.classes:
                held = surely_held(reading.prop, {of_class: group})
                self._fits[name] += len(group.values) if held else sum(map(reading.fits, group.values))

    def _add_blobs(self, blobs: Sequence[bytes]) -> None:
        self._blobs.add(blobs)
        digits = [blob.hex() for blob in blobs if len(blob) == 16]
        self._fits["uuid"] += sum([_IS_RFC_9562(each) is not None for each in digits])
        self._swapped_uuids += sum([_IS_SWAPPED_UUID(each) is not None for each in digits])

    def _add_texts(self, group: Group) -> None:
        counts: Counter[str] = Counter(group.values)  # type: ignore[arg-type]  # one storage class: texts
        self._texts.add(counts)
        by_head: dict[str, list[str]] = defaultdict(list)
        for text in counts:
            by_head[text[:1] if len(text) <= LONGEST_READ else ""].append(text)
        for name, reading in READINGS.items():
            if str not in reading.classes:
                continue
            heads = by_head.keys() & set(reading.heads) if reading.heads else by_head.keys()
            if heads and surely_held(reading.prop, {str: group}):
                self._fits[name] += len(group.values)
                continue
            self._fits[name] += _fitting(reading, counts, chain.from_iterable(by_head[head] for head in heads))
        dated = [text for head in by_head.keys() & _PATTERN_HEADS for text in by_head[head] if _ANY_PATTERN(text)]
        for pattern, reading in PATTERN_READINGS.items():
            self._fits[pattern] += _fitting(reading, counts, dated)


def _fitting(reading: Reading, counts: Mapping[str, int], texts: Iterable[str]) -> int:
    """How many of these texts a property would hold, each of which is there so many times."""
    return sum([counts[text] for text in texts if reading.begins(text) and reading.fits(text)])
