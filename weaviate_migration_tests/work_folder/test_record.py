import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError, MigrationConflictError
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import (
    MigrationRecord,
    MigrationRecords,
    SnapshotRecord,
    State,
    refuse_another_mapping,
)

NOTE = CollectionMapping(name="Note", table="notes", properties=(PropertyMapping(name="n", column="n", type="int"),))
MAPPING = Mapping(name="notes", collections=(NOTE,))
SOURCE = Path("/data/app.db")


@pytest.fixture
def records(tmp_path: Path) -> MigrationRecords:
    return WorkFolder(tmp_path).records


def begin(records: MigrationRecords, state: State = "unfinished") -> str:
    record = records.resume_or_begin(SOURCE, MAPPING, "")
    return records.update(record, state=state).id


def test_a_new_migration_is_named_by_its_start(records: MigrationRecords) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    record = records.resume_or_begin(SOURCE, MAPPING, "Test_")
    assert re.fullmatch(r"\d{8}T\d{6}_[0-9a-f]{8}", record.id)
    assert before <= record.began_at <= datetime.now(UTC)
    assert record.timestamp == record.began_at.isoformat().replace("+00:00", "Z")
    assert (record.source, record.mapping_name, record.mapping_digest) == (SOURCE, "notes", MAPPING.digest)
    assert (record.alias(NOTE), record.collection(NOTE)) == ("Test_Note", f"Test_Note_{record.id}")
    assert record.state == "unfinished"
    assert records.all() == [record]


def test_an_unfinished_one_is_gone_on_with(records: MigrationRecords) -> None:
    identity = begin(records)
    assert records.resume_or_begin(SOURCE, MAPPING, "").id == identity
    assert len(records.all()) == 1


@pytest.mark.parametrize("state", ["cut over", "rolled back", "discarded"])
def test_a_finished_one_is_not(records: MigrationRecords, state: State) -> None:
    first = begin(records, state)
    # Within the same second: ids differ all the same, and the order is the one in which they were begun.
    second = begin(records)
    assert second != first
    assert [each.id for each in records.all()] == [first, second]


def test_which_is_the_newest_no_clock_says(records: MigrationRecords, tmp_path: Path) -> None:
    ahead = records.resume_or_begin(SOURCE, MAPPING, "")
    later = datetime.now(UTC) + timedelta(days=1)
    WorkFolder(tmp_path).store.remove("migration", ahead.id)
    ahead = records.update(ahead, id=f"{later:%Y%m%dT%H%M%S}_00000000", began_at=later, state="cut over")
    right = records.resume_or_begin(SOURCE, MAPPING, "")
    assert right.id < ahead.id
    assert [each.id for each in records.all()] == [ahead.id, right.id]
    assert records.newest() == records.newest_in_use() == right
    right = records.update(right, state="cut over")
    assert records.current() == records.in_use_or_newest() == right


def test_migrations_that_older_versions_began_come_first(records: MigrationRecords, tmp_path: Path) -> None:
    new, store = records.resume_or_begin(SOURCE, MAPPING, ""), WorkFolder(tmp_path).store
    for identity in ("20990101T000001", "20990101T000000"):
        written = json.loads(store.read("migration", new.id) or "")
        del written["number"]
        store.write("migration", identity, json.dumps({**written, "id": identity}))
    assert [each.id for each in records.all()] == ["20990101T000000", "20990101T000001", new.id]


def test_two_work_folders_never_begin_migrations_of_one_id(tmp_path: Path) -> None:
    begun = [WorkFolder(tmp_path / str(at)).records.resume_or_begin(SOURCE, MAPPING, "").id for at in range(50)]
    assert len(set(begun)) == 50


def test_all_migrations_of_a_work_folder_name_it_and_no_other_does(tmp_path: Path) -> None:
    """By a random id, which is known wherever the folder is moved to."""
    ids = set[str]()
    for name in ("one", "other"):
        first = begin(WorkFolder(tmp_path / name).records, "cut over")
        (tmp_path / name).rename(tmp_path / f"moved {name}")
        moved = WorkFolder(tmp_path / f"moved {name}").records
        assert begin(moved) != first
        (of_folder,) = {each.work_folder for each in moved.all()}
        assert len(of_folder) == 32
        ids.add(of_folder)
    assert len(ids) == 2


def test_a_migration_of_an_older_version_names_no_work_folder(records: MigrationRecords, tmp_path: Path) -> None:
    old = records.resume_or_begin(SOURCE, MAPPING, "")
    store = WorkFolder(tmp_path).store
    written = json.loads(store.read("migration", old.id) or "")
    del written["work_folder"]
    store.write("migration", old.id, json.dumps(written))
    assert records.resume_or_begin(SOURCE, MAPPING, "").work_folder == ""
    records.update(records.current(), state="cut over")
    assert len(records.resume_or_begin(SOURCE, MAPPING, "").work_folder) == 32
    assert records.all()[0].work_folder == ""


@pytest.mark.parametrize(
    ("source", "mapping", "prefix", "named", "not_named"),
    [
        (Path("/data/other.db"), MAPPING, "", ["source /data/app.db, now /data/other.db"], ["mapping", "prefix"]),
        (SOURCE, MAPPING.model_copy(update={"missing": "warn"}), "", ["mapping"], ["source", "prefix"]),
        (SOURCE, MAPPING, "Test_", ["prefix '', now 'Test_'"], ["source", "mapping"]),
        (Path("/other"), MAPPING, "Test_", ["source", "prefix"], ["mapping"]),
    ],
)
def test_another_migration_is_refused_and_what_differs_is_named(
    records: MigrationRecords, source: Path, mapping: Mapping, prefix: str, named: list[str], not_named: list[str]
) -> None:
    identity = begin(records)
    with pytest.raises(MigrationConflictError) as error:
        records.resume_or_begin(source, mapping, prefix)
    assert identity in error.value.message
    assert all(each in error.value.message for each in named)
    assert not any(each in error.value.message for each in not_named)
    assert "--work-dir" in error.value.hint
    assert error.value.exit_code == 2


def test_partitions_are_those_that_it_was_begun_with(records: MigrationRecords) -> None:
    begun = records.resume_or_begin(SOURCE, MAPPING, "", partitions=128)
    assert (begun.partitions, begun.partition_keys[0], begun.partition_keys[-1]) == (128, "0000", "0127")
    assert records.resume_or_begin(SOURCE, MAPPING, "") == records.resume_or_begin(SOURCE, MAPPING, "", partitions=128)
    with pytest.raises(MigrationConflictError, match="number of partitions 128, now 16"):
        records.resume_or_begin(SOURCE, MAPPING, "", partitions=16)
    assert records.take_up(128) == begun
    with pytest.raises(MigrationConflictError, match="has 128 partitions for its life, and not 16"):
        records.take_up(16)


def test_a_new_migration_has_as_many_partitions_as_the_one_in_use(records: MigrationRecords) -> None:
    assert (records.partitions(None), records.partitions(7)) == (16, 7)
    first = records.resume_or_begin(SOURCE, MAPPING, "", partitions=128)
    records.update(first, state="cut over")
    assert (records.partitions(None), records.partitions(7)) == (128, 7)
    second = records.resume_or_begin(SOURCE, MAPPING, "")
    records.update(second, state="cut over")
    third = records.resume_or_begin(SOURCE, MAPPING, "", partitions=16)
    assert [each.partitions for each in records.all()] == [128, 128, 16]
    records.update(third, state="discarded")
    assert records.partitions(None) == 128


def test_the_record_survives_the_file(records: MigrationRecords, tmp_path: Path) -> None:
    record = records.resume_or_begin(SOURCE, MAPPING, "")
    snapshot = SnapshotRecord(path=tmp_path / "a", sha256="0" * 64, bytes=7, taken_at=datetime.now(UTC))
    changed = records.update(
        record,
        snapshot=snapshot,
        bounds={"notes": ("a", "b")},
        previous_aliases={"Note": None, "Other": "Other_1"},
        state="cut over",
    )
    assert WorkFolder(tmp_path).records.all() == [changed]
    assert records.all()[0].bounds["notes"] == ("a", "b")


def killed_in_a_save(work_dir: Path, record: MigrationRecord) -> None:
    work_folder = WorkFolder(work_dir)
    with work_folder.store.transaction():
        work_folder.records.update(record, state="cut over")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_save_leaves_the_old_record(records: MigrationRecords, tmp_path: Path) -> None:
    record = records.resume_or_begin(SOURCE, MAPPING, "")
    process = get_context("fork").Process(target=killed_in_a_save, args=[tmp_path, record])
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert records.all() == [record]
    assert records.update(record, state="cut over").state == records.all()[0].state == "cut over"


def test_where_all_are_rolled_back_they_are_named(records: MigrationRecords) -> None:
    gone = begin(records, "rolled back")
    with pytest.raises(ConfigurationError, match=rf"is unfinished or cut over; on record are {gone} \(rolled back\)"):
        records.current()


def test_the_current_one_is_the_unfinished_or_else_the_last_cut_over(records: MigrationRecords) -> None:
    with pytest.raises(ConfigurationError, match="No migration is on record"):
        records.current()
    first = begin(records, "cut over")
    second = begin(records, "cut over")
    assert records.current().id == second
    begin(records, "rolled back")
    assert records.current().id == second
    third = begin(records)
    assert records.current().id == third
    assert records.all()[0].id == first


def test_the_newest_may_be_one_that_readers_do_not_have(records: MigrationRecords) -> None:
    assert records.newest() is None
    first = begin(records, "cut over")
    for state in ("rolled back", "discarded"):
        last = begin(records, state)
        found = records.newest()
        assert found is not None
        assert found.id == last
        assert [each.id for each in [records.newest_in_use()] if each] == [first]


def test_only_rolled_back_ones_are_none(records: MigrationRecords) -> None:
    begin(records, "rolled back")
    with pytest.raises(ConfigurationError, match="weaviate_schema"):
        records.current()
    assert records.unfinished() is None


def test_the_snapshot_must_be_there(records: MigrationRecords, tmp_path: Path) -> None:
    record = records.resume_or_begin(SOURCE, MAPPING, "")
    work_folder = WorkFolder(tmp_path)
    with pytest.raises(ConfigurationError, match="has no snapshot"):
        work_folder.local_snapshot(record)
    path = tmp_path / "snapshot.sqlite"
    record = records.update(record, snapshot=SnapshotRecord(path=path, sha256="0", bytes=0, taken_at=datetime.now(UTC)))
    with pytest.raises(ConfigurationError, match="has no snapshot"):
        work_folder.local_snapshot(record)
    path.touch()
    assert work_folder.local_snapshot(record) == path


def test_the_record_is_json_in_the_store_of_the_work_folder(records: MigrationRecords, tmp_path: Path) -> None:
    identity = begin(records)
    ((owner, content),) = (
        (owner, content) for (owner, _), content in WorkFolder(tmp_path).store.all("migration").items()
    )
    assert owner == identity
    assert json.loads(content)["source"] == "/data/app.db"


def test_another_mapping_is_refused(records: MigrationRecords) -> None:
    record = records.resume_or_begin(SOURCE, MAPPING, "")
    refuse_another_mapping(record, MAPPING)
    other = MAPPING.model_copy(update={"name": "other"})
    with pytest.raises(MigrationConflictError, match=f"{record.id} was begun with another mapping") as error:
        refuse_another_mapping(record, other)
    assert "--mapping" in error.value.hint
