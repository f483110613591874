"""A random sample of rows, each compared with its object: every column, every property."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.dataset as ds
from weaviate.collections import Collection

from weaviate_migration.extract.storage import record_batches
from weaviate_migration.extract.storage_classes import BATCH_SIZE, ExtractRow, RowLayout, decode, size_of
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.models import folded
from weaviate_migration.target.read_back import objects_by_uuid
from weaviate_migration.transform.object_to_row import object_to_row
from weaviate_migration.transform.row_to_object import key_text
from weaviate_migration.transform.values import SqlValue
from weaviate_migration.verify.meaning import agrees

OBJECTS_PER_REQUEST = 200

_Drawn = tuple[str, RowLayout, ExtractRow]


@dataclass(frozen=True, slots=True)
class Difference:
    """One property or column that does not say what the source says.

    Attributes:
        property: the property's name, or the column's where the row cannot be rebuilt; '' for a missing object.
        expected: what the source holds, as Python shows it.
        found: what Weaviate holds.
    """

    partition: str
    key: str
    uuid: str | None
    property: str
    expected: str
    found: str


@dataclass(frozen=True)
class SampleComparison:
    """What a sample showed.

    Attributes:
        seed: draws the same rows again from the same extract.
        rows: rows that were compared.
    """

    seed: int
    rows: int
    differences: tuple[Difference, ...]


def compare_sample(
    mapping: CollectionMapping,
    extracts: Mapping[str, ds.Dataset],
    collection: Collection[Any, Any],
    size: int,
    seed: int,
) -> SampleComparison:
    """Draws rows from the extracts' partitions and compares each with its object.

    Args:
        extracts: for each partition its rows.
        size: rows to draw; all of them, where there are fewer.
        seed: for the draw.
    """
    rows = 0
    differences: list[Difference] = []
    for group in _groups(_draw(extracts, size, seed)):
        objects = objects_by_uuid(collection, [row.uuid for _, _, row in group if row.uuid])
        for partition, layout, row in group:
            differences.extend(compare_row(mapping, layout, partition, row, objects.get(row.uuid or "")))
        rows += len(group)
    return SampleComparison(seed, rows, tuple(differences))


def compare_row(
    mapping: CollectionMapping,
    layout: RowLayout,
    partition: str,
    row: ExtractRow,
    properties: Mapping[str, Any] | None,
) -> Iterator[Difference]:
    """The differences between a row and its object; `properties` is None where there is no object.

    Each property is judged by what it means, and the whole row is rebuilt from the object: where only one of the two
    was wrong, the other would not show it.
    """

    def difference(name: str, expected: Any, found: Any) -> Difference:
        return Difference(partition, key_text(row.key), row.uuid, name, repr(expected), repr(found))

    if properties is None:
        yield difference("", row.values, None)
        return
    value_of = {folded(name): value for name, value in zip(layout.columns, row.values, strict=True)}
    for prop in mapping.properties:
        value, found = value_of.get(folded(prop.column)), properties.get(prop.name)
        if not agrees(prop, value, found):
            yield difference(prop.name, value, found)
    provenance = properties.get(mapping.provenance) or {}
    if provenance.get("original_id") != key_text(row.key):
        yield difference(f"{mapping.provenance}.original_id", key_text(row.key), provenance.get("original_id"))
    try:
        rebuilt = object_to_row(mapping, layout.columns, properties)
    except (ValueError, LookupError, TypeError, AttributeError):
        yield difference(f"{mapping.provenance}.source_columns", row.values, provenance.get("source_columns"))
        return
    for name, value, found in zip(layout.columns, row.values, rebuilt, strict=True):
        if not same_value(value, found):
            yield difference(f"{mapping.provenance}.source_columns.{name}", value, found)


def same_value(one: SqlValue, other: SqlValue) -> bool:
    """Whether two SQLite values have the same storage class and the same bytes (0.0 and -0.0 differ)."""
    if type(one) is not type(other):
        return False
    return one.hex() == other.hex() if isinstance(one, float) and isinstance(other, float) else one == other


def _draw(extracts: Mapping[str, ds.Dataset], size: int, seed: int) -> Iterator[_Drawn]:
    """So many rows at random, in the extracts' order; each row has the same chance."""
    totals = {partition: extract.count_rows() for partition, extract in extracts.items()}
    total = sum(totals.values())
    wanted = iter(sorted(random.Random(seed).sample(range(total), min(size, total))))
    position, following = 0, next(wanted, None)
    for partition, extract in extracts.items():
        layout = RowLayout.of_schema(extract.schema)
        for batch in record_batches(extract):
            chosen: list[int] = []
            while following is not None and following < position + batch.num_rows:
                chosen.append(following - position)
                following = next(wanted, None)
            position += batch.num_rows
            for row in decode(batch.take(chosen)) if chosen else ():
                yield partition, layout, row


def _groups(drawn: Iterable[_Drawn]) -> Iterator[list[_Drawn]]:
    """Rows whose objects are asked for at once: by number and by size, so that they fit into memory and one answer."""
    group: list[_Drawn] = []
    size = 0
    for each in drawn:
        group.append(each)
        size += size_of(each[2])
        if len(group) >= OBJECTS_PER_REQUEST or size >= BATCH_SIZE:
            yield group
            group, size = [], 0
    if group:
        yield group
