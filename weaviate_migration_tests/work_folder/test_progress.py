from pathlib import Path

import pytest

from weaviate_migration.work_folder.progress import (
    PROGRESS,
    RECENT_SECONDS,
    SECONDS_BETWEEN_WRITES,
    KeptProgress,
    Progress,
    forget_progress,
    read_progress,
    take_over,
)
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.timeline import KeptHistory, LoadMoment, read_history


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore.of(tmp_path)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_there_from_the_start(store: StateStore) -> None:
    KeptProgress(store, "Note", 50)
    assert read_progress(store) == [Progress("Note", 50)]


def test_the_file_follows_a_few_times_a_second(store: StateStore) -> None:
    clock = Clock()
    progress = KeptProgress(store, "Note", 50, clock)
    progress.advance(10, refused=1)
    assert read_progress(store) == [Progress("Note", 50)]
    clock.now += SECONDS_BETWEEN_WRITES
    progress.advance(10, retried=3, written=10)
    assert read_progress(store) == [Progress("Note", 50, handled=20, refused=1, retried=3, written=10)]
    progress.advance(5)
    assert read_progress(store)[0].handled == 20


def test_at_the_end_it_is_up_to_date(store: StateStore) -> None:
    progress = KeptProgress(store, "Note", 50, Clock())
    progress.advance(50)
    progress.finish()
    assert read_progress(store) == [Progress("Note", 50, handled=50, finished=True)]
    assert list(store.all(PROGRESS)) == [("Note", "")]


def test_collections_are_read_by_name(store: StateStore) -> None:
    for name in ("Message", "Document"):
        KeptProgress(store, name, 1)
    assert [each.collection for each in read_progress(store)] == ["Document", "Message"]
    forget_progress(store)
    assert read_progress(store) == []


def test_the_rates_are_of_the_last_seconds_and_of_all(store: StateStore) -> None:
    clock = Clock()
    progress = KeptProgress(store, "Note", 1_000, clock)
    (begun,) = read_progress(store)
    assert (begun.average_per_second, begun.eta_seconds) == (None, None)
    for rows in (500, *[10] * 20):  # Fast in the first second, then ten a second.
        clock.now += 1
        progress.advance(rows)
    (found,) = read_progress(store)
    assert found.updated_at - found.began_at == pytest.approx(21)
    assert found.recent_per_second == 10
    assert found.average_per_second == pytest.approx(700 / 21)
    assert found.eta_seconds == 30
    assert found.per_second_at(found.updated_at + 1) == 10
    assert found.per_second_at(found.updated_at + RECENT_SECONDS + 1) == 0
    progress.finish()
    (found,) = read_progress(store)
    assert (found.finished, found.eta_seconds, found.per_second_at(found.updated_at)) == (True, 0, 0)


def test_the_history_gets_an_entry_a_second_and_the_last_one(store: StateStore) -> None:
    clock = Clock()
    history = KeptHistory(store, "1", clock)
    progress = KeptProgress(store, "Note", 100, clock, history)
    for _ in range(10):
        clock.now += 0.25
        progress.advance(10)
    progress.finish()
    moments = read_history(store, "1")
    assert [each.handled for each in moments if isinstance(each, LoadMoment)] == [0, 40, 80, 100]
    assert moments[1] == LoadMoment(moments[1].at, "Note", 40, 0, 40.0)


def test_what_other_versions_have_kept_is_read_as_far_as_it_goes(store: StateStore) -> None:
    store.write(PROGRESS, "Note", '{"collection": "Note", "rows": 5, "handled": 2, "colour": "red"}')
    assert read_progress(store) == [Progress("Note", 5, handled=2)]


def test_files_of_an_earlier_version_are_taken_over_but_for_those_that_a_power_cut_emptied(
    store: StateStore, tmp_path: Path
) -> None:
    files = [tmp_path / "progress" / name for name in ("Note checks.json", "Other.json")]
    files[0].parent.mkdir()
    files[0].write_text('{"collection": "Note checks", "rows": 5, "handled": 2}')
    files[1].write_bytes(b"")
    assert take_over(tmp_path, store) == files
    assert read_progress(store) == [Progress("Note checks", 5, handled=2)]


def test_parts_that_are_handled_side_by_side_are_one_progress(store: StateStore) -> None:
    history = KeptHistory(store, "migration")
    first = KeptProgress(store, "Note", 50, history=history, part="00-07", share=0.5)
    second = KeptProgress(store, "Note", 30, history=history, part="08-15", share=0.5)
    first.advance(50, written=49, refused=1)
    first.finish()
    assert read_progress(store) == [Progress("Note", 80, handled=50, refused=1, written=49)]
    second.advance(30, written=30, retried=2)
    second.finish()
    assert read_progress(store) == [Progress("Note", 80, 80, refused=1, retried=2, written=79, finished=True)]
    moments = [each for each in read_history(store, "migration") if isinstance(each, LoadMoment)]
    assert [each.handled for each in moments] == sorted(each.handled for each in moments)
    assert (moments[-1].handled, moments[-1].refused) == (80, 1)


def test_rows_of_parts_that_have_not_begun_count(store: StateStore) -> None:
    for at in range(3):
        KeptProgress(store, "Note", 20, part=f"part {at}", share=0.2).finish()
    (found,) = read_progress(store)
    assert (found.rows, found.finished) == (100, False)
    for at in range(3, 5):
        KeptProgress(store, "Note", 20, part=f"part {at}", share=0.2).finish()
    (found,) = read_progress(store)
    assert (found.rows, found.finished) == (100, True)


def test_of_parts_nothing_is_left_once_a_collection_is_handled_in_whole(store: StateStore) -> None:
    KeptProgress(store, "Note", 50, part="00-07")
    KeptProgress(store, "Letter", 50, part="00-07")
    KeptProgress(store, "Note", 80)
    assert read_progress(store) == [Progress("Letter", 50), Progress("Note", 80)]
