"""What checks said last is kept by partition and check, and taken over from an earlier version's files."""

import json
from pathlib import Path

from weaviate_migration.work_folder.check_results import CheckResults, CheckVerdict, take_over
from weaviate_migration.work_folder.state_store import StateStore

COUNT, OBJECTS, TYPES = (CheckVerdict(each, "passed") for each in ("count", "every_object", "types"))


def test_the_last_word_of_each_check_counts(tmp_path: Path) -> None:
    results = CheckResults(StateStore.of(tmp_path), "Note_1")
    assert list(results.all()) == []
    results.note([TYPES], None)
    results.note([CheckVerdict("count", "failed"), OBJECTS], "00")
    results.note([COUNT], "00")
    results.note([COUNT], "01")
    CheckResults(StateStore.of(tmp_path), "Note_12").note([CheckVerdict("count", "warned")], "00")
    assert list(results.all()) == [COUNT, OBJECTS, COUNT, TYPES]


def test_the_files_of_an_earlier_version_are_taken_over(tmp_path: Path) -> None:
    files = [tmp_path / "check_results" / f"Note_1.{partition}.json" for partition in ("00", "01", "whole")]
    files[0].parent.mkdir()
    for path, verdicts in zip(files, ("count every_object", "", "types"), strict=True):
        path.write_text(json.dumps([{"check": each, "outcome": "passed"} for each in verdicts.split()]))
    files[1].write_text("")  # A power cut.
    store = StateStore.of(tmp_path)
    assert take_over(tmp_path, store) == files
    assert list(CheckResults(store, "Note_1").all()) == [COUNT, OBJECTS, TYPES]
