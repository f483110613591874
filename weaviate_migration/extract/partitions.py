"""The sixteen partitions: contiguous ranges of UUIDs, and the sorted rows of a table cut into them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

import pyarrow as pa

from weaviate_migration.extract.storage_classes import ExtractRow, RowLayout, encode, extract_schema
from weaviate_migration.transform.object_ids import UuidRange

PARTITION_KEYS: tuple[str, ...] = tuple(f"{number:02}" for number in range(16))

# A record batch holds at most so many rows, and at most so much text and blob: memory stays bounded for any row size.
BATCH_ROWS = 5_000
BATCH_SIZE = 4 * 1024 * 1024


def partition_bounds(quantiles: Sequence[str]) -> tuple[str, ...]:
    """The fifteen UUIDs between the partitions: the table's quantiles, or an even split where it has too few rows."""
    if quantiles:
        return tuple(quantiles)
    return tuple(f"{digit}0000000-0000-0000-0000-000000000000" for digit in "123456789abcdef")


def partition_range(bounds: Sequence[str], partition: str) -> UuidRange:
    """The range of UUIDs of one partition; the first has no lower bound and the last no upper one."""
    number = PARTITION_KEYS.index(partition)
    return UuidRange(
        low=bounds[number - 1] if number > 0 else None,
        high=bounds[number] if number < len(bounds) else None,
    )


def covering_range(bounds: Sequence[str], partitions: Sequence[str]) -> UuidRange:
    """The range from the first to the last of the partitions, in their order."""
    return UuidRange(partition_range(bounds, min(partitions)).low, partition_range(bounds, max(partitions)).high)


@dataclass(frozen=True)
class PartitionStream:
    """The rows of one partition as record batches, to be read once and before the next partition's."""

    partition: str
    batches: pa.RecordBatchReader


@dataclass(frozen=True)
class PartitionStreams:
    """The streams of a run's partitions, in their order, to be read once: they come from one scan."""

    streams: Iterator[PartitionStream]


def cut_into_partitions(
    rows: Iterable[tuple[ExtractRow, int]], layout: RowLayout, bounds: Sequence[str], partitions: Sequence[str]
) -> Iterator[PartitionStream]:
    """Cuts rows, sorted by UUID, into partitions; one that has no rows gives an empty stream.

    Args:
        rows: the rows of these partitions, each with its size, those without a UUID first.
        layout: what the rows are.
        bounds: as `partition_bounds` gives them.
        partitions: the keys wanted, in their order.
    """
    source = iter(rows)
    sample = next(_bundles(source), [])
    schema = extract_schema(layout, [row for row, _ in sample])
    by_partition = groupby(chain(sample, source), key=lambda each: _partition_of(each[0].uuid, bounds))
    pending = next(by_partition, None)
    for partition in partitions:
        found = pending is not None and pending[0] == partition
        group: Iterable[tuple[ExtractRow, int]] = pending[1] if pending is not None and found else ()
        batches = (encode([row for row, _ in bundle], schema) for bundle in _bundles(iter(group)))
        yield PartitionStream(partition, pa.RecordBatchReader.from_batches(schema, batches))
        if found:
            pending = next(by_partition, None)


def _partition_of(uuid: str | None, bounds: Sequence[str]) -> str:
    return PARTITION_KEYS[0 if uuid is None else bisect_right(bounds, uuid)]


def _bundles(rows: Iterator[tuple[ExtractRow, int]]) -> Iterator[list[tuple[ExtractRow, int]]]:
    """Bundles of rows, each within the limits of a record batch or of one row."""
    bundle: list[tuple[ExtractRow, int]] = []
    size = 0
    for row in rows:
        bundle.append(row)
        size += row[1]
        if len(bundle) >= BATCH_ROWS or size >= BATCH_SIZE:
            yield bundle
            bundle, size = [], 0
    if bundle:
        yield bundle
