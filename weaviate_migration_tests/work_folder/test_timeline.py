from pathlib import Path

import pytest

from weaviate_migration.work_folder import timeline
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.timeline import KeptHistory, LagMoment, LoadMoment, Moment, read_history, take_over
from weaviate_migration_tests.work_folder.test_progress import Clock


def test_kinds_and_collections_have_their_own_second(tmp_path: Path) -> None:
    kept = KeptHistory(StateStore.of(tmp_path), "1", Clock())
    moments: list[Moment] = [
        LoadMoment(1.0, "Note", 5, 1, 2.5),
        LoadMoment(1.0, "Tag", 1, 0, 1.0),
        LagMoment(1.5, 3, 0.25),
    ]
    for each in (*moments, *moments):
        kept.note(each)
    assert read_history(StateStore.of(tmp_path), "1") == moments
    kept.note(LagMoment(1.6, 0, 0.0), last=True)
    assert read_history(StateStore.of(tmp_path), "1")[-1] == LagMoment(1.6, 0, 0.0)
    assert read_history(StateStore.of(tmp_path), "another") == []


def test_the_lines_of_an_earlier_version_are_taken_over_but_for_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "history" / "1.jsonl"
    path.parent.mkdir()
    path.write_text('{"kind": "lag", "at": 1.0, "changes": 3, "seconds": 0.5}\n{"at": 2.0, "kin')
    store = StateStore.of(tmp_path)
    assert take_over(tmp_path, store) == [path]
    assert read_history(store, "1") == [LagMoment(1.0, 3, 0.5)]


def test_what_was_noted_before_an_earlier_version_was_taken_again_stays(tmp_path: Path) -> None:
    path = tmp_path / "history" / "1.jsonl"
    path.parent.mkdir()
    path.write_text('{"kind": "lag", "at": 2.0, "changes": 3, "seconds": 0.5}\n')
    store = StateStore.of(tmp_path)
    KeptHistory(store, "1").note(LagMoment(1.0, 1, 0.25))
    for _ in range(2):  # Killed before the file was removed, it is taken over again.
        take_over(tmp_path, store)
    assert read_history(store, "1") == [LagMoment(1.0, 1, 0.25), LagMoment(2.0, 3, 0.5)]


def test_where_there_are_too_many_every_other_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MOST_MOMENTS", 20)
    store = StateStore.of(tmp_path)
    kept, other = KeptHistory(store, "1", Clock()), KeptHistory(store, "2", Clock())
    other.note(LagMoment(7.0, 7, 0.0))
    for number in range(500):
        kept.note(LagMoment(float(number), number, 0.0), last=True)
        assert len(read_history(store, "1")) <= 20
    found = [each.at for each in read_history(store, "1")]
    assert found[0] == 0.0
    assert found == sorted(found)
    assert len(found) >= 10
    assert read_history(store, "2") == [LagMoment(7.0, 7, 0.0)]
