"""Who gets into a work folder: its owner alone, whatever the umask and whoever made it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from weaviate_migration.mapping.reader import read_mapping
from weaviate_migration.work_folder.folder import WorkFolder


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_a_new_one_is_closed_to_others(tmp_path: Path) -> None:
    assert mode(WorkFolder(tmp_path / "a" / "work").ensure()) == 0o700


@pytest.mark.usefixtures("umask")
def test_one_of_an_earlier_version_is_closed(tmp_path: Path) -> None:
    (tmp_path / "work" / "migrations").mkdir(parents=True)
    (tmp_path / "work").chmod(0o755)
    with WorkFolder(tmp_path / "work").locked():
        assert mode(tmp_path / "work") == 0o700


def test_a_folder_that_holds_nothing_of_ours_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    WorkFolder(tmp_path).ensure()
    assert mode(tmp_path) == 0o755


def test_who_only_reads_closes_it_too_with_storage_elsewhere(tmp_path: Path) -> None:
    work, storage = tmp_path / "work", tmp_path / "storage"
    extracts = storage / "extracts"
    record = WorkFolder(work).records.resume_or_begin(tmp_path / "app.db", read_mapping(), "")
    theirs = storage / "of somebody else"
    for folder in (extracts / record.id / "notes_extract", theirs):
        folder.mkdir(parents=True)
        (folder / "0.parquet").touch()
        (folder / "0.parquet").chmod(0o644)
    for folder in (work, extracts / record.id, extracts / record.id / "notes_extract", theirs):
        folder.chmod(0o755)
    WorkFolder(work, str(storage)).close_to_others()
    ours = [work, *work.rglob("*"), extracts / record.id, *(extracts / record.id).rglob("*")]
    assert [each for each in ours if mode(each) & 0o077] == []
    assert [mode(theirs), mode(theirs / "0.parquet")] == [0o755, 0o644]
