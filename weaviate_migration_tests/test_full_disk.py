"""A disk that is full or read-only: what is said of it, and what is left, for each kind of file that we write."""

import errno
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from upath import UPath

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.errors import ConfigurationError, StorageError
from weaviate_migration.base.logs import configure_logging
from weaviate_migration.base.storage import LEAST_ROOM_BYTES, is_writable, storage_error, storage_errors
from weaviate_migration.mapping import read_mapping
from weaviate_migration.phases.history.extract.storage import write_partition
from weaviate_migration.runs.runner import dagster_instance, dagster_instance_to_read
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.progress import KeptProgress
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration.work_folder.state_store import FILE_NAME, StateStore
from weaviate_migration.work_folder.timeline import KeptHistory, LagMoment
from weaviate_migration_tests.live.notes import make_mapping
from weaviate_migration_tests.small_disk import SmallDisk, small_disk

LARGE = "x" * 100_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 8) as found:
        yield found


def replace(folder: Path) -> Path:
    replace_file(folder / "file.json", LARGE)
    return folder / "file.json"


def replace_quickly(folder: Path) -> Path:
    replace_file(folder / "file.json", LARGE, durable=False)
    return folder / "file.json"


def quarantine(folder: Path) -> Path:
    with WorkFolder(folder).quarantine_of("Note_1") as rows:
        rows.add("a", QuarantinedRow("1", None, "refused", {"body": LARGE}))
        rows.finish("a")
    return folder / "quarantine" / "Note_1.a.jsonl"


def quarantine_again(folder: Path) -> Path:
    rows = WorkFolder(folder).quarantine_of("Note_1")
    with rows.replacing("a"):
        rows.add("a", QuarantinedRow("1", None, "refused", {"body": LARGE}))
    return folder / "quarantine" / "Note_1.a.jsonl"


def extract(folder: Path) -> Path:
    batch = pa.record_batch({"body": [f"{number} {LARGE}" for number in range(50)]})
    write_partition(UPath(folder / "extract" / "a.parquet"), pa.RecordBatchReader.from_batches(batch.schema, [batch]))
    return folder / "extract" / "a.parquet"


def history(folder: Path) -> Path:
    history = KeptHistory(StateStore.of(folder), "1", clock=lambda: 0.0)
    for _ in range(200):
        history.note(LagMoment(0.0, 1, 2.0), last=True)
    return folder / FILE_NAME


def progress(folder: Path) -> Path:
    KeptProgress(StateStore.of(folder), "Note", 5)
    return folder / FILE_NAME


def dagster_runs(folder: Path) -> Path:
    with dagster_instance(folder):
        pass
    return folder / "dagster_home" / "history" / "runs.db"


def vectors(folder: Path) -> Path:
    texts = [str(number) for number in range(200)]
    with closing(VectorCache(folder / "vectors" / "vectors.sqlite")) as cache:
        cache.write("model", texts, [np.arange(384, dtype=np.float32)] * len(texts))
    return folder / "vectors" / "vectors.sqlite"


WRITERS = [replace, replace_quickly, quarantine, quarantine_again, extract, history, progress, dagster_runs, vectors]


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk(disk: SmallDisk, write: Callable[[Path], Path]) -> None:
    """What is missing is told with the file's name; once there is room the same writes it."""
    with disk.full(), pytest.raises(StorageError) as raised:
        write(disk.path)
    with disk.full():
        pass
    error = raised.value
    assert error.category == "storage"
    assert error.message.startswith(str(disk.path))
    assert " cannot be written: " in error.message
    assert "0 are free" in error.message or "0 bytes are free" in error.message
    assert "\n" not in error.message
    assert "Make room" in error.hint
    assert not [path for path in disk.path.rglob("*") if path.suffix in (".tmp", ".partial")], "leftovers take room"
    assert write(disk.path).exists()


@pytest.mark.parametrize("write", WRITERS)
def test_a_read_only_disk(disk: SmallDisk, write: Callable[[Path], Path]) -> None:
    with disk.read_only(), pytest.raises((StorageError, ConfigurationError)) as raised:
        write(disk.path)
    assert str(disk.path) in raised.value.message
    assert raised.value.message.endswith(": Read-only file system.")
    assert "another" in raised.value.hint
    assert write(disk.path).exists()


@pytest.mark.parametrize("write", [replace, replace_quickly])
def test_what_cannot_be_replaced_stays(disk: SmallDisk, write: Callable[[Path], Path]) -> None:
    replace_file(disk.path / "file.json", "before")
    with disk.full(leave=8192), pytest.raises(StorageError):
        write(disk.path)
    assert (disk.path / "file.json").read_text() == "before"
    assert len(list(disk.path.iterdir())) == 1


def test_nothing_is_done_that_cannot_be_written_down(disk: SmallDisk, tmp_path: Path) -> None:
    records = WorkFolder(disk.path).records
    record = records.resume_or_begin(tmp_path / "app.db", read_mapping(make_mapping(tmp_path / "notes.yaml")), "")
    done = []
    with disk.full(), pytest.raises(StorageError), records.updated_after(record, state="rolled back"):
        done.append("moved the aliases")
    assert done == []
    assert records.all() == [record]
    with records.updated_after(record, state="rolled back"):
        assert records.all() == [record]
        disk.fill()
    assert [each.state for each in records.all()] == ["rolled back"], "its room was taken before"


def test_what_fails_inside_leaves_the_record(tmp_path: Path) -> None:
    records = WorkFolder(tmp_path / "work").records
    record = records.resume_or_begin(tmp_path / "app.db", read_mapping(make_mapping(tmp_path / "notes.yaml")), "")
    with pytest.raises(ValueError, match="server"), records.updated_after(record, state="rolled back"):
        raise ValueError("the server is away")
    assert records.all() == [record]


@pytest.mark.parametrize("reads_only", ["full", "read_only"])
def test_stored_runs_are_read_from_a_disk_that_takes_nothing(disk: SmallDisk, reads_only: str) -> None:
    with dagster_instance(disk.path) as instance:
        instance.add_dynamic_partitions("days", ["monday"])
    hindered = disk.full() if reads_only == "full" else disk.read_only()
    with hindered, dagster_instance_to_read(disk.path) as instance:
        assert instance.get_dynamic_partitions("days") == ["monday"]
    with dagster_instance_to_read(disk.path) as instance:
        assert instance.get_dynamic_partitions("days") == ["monday"]


def test_nothing_was_stored_where_there_is_no_home(disk: SmallDisk) -> None:
    with disk.full(), dagster_instance_to_read(disk.path) as instance:
        assert instance.get_runs() == []


def test_runs_of_a_killed_process_are_read_with_what_is_in_the_log_beside(disk: SmallDisk) -> None:
    with dagster_instance(disk.path) as instance:
        instance.add_dynamic_partitions("days", ["monday"])
        with disk.full(), dagster_instance_to_read(disk.path) as reading:
            assert reading.get_dynamic_partitions("days") == ["monday"]


def test_the_log_file_is_on_a_full_disk(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told once, and nothing fails; no traces of `logging` are shown."""
    logger = logging.getLogger("weaviate_migration.test")
    configure_logging("INFO", Path("/dev/full"))
    for number in range(3):
        logger.info("line %d", number)
    configure_logging("INFO", None)
    said = capsys.readouterr().err
    assert said.count("The log file /dev/full cannot be written: No space left on device.") == 1
    assert [f"line {number}" in said for number in range(3)] == [True] * 3
    assert "Traceback" not in said
    assert caplog.records == []


def test_a_log_file_goes_on_when_there_is_room(disk: SmallDisk, capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("weaviate_migration.test")
    configure_logging("INFO", disk.path / "log.jsonl")
    for turn in range(2):
        with disk.full():
            logger.info("lost? %d %s", turn, LARGE)
        logger.info("written %d", turn)
    configure_logging("INFO", None)
    assert capsys.readouterr().err.count("The log file ") == 2, "each time that it happens"
    written = (disk.path / "log.jsonl").read_text()
    assert all(f"written {turn}" in written for turn in range(2))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/file"), "/a/file cannot be used: No space left"),
        (OSError(errno.EROFS, "Read-only file system", "/a/file"), "/a/file cannot be used: Read-only file system."),
        (PermissionError(errno.EACCES, "Permission denied", "/a/file"), "/a/file cannot be used: Permission denied."),
        (OSError(errno.ENOSPC, "No space left on device"), None),
        (FileNotFoundError(errno.ENOENT, "No such file", "/a/file"), None),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), None),
        (sqlite3.OperationalError("no such table: a"), None),
        (ValueError("a"), None),
    ],
)
def test_an_error_that_nobody_expected(error: Exception, told: str | None) -> None:
    found = storage_error(error)
    assert (found.message[: len(told)] if found and told else found) == told


def test_other_errors_go_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), storage_errors(tmp_path):
        (tmp_path / "none").read_text()
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        storage_errors(tmp_path),
        closing(sqlite3.connect(":memory:")) as connection,
    ):
        connection.execute("SELECT * FROM a")


def test_whether_a_command_can_write(disk: SmallDisk) -> None:
    assert is_writable(disk.path / "not" / "made" / "yet")
    with disk.full(leave=LEAST_ROOM_BYTES - 8192):
        assert not is_writable(disk.path)
    with disk.read_only():
        assert not is_writable(disk.path)
