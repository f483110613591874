"""Extracts as Parquet files on any fsspec path: one file for each partition, there in whole or not at all."""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import FSSpecHandler, PyFileSystem
from upath import UPath

from weaviate_migration.extract.storage_classes import ExtractRow, decode


def write_partition(path: UPath, batches: pa.RecordBatchReader) -> int:
    """Writes one partition's rows as they come, moves the file to its name when it is whole, and returns the rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.partial")
    rows = 0
    # UUIDs and texts hardly repeat: dictionaries would be built and given up for each column chunk.
    with temporary.open("wb") as file, pq.ParquetWriter(file, batches.schema, use_dictionary=False) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    temporary.fs.mv(temporary.path, path.path)
    return rows


def open_partition(path: UPath) -> ds.Dataset:
    """One partition's rows, read when they are asked for."""
    return ds.dataset(path.path, filesystem=PyFileSystem(FSSpecHandler(path.fs)), format="parquet")


def record_batches(extract: ds.Dataset) -> Iterator[pa.RecordBatch]:
    """The record batches of a partition, in their order, one of them in memory.

    By default Arrow reads a whole file ahead, so that memory would grow with the number of rows.
    """
    one_by_one = ds.ParquetFragmentScanOptions(pre_buffer=False)
    return iter(
        extract.to_batches(batch_readahead=0, fragment_readahead=0, use_threads=False, fragment_scan_options=one_by_one)
    )


def extract_rows(extract: ds.Dataset) -> Iterator[ExtractRow]:
    """The rows of a partition, in its order, in bounded memory."""
    for batch in record_batches(extract):
        yield from decode(batch)


class PartitionSize(NamedTuple):
    """What a partition holds: rows, and the bytes of their values, uncompressed."""

    rows: int
    bytes: int


def partition_size(path: UPath) -> PartitionSize:
    """How large a partition is, from the footer of its file."""
    with path.open("rb") as file:
        footer = pq.ParquetFile(file).metadata
        groups = (footer.row_group(number) for number in range(footer.num_row_groups))
        return PartitionSize(footer.num_rows, sum(each.total_byte_size for each in groups))
