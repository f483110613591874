"""One vector that is made from a column, slice by slice: how long, and what is none or can hardly be meant."""

import math
from collections import Counter
from collections.abc import Sequence

from weaviate_migration.mapping import VectorMapping
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vectors import numbers_reader
from weaviate_migration.phases.preflight.audit.kinds import Fate, Kind
from weaviate_migration.phases.preflight.audit.report import Finding, VectorReport
from weaviate_migration.phases.preflight.audit.tally import KeyOf, Tally

# No model gives such numbers; bytes that are read as what they are not do.
LARGEST_MEANT = 1e6

VECTOR_KINDS: dict[str, Kind] = {}


def _kind(name: str, fate: Fate, sentence: str) -> Kind:
    VECTOR_KINDS[name] = Kind(name, fate, sentence)
    return VECTOR_KINDS[name]


_NO_VECTOR = _kind(
    "no_vector", "left out", "values that are no vector, or beyond float32: `bytes` says how they are read"
)
_NOT_FINITE = _kind("vector_not_finite", "left out", "vectors with a number that is NaN or Infinity")
_NOT_OF_LENGTH = _kind("vector_not_of_length", "left out", "vectors of another length than the mapping says")
_OTHER_LENGTH = _kind("vector_other_length", "quarantine", "vectors of another length than the first")
_OF_DOUBLES = _kind(
    "vector_of_doubles",
    "taken",
    "vectors with numbers beyond ±1,000,000, but not as doubles: `bytes: float64` reads them so",
)
_NOT_MEANT = _kind("vector_not_meant", "taken", "vectors with numbers beyond ±1,000,000: are the bytes something else?")

# Where vectors of other lengths are: what they say of how many values fit is another thing.
OF_LENGTHS = frozenset([_NOT_OF_LENGTH.name, _OTHER_LENGTH.name])


class VectorAudit:
    """Looks at all values of the column that a vector is made from.

    Args:
        vector: one that has a column.
    """

    def __init__(self, vector: VectorMapping) -> None:
        self._vector = vector
        self._read = numbers_reader(vector)
        self._read_doubles = numbers_reader(vector.model_copy(update={"bytes": "float64"}))
        self._first: int | None = vector.length
        self._null = 0
        self._lengths: Counter[int] = Counter()
        self._tallies: dict[str, Tally] = {}

    def add(self, values: Sequence[SqlValue], key_of: KeyOf, refused: set[int]) -> None:
        """Looks at the column's values in one slice.

        Args:
            key_of: gives the key of a row of the slice, as it is shown.
            refused: the rows of the slice that go to quarantine; those that do for their length are added.
        """
        for row, value in enumerate(values):
            if value is None:
                self._null += 1
                continue
            kind = self._kind(value, is_object=row not in refused)
            if kind is not None:
                self._tallies.setdefault(kind.name, Tally()).add(row, key_of)
                if kind.fate == "quarantine":
                    refused.add(row)

    def _kind(self, value: SqlValue, *, is_object: bool) -> Kind | None:
        """What there is to say of a value; None of a vector like the others."""
        numbers = self._read(value)
        if not numbers:
            return _NO_VECTOR
        if not all(map(math.isfinite, numbers)):
            return _NOT_FINITE
        length = len(numbers)
        if self._vector.length not in (None, length):
            return _NOT_OF_LENGTH
        self._lengths[length] += 1
        if self._first is None and is_object:
            self._first = length
        if length != self._first and is_object:
            return _OTHER_LENGTH
        if _are_meant(numbers):
            return None
        doubles = self._read_doubles(value) if self._vector.bytes in (None, "float32") else None
        return _OF_DOUBLES if doubles and _are_meant(doubles) else _NOT_MEANT

    def findings(self) -> list[Finding]:
        """The kinds that were found, the most frequent first."""
        return [
            Finding(self.name, name, kind.fate, kind.sentence, tally.count, tuple(tally.examples))
            for name, tally in sorted(self._tallies.items(), key=lambda each: -each[1].count)
            for kind in [VECTOR_KINDS[name]]
        ]

    @property
    def name(self) -> str:
        """How findings call it."""
        return f"vector {self._vector.name}"

    def report(self) -> VectorReport:
        """How long the vectors are."""
        return VectorReport(self._vector.name, self._vector.column or "", self._null, dict(self._lengths.most_common()))


def _are_meant(numbers: Sequence[float]) -> bool:
    return min(numbers) >= -LARGEST_MEANT and max(numbers) <= LARGEST_MEANT
