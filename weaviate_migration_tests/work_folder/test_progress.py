from pathlib import Path

import pytest

from weaviate_migration.work_folder.progress import (
    RECENT_SECONDS,
    SECONDS_BETWEEN_WRITES,
    Progress,
    ProgressFile,
    read_progress,
)
from weaviate_migration.work_folder.timeline import HistoryFile, LoadMoment, read_history


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_there_from_the_start(tmp_path: Path) -> None:
    ProgressFile(tmp_path / "progress", "Note", 50)
    assert read_progress(tmp_path / "progress") == [Progress("Note", 50)]


def test_the_file_follows_a_few_times_a_second(tmp_path: Path) -> None:
    clock = Clock()
    progress = ProgressFile(tmp_path, "Note", 50, clock)
    progress.advance(10, refused=1)
    assert read_progress(tmp_path) == [Progress("Note", 50)]
    clock.now += SECONDS_BETWEEN_WRITES
    progress.advance(10, retried=3, written=10)
    assert read_progress(tmp_path) == [Progress("Note", 50, handled=20, refused=1, retried=3, written=10)]
    progress.advance(5)
    assert read_progress(tmp_path)[0].handled == 20


def test_at_the_end_it_is_up_to_date(tmp_path: Path) -> None:
    progress = ProgressFile(tmp_path, "Note", 50, Clock())
    progress.advance(50)
    progress.finish()
    assert read_progress(tmp_path) == [Progress("Note", 50, handled=50, finished=True)]
    assert [path.name for path in tmp_path.iterdir()] == ["Note.json"]


def test_collections_are_read_by_name(tmp_path: Path) -> None:
    for name in ("Message", "Document"):
        ProgressFile(tmp_path, name, 1)
    assert [each.collection for each in read_progress(tmp_path)] == ["Document", "Message"]
    assert read_progress(tmp_path / "nothing") == []


def test_the_rates_are_of_the_last_seconds_and_of_all(tmp_path: Path) -> None:
    clock = Clock()
    progress = ProgressFile(tmp_path, "Note", 1_000, clock)
    (begun,) = read_progress(tmp_path)
    assert (begun.average_per_second, begun.eta_seconds) == (None, None)
    for rows in (500, *[10] * 20):  # Fast in the first second, then ten a second.
        clock.now += 1
        progress.advance(rows)
    (found,) = read_progress(tmp_path)
    assert found.updated_at - found.began_at == pytest.approx(21)
    assert found.recent_per_second == 10
    assert found.average_per_second == pytest.approx(700 / 21)
    assert found.eta_seconds == 30
    assert found.per_second_at(found.updated_at + 1) == 10
    assert found.per_second_at(found.updated_at + RECENT_SECONDS + 1) == 0
    progress.finish()
    (found,) = read_progress(tmp_path)
    assert (found.finished, found.eta_seconds, found.per_second_at(found.updated_at)) == (True, 0, 0)


def test_the_history_gets_an_entry_a_second_and_the_last_one(tmp_path: Path) -> None:
    clock = Clock()
    history = HistoryFile(tmp_path / "history", "1", clock)
    progress = ProgressFile(tmp_path / "progress", "Note", 100, clock, history)
    for _ in range(10):
        clock.now += 0.25
        progress.advance(10)
    progress.finish()
    moments = read_history(tmp_path / "history", "1")
    assert [each.handled for each in moments if isinstance(each, LoadMoment)] == [0, 40, 80, 100]
    assert moments[1] == LoadMoment(moments[1].at, "Note", 40, 0, 40.0)


def test_files_of_other_versions_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    (tmp_path / "Note.json").write_text('{"collection": "Note", "rows": 5, "handled": 2, "colour": "red"}')
    assert read_progress(tmp_path) == [Progress("Note", 5, handled=2)]


def test_what_a_power_cut_emptied_is_left_out(tmp_path: Path) -> None:
    ProgressFile(tmp_path, "Note", 10).finish()
    (tmp_path / "Other.json").write_bytes(b"")
    assert [each.collection for each in read_progress(tmp_path)] == ["Note"]
