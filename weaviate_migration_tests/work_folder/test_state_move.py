"""A state in a file that moves to PostgreSQL: all of it or nothing, and nobody goes on with what was left behind."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError, MigrationConflictError
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping
from weaviate_migration.work_folder import state_move
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import LocalLock
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.state_move import NOTE, PUT_ASIDE
from weaviate_migration.work_folder.state_store import FILE_NAME, close_stores
from weaviate_migration.work_folder.timeline import LagMoment, read_history

SPAWN = multiprocessing.get_context("spawn")
NOTE_COLLECTION = CollectionMapping(
    name="Note", table="notes", properties=(PropertyMapping(name="n", column="n", type="int"),)
)
MAPPING = Mapping(name="notes", collections=(NOTE_COLLECTION,))
MOMENTS = [LagMoment(float(number), number, 0.0) for number in range(3)]


pytestmark = pytest.mark.usefixtures("closed_stores")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def begin(work: Path, url: str = "") -> tuple[MigrationRecord, str]:
    """A migration under way, and the id of its capture."""
    folder = WorkFolder(work, state_url=url)
    record = folder.records.resume_or_begin(Path("/data/app.db"), MAPPING, "My")
    note_moments(folder, record)
    capture = folder.begin_capture()
    close_stores()
    return record, capture


def note_moments(folder: WorkFolder, record: MigrationRecord) -> None:
    history = folder.history(record)
    for each in MOMENTS:
        history.note(each, last=True)


def assert_all_is_there(work: Path, url: str, record: MigrationRecord, capture: str) -> None:
    """And can be gone on with, from this machine and from another one."""
    for folder in (WorkFolder(work, state_url=url), WorkFolder(work.with_name("another machine"), state_url=url)):
        assert folder.records.all() == [record]
        assert folder.mappings.read(MAPPING.digest) == MAPPING
        assert folder.capture_id == capture
    before = read_history(folder.store, record.id)
    note_moments(folder, record)
    assert read_history(folder.store, record.id) == before + MOMENTS
    assert {each.name for each in work.glob("state*")} == {NOTE, PUT_ASIDE}


def test_the_first_command_that_names_a_database_moves_all(work: Path, url: str) -> None:
    record, capture = begin(work)
    assert_all_is_there(work, url, record, capture)
    with pytest.raises(ConfigurationError, match=r"was moved to postgresql.*/test_") as refused:
        _ = WorkFolder(work).records
    assert "--state-url" in refused.value.hint
    with WorkFolder(work, state_url=url).locked():
        assert not (work / FILE_NAME).exists()


def move_and_die(work: Path, url: str, when: str) -> None:
    setattr(state_move, when, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    _ = WorkFolder(work, state_url=url).store


@pytest.mark.parametrize(("when", "has_all"), [("_copy", False), ("put_aside", True)])
def test_whoever_is_killed_leaves_all_or_nothing(work: Path, url: str, when: str, has_all: bool) -> None:
    """Before the transaction is committed, and after it."""
    record, capture = begin(work)
    killed = SPAWN.Process(target=move_and_die, args=(work, url, when))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    elsewhere = WorkFolder(work.with_name("elsewhere"), state_url=url)
    assert elsewhere.records.all() == ([record] if has_all else [])
    with pytest.raises(ConfigurationError, match="the command that began it was ended"):
        _ = WorkFolder(work).records
    if has_all:  # What another machine has written meanwhile stays.
        record = elsewhere.records.update(record, state="cut over")
    assert_all_is_there(work, url, record, capture)


def test_two_states_are_not_mixed(work: Path, url: str) -> None:
    (record, _), (other, _) = begin(work), begin(work.with_name("other"), url)
    with pytest.raises(MigrationConflictError, match="has a state already") as refused:
        _ = WorkFolder(work, state_url=url).records
    assert "createdb" in refused.value.hint
    assert WorkFolder(work).records.all() == [record]
    assert WorkFolder(work.with_name("other"), state_url=url).records.all() == [other]


@pytest.mark.parametrize("name", ["migrate", "sync/My_Note"])
def test_while_somebody_works_with_the_file_it_is_not_moved(work: Path, url: str, name: str) -> None:
    record, _ = begin(work)
    lock = LocalLock(work / f"{name}.lock", "a sync")
    lock.acquire()
    with pytest.raises(MigrationConflictError, match=r"Another command works with the state in .*: a sync"):
        _ = WorkFolder(work, state_url=url).records
    lock.release()
    assert WorkFolder(work).records.all() == [record]
    assert WorkFolder(work, state_url=url).records.all() == [record]
