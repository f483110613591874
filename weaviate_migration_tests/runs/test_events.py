"""What failed checks do to a migration's result: events of real runs, of an asset that has such checks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from weaviate_migration.api.outcome import MigrationResult, migration_outcome
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.events import last_tries, run_verdict
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.strategies import EVERY_TYPE

MAPPING = Mapping(name="test", collections=(EVERY_TYPE,))
RECORD = MigrationRecord(
    id="20261122T093015",
    began_at=datetime(2026, 11, 22, 9, 30, 15, tzinfo=UTC),
    source=Path("/app.db"),
    mapping_name=MAPPING.name,
    mapping_digest=MAPPING.digest,
    collection_names=(EVERY_TYPE.name,),
    state="cut over",
)
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def outcome_with(*failing: dg.AssetCheckSeverity, blocking: bool = True) -> MigrationResult:
    """What a migration comes to in which checks of these severities have failed."""

    @dg.asset
    def note() -> None: ...

    checks = [failing_check(number, severity, blocking) for number, severity in enumerate(failing)]
    job = dg.Definitions(assets=[note], asset_checks=checks).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(instance=instance, raise_on_error=False)
    return migration_outcome(run.all_events, MAPPING, DagsterNames(), RECORD)


def failing_check(number: int, severity: dg.AssetCheckSeverity, blocking: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="note", name=f"check_{number}", blocking=blocking)
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, severity=severity, description=f"why {number}")

    return check


@pytest.mark.parametrize("blocking", [True, False])
def test_a_failed_warn_is_a_warning_and_no_more(blocking: bool) -> None:
    result = outcome_with(WARN, blocking=blocking)
    assert (result.success, result.exit_code, result.validation_passed) == (True, 0, True)
    assert (list(result.validation_errors), list(result.errors)) == ([], [])
    assert list(result.warnings) == ["note: check_0: why 0"]
    assert [(each.passed, each.severity) for each in result.checks] == [(False, "WARN")]


@pytest.mark.parametrize("others", [(), (WARN,)])
def test_a_failed_error_is_an_error(others: Sequence[dg.AssetCheckSeverity]) -> None:
    result = outcome_with(ERROR, *others)
    assert (result.success, result.exit_code, result.validation_passed) == (False, 3, False)
    assert list(result.validation_errors) == ["note: check_0: why 0"]
    assert list(result.warnings) == [f"note: check_{number}: why {number}" for number, _ in enumerate(others, start=1)]


def test_all_passed() -> None:
    result = outcome_with()
    assert (result.exit_code, result.validation_passed, list(result.warnings)) == (0, True, [])


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (RuntimeError("the cable is cut"), 1, "the cable is cut"),
        (ConfigurationError("The cable is of another kind.", "Take the grey one."), 2, "The cable is of another kind."),
    ],
)
def test_a_run_that_fails_without_a_failed_step_is_a_failure(raised: Exception, code: int, told: str) -> None:
    """As where an executor breaks down, or its processes: it once ended with exit code 0, and no word why."""

    @dg.resource
    def broken() -> None:
        raise raised

    @dg.asset(required_resource_keys={"broken"})
    def note() -> None: ...

    job = dg.Definitions(assets=[note], resources={"broken": broken}).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not [event for event in run.all_events if event.is_step_failure]
    result = migration_outcome(run.all_events, MAPPING, DagsterNames(), None)
    assert (result.success, result.exit_code) == (False, code)
    assert told in "".join(result.errors)
    assert run_verdict(run.all_events)[0] == code


@pytest.mark.parametrize("names", [DagsterNames(), DagsterNames(("crm", "shop"), "crm")])
@pytest.mark.parametrize("step", ["source_audit", "weaviate_schema"])
def test_a_migration_that_fails_before_it_begins_is_not_the_one_before(names: DagsterNames, step: str) -> None:
    """Also in a project of others: what failed is given up, and the one on record is somebody's."""

    @dg.asset(key=names.asset(step))
    def failing() -> None:
        raise ConfigurationError("The cable is of another kind.", "Take the grey one.")

    job = dg.Definitions(assets=[failing]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        run = job.execute_in_process(instance=instance, raise_on_error=False)
    result = migration_outcome(run.all_events, MAPPING, names, RECORD)
    assert (result.migration_id, result.exit_code) == (None, 2)


def test_of_a_step_that_is_carried_out_again_the_last_time_counts() -> None:
    """Whether a worker was lost that was at the step, or one that had done it."""

    @dg.asset
    def extract() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata={"rows": 3})

    @dg.asset(deps=[extract])
    def load() -> None: ...

    job = dg.Definitions(assets=[extract, load]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        events = list(job.execute_in_process(instance=instance).all_events)
    assert last_tries(events) == events
    (began,) = [at for at, each in enumerate(events) if each.is_step_start and each.step_key == "extract"]
    of_step = [each for each in events[began:] if each.step_key == "extract"]
    assert {"ASSET_MATERIALIZATION", "STEP_SUCCESS"} <= {each.event_type_value for each in of_step}
    for lost in (of_step[:1], of_step[:-1], of_step):
        assert last_tries([*events[:began], *lost, *events[began:]]) == events
