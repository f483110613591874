"""The phases of a migration: which one a record is in, and that each says what to do next."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.cli import COMMANDS
from weaviate_migration.work_folder.phase import Phase, next_step, phase_of
from weaviate_migration.work_folder.record import CutoverRecord, MigrationRecord, SnapshotRecord

BEGUN = MigrationRecord(
    id="20260101T000000",
    began_at=datetime(2026, 1, 1, tzinfo=UTC),
    source=Path("/data/app.db"),
    mapping_name="notes",
    mapping_digest="digest",
    collection_names=("Note",),
)
SNAPSHOT = SnapshotRecord(path=Path("/snapshot"), sha256="0", bytes=0, taken_at=datetime(2026, 1, 1, tzinfo=UTC))
SWITCHING = CutoverRecord(step="switching")


@pytest.mark.parametrize(
    ("changes", "loaded", "lag", "expected"),
    [
        ({}, False, 0, Phase.SCHEMA),
        ({"snapshot": SNAPSHOT}, False, 0, Phase.HISTORY),
        ({"snapshot": SNAPSHOT}, False, 7, Phase.HISTORY),
        ({"snapshot": SNAPSHOT}, True, 7, Phase.DUAL_WRITE),
        ({"snapshot": SNAPSHOT}, True, 0, Phase.VALIDATION),
        ({"snapshot": SNAPSHOT, "cutover": SWITCHING}, True, 7, Phase.SWITCHING),
        ({"snapshot": SNAPSHOT, "cutover": SWITCHING.at("undone")}, True, 0, Phase.VALIDATION),
        ({"snapshot": SNAPSHOT, "state": "cut over"}, True, 7, Phase.CUT_OVER),
        ({"state": "cut over", "cutover": SWITCHING}, False, 0, Phase.CUT_OVER),
        ({"state": "rolled back"}, True, 0, Phase.ROLLED_BACK),
        ({"state": "discarded"}, True, 0, Phase.ROLLED_BACK),
        ({"state": "cleaned up"}, False, 0, Phase.CLEANED_UP),
    ],
)
def test_phase(changes: dict[str, Any], loaded: bool, lag: int, expected: Phase) -> None:
    assert phase_of(BEGUN.model_copy(update=changes), loaded=loaded, lag=lag) is expected


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("proven", [True, False])
def test_each_phase_names_a_command_that_there_is(phase: Phase, proven: bool) -> None:
    named = [word.split("`")[0] for word in next_step(phase, proven=proven).split("`weaviate-migration ")[1:]]
    assert named
    assert {each.split()[0] for each in named} <= set(COMMANDS)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("proven", [True, False])
def test_capture_is_mended_before_anything_else_that_relies_on_it(phase: Phase, proven: bool) -> None:
    """A schema or a history that is to be gone on with installs it itself; a switch is completed first."""
    mended_first = next_step(phase, proven=proven, capture_remedy="Mend it.") == "Mend it."
    assert mended_first == (phase in (Phase.DUAL_WRITE, Phase.VALIDATION, Phase.CUT_OVER))


def test_a_step_that_is_taken_again_keeps_its_time() -> None:
    begun = CutoverRecord(step="begun").at("begun").at("switching")
    again = begun.at("switching").at("switched")
    assert again.reached["switching"] == begun.reached["switching"]
    assert list(again.reached) == ["begun", "switching", "switched"]
    assert begun.switch_seconds is None
    assert again.switch_seconds is not None
    assert CutoverRecord.model_validate_json(again.model_dump_json()) == again


def test_checks_that_have_not_run_are_run_by_the_command_that_was_interrupted() -> None:
    assert "`weaviate-migration migrate` goes on" in next_step(Phase.VALIDATION, proven=False)
