"""A random sample of rows, each compared with its object: every column, every property."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, decode, size_of
from weaviate_migration.phases.validation.differences import Difference, Disagreement, difference
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.target.read_back import StoredObject, asked_together, mapped_objects_by_uuid

# A row with the key of its partition.
DrawnRow = tuple[str, ExtractRow]


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
    comparer: RowComparer,
    alias: str,
    extracts: Mapping[str, PartitionExtract],
    collection: Collection[Any, Any],
    size: int,
    seed: int,
    is_changed: Callable[[str | None], bool],
) -> SampleComparison:
    """Draws rows from the extracts' partitions and compares each with its object.

    Args:
        alias: the name by which readers know the collection.
        extracts: for each partition its rows.
        size: rows to draw; all of them, where there are fewer.
        seed: for the draw.
        is_changed: whether a row, by its UUID, has changed since it was extracted: it is left out.
    """
    rows = 0
    differences: list[Difference] = []
    drawn = (each for each in draw_rows(extracts, size, seed) if not is_changed(each[1].uuid))
    for group in asked_together(drawn, lambda each: size_of(each[1])):
        uuids = [row.uuid for _, row in group if row.uuid]
        objects = mapped_objects_by_uuid(collection, comparer.mapping, uuids)
        for partition, row in group:
            for each in _disagreements(comparer, row, objects.get(row.uuid or "")):
                differences.append(difference(each, alias, partition, key_text(row.key), row.uuid))
        rows += len(group)
    return SampleComparison(seed, rows, tuple(differences))


def _disagreements(comparer: RowComparer, row: ExtractRow, found: StoredObject | None) -> list[Disagreement]:
    if found is None:
        return [Disagreement("missing", "", row.values, None)]
    return comparer.disagreements(row, found, comparer.rebuild(found.properties, found.vectors))


def draw_rows(extracts: Mapping[str, PartitionExtract], size: int, seed: int) -> Iterator[DrawnRow]:
    """So many rows at random, in the extracts' order; each row has the same chance."""
    total = sum(extract.rows for extract in extracts.values())
    wanted = iter(sorted(random.Random(seed).sample(range(total), min(size, total))))
    position, following = 0, next(wanted, None)
    for partition, extract in extracts.items():
        for batch in extract.record_batches():
            chosen: list[int] = []
            while following is not None and following < position + batch.num_rows:
                chosen.append(following - position)
                following = next(wanted, None)
            position += batch.num_rows
            for row in decode(batch.take(chosen)) if chosen else ():
                yield partition, row
