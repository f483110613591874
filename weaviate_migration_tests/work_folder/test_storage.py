"""A storage that is not this machine's: moto's S3 server, one that never answers, and files in memory."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from upath import UPath

from weaviate_migration.base.errors import ConfigurationError, StorageError
from weaviate_migration.base.repeats import NO_REPEATS
from weaviate_migration.phases.history.extract.storage import open_partition, write_partition
from weaviate_migration.work_folder import storage
from weaviate_migration.work_folder.storage import (
    bytes_in,
    files_in,
    read_text,
    refuse_closed,
    remove,
    size_of,
    storage_root,
    stored_path,
    upload,
    url_of,
    write_whole,
    writing_whole,
)
from weaviate_migration_tests.cluster.s3_server import S3Server, run_s3

LARGE = 110_000_000
"""Bytes: more than s3fs sends at once, so that they go in several parts."""


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> UPath:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return storage_root(s3_server.new_bucket(), Path("/nowhere"))


@pytest.fixture(params=["local", "memory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UPath]:
    if request.param == "s3":
        yield request.getfixturevalue("bucket")
        return
    place = UPath(tmp_path / "files") if request.param == "local" else UPath(f"memory://{tmp_path.name}/files")
    yield place
    remove(place)


@pytest.mark.parametrize(
    "url", ["s3://bucket/a", "memory://a/b", "/srv/a", "sftp://me@host:2222/a", "ftp://host/a", "smb://me@host/share/a"]
)
def test_a_path_is_told_with_the_host_that_it_is_on(url: str) -> None:
    told = url_of(stored_path(url) / "b.sqlite")
    assert told == f"{url}/b.sqlite"
    assert url_of(stored_path(told)) == told


def test_what_is_written_is_read(root: UPath) -> None:
    path = root / "a" / "b.json"
    assert (read_text(path), size_of(path), bytes_in(root / "a"), files_in(root / "a")) == (None, None, 0, [])
    write_whole(path, "größer")
    write_whole(root / "a" / "c" / "d", "x")
    assert (read_text(path), size_of(path), bytes_in(root / "a")) == ("größer", 8, 9)
    assert [each.name for each in files_in(root / "a")] == ["b.json"]
    write_whole(path, "less")
    assert read_text(path) == "less"
    remove(root / "a")
    remove(root / "a")
    assert (read_text(path), bytes_in(root / "a")) == (None, 0)


def test_nothing_is_removed_where_a_path_leads_through_a_file(tmp_path: Path) -> None:
    file = UPath(tmp_path) / "extracts"
    write_whole(file, "in the way")
    remove(file / "20261128T033930" / "notes_extract")
    assert read_text(file) == "in the way"


class FailedError(Exception):
    pass


def write_half(path: UPath, scratch: Path) -> None:
    with writing_whole(path, scratch) as file:
        file.write(b"half of it")
        raise FailedError


def test_what_failed_leaves_what_was_there(root: UPath, tmp_path: Path) -> None:
    path = root / "file"
    write_whole(path, "before")
    with pytest.raises(FailedError):
        write_half(path, tmp_path)
    assert read_text(path) == "before"
    assert [each.name for each in files_in(root)] == ["file"]
    assert list(tmp_path.glob("upload-*")) == []


def test_a_partition_is_read_from_a_bucket(bucket: UPath, tmp_path: Path) -> None:
    batch = pa.record_batch({"n": pa.array(range(5))})
    path = bucket / "extracts" / "00.parquet"
    assert write_partition(path, pa.RecordBatchReader.from_batches(batch.schema, [batch, batch]), tmp_path) == 10
    extract = open_partition(path)
    assert [row for each in extract.record_batches() for row in each["n"].to_pylist()] == [*range(5), *range(5)]
    remove(path)
    with pytest.raises(FileNotFoundError):
        list(extract.record_batches())


_UPLOAD = """
import sys
from pathlib import Path
from upath import UPath
from weaviate_migration.work_folder.storage import upload
print("begins", flush=True)
upload(Path(sys.argv[1]), UPath(sys.argv[2]))
"""


def test_an_upload_that_is_killed_leaves_nothing_under_the_name(bucket: UPath, tmp_path: Path) -> None:
    """It is killed when the server has begun to take its parts."""
    large = tmp_path / "large"
    large.touch()
    os.truncate(large, LARGE)
    path = bucket / "snapshots" / "1.sqlite"
    write_whole(path, "before")
    words = [sys.executable, "-c", _UPLOAD, str(large), str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as uploading:
        assert uploading.stdout is not None
        assert uploading.stdout.readline() == b"begins\n"
        client = bucket.fs
        while not client.call_s3("list_multipart_uploads", Bucket=bucket.path.strip("/")).get("Uploads"):
            assert uploading.poll() is None, "it ended before it could be killed"
        uploading.send_signal(signal.SIGKILL)
    assert read_text(path) == "before"
    assert [each.name for each in files_in(bucket / "snapshots")] == ["1.sqlite"]
    upload(large, path)
    assert size_of(path) == LARGE


def test_a_bucket_that_is_not_there_is_told_before_anything_is_made(bucket: UPath) -> None:
    with pytest.raises(ConfigurationError, match=r"--storage: .*no-such-bucket.*the storage failed: .*bucket"):
        refuse_closed(UPath("s3://no-such-bucket"))
    with pytest.raises(StorageError, match="no-such-bucket"):
        write_whole(UPath("s3://no-such-bucket/a"), "a")
    refuse_closed(bucket)
    assert files_in(bucket) == []


def test_who_may_not_is_told_so(bucket: UPath, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(storage, "_REPEATS", NO_REPEATS)
    bucket.fs.clear_instance_cache()
    with pytest.raises(ConfigurationError, match=r"the storage failed: .*credentials") as refused:
        refuse_closed(UPath(str(bucket)))
    assert "this user may write to it" in refused.value.hint
    bucket.fs.clear_instance_cache()


def test_a_server_that_is_away_is_told_and_one_that_comes_back_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_s3(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        path = UPath(f"{server.new_bucket()}/a")
        write_whole(path, "a")
        server.kill()
        with monkeypatch.context() as hasty:
            hasty.setattr(storage, "CALL_SECONDS", 1.0)
            hasty.setattr(storage, "_REPEATS", NO_REPEATS)
            with pytest.raises(StorageError, match="a: the storage failed"):
                read_text(path)
        with ThreadPoolExecutor() as threads:
            started = threads.submit(server.start)
            assert size_of(path) is None, "it kept all in memory"
            started.result()


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        monkeypatch.setattr(storage, "CALL_SECONDS", 1.0)
        monkeypatch.setattr(storage, "_REPEATS", NO_REPEATS)
        with pytest.raises(StorageError, match=r"s3://silent/a: the storage failed: no answer \(FSTimeoutError\)"):
            write_whole(UPath("s3://silent/a"), "a")
