"""When the steps of a run began and ended, and the phases that they make."""

import dagster as dg

from weaviate_migration.runs.steps import (
    PhaseState,
    PhaseTime,
    RunPhase,
    RunSteps,
    StepTimes,
    covered_seconds,
    phase_times,
    phases_of_runs,
    run_phases,
    without_given_up,
)

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


def test_phases_of_several_runs_in_the_order_in_which_they_began() -> None:
    steps = [
        ("b", StepTimes(20.0, 21.0, failed=True)),
        ("b", StepTimes(30.0)),
        ("another", StepTimes(1.0, 2.0)),
        ("a", StepTimes(13.0, 15.0)),
        ("source_audit", StepTimes(10.0, 10.5)),
    ]
    assert phase_times(steps, PHASE_OF) == (PhaseTime("audit", 1, 0.5), PhaseTime("load", 2, 3.0))


def test_phases_of_runs_side_by_side_are_those_of_all_of_them() -> None:
    """A load of four ranges: one is done, one is under way, two are to come."""
    runs: list[dict[str, StepTimes | None]] = [
        {"source_audit": StepTimes(10.0, 11.0)},
        {"a_extract": StepTimes(11.0, 12.0), "a": StepTimes(12.0, 15.0), "b": StepTimes(15.0, 16.0)},
        {"a_extract": StepTimes(11.5, 13.0), "a": StepTimes(13.0), "b": None},
    ]
    assert phases_of_runs({"audit": 1, "extract": 4, "load": 4, "checks": 1}, PHASE_OF, runs, now=20.0) == (
        RunPhase("audit", PhaseState.DONE, 1, 1, 1.0),
        RunPhase("extract", PhaseState.UNDER_WAY, 4, 2, 2.0),
        RunPhase("load", PhaseState.UNDER_WAY, 4, 1, 8.0),
        RunPhase("checks", PhaseState.TO_COME, 1, 0, 0.0),
    )


def test_the_run_that_judges_stands_beside_the_one_that_has_compared_the_first_range() -> None:
    def run(start: str, end: str) -> dg.DagsterRun:
        tags = {"dagster/asset_partition_range_start": start, "dagster/asset_partition_range_end": end}
        return dg.DagsterRun("verify", step_keys_to_execute=["note_checks"], tags=tags)

    judges, second, again, given_up = run("00", "15"), run("08", "15"), run("00", "07"), run("00", "07")
    assert without_given_up([judges, second, again, given_up]) == [judges, second, again]


def test_steps_are_read_as_a_run_has_stored_them() -> None:
    @dg.asset
    def first() -> None: ...

    @dg.asset(deps=[first])
    def second() -> None:
        raise ValueError

    @dg.asset(deps=[second])
    def third() -> None: ...

    job = dg.Definitions(assets=[first, second, third]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(instance=instance, raise_on_error=False)
        steps = RunSteps(instance, run.run_id)
        found = dict(steps.read())
        assert steps.read() == found, "what was read before is kept"
    assert {key: each.failed for key, each in found.items()} == {"first": False, "second": True}
    ends = [(each.began, each.ended) for each in found.values()]
    assert sorted(ends) == ends
    assert all(ended is not None and ended >= began for began, ended in ends)
