"""Which vectors the objects of rows have to have: those of columns, and those that models have made, without a call."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weaviate_migration.mapping import CollectionMapping, VectorMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.values import SqlValue, is_utf8
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.phases.validation.meaning_of_vectors import float32s_meant
from weaviate_migration.phases.validation.partition_comparison import VectorCounts
from weaviate_migration.vectors.made_vectors import NO_MADE_VECTORS, MadeVectors

Float32s = bytes | None
"""A vector as the bytes of little-endian float32s; None where there is none."""

UNKNOWN = b""
"""There has to be a vector, and nobody knows its numbers: the cache lacks it, or the server's module made it."""

_Columns = Sequence[Sequence[SqlValue]]


@dataclass(frozen=True)
class ExpectedVectors:
    """What the rows of a collection say of the vectors of their objects.

    Args:
        mapping: the collection's part of the mapping.
        columns: the names of the rows' columns, in their order.
        made: those that models have made.
    """

    mapping: CollectionMapping
    columns: Sequence[str]
    made: MadeVectors = NO_MADE_VECTORS

    @property
    def compared(self) -> tuple[VectorMapping, ...]:
        """The vectors of which rows say anything."""
        return tuple(each for each in self.mapping.vectors if each.name in self.mapping.expected_vectors)

    def of(self, columns: _Columns, count: int) -> dict[str, list[Float32s]]:
        """The vectors of so many rows, by name.

        Args:
            columns: the rows' values, column by column.

        Raises:
            EmbeddingError: a model cannot be opened.
            MigrationConflictError: a model is another one than the migration was begun with.
        """
        found = {each.name: self._of_vector(each, columns, count) for each in self.compared if each.origin != "model"}
        if self.made.names:
            found |= self._made(self.made.names, list(zip(*columns, strict=True)))
        return found

    def of_rows(self, vector: VectorMapping, rows: Sequence[ExtractRow]) -> list[Float32s]:
        """The vectors of one name of some rows whose numbers are known; raises what `of` does."""
        values = [row.values for row in rows]
        if vector.origin == "model":
            found = self._made([vector.name], values)[vector.name]
        else:
            found = self._of_vector(vector, list(zip(*values, strict=True)), len(rows)) if rows else []
        return [each or None for each in found]

    def _made(self, names: Sequence[str], rows: _Columns) -> dict[str, list[Float32s]]:
        """The vectors of these names that models have made of rows, each with its values."""
        known = self.made.known(self.columns, rows, names)
        return {name: [_known_float32s(each[name]) if name in each else None for each in known] for name in names}

    def _of_vector(self, vector: VectorMapping, columns: _Columns, count: int) -> list[Float32s]:
        if vector.origin == "column":
            position = self._position(vector.column or "")
            return float32s_meant(vector, [None] * count if position is None else columns[position])
        positions = [at for name in vector.from_columns if (at := self._position(name)) is not None]
        texts = zip(*(columns[at] for at in positions), strict=True) if positions else [()] * count
        return [UNKNOWN if any(map(_is_text, each)) else None for each in texts]

    def _position(self, column: str) -> int | None:
        names = list(map(folded, self.columns))
        return names.index(folded(column)) if folded(column) in names else None


def judged_vectors(vector: VectorMapping, expected: Sequence[Float32s], found: Sequence[Float32s]) -> VectorCounts:
    """What there is to say of the vectors of some objects, by what their rows say.

    Where the server has a module for the vector, it makes one of its own for an object that comes without.
    """
    counts = VectorCounts(compared=len(found) - found.count(None))
    if list(expected) == list(found):
        return counts
    return sum((_judged(vector, *each) for each in zip(expected, found, strict=True)), VectorCounts())


def _judged(vector: VectorMapping, expected: Float32s, found: Float32s) -> VectorCounts:
    if expected == found:
        return VectorCounts(compared=int(found is not None))
    is_of_server = vector.vectorizer is not None and not expected and (expected is None or vector.origin == "server")
    if found is not None and is_of_server:
        return VectorCounts(by_server=1)
    return VectorCounts(unknown=1) if found is not None and expected == UNKNOWN else VectorCounts(differing=1)


def _known_float32s(vector: NDArray[np.float32] | None) -> bytes:
    return UNKNOWN if vector is None else vector.astype("<f4", copy=False).tobytes()


def _is_text(value: SqlValue) -> bool:
    return isinstance(value, str) and bool(value.strip()) and is_utf8(value)
