"""What an older version has kept in files: it goes into the store, or is read as if it had."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from filelock import FileLock

from weaviate_migration.base.errors import MigrationConflictError, StorageError
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping
from weaviate_migration.mapping.query_file import parse_queries
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem, read_checklist
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.prefixes import Prefixes
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.state_store import FILE_NAME, StateStore, close_stores
from weaviate_migration.work_folder.takeover import take_over
from weaviate_migration.work_folder.timeline import LagMoment, read_history
from weaviate_migration_tests.small_disk import small_disk

NOTE = CollectionMapping(name="Note", table="notes", properties=(PropertyMapping(name="n", column="n", type="int"),))
MAPPING = Mapping(name="notes", collections=(NOTE,))
MOMENTS = [LagMoment(1.0, 3, 0.5), LagMoment(2.0, 0, 0.0)]
QUERIES = "queries:\n- {name: a, collection: Note, bm25: note, keys: [1]}\n"
POSITION = LogPosition(capture="0123abcd", epoch=1, position=7, entry=None)
CHECKLIST = Checklist.of("preflight", [ChecklistItem("disk", "warned", "3.1 GB are free", "Make room.")])
TOP = {"snapshots", "sync", "sync.lock", "migrate.lock", FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"}


pytestmark = pytest.mark.usefixtures("closed_stores")


def make_older(folder: Path, elsewhere: Path) -> MigrationRecord:
    """A folder as the version before kept it."""
    record = WorkFolder(elsewhere).records.resume_or_begin(Path("/data/app.db"), MAPPING, "My")
    files = {
        f"migrations/{record.id}.json": record.model_dump_json(indent=2),
        f"mappings/{MAPPING.digest}.json": MAPPING.model_dump_json(indent=2),
        f"sync/{record.id}.json": POSITION.model_dump_json(),
        "sync/sync.holder.json": json.dumps({"name": "a", "process": 1, "since": "2026-01-01T00:00:00Z"}),
        "sync/sync.lock": "",
        "queries.yaml": QUERIES,
        "capture.json": json.dumps({"id": "0123abcd"}),
        "dagster_prefixes.json": json.dumps({"key_prefix": ["my"], "group_prefix": "mine"}),
        "preflight.json": json.dumps(CHECKLIST.to_dict(), indent=2),
        f"history/{record.id}.jsonl": "".join(json.dumps({"kind": "lag", **asdict(each)}) + "\n" for each in MOMENTS),
        "snapshots/a.sqlite": "",
        # Commands that were killed while they wrote have left these.
        "migrations/.0123456789abcdef.tmp": "{",
        "sync/.0123456789abcdef.tmp": "{",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return record


def assert_all_is_known(work_folder: WorkFolder, record: MigrationRecord) -> None:
    assert work_folder.records.all() == [record]
    assert work_folder.mappings.read(MAPPING.digest) == MAPPING
    assert work_folder.sync_positions.known(record.id) == POSITION
    assert work_folder.queries.read() == parse_queries(QUERIES, "queries.yaml")
    assert read_history(work_folder.store, record.id) == MOMENTS
    assert work_folder.capture_id == "0123abcd"
    assert work_folder.prefixes == Prefixes(("my",), "mine")
    assert read_checklist(work_folder.store, "preflight") == CHECKLIST
    assert read_checklist(work_folder.store, "postflight") is None


def is_open(work_folder: WorkFolder) -> bool:
    return (work_folder.path / FILE_NAME).exists()


def test_the_first_who_asks_takes_over_and_removes_the_files(tmp_path: Path) -> None:
    record = make_older(tmp_path / "work", tmp_path / "elsewhere")
    assert_all_is_known(WorkFolder(tmp_path / "work"), record)
    assert {each.name for each in (tmp_path / "work").iterdir()} <= TOP
    assert {each.name for each in (tmp_path / "work" / "sync").iterdir() if not each.name.endswith(".tmp")} == {
        *("sync.lock", "sync.holder.json")
    }
    changed = WorkFolder(tmp_path / "work").records.update(record, state="cut over")
    assert WorkFolder(tmp_path / "work").records.all() == [changed], "it is taken over once"


def test_a_command_that_locks_the_folder_takes_over_first(tmp_path: Path) -> None:
    record = make_older(tmp_path / "work", tmp_path / "elsewhere")
    work_folder = WorkFolder(tmp_path / "work")
    with work_folder.locked():
        assert work_folder.records.update(record, state="cut over") in work_folder.records.all()


@pytest.mark.parametrize("removed", range(8))
def test_what_is_left_of_a_takeover_that_was_killed_is_taken_over_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    """After the transaction, before any file or after some are removed."""
    record = make_older(tmp_path / "work", tmp_path / "elsewhere")
    removals = iter(range(removed))
    unlink = Path.unlink

    def killed(path: Path, missing_ok: bool = False) -> None:
        if next(removals, None) is None:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            take_over(tmp_path / "work", StateStore.of(tmp_path / "work"))
    assert (tmp_path / "work" / "migrations").is_dir()
    assert_all_is_known(WorkFolder(tmp_path / "work"), record)
    assert {each.name for each in (tmp_path / "work").iterdir()} <= TOP


def test_nothing_is_taken_over_by_half(tmp_path: Path) -> None:
    make_older(tmp_path / "work", tmp_path / "elsewhere")
    broken = tmp_path / "work" / "migrations" / "broken.json"
    broken.write_bytes(b"\xff")
    before = sorted((tmp_path / "work").rglob("*.json"))
    with pytest.raises(UnicodeDecodeError):
        take_over(tmp_path / "work", store := StateStore.of(tmp_path / "work"))
    assert sorted((tmp_path / "work").rglob("*.json")) == before
    assert store.all("mapping") == store.all("migration") == {}


@pytest.mark.parametrize("lock", ["migrate.lock", "sync/sync.lock"])
def test_while_an_older_version_works_it_is_read_and_not_written(tmp_path: Path, lock: str) -> None:
    record = make_older(tmp_path / "work", tmp_path / "elsewhere")
    work_folder = WorkFolder(tmp_path / "work")
    with FileLock(work_folder.path / lock):
        assert_all_is_known(work_folder, record)
        with pytest.raises(MigrationConflictError, match="A command of an older version works in"):
            work_folder.records.update(record, state="cut over")
        assert not is_open(work_folder)
        changed = record.model_copy(update={"state": "rolled back"})
        path = work_folder.path / "migrations" / f"{record.id}.json"
        path.with_suffix(".new").write_text(changed.model_dump_json(), encoding="utf-8")
        path.with_suffix(".new").replace(path)
        assert work_folder.records.all() == [changed], "it sees what that version does"
    assert work_folder.records.all() == [changed]
    assert is_open(work_folder)


def test_a_file_that_goes_away_while_it_is_read_is_in_the_store_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads while another command takes over finds some of the files gone that it was about to look at."""
    record = make_older(tmp_path / "work", tmp_path / "elsewhere")
    work_folder, taken = WorkFolder(tmp_path / "work"), iter([tmp_path / "work"])
    iterate, read = Path.iterdir, Path.read_text

    def listed(path: Path) -> Iterator[Path]:
        yield from iterate(path)
        yield path / "gone.json"

    def read_late(path: Path, encoding: str | None = None) -> str:
        if path.name == f"{MAPPING.digest}.json" and (folder := next(taken, None)) is not None:
            take_over(folder, StateStore.of(folder))
        return read(path, encoding=encoding)

    with FileLock(work_folder.path / "migrate.lock"), monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", listed)
        patched.setattr(Path, "read_text", read_late)
        assert_all_is_known(work_folder, record)


@pytest.mark.parametrize("hindrance", ["full", "read_only"])
def test_from_a_disk_that_takes_nothing_it_is_read_and_not_written(tmp_path: Path, hindrance: str) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        record = make_older(disk.path / "work", tmp_path / "elsewhere")
        work_folder = WorkFolder(disk.path / "work")
        with disk.full() if hindrance == "full" else disk.read_only():
            assert_all_is_known(work_folder, record)
            with pytest.raises(StorageError, match="is of an older version, and cannot be brought to this one"):
                work_folder.records.update(record, state="cut over")
        assert_all_is_known(work_folder, record)
        assert is_open(work_folder)
        close_stores()


def test_a_folder_without_anything_older_stays_as_it_is(tmp_path: Path) -> None:
    assert WorkFolder(tmp_path / "none").records.all() == []
    (tmp_path / "work" / "sync").mkdir(parents=True)
    (tmp_path / "work" / "mapping.yaml").write_text("a: b", encoding="utf-8")
    assert WorkFolder(tmp_path / "work").records.all() == []
    assert sorted(each.name for each in (tmp_path / "work").iterdir()) == ["mapping.yaml", "sync"]
    assert not (tmp_path / "none").exists()
