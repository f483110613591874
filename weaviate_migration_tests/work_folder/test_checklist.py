"""Checklists: what counts as a failure, and that one is stored and read back in whole."""

from pathlib import Path

import pytest

from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem, Verdict, read_checklist
from weaviate_migration.work_folder.folder import WorkFolder


def checklist(*verdicts: Verdict) -> Checklist:
    return Checklist.of("preflight", [ChecklistItem("disk", verdict, "3 GB", "make room") for verdict in verdicts])


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [((), 0), (("passed", "warned", "skipped"), 0), (("passed", "failed"), 3)],
)
def test_only_what_failed_is_a_failure(verdicts: tuple[Verdict, ...], code: int) -> None:
    found = checklist(*verdicts)
    assert (found.success, found.exit_code) == (code == 0, code)


def test_it_is_stored_in_place_of_the_one_before(tmp_path: Path) -> None:
    store = WorkFolder(tmp_path).store
    assert read_checklist(store, "preflight") is None
    checklist("failed").save(store)
    newest = checklist("passed", "skipped")
    newest.save(store)
    assert read_checklist(store, "preflight") == newest
    assert list(store.all("checklist")) == [("preflight", "")]
    assert read_checklist(store, "postflight") is None
