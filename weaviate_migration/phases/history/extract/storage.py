"""Extracts as Parquet files on any fsspec path: one file for each partition, there in whole or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from weaviate_migration.base.storage import storage_errors
from weaviate_migration.phases.history.extract.storage_classes import BATCH_ROWS, UUID_COLUMN, ExtractRow, decode
from weaviate_migration.work_folder.storage import storage_asked, writing_whole


def write_partition(path: UPath, batches: pa.RecordBatchReader, scratch: Path | None = None) -> int:
    """Writes one partition's rows as they come, gives the file its name when it is whole, and returns the rows.

    Args:
        scratch: the folder for the draft of what is uploaded; None: the one for temporary files.

    Raises:
        StorageError: the disk is full, or may not be written to; what was written is removed.
    """
    rows = 0
    # Not durable: after a power cut the partition is extracted again.
    with writing_whole(path, scratch, durable=False) as file, parquet_writer(file, batches.schema) as writer:
        for batch in batches:
            with storage_errors(Path(path.path)):
                writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def parquet_writer(file: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    """Writes an extract's file."""
    # UUIDs and texts hardly repeat: dictionaries would be built and given up for each column chunk.
    return pq.ParquetWriter(file, schema, use_dictionary=False)


@dataclass(frozen=True)
class PartitionExtract:
    """The rows of one partition, read when they are asked for.

    Attributes:
        path: of its file.
        schema: as `extract_schema` made it.
        rows: how many there are, from the footer of the file.
        bytes: of their values, uncompressed, from there too.
        largest: bytes of the largest record batch: as good as those of the largest row, where that is a large one.
    """

    path: UPath
    schema: pa.Schema
    rows: int
    bytes: int
    largest: int

    def record_batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows in their order, one record batch in memory.

        Args:
            columns: those to read; all of them where none are given.
        """
        if not self.rows:
            return
        with storage_asked(self.path), self.path.open("rb") as file:
            parquet = pq.ParquetFile(file)
            # One row group after the other: each was cut by its bytes, too, so that rows of any size fit in memory.
            for group in range(parquet.num_row_groups):
                yield from parquet.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False)

    def extract_rows(self) -> Iterator[ExtractRow]:
        """The rows one by one, in their order, in bounded memory."""
        for batch in self.record_batches():
            yield from decode(batch)

    def uuids(self) -> Iterator[str]:
        """The addresses of those rows whose key has no NULL, ascending; nothing else is read."""
        for batch in self.record_batches([UUID_COLUMN]):
            yield from filter(None, batch.column(0).to_pylist())


def open_partition(path: UPath) -> PartitionExtract:
    """One partition's extract; only the footer of its file is read now."""
    with storage_asked(path), path.open("rb") as file:
        parquet = pq.ParquetFile(file)
        footer = parquet.metadata
        sizes = [footer.row_group(number).total_byte_size for number in range(footer.num_row_groups)]
        return PartitionExtract(path, parquet.schema_arrow, footer.num_rows, sum(sizes), max(sizes, default=0))
