"""The phases of a run, from when its steps began and ended."""

from weaviate_migration.runs.steps import PhaseState, RunPhase, StepTimes, covered_seconds, run_phases

PHASE_OF = {"source_audit": "audit", "a_extract": "extract", "b_extract": "extract", "a": "load", "b": "load"}
PLANNED = ["source_audit", "a_extract", "b_extract", "another", "a", "b"]


def test_steps_make_phases_in_the_order_of_the_run() -> None:
    times = {
        "source_audit": StepTimes(10.0, 11.0),
        "a_extract": StepTimes(11.0, 13.0),
        "b_extract": StepTimes(11.5),
        "another": StepTimes(1.0, 2.0),
    }
    assert run_phases(PLANNED, PHASE_OF, times, now=14.0) == (
        RunPhase("audit", PhaseState.DONE, 1, 1, 1.0),
        RunPhase("extract", PhaseState.UNDER_WAY, 2, 1, 3.0),
        RunPhase("load", PhaseState.TO_COME, 2, 0, 0.0),
    )


def test_a_step_that_failed() -> None:
    times = {"a": StepTimes(1.0, 2.0, failed=True), "b": StepTimes(1.0)}
    assert run_phases(["a", "b"], PHASE_OF, times, now=4.0) == (RunPhase("load", PhaseState.FAILED, 2, 0, 3.0),)


def test_time_of_steps_side_by_side_counts_once() -> None:
    assert covered_seconds([(5.0, 7.0), (0.0, 2.0), (1.0, 3.0), (1.5, 1.6)]) == 5.0
    assert covered_seconds([]) == 0.0
