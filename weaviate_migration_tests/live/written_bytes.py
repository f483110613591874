"""Everything that was written into a folder, as bytes to search in: also what databases and Parquet files compress."""

import gzip
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pyarrow.parquet as pq


def files_with(secret: bytes, folder: Path) -> list[Path]:
    """The files of a folder, at any depth, that hold these bytes in any way."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if any(secret in each for each in _contents(path))]


def _contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if raw.startswith(b"SQLite format 3"):
        yield from _values(path)
    if raw.startswith(b"PAR1"):
        yield repr((pq.read_schema(path).metadata, pq.read_table(path).to_pylist())).encode()
    yield from _unpacked(raw)


def _values(path: Path) -> Iterator[bytes]:
    """Dagster keeps snapshots of jobs compressed with zlib."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in (each for each in row if isinstance(each, str | bytes)):
                    packed = value.encode() if isinstance(value, str) else value
                    yield packed
                    yield from _unpacked(packed)


def _unpacked(packed: bytes) -> Iterator[bytes]:
    for unpack in (zlib.decompress, gzip.decompress):
        with suppress(zlib.error, OSError, EOFError):
            yield unpack(packed)
