"""A file replaced in one step, with writers that fail, are killed, or write side by side."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from weaviate_migration.base.atomic_file import replace_file, replacing

# Writes half of its content, says so, and waits for a line before it goes on.
WRITER = """
import sys
from pathlib import Path
from weaviate_migration.base.atomic_file import replacing

with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    sys.stdin.readline()
    file.write(b" and half")
"""
# Replaces a file many times, by content that is as long as it says.
BUSY_WRITER = """
import json, sys
from pathlib import Path
from weaviate_migration.base.atomic_file import replace_file

for length in range(int(sys.argv[2]), 3000, 10):
    replace_file(Path(sys.argv[1]), json.dumps({"length": length, "text": "x" * length}), durable=False)
"""


def writer(path: Path) -> "subprocess.Popen[str]":
    """A process that has written half of a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert _of(process.stdout).readline() == "half\n"
    return process


def _of(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_content_replaces_what_was_there(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "new" / "folder" / "state.json"
    replace_file(path, "naïve", durable=durable)
    assert path.read_text(encoding="utf-8") == "naïve"
    replace_file(path, b"\x00", durable=durable)
    assert path.read_bytes() == b"\x00"
    assert names(path.parent) == ["state.json"]


def test_who_may_read_other_files_may_read_one_that_the_user_named(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    replace_file(tmp_path / "state", "", named=True)
    assert (tmp_path / "state").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_an_error_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state"
    replace_file(path, "old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["state"]


def test_a_killed_writer_leaves_the_old_content_and_the_next_one_in_the_folder_clears_up(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("old")
    with writer(path) as process:
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    replace_file(tmp_path / "other", "new")
    assert names(tmp_path) == ["other", "state"]


def test_what_somebody_still_writes_is_left_to_him(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with writer(path) as process:
        replace_file(path, "ours")
        assert path.read_text() == "ours"
        assert len(names(tmp_path)) == 2
        _of(process.stdin).write("\n")
        _of(process.stdin).close()
        assert process.wait() == 0
    assert path.read_text() == "half and half"
    assert names(tmp_path) == ["state"]


def test_processes_and_threads_may_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    replace_file(path, json.dumps({"length": 0, "text": ""}))
    starts = [str(number) for number in range(3)]
    busy = [subprocess.Popen([sys.executable, "-c", BUSY_WRITER, str(path), each]) for each in starts]
    with ThreadPoolExecutor(4) as threads:
        written = [threads.submit(replace_file, path, json.dumps({"length": 9, "text": "y" * 9})) for _ in range(100)]
        while not all(each.poll() is not None for each in busy):
            found = json.loads(path.read_text())
            assert len(found["text"]) == found["length"]
    assert [each.result() for each in written] == [None] * 100
    assert [each.returncode for each in busy] == [0, 0, 0]
    assert names(tmp_path) == ["state"]
