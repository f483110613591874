"""The snapshots of a storage elsewhere, as this machine reads them: each is fetched once, and proven by its SHA-256."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from upath import UPath

from weaviate_migration.base.atomic_file import replacing
from weaviate_migration.base.errors import StorageError
from weaviate_migration.base.permissions import FILE, make_folder
from weaviate_migration.work_folder.storage import download, url_of


@dataclass(frozen=True)
class SnapshotCopies:
    """The copies that a machine has.

    Args:
        folder: of nothing else; it is made when there is a copy.
    """

    folder: Path

    @property
    def draft(self) -> Path:
        """Where a snapshot is taken that is to be kept elsewhere; what a killed process left there is replaced."""
        return self.folder / "taken.sqlite"

    def keep_draft(self, sha256: str) -> Path:
        """Makes the draft the copy of what was uploaded, and returns its path."""
        return self.draft.replace(self._path(sha256))

    def fetched(self, path: UPath, sha256: str, size: int) -> Path:
        """The copy of a snapshot; fetched by the first process that asks for it.

        Raises:
            FileNotFoundError: the snapshot is not there.
            StorageError: it cannot be fetched, or is not the one that was taken.
        """
        copy = self._path(sha256)
        if not _is_whole(copy, size):
            make_folder(self.folder)
            with FileLock(self.folder / f"{sha256}.lock", mode=FILE):
                if not _is_whole(copy, size):
                    _fetch(path, copy, sha256, size)
        return copy

    def remove_all_but(self, kept: Collection[str]) -> None:
        """Removes the copies of other snapshots than these, by their SHA-256."""
        for each in self.folder.glob("*.sqlite"):
            if each.stem not in kept:
                each.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.sqlite"


def _fetch(path: UPath, copy: Path, sha256: str, size: int) -> None:
    with replacing(copy, size) as file:
        draft = Path(file.name)
        download(path, draft)
        with draft.open("rb") as fetched:
            found = hashlib.file_digest(fetched, "sha256").hexdigest()
        if found != sha256:
            raise StorageError(
                f"{url_of(path)} is not the snapshot that was taken: its SHA-256 is {found}, not {sha256}.",
                "Put the one that was taken back there; or begin again with `weaviate-migration rollback --discard`.",
            )


def _is_whole(copy: Path, size: int) -> bool:
    return copy.is_file() and copy.stat().st_size == size
