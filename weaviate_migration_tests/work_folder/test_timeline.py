from pathlib import Path

import pytest

from weaviate_migration.work_folder import timeline as history
from weaviate_migration.work_folder.timeline import HistoryFile, LagMoment, LoadMoment, Moment, read_history
from weaviate_migration_tests.work_folder.test_progress import Clock


def test_kinds_and_collections_have_their_own_second(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path, "1", Clock())
    moments: list[Moment] = [
        LoadMoment(1.0, "Note", 5, 1, 2.5),
        LoadMoment(1.0, "Tag", 1, 0, 1.0),
        LagMoment(1.5, 3, 0.25),
    ]
    for each in (*moments, *moments):
        file.note(each)
    assert read_history(tmp_path, "1") == moments
    file.note(LagMoment(1.6, 0, 0.0), last=True)
    assert read_history(tmp_path, "1")[-1] == LagMoment(1.6, 0, 0.0)
    assert read_history(tmp_path, "another") == []


def test_half_a_line_is_left_out(tmp_path: Path) -> None:
    file = HistoryFile(tmp_path, "1", Clock())
    file.note(LagMoment(1.0, 3, 0.5))
    with (tmp_path / "1.jsonl").open("a") as lines:
        lines.write('{"at": 2.0, "kin')
    assert read_history(tmp_path, "1") == [LagMoment(1.0, 3, 0.5)]


def test_a_file_that_grows_too_large_loses_every_other_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LARGEST_FILE_BYTES", 2_000)
    file = HistoryFile(tmp_path, "1", Clock())
    for number in range(500):
        file.note(LagMoment(float(number), number, 0.0), last=True)
        assert (tmp_path / "1.jsonl").stat().st_size <= 2_000
    found = [each.at for each in read_history(tmp_path, "1")]
    assert found[0] == 0.0
    assert found == sorted(found)
    assert len(found) >= 10
