from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from upath import UPath

from weaviate_migration.phases.history.extract.storage import open_partition, write_partition
from weaviate_migration.phases.history.extract.storage_classes import UUID_COLUMN, RowLayout, encode, extract_schema
from weaviate_migration.source.rows import KeyedRow
from weaviate_migration.work_folder.storage import remove

SCHEMA = pa.schema([("n", pa.int64())], metadata={"weaviate_migration": "{}"})


def batches(*sizes: int) -> pa.RecordBatchReader:
    made = (pa.RecordBatch.from_arrays([pa.array(range(size), pa.int64())], schema=SCHEMA) for size in sizes)
    return pa.RecordBatchReader.from_batches(SCHEMA, made)


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UPath]:
    if request.param == "local":
        yield UPath(tmp_path / "extracts")
        return
    place = UPath(f"memory://{tmp_path.name}/extracts")
    yield place
    remove(place)


def test_what_is_written_is_read(folder: UPath) -> None:
    path = folder / "20261122T093015" / "notes_extract" / "00.parquet"
    assert write_partition(path, batches(3, 0, 2)) == 5
    extract = open_partition(path)
    assert [batch["n"].to_pylist() for batch in extract.record_batches() if batch.num_rows] == [[0, 1, 2], [0, 1]]
    assert extract.schema.metadata == SCHEMA.metadata
    assert extract.rows == 5


def test_an_empty_partition_is_a_file_too(folder: UPath) -> None:
    path = folder / "00.parquet"
    assert write_partition(path, batches()) == 0
    assert open_partition(path).rows == 0
    assert open_partition(path).schema == SCHEMA


def test_writing_again_replaces(folder: UPath) -> None:
    path = folder / "00.parquet"
    write_partition(path, batches(3))
    write_partition(path, batches(1))
    assert open_partition(path).rows == 1
    assert [each.name for each in folder.iterdir()] == ["00.parquet"]


class KilledError(Exception):
    pass


def stream_that_is_killed() -> pa.RecordBatchReader:
    def made() -> Iterator[pa.RecordBatch]:
        yield from batches(3)
        raise KilledError

    return pa.RecordBatchReader.from_batches(SCHEMA, made())


def test_a_killed_write_leaves_no_file_of_the_final_name(folder: UPath) -> None:
    path = folder / "00.parquet"
    with pytest.raises(KilledError):
        write_partition(path, stream_that_is_killed())
    assert not path.exists()


def test_a_killed_write_leaves_the_file_that_was_there(folder: UPath) -> None:
    path = folder / "00.parquet"
    write_partition(path, batches(2))
    with pytest.raises(KilledError):
        write_partition(path, stream_that_is_killed())
    assert open_partition(path).rows == 2
    write_partition(path, batches(4))
    assert open_partition(path).rows == 4


def test_uuids_are_read_alone_and_those_of_rows_without_a_key_left_out(folder: UPath) -> None:
    rows: list[KeyedRow] = [(None, (None,), (None, "x")), ("a", (1,), (1, "y")), ("b", (2,), (2, "z"))]
    schema = extract_schema(RowLayout("notes", ("id", "body"), ("id",)), rows)
    path = folder / "00.parquet"
    write_partition(
        path, pa.RecordBatchReader.from_batches(schema, [encode(rows[:2], schema), encode(rows[2:], schema)])
    )
    extract = open_partition(path)
    assert list(extract.uuids()) == ["a", "b"]
    assert [row.values for row in extract.extract_rows()] == [(None, "x"), (1, "y"), (2, "z")]
    assert [batch.schema.names for batch in extract.record_batches([UUID_COLUMN])] == [[UUID_COLUMN]] * 2
