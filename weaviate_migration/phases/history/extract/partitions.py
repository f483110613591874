"""The partitions: contiguous ranges of addresses, and the sorted rows of a table cut into them."""

import string
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

import pyarrow as pa

from weaviate_migration.base.bundles import bundled
from weaviate_migration.base.partitions import partition_keys
from weaviate_migration.mapping.object_ids import UuidRange, address
from weaviate_migration.phases.history.extract.storage_classes import (
    BATCH_ROWS,
    BATCH_SIZE,
    RowLayout,
    encode,
    extract_schema,
    size_of,
)
from weaviate_migration.source.rows import KeyedRow

_LOWEST_UUID = "00000000-0000-0000-0000-000000000000"
_UUIDS = 2**128

# What tenants' names consist of, in their order.
_CHARACTERS = "-" + string.digits + string.ascii_uppercase + "_" + string.ascii_lowercase


def partition_bounds(quantiles: Sequence[str], partitions: int, *, has_tenants: bool = False) -> tuple[str, ...]:
    """The addresses between so many partitions: the table's quantiles, or an even split if it has too few rows."""
    if quantiles:
        return tuple(quantiles)
    if has_tenants:
        return tuple(address(_tenant_at(part, partitions), _LOWEST_UUID) for part in range(1, partitions))
    return tuple(str(UUID(int=part * _UUIDS // partitions)) for part in range(1, partitions))


def _tenant_at(part: int, partitions: int) -> str:
    """The first one or two characters of the tenants' names from where on a partition goes."""
    first, second = divmod(part * len(_CHARACTERS) ** 2 // partitions, len(_CHARACTERS))
    return _CHARACTERS[first] + (_CHARACTERS[second] if second else "")  # No name sorts between `a` and `a-`.


def keys_within(bounds: Sequence[str]) -> tuple[str, ...]:
    """The keys of the partitions that these bounds part, ascending."""
    return partition_keys(len(bounds) + 1)


def partition_range(bounds: Sequence[str], partition: str) -> UuidRange:
    """The range of addresses of one partition; the first has no lower bound and the last no upper one."""
    number = keys_within(bounds).index(partition)
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
    rows: Iterable[KeyedRow], layout: RowLayout, bounds: Sequence[str], partitions: Sequence[str]
) -> Iterator[PartitionStream]:
    """Cuts rows, sorted by address, into partitions; one that has no rows gives an empty stream.

    Args:
        rows: the rows, those without an address first; what belongs to other partitions is left out.
        layout: what the rows are.
        bounds: as `partition_bounds` gives them.
        partitions: the keys wanted, ascending.
    """
    source = iter(rows)
    sample = next(_bundles(source), [])
    schema = extract_schema(layout, sample)
    ordered = _SortedRows(chain(sample, source))
    for partition in partitions:
        wanted = partition_range(bounds, partition)
        if wanted.low is not None:
            deque(ordered.before(wanted.low), maxlen=0)  # What belongs to other partitions, or what nobody has read.
        batches = (encode(bundle, schema) for bundle in _bundles(ordered.before(wanted.high)))
        yield PartitionStream(partition, pa.RecordBatchReader.from_batches(schema, batches))


class _SortedRows:
    """Rows in the order of their addresses, those without one first, taken up to one bound after the other.

    Each row is compared with one bound: to look among all of them where it belongs would take five times as long.
    """

    def __init__(self, rows: Iterable[KeyedRow]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def before(self, high: str | None) -> Iterator[KeyedRow]:
        """The next rows, up to the bound, which does not belong to them; None means all that are left."""
        while (row := self._next) is not None and (high is None or row[0] is None or row[0] < high):
            self._next = next(self._rows, None)
            yield row


def partition_of(of_object: str | None, bounds: Sequence[str]) -> str:
    """The partition that an address is in; rows without one are in the first."""
    return keys_within(bounds)[0 if of_object is None else bisect_right(bounds, of_object)]


def _bundles(rows: Iterable[KeyedRow]) -> Iterator[list[KeyedRow]]:
    """Bundles of rows, each within the limits of a record batch or of one row."""
    return bundled(rows, size_of, BATCH_ROWS, BATCH_SIZE)
