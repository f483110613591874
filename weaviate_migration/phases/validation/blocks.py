"""A partition in blocks that agree as a whole, and verdicts for what does not.

A block is all of both sides in a range of addresses. One that does not agree is halved, until what is left is small
enough to be compared row by row.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa

from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.phases.history.extract.storage_classes import BATCH_SIZE, ExtractRow, RowColumns, decode_columns
from weaviate_migration.phases.validation.verdicts import Agreement, Verdict
from weaviate_migration.target.object_pages import ObjectColumns

# Rows of a block at first. With 5,000 a row takes as long, and 100,000 rows took 262 MB instead of 230, two
# partitions at once (measured).
BLOCK_ROWS = 1_000
# Objects that are asked for where there are more than rows, so that they do not take an answer each; fewer, where they
# are large.
_OBJECTS = 100
# Rows from this size on are compared one by one: an answer has objects behind the block, too, which are as large.
_LARGE = BATCH_SIZE // 8
# Rows and objects of a block that is not halved any more: an answer costs as much as some thirty rows.
_SMALL = 64

ReadObjects = Callable[[UuidRange, int], tuple[ObjectColumns | None, bool]]
"""The first objects of a range, so many at most, and whether they are all; None where they cannot be read by column."""

OneByOne = Callable[[Iterable[ExtractRow], UuidRange, int], Iterator[Verdict]]
"""Verdicts for the rows of a range, and for the objects that it has: about so many, as far as one knows."""


@dataclass(frozen=True, slots=True)
class Block:
    """All rows that the extract has in a range of addresses, and all objects; None where none can be read by column."""

    rows: RowColumns
    objects: ObjectColumns | None
    within: UuidRange

    def cut(self, boundary: str) -> "tuple[Block, Block]":
        """What is before this address, and what is not."""
        row = bisect_left(self.rows.uuids, boundary, key=lambda uuid: uuid or "")
        before, after = UuidRange(self.within.low, boundary), UuidRange(boundary, self.within.high)
        if self.objects is None:
            return Block(self.rows.part(0, row), None, before), Block(self.rows.part(row), None, after)
        found = bisect_left(self.objects.uuids, boundary)
        return (
            Block(self.rows.part(0, row), self.objects.part(0, found), before),
            Block(self.rows.part(row), self.objects.part(found), after),
        )

    def halves(self) -> "tuple[Block, Block] | None":
        """Both halves; None for a block that is small, or that cannot be halved: rows of one address stay together."""
        if self.objects is None or len(self.rows) + len(self.objects) <= _SMALL:
            return None
        uuids = self.rows.uuids if len(self.rows) >= len(self.objects) else self.objects.uuids
        boundary = uuids[len(uuids) // 2]
        if boundary is None or boundary == uuids[0]:
            return None
        return self.cut(boundary)


def judge_blocks(
    batches: Iterable[pa.RecordBatch],
    within: UuidRange,
    has_objects: Callable[[UuidRange], bool],
    read: ReadObjects,
    agreement: Callable[[Block], Agreement | None],
    one_by_one: OneByOne,
) -> Iterator[Agreement | Verdict]:
    """The rows of a partition that agree with their objects, and verdicts for the rest, ascending by address.

    Args:
        batches: the partition's extract.
        within: the partition's range.
        has_objects: whether a range has any; asked where it has no rows: the objects behind it may be large.
        read: reads objects by column.
        agreement: what there is to say of a block that agrees as a whole; None for one that does not.
        one_by_one: judges what does not.
    """
    for rows, part, row_bytes in _windows(batches, within):
        if not isinstance(rows, RowColumns):
            yield from one_by_one(rows, part, BLOCK_ROWS)
        elif row_bytes >= _LARGE:
            yield from one_by_one(rows.rows(), part, len(rows))
        elif not len(rows) and not has_objects(part):
            continue
        else:
            for block in _blocks(rows, part, read):
                yield from _judge(block, agreement, one_by_one)


def _judge(
    block: Block, agreement: Callable[[Block], Agreement | None], one_by_one: OneByOne
) -> Iterator[Agreement | Verdict]:
    if (found := agreement(block)) is not None:
        yield found
    elif halves := block.halves():
        for half in halves:
            yield from _judge(half, agreement, one_by_one)
    else:
        expected = len(block.rows) if block.objects is None else len(block.objects)
        yield from one_by_one(block.rows.rows(), block.within, expected)


def _windows(
    batches: Iterable[pa.RecordBatch], within: UuidRange
) -> Iterator[tuple[RowColumns | Iterator[ExtractRow], UuidRange, int]]:
    """The rows with the range that they are all of, a bounded number at once, and the bytes of one as a mean.

    Rows of one UUID, or without any, may be more than that: from where a window would part them, all come one by one.
    """
    windows = (
        (decode_columns(batch.slice(start, BLOCK_ROWS)), 1 + batch.nbytes // batch.num_rows)
        for batch in batches
        for start in range(0, batch.num_rows, BLOCK_ROWS)
    )
    (rows, row_bytes), low = next(windows, (RowColumns([], [], []), 1)), within.low
    for following, following_bytes in windows:
        boundary = following.uuids[0]
        if boundary == rows.uuids[-1]:
            rest = chain.from_iterable(each.rows() for each, _ in chain(((rows, 0), (following, 0)), windows))
            yield rest, UuidRange(low, within.high), row_bytes
            return
        yield rows, UuidRange(low, boundary), row_bytes
        rows, row_bytes, low = following, following_bytes, boundary
    yield rows, UuidRange(low, within.high), row_bytes


def _blocks(rows: RowColumns, within: UuidRange, read: ReadObjects) -> Iterator[Block]:
    """The rows with their objects; in several blocks where more objects are there than rows."""
    is_whole, at_least = False, 2
    while not is_whole:
        objects, is_whole = read(within, max(len(rows) + 1, at_least))
        block = Block(rows, objects, within)
        if objects is None:
            is_whole = True
        elif not is_whole:
            # Behind the last of these objects others may be.
            block, rest = block.cut(objects.uuids[-1])
            rows, within = rest.rows, rest.within
            at_least = max(2, min(_OBJECTS, BATCH_SIZE * len(objects) // (1 + objects.length)))
        yield block
