"""One column, slice by slice: storage classes, smallest and largest, and what its properties cannot hold exactly.

Whole columns of a slice are looked at first, at the speed of C. Only where they are not of the plain case for sure is
each value looked at by itself.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from weaviate_migration.mapping import PropertyMapping, VectorMapping
from weaviate_migration.mapping.dates import are_exact_dates
from weaviate_migration.mapping.values import MAX_EXACT_INT, SqlValue, are_exact_uuids, is_utf8
from weaviate_migration.phases.preflight.audit.kind_finder import kind_finder
from weaviate_migration.phases.preflight.audit.kinds import Kind
from weaviate_migration.phases.preflight.audit.report import ColumnReport, Finding, VectorReport
from weaviate_migration.phases.preflight.audit.tally import KeyOf, Tally
from weaviate_migration.phases.preflight.audit.vectors import VectorAudit

# Of a text, or of a blob in hexadecimal, so many characters are shown.
SHOWN_CHARACTERS = 60

STORAGE_CLASSES: dict[type, str] = {type(None): "null", int: "integer", float: "real", str: "text", bytes: "blob"}


class Group(NamedTuple):
    """The values of one storage class among those of a slice."""

    values: Sequence[SqlValue]
    smallest: SqlValue
    largest: SqlValue


class ColumnAudit:
    """Looks at all values of one column.

    Args:
        properties, vectors: those that are made from it.
    """

    def __init__(
        self,
        name: str,
        declared_type: str,
        properties: Sequence[PropertyMapping],
        vectors: Sequence[VectorMapping] = (),
    ) -> None:
        self._name = name
        self._declared_type = declared_type
        self._counts: Counter[type] = Counter()
        self._smallest: dict[type, SqlValue] = {}
        self._largest: dict[type, SqlValue] = {}
        self._properties = [_PropertyAudit(each) for each in properties]
        self._vectors = [VectorAudit(each) for each in vectors]

    def add(self, values: Sequence[SqlValue], key_of: KeyOf, refused: set[int]) -> None:
        """Looks at the column's values in one slice.

        Args:
            key_of: gives the key of a row of the slice, as it is shown.
            refused: the rows of the slice that go to quarantine; those that do for a value of this column are added.
        """
        groups = by_class(values)
        for of_class, group in groups.items():
            self._counts[of_class] += len(group.values)
            if of_class is not type(None):
                self._smallest[of_class] = _cut(min(self._smallest.get(of_class, group.smallest), group.smallest))  # type: ignore[type-var]
                self._largest[of_class] = _cut(max(self._largest.get(of_class, group.largest), group.largest))  # type: ignore[type-var]
        for each in self._properties:
            each.add(values, groups, key_of, refused)

    def add_vectors(self, values: Sequence[SqlValue], key_of: KeyOf, refused: set[int]) -> None:
        """Looks at the same values as vectors, once it is known which rows are refused for anything else."""
        for each in self._vectors:
            each.add(values, key_of, refused)

    def report(self) -> ColumnReport:
        """What was found so far."""
        return ColumnReport(
            name=self._name,
            declared_type=self._declared_type,
            properties=tuple(each.name for each in self._properties),
            storage_classes={name: self._counts[each] for each, name in STORAGE_CLASSES.items() if self._counts[each]},
            smallest={STORAGE_CLASSES[each]: shown(value) for each, value in self._smallest.items()},
            largest={STORAGE_CLASSES[each]: shown(value) for each, value in self._largest.items()},
            findings=(
                *(finding for each in self._properties for finding in each.findings()),
                *(finding for each in self._vectors for finding in each.findings()),
            ),
        )

    def vector_reports(self) -> list[VectorReport]:
        """What was found so far of the vectors that are made from it."""
        return [each.report() for each in self._vectors]


class _PropertyAudit:
    """What of a column one of its properties cannot hold."""

    def __init__(self, prop: PropertyMapping) -> None:
        self.name = prop.name
        self._prop = prop
        self._find = kind_finder(prop)
        self._tallies: dict[str, tuple[Kind, Tally]] = {}

    def add(self, values: Sequence[SqlValue], groups: Mapping[type, Group], key_of: KeyOf, refused: set[int]) -> None:
        if surely_held(self._prop, groups):
            return
        if groups.keys() == {type(None)}:  # One NULL is as good as another: a column that is not used is asked once.
            self._found(None, range(len(values)), key_of, refused)
            return
        for row, value in enumerate(values):
            self._found(value, range(row, row + 1), key_of, refused)

    def _found(self, value: SqlValue, rows: range, key_of: KeyOf, refused: set[int]) -> None:
        """Takes down the rows that hold a value, if the property cannot hold it."""
        if (kind := self._find(value)) is not None:
            self._tallies.setdefault(kind.name, (kind, Tally()))[1].add_all(rows, key_of)
            if kind.fate == "quarantine":
                refused.update(rows)

    def findings(self) -> list[Finding]:
        found = sorted(self._tallies.values(), key=lambda each: -each[1].count)
        return [
            Finding(self.name, kind.name, kind.fate, kind.sentence, tally.count, tuple(tally.examples))
            for kind, tally in found
        ]


def surely_held(prop: PropertyMapping, groups: Mapping[type, Group]) -> bool:
    """Whether the property holds all of these values exactly, where that can be said of them as a whole."""
    wanted = _WANTED.get(prop.type)
    if wanted is None or prop.json_key is not None or prop.is_spelled:
        return False
    if not groups.keys() <= {wanted, type(None)}:
        return False
    if prop.default is not None and type(None) in groups:
        return False
    if (group := groups.get(wanted)) is None:
        return True
    if prop.type == "text":
        return _are_utf8(group.values) and not (prop.default_for_empty and group.smallest == "")
    if prop.type == "date":
        return are_exact_dates(group.values)  # type: ignore[arg-type]  # one storage class: texts
    if prop.type == "uuid":
        return are_exact_uuids(group.values)  # type: ignore[arg-type]  # one storage class: texts
    if prop.type == "blob":
        return group.smallest != b""
    least, most = _EXACT[prop.type]
    return least <= group.smallest <= most and least <= group.largest <= most and not _may_be_negative_zero(group)  # type: ignore[operator]


# The storage class that a property of a type holds exactly, where it is one alone and its values are soon judged.
_WANTED: dict[str, type] = {
    "text": str,
    "int": int,
    "number": float,
    "boolean": int,
    "date": str,
    "uuid": str,
    "blob": bytes,
}
_LARGEST_REAL = math.nextafter(math.inf, 0)
_EXACT: dict[str, tuple[float, float]] = {
    "int": (-MAX_EXACT_INT, MAX_EXACT_INT),
    "number": (-_LARGEST_REAL, _LARGEST_REAL),
    "boolean": (0, 1),
}


def _may_be_negative_zero(group: Group) -> bool:
    return isinstance(group.smallest, float) and 0.0 in group.values


def _are_utf8(texts: Sequence[SqlValue]) -> bool:
    return is_utf8("".join(texts))  # type: ignore[arg-type]  # one storage class: texts


def by_class(values: Sequence[SqlValue]) -> dict[type, Group]:
    """The values of each storage class among those of a slice."""
    found = set(map(type, values))
    if len(found) == 1:
        return {each: _group(each, values) for each in found}
    return {each: _group(each, [value for value in values if type(value) is each]) for each in found}


def _group(of_class: type, values: Sequence[SqlValue]) -> Group:
    if of_class is type(None):
        return Group(values, None, None)
    return Group(values, min(values), max(values))  # type: ignore[type-var]  # one storage class: they compare


def _cut(value: SqlValue) -> SqlValue:
    """One character more than is shown: whatever follows does not change which is shown as smallest or largest."""
    return value[: SHOWN_CHARACTERS + 1] if isinstance(value, (str, bytes)) else value


def shown(value: SqlValue) -> int | float | str | None:
    """A value as JSON and people can take it: infinities by name, blobs as in SQL, odd bytes escaped, all shortened."""
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        digits = value.hex()
        return f"x'{_shortened(digits)}'"
    return _shortened(value.encode(errors="backslashreplace").decode()) if isinstance(value, str) else value


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
