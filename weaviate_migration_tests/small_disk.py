"""A disk of a few megabytes that tests fill, and mount for reading only: a tmpfs, which wants root.

Without the right to mount the tests fail, so that nobody takes their absence for success;
`WEAVIATE_MIGRATION_NO_MOUNT=1` leaves them out on purpose.
"""

import gc
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from weaviate_migration.work_folder.state_store import close_stores

_UNWANTED = os.environ.get("WEAVIATE_MIGRATION_NO_MOUNT") == "1"
_FILLER = "filler"


@dataclass(frozen=True)
class SmallDisk:
    """A disk that is mounted at a folder."""

    path: Path

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_bsize

    def fill(self, leave: int = 0) -> None:
        """Takes all room but so many bytes."""
        with (self.path / _FILLER).open("ab", buffering=0) as file:
            while self.free > leave:
                file.write(bytes(min(1_000_000, self.free - leave)))

    def make_room(self) -> None:
        """Gives back what `fill` took."""
        (self.path / _FILLER).unlink()

    @contextmanager
    def full(self, leave: int = 0) -> Iterator[None]:
        """Filled while the context lives."""
        self.fill(leave)
        try:
            yield
        finally:
            self.make_room()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Mounted for reading only while the context lives; for root, too."""
        gc.collect()  # A file that an error still holds open for writing would be in the way.
        close_stores()
        _run("mount", "-o", "remount,ro", self.path)
        try:
            yield
        finally:
            _run("mount", "-o", "remount,rw", self.path)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """A disk of this size, mounted at a folder that is made, while the context lives."""
    if _UNWANTED:
        pytest.skip("WEAVIATE_MIGRATION_NO_MOUNT=1")
    folder.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", folder)
    except subprocess.CalledProcessError as error:
        pytest.fail(
            f"No small disk can be mounted: {error.stderr.strip()}. Run the tests as root; "
            "WEAVIATE_MIGRATION_NO_MOUNT=1 leaves out those that need one."
        )
    try:
        yield SmallDisk(folder)
    finally:
        # What a test has left open goes when it is closed.
        _run("umount", "--lazy", folder)


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
