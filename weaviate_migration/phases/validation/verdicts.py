"""Every row of a partition with its object: one merge of extract and collection, both sorted by address.

In memory are one record batch of the extract and one page of the collection, however many rows there are.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple

from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.phases.history.extract.refusals import JudgedRow
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowColumns
from weaviate_migration.phases.validation.differences import (
    SHOWN_DIFFERENCES,
    Disagreement,
    difference,
)
from weaviate_migration.phases.validation.digests import row_line, row_lines
from weaviate_migration.phases.validation.partition_comparison import (
    PartitionComparison,
    TenantComparison,
    VectorCounts,
)
from weaviate_migration.phases.validation.row_comparer import Row, RowComparer
from weaviate_migration.target.read_back import StoredObject

SHOWN_KEYS = 20


@dataclass
class _Sides:
    """What was counted of a partition, or of one tenant in it, and the digest of each side as far as it has come."""

    rows: int = 0
    objects: int = 0
    differences: int = 0
    source: Any = field(default_factory=hashlib.sha256)
    target: Any = field(default_factory=hashlib.sha256)

    def found(self) -> TenantComparison:
        digests = self.source.hexdigest(), self.target.hexdigest()
        return TenantComparison(self.rows, self.objects, self.differences, *digests)


class Verdict(NamedTuple):
    """What became of one row, or where one object came from.

    Attributes:
        row: the row; None for an object without one.
        refused: why the row cannot become an object, if it cannot.
        found: its object; None where there is none.
        rebuilt: the row that the object tells; None where there is no object, or none can be read from it.
        disagreements: where the two differ; none, as a rule.
        vectors: what there is to say of the object's vectors, by name.
    """

    row: ExtractRow | None
    refused: str | None
    found: StoredObject | None
    rebuilt: Row | None
    disagreements: list[Disagreement]
    vectors: Mapping[str, VectorCounts] = MappingProxyType({})


class Agreement(NamedTuple):
    """Rows that agree with their objects as a whole.

    Attributes:
        vectors: what there is to say of the objects' vectors, by name.
    """

    rows: RowColumns
    vectors: Mapping[str, VectorCounts] = MappingProxyType({})


def judge_objects(
    comparer: RowComparer, rows: Iterable[JudgedRow], objects: Iterable[StoredObject]
) -> Iterator[Verdict]:
    """A verdict for each row and for each object that has none, ascending by address.

    Args:
        rows: the partition's rows, ascending by address, those without one first.
        objects: the objects of the partition's range, ascending by address.
    """
    for (row, refused), found in _merge(rows, objects):
        rebuilt = comparer.rebuild(found.properties, found.vectors) if found is not None else None
        vectors: Mapping[str, VectorCounts] = {}
        if row is None:
            disagreements = [Disagreement("extra", "", None, rebuilt)]
        elif found is None:
            disagreements = [Disagreement("missing", "", row.values, refused)]
        else:
            disagreements, vectors = comparer.judge(row, found, rebuilt)
        yield Verdict(row, refused, found, rebuilt, disagreements, vectors)


def _merge(
    rows: Iterable[JudgedRow], objects: Iterable[StoredObject]
) -> Iterator[tuple[tuple[ExtractRow | None, str | None], StoredObject | None]]:
    """Each row with the object of the same address. A row that cannot become an object has none."""
    stored = iter(objects)
    found = next(stored, None)
    for judged in rows:
        row, refused = judged
        while found is not None and row.uuid is not None and found.uuid < row.uuid:
            yield (None, None), found
            found = next(stored, None)
        if found is not None and refused is None and found.uuid == row.uuid:
            yield judged, found
            found = next(stored, None)
        else:
            yield judged, None
    while found is not None:
        yield (None, None), found
        found = next(stored, None)


class PartitionTally:
    """Counts what was judged of one partition, and computes the digest of each side.

    Args:
        comparer: that made the verdicts.
        collection: the alias.
    """

    def __init__(self, comparer: RowComparer, collection: str, partition: str) -> None:
        self._comparer = comparer
        self._found = PartitionComparison(collection, partition)
        self._whole = _Sides()
        self._tenants: defaultdict[str, _Sides] = defaultdict(_Sides)
        self._last_row: str | None = None
        self._last_object: str | None = None

    def count(self, judged: Iterable[Agreement | Verdict]) -> PartitionComparison:
        """Counts them all: verdicts, and rows that agree with their objects as a whole."""
        for each in judged:
            if isinstance(each, Agreement):
                self._count_agreeing(each.rows)
                self._count_vectors(each.vectors)
            else:
                self._count_verdict(each)
        whole = self._whole.found()
        self._found.rows, self._found.objects, self._found.total = whole.rows, whole.objects, whole.differences
        self._found.source_digest, self._found.target_digest = whole.source_digest, whole.target_digest
        self._found.tenants = {name: each.found() for name, each in sorted(self._tenants.items())}
        return self._found

    def _sides(self, of_object: str | None) -> Sequence[_Sides]:
        """Where what is counted of this address goes: to the partition's, and to its tenant's where it has one."""
        if self._comparer.mapping.tenant is None or of_object is None:
            return (self._whole,)
        return self._whole, self._tenants[split_address(of_object)[0] or ""]

    def _count_agreeing(self, rows: RowColumns) -> None:
        for part in [rows] if self._comparer.mapping.tenant is None else _by_tenant(rows):
            # The rows that were rebuilt are the rows.
            lines = row_lines(part.uuids, part.columns)
            for sides in self._sides(part.uuids[0] if part.uuids else None):
                sides.rows += len(part)
                sides.objects += len(part)
                sides.source.update(lines)
                sides.target.update(lines)

    def _count_verdict(self, verdict: Verdict) -> None:
        about = verdict.row or verdict.found
        sides = self._sides(about.uuid if about is not None else None)
        line = self._count_row(verdict.row, sides) if verdict.row is not None else b""
        if verdict.found is not None:
            self._count_object(verdict, verdict.found, line, sides)
        if verdict.disagreements:
            self._count_difference(verdict, sides)
        self._count_vectors(verdict.vectors)

    def _count_vectors(self, counts: Mapping[str, VectorCounts]) -> None:
        for name, each in counts.items():
            self._found.vectors[name] = self._found.vectors.get(name, VectorCounts()) + each

    def _count_row(self, row: ExtractRow, counted: Sequence[_Sides]) -> bytes:
        self._found.repeated_uuids += row.uuid is not None and row.uuid == self._last_row
        self._last_row = row.uuid
        line = row_line(row.uuid, row.values)
        for sides in counted:
            sides.rows += 1
            sides.source.update(line)
        return line

    def _count_object(self, verdict: Verdict, found: StoredObject, line: bytes, counted: Sequence[_Sides]) -> None:
        self._found.repeated_uuids += found.uuid == self._last_object
        self._last_object = found.uuid
        # Where nothing disagrees, the row that was rebuilt is the row.
        told = row_line(found.uuid, verdict.rebuilt) if verdict.disagreements else line
        for sides in counted:
            sides.objects += 1
            sides.target.update(told)
        for name in self._comparer.wrong_types(found.properties):
            self._found.wrong_types[name] = self._found.wrong_types.get(name, 0) + 1
        if not self._comparer.uuid_follows(found, verdict.rebuilt):
            self._found.wrong_uuid_count += 1
            if len(self._found.wrong_uuids) < SHOWN_KEYS:
                self._found.wrong_uuids.append(f"{self._comparer.original_id(found.properties)}: {found.uuid}")

    def _count_difference(self, verdict: Verdict, counted: Sequence[_Sides]) -> None:
        kind = verdict.disagreements[0].kind
        self._found.missing += kind == "missing"
        self._found.extra += kind == "extra"
        self._found.altered += kind == "altered"
        for sides in counted:
            sides.differences += len(verdict.disagreements)
        key, uuid = self._identity(verdict)
        room = SHOWN_DIFFERENCES - len(self._found.differences)
        self._found.differences += [
            difference(each, self._found.collection, self._found.partition, key, uuid)
            for each in verdict.disagreements[:room]
        ]

    def _identity(self, verdict: Verdict) -> tuple[str, str | None]:
        """The key and the address of the row, or of an object without one as it tells them."""
        if verdict.row is not None:
            return key_text(verdict.row.key), verdict.row.uuid
        assert verdict.found is not None, "a verdict is about a row, an object, or both"
        return self._comparer.original_id(verdict.found.properties), verdict.found.uuid


def _by_tenant(rows: RowColumns) -> Iterator[RowColumns]:
    """Rows that are objects, ascending by address, in parts of one tenant each."""
    start = 0
    for _, same in groupby(rows.uuids, lambda of_object: split_address(of_object or "")[0]):
        end = start + sum(1 for _ in same)
        yield rows.part(start, end)
        start = end
