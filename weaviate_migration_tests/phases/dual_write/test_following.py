"""Which migrations are followed."""

from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping
from weaviate_migration.phases.dual_write.following import followed_records
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord

NOTE = CollectionMapping(name="Note", table="notes", properties=(PropertyMapping(name="n", column="n", type="int"),))
MAPPING = Mapping(name="notes", collections=(NOTE,))
BOUNDS = {"notes": ("80000000-0000-0000-0000-000000000000",)}


def begin(work_folder: WorkFolder) -> MigrationRecord:
    """A migration that was killed before its snapshot was on record: only where the log began is."""
    record = work_folder.records.resume_or_begin(Path("/data/app.db"), MAPPING, "")
    work_folder.sync_positions.save(record.id, LogPosition(capture="0123abcd", epoch=1, position=1, entry=None))
    return record


def test_one_without_a_snapshot_on_record_is_not_followed_yet(tmp_path: Path) -> None:
    work_folder = WorkFolder(tmp_path, "")
    record = begin(work_folder)
    with pytest.raises(ConfigurationError, match="Begin one"):
        followed_records(work_folder, MAPPING)
    record = work_folder.records.update(record, bounds=BOUNDS)
    assert followed_records(work_folder, MAPPING) == [record]


def test_the_one_that_readers_have_is_followed_meanwhile(tmp_path: Path) -> None:
    work_folder = WorkFolder(tmp_path, "")
    in_use = work_folder.records.update(begin(work_folder), bounds=BOUNDS, state="cut over")
    begin(work_folder)
    assert followed_records(work_folder, MAPPING) == [in_use]
