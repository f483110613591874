"""One row and its object: every property by what it means, and the whole row as it is rebuilt from the object."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from weaviate import WeaviateClient

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_ids import address, object_uuid
from weaviate_migration.mapping.object_to_row import row_rebuilder, source_columns
from weaviate_migration.mapping.row_to_object import NO_VECTORS, Vectors, key_text
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.history.written_vectors import WrittenVectors
from weaviate_migration.phases.validation.differences import Disagreement, vector_property
from weaviate_migration.phases.validation.expected_vectors import (
    UNKNOWN,
    ExpectedVectors,
    judged_vectors,
)
from weaviate_migration.phases.validation.meaning import judge
from weaviate_migration.phases.validation.meaning_of_parents import parent_judge, parent_meant
from weaviate_migration.phases.validation.meaning_of_vectors import float32s_of, numbers_of
from weaviate_migration.phases.validation.partition_comparison import VectorCounts
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration.target.references import ReferencedObjects
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.vectors.made_vectors import NO_MADE_VECTORS, MadeVectors
from weaviate_migration.work_folder.record import MigrationRecord

_TYPES: dict[str, type] = {
    "text": str,
    "int": int,
    "number": float,
    "boolean": bool,
    "date": datetime,
    "uuid": UUID,
    "text[]": list,
    "int[]": list,
    "number[]": list,
    "boolean[]": list,
    "date[]": list,
    "blob": str,
}

Row = tuple[SqlValue, ...]


class RowComparer:
    """Compares the rows of one table with their objects.

    Each property is judged by what it means, and the whole row is rebuilt from the object: where only one of the two
    was wrong, the other would not show it.

    Args:
        mapping: the collection's part of the mapping.
        layout: what the rows are.
        migration_timestamp: what all objects say of when the migration began, RFC 3339.
        is_there: whether what a reference leads to is there: its name, the address of its object, and the UUID.
        made: the vectors that models have made.
        lacks: whether an object, by its address, went without the vector of this name, and is to get it yet.
    """

    def __init__(
        self,
        mapping: CollectionMapping,
        layout: RowLayout,
        migration_timestamp: str,
        is_there: Callable[[str, str, str], bool] = lambda *_: True,
        made: MadeVectors = NO_MADE_VECTORS,
        lacks: Callable[[str, str], bool] = lambda *_: False,
    ) -> None:
        self.mapping = mapping
        self.layout = layout
        self._began = datetime.fromisoformat(migration_timestamp)
        self._rebuild = row_rebuilder(mapping, layout.columns)
        position_of = {folded(name): position for position, name in enumerate(layout.columns)}
        self._judges = [
            (prop.name, position_of.get(folded(prop.column), -1), judge(prop)) for prop in mapping.properties
        ]
        self._judges += [
            (each.parent_id, layout.columns.index(each.column), parent_judge(each))
            for each in layout.parents
            if each.parent_id
        ]
        self._vectors = ExpectedVectors(mapping, layout.columns, made)
        self._lacks = lacks
        self._is_there = is_there
        self._references = [
            (each.reference, layout.columns.index(each.column), parent_meant(each))
            for each in layout.parents
            if each.reference
        ]
        self._types = [(prop.name, _TYPES[prop.type]) for prop in (*mapping.properties, *mapping.parent_properties)]
        self._known = {name for name, _, _ in self._judges} | {mapping.provenance}
        self._columns = set(layout.columns)
        self._tenant_position = position_of[folded(mapping.tenant.column)] if mapping.tenant is not None else -1
        self._key_positions = [layout.columns.index(name) for name in layout.key]

    def disagreements(self, row: ExtractRow, stored: StoredObject, rebuilt: Row | None) -> list[Disagreement]:
        """What of an object does not say what its row says; none, as a rule.

        Args:
            rebuilt: the row as `rebuild` gave it.
        """
        disagreements, _ = self.judge(row, stored, rebuilt)
        return disagreements

    def judge(
        self, row: ExtractRow, stored: StoredObject, rebuilt: Row | None
    ) -> tuple[list[Disagreement], dict[str, VectorCounts]]:
        """The same, and what there is to say of each vector of the object."""
        properties = stored.properties
        values = (*row.values, None)  # A column that the file does not have counts as NULL: position -1.
        found = [
            Disagreement("altered", name, values[position], properties.get(name))
            for name, position, agrees in self._judges
            if not agrees(values[position], properties.get(name))
        ]
        found += [
            Disagreement("altered", name, None, value)
            for name, value in properties.items()
            if name not in self._known and value is not None
        ]
        vectors: dict[str, VectorCounts] = {}
        if self._vectors.compared:
            vectors, differing = self._judged_vectors(row, stored)
            found += differing
        if stored.references or self._references:
            found += self._reference_disagreements(values, stored)
        found += self._provenance_disagreements(row, self._provenance(properties))
        found += self._row_disagreements(row, properties, rebuilt)
        return found, vectors

    def _judged_vectors(
        self, row: ExtractRow, stored: StoredObject
    ) -> tuple[dict[str, VectorCounts], list[Disagreement]]:
        expected = self._vectors.of([[value] for value in row.values], 1)
        counts, differing = dict[str, VectorCounts](), list[Disagreement]()
        for vector in self._vectors.compared:
            (meant,), found = expected[vector.name], stored.vectors.get(vector.name)
            judged = judged_vectors(vector, [meant], [None if found is None else float32s_of(found)])
            if judged.differing and found is None and self._lacks(stored.uuid, vector.name):
                judged = VectorCounts(lacking=1)
            counts[vector.name] = judged
            if judged.differing:
                told = "a vector of its text" if meant == UNKNOWN else meant and numbers_of(meant)
                differing.append(Disagreement("altered", vector_property(vector.name), told, found))
        return counts, differing

    def _reference_disagreements(self, values: Row, stored: StoredObject) -> Iterator[Disagreement]:
        """What leads to another object than the row names, or not to it though it is there."""
        found = {name: led_to for name, led_to in stored.references.items() if led_to}
        for name, position, meant in self._references:
            parent, led_to = meant(values[position]), found.pop(name, ())
            is_right = led_to == (() if parent is None else (parent,))
            if not is_right and (led_to or parent is None or self._is_there(name, stored.uuid, parent)):
                yield Disagreement("altered", f"reference {name}", parent, ", ".join(led_to))
        for name, led_to in found.items():
            yield Disagreement("altered", f"reference {name}", None, ", ".join(led_to))

    def _provenance_disagreements(self, row: ExtractRow, provenance: dict[str, Any]) -> Iterator[Disagreement]:
        expected = {
            "migrated_from_sqlite": True,
            "original_id": key_text(row.key),
            "migration_timestamp": self._began,
        }
        for name, value in expected.items():
            if provenance.get(name) != value:
                yield self._of_provenance(name, value, provenance.get(name))

    def _row_disagreements(
        self, row: ExtractRow, properties: dict[str, Any], rebuilt: Row | None
    ) -> Iterator[Disagreement]:
        if rebuilt is None:
            found = self._provenance(properties).get("source_columns")
            yield self._of_provenance("source_columns", row.values, found)
            return
        for name, value, other in zip(self.layout.columns, row.values, rebuilt, strict=True):
            if not same_value(value, other):
                yield self._of_provenance(f"source_columns.{name}", value, other)
        for name, value in source_columns(self.mapping, properties).items():
            if name not in self._columns:
                yield self._of_provenance(f"source_columns.{name}", None, value)

    def _of_provenance(self, name: str, expected: object, found: object) -> Disagreement:
        return Disagreement("altered", f"{self.mapping.provenance}.{name}", expected, found)

    def rebuild(self, properties: dict[str, Any], vectors: Vectors = NO_VECTORS) -> Row | None:
        """The row as the object alone tells it; None where it cannot be read."""
        try:
            return self._rebuild(properties, vectors)
        except (ValueError, LookupError, TypeError, AttributeError):
            return None

    def uuid_follows(self, stored: StoredObject, rebuilt: Row | None) -> bool:
        """Whether the address of an object is the one that follows from the tenant and key that it tells itself."""
        if rebuilt is None:
            return False
        if self._key_positions:
            key: Row = tuple(rebuilt[position] for position in self._key_positions)
        else:
            rowid = self.original_id(stored.properties)
            key = (int(rowid),) if rowid.removeprefix("-").isdecimal() else (None,)
        uuid = object_uuid(self.layout.table, key)
        return uuid is not None and address(self._tenant_of(rebuilt), uuid) == stored.uuid

    def _tenant_of(self, row: Row) -> str | None:
        if self.mapping.tenant is None:
            return None
        return tenant_name(row[self._tenant_position], self.mapping.tenant.of_null)

    def original_id(self, properties: dict[str, Any]) -> str:
        """The key that an object tells, as people see it; '' where it tells none."""
        return self._provenance(properties).get("original_id") or ""

    def _provenance(self, properties: dict[str, Any]) -> dict[str, Any]:
        return properties.get(self.mapping.provenance) or {}

    def wrong_types(self, properties: dict[str, Any]) -> list[str]:
        """The properties whose values are not of their type."""
        return [
            name
            for name, expected in self._types
            if (value := properties.get(name)) is not None and type(value) is not expected
        ]


def row_comparer(
    client: WeaviateClient,
    record: MigrationRecord,
    mapping: CollectionMapping,
    layout: RowLayout,
    vectors: WrittenVectors,
) -> RowComparer:
    """The comparer of a migration's collection, which also knows what its references may lead to.

    Args:
        vectors: those that models have made, and which objects went without one.
    """
    targets = record.reference_targets(mapping)
    referenced = ReferencedObjects({name: open_collection(client, target) for name, target in targets.items()})
    lacks = vectors.pending.has if vectors.pending is not None else lambda *_: False
    return RowComparer(mapping, layout, record.timestamp, referenced.has, vectors.made, lacks)


def same_value(one: SqlValue, other: SqlValue) -> bool:
    """Whether two SQLite values have the same storage class and the same bytes (0.0 and -0.0 differ)."""
    if one is None or type(one) is not type(other):
        return one is other
    return one.hex() == other.hex() if isinstance(one, float) and isinstance(other, float) else one == other
