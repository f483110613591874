from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from upath import UPath

from weaviate_migration.base.errors import ConfigurationError, StorageError
from weaviate_migration.mapping.reader import read_mapping
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord, SnapshotRecord
from weaviate_migration.work_folder.state_store import FILE_NAME
from weaviate_migration.work_folder.storage import remove, write_whole

CONTENT = "the snapshot"


@pytest.fixture
def work_folder(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path / "work", f"memory://{tmp_path.name}/files")


@pytest.fixture
def record(work_folder: WorkFolder) -> MigrationRecord:
    """A migration whose snapshot another machine has taken."""
    record = work_folder.records.resume_or_begin(Path("/data/app.db"), read_mapping(), "")
    path, digest = work_folder.snapshot_path(record), sha256(CONTENT.encode()).hexdigest()
    write_whole(path, CONTENT)
    snapshot = SnapshotRecord(path=path, sha256=digest, bytes=len(CONTENT), taken_at=datetime.now(UTC))
    return work_folder.records.update(record, snapshot=snapshot)


def test_a_snapshot_elsewhere_is_fetched_once(work_folder: WorkFolder, record: MigrationRecord) -> None:
    read = work_folder.records.current()
    assert read.snapshot is not None
    assert isinstance(read.snapshot.path, UPath)
    copy = work_folder.local_snapshot(read)
    assert copy.read_text() == CONTENT
    assert (copy.stat().st_mode & 0o777, copy.parent.parent) == (0o600, work_folder.path)
    remove(work_folder.snapshot_path(record))
    assert work_folder.local_snapshot(record) == copy
    copy.unlink()
    assert work_folder.local_snapshot_if_any(record) is None
    with pytest.raises(ConfigurationError, match="has no snapshot"):
        work_folder.local_snapshot(record)


@pytest.mark.parametrize("left", ["", "the snap", "the snapshot and more"])
def test_half_a_copy_is_fetched_again(left: str, work_folder: WorkFolder, record: MigrationRecord) -> None:
    copy = work_folder.local_snapshot(record)
    copy.write_text(left)
    assert work_folder.local_snapshot(record).read_text() == CONTENT


def test_another_file_under_its_name_is_refused(work_folder: WorkFolder, record: MigrationRecord) -> None:
    write_whole(work_folder.snapshot_path(record), CONTENT.upper())
    with pytest.raises(StorageError, match="is not the snapshot that was taken: its SHA-256 is") as refused:
        work_folder.local_snapshot(record)
    assert "rollback --discard" in refused.value.hint
    assert [each.name for each in work_folder.path.rglob("*.sqlite")] == [FILE_NAME]


def test_copies_of_other_snapshots_are_removed(work_folder: WorkFolder, record: MigrationRecord) -> None:
    copy = work_folder.local_snapshot(record)
    copies = work_folder.snapshot_copies
    copies.draft.write_text("of the next one")
    kept = copies.keep_draft("of the next one")
    copies.remove_all_but({copy.stem})
    assert (copy.exists(), kept.exists()) == (True, False)
