"""The report of what Dagster really stored, for a small asset whose checks say what the test wants."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import BACKFILL_ID_TAG

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.runs.checks import CheckOutcome, CheckReport, CheckStatus, check_report
from weaviate_migration.runs.runner import PROCESS_TAG

pytestmark = pytest.mark.filterwarnings("ignore:Specifying a partitions_def on an AssetCheckSpec")

PARTITIONS = dg.StaticPartitionsDefinition(["a", "b"])
WARN = dg.AssetCheckSeverity.WARN


@dataclass
class Project:
    """An asset `thing` of two partitions, with `each` on every partition, `whole` on the asset, and `idle`.

    Attributes:
        whole: what `whole` says next.
        each_passes: whether `each` does.
    """

    instance: dg.DagsterInstance
    whole: dg.AssetCheckResult = field(default_factory=lambda: dg.AssetCheckResult(passed=True))
    each_passes: bool = True
    whole_blocks: bool = True
    raises: bool = False

    @property
    def definitions(self) -> dg.Definitions:
        @dg.asset(partitions_def=PARTITIONS)
        def thing() -> None:
            if self.raises:
                raise ValueError

        @dg.asset_check(asset=thing, blocking=True, partitions_def=PARTITIONS)
        def each() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=self.each_passes, description="each")

        @dg.asset_check(asset=thing, blocking=self.whole_blocks)
        def whole() -> dg.AssetCheckResult:
            return self.whole

        # Checked in the very step that makes it.
        @dg.asset(check_specs=[dg.AssetCheckSpec("inside", asset="single", blocking=True)])
        def single() -> dg.MaterializeResult:  # type: ignore[type-arg]
            return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])

        return dg.Definitions(assets=[thing, single], asset_checks=[each, whole])

    def run(self, *assets: str, partition: str | None = None, **tags: str) -> str:
        result = self._job(assets).execute_in_process(
            instance=self.instance, partition_key=partition, raise_on_error=False, tags=tags
        )
        return result.run_id

    def begin(self, partition: str, parent: str | None = None, **tags: str) -> str:
        """A run of `thing` that has been created, so that its checks are planned, and does nothing yet."""
        run = self.instance.create_run_for_job(
            self._job(["thing"]),
            tags={"dagster/partition": partition, **tags},
            parent_run_id=parent,
            root_run_id=parent,
        )
        return run.run_id

    def _job(self, assets: Sequence[str]) -> dg.JobDefinition:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.get_subset(asset_selection={dg.AssetKey(asset) for asset in assets})

    def report(self, **restriction: str) -> CheckReport:
        return check_report(self.instance, self.definitions.resolve_asset_graph(), **restriction)

    def outcome(self, name: str, partition: str | None = None, **restriction: str) -> CheckOutcome:
        (found,) = [
            each for each in self.report(**restriction).outcomes if (each.name, each.partition) == (name, partition)
        ]
        return found


@pytest.fixture
def project() -> Iterator[Project]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Project(instance)


def test_nothing_has_run(project: Project) -> None:
    report = project.report()
    assert [(each.asset, each.name, each.partition) for each in report.outcomes] == [
        ("single", "inside", None),
        ("thing", "each", "a"),
        ("thing", "each", "b"),
        ("thing", "whole", None),
    ]
    assert {each.status for each in report.outcomes} == {CheckStatus.NEVER_RAN}
    assert report.exit_code == 3
    assert report.to_text().startswith("No check has run yet")


def test_all_passed(project: Project) -> None:
    for partition in ("a", "b"):
        project.run("thing", partition=partition)
    project.run("single")
    report = project.report()
    assert {each.status for each in report.outcomes} == {CheckStatus.PASSED}
    assert report.exit_code == 0
    assert report.to_text() == "4 checks: 4 passed."


def test_a_partition_that_no_run_has_planned(project: Project) -> None:
    project.run("thing", partition="a")
    assert project.outcome("each", "a").status is CheckStatus.PASSED
    assert project.outcome("each", "b").status is CheckStatus.NEVER_RAN
    assert project.report().exit_code == 3


@pytest.mark.parametrize(
    ("severity", "blocks", "status", "success"),
    [
        (dg.AssetCheckSeverity.ERROR, True, CheckStatus.FAILED, False),
        (dg.AssetCheckSeverity.ERROR, False, CheckStatus.FAILED, True),
        (WARN, True, CheckStatus.WARNED, True),
        (WARN, False, CheckStatus.WARNED, True),
    ],
)
def test_only_blocking_errors_count(
    project: Project, severity: dg.AssetCheckSeverity, blocks: bool, status: CheckStatus, success: bool
) -> None:
    project.whole = dg.AssetCheckResult(passed=False, severity=severity, description="something")
    project.whole_blocks = blocks
    run_id = project.run("thing", partition="a")
    outcome = project.outcome("whole")
    assert (outcome.status, outcome.severity, outcome.description) == (status, severity.value, "something")
    assert project.report(run_id=run_id).success is success


def test_a_check_that_does_not_block_and_never_ran(project: Project) -> None:
    project.whole_blocks = False
    project.raises = True
    run_id = project.run("thing", partition="a")
    outcomes = {each.name: each for each in project.report(run_id=run_id).outcomes}
    assert {each.status for each in outcomes.values()} == {CheckStatus.NEVER_RAN}
    assert {name: each.proves_nothing for name, each in outcomes.items()} == {"each": True, "whole": False}
    assert f"Run {run_id} planned it, and ended before it ran (failure)." == outcomes["each"].description


def test_the_latest_plan_counts(project: Project) -> None:
    """A run that failed before its checks leaves nothing of what an older one had shown."""
    older = project.run("thing", partition="a")
    project.raises = True
    newer = project.run("thing", partition="a")
    assert project.outcome("each", "a").status is CheckStatus.NEVER_RAN
    assert project.outcome("each", "a").run_id == newer
    assert project.outcome("each", "a", run_id=older).status is CheckStatus.PASSED


def test_a_run_under_way(project: Project) -> None:
    run_id = project.begin("a")
    assert project.outcome("each", "a").status is CheckStatus.RUNNING
    assert project.report(run_id=run_id).exit_code == 3


def test_a_run_that_was_killed(project: Project) -> None:
    project.begin("a", **{PROCESS_TAG: "1@0.00"})
    outcome = project.outcome("each", "a")
    assert (outcome.status, "was killed" in outcome.description) == (CheckStatus.NEVER_RAN, True)


def test_a_run_that_is_gone(project: Project) -> None:
    project.instance.delete_run(project.begin("a"))
    outcome = project.outcome("each", "a")
    assert (outcome.status, "not on record" in outcome.description) == (CheckStatus.NEVER_RAN, True)


def test_materialized_by_somebody_else(project: Project) -> None:
    """Reported from outside: by no run at all."""
    project.run("thing", partition="a")
    project.run("single")
    project.instance.report_runless_asset_event(dg.AssetMaterialization("thing", partition="a"))
    project.instance.report_runless_asset_event(dg.AssetMaterialization("single"))
    for name, partition in (("each", "a"), ("whole", None), ("inside", None)):
        outcome = project.outcome(name, partition)
        assert outcome.status is CheckStatus.OUT_OF_DATE
        assert outcome.description.startswith("It was materialized since then")
    assert project.outcome("each", "b").status is CheckStatus.NEVER_RAN


def add_backfill(project: Project, partitions: Sequence[str]) -> dict[str, str]:
    """A backfill of a job, and the tag of its runs."""
    backfill = PartitionBackfill(
        backfill_id="abcdefgh",
        status=BulkActionStatus.REQUESTED,
        from_failure=False,
        tags={},
        backfill_timestamp=time.time(),
        partition_names=partitions,
    )
    project.instance.add_backfill(backfill)
    return {BACKFILL_ID_TAG: backfill.backfill_id}


def test_a_backfill_that_has_no_run(project: Project) -> None:
    add_backfill(project, ["b"])
    outcomes = project.report(backfill_id="last").outcomes
    assert {each.partition for each in outcomes if each.name == "each"} == {"b"}
    assert {each.status for each in outcomes} == {CheckStatus.NEVER_RAN}


def test_a_backfill_of_a_job_is_about_what_its_runs_planned(project: Project) -> None:
    tags = add_backfill(project, ["a", "b"])
    project.run("thing", partition="a", **tags)
    found = {(each.name, each.partition): each.status for each in project.report(backfill_id="last").outcomes}
    assert found == {
        ("each", "a"): CheckStatus.PASSED,
        ("each", "b"): CheckStatus.NEVER_RAN,
        ("whole", None): CheckStatus.PASSED,
    }


def test_a_run_of_a_backfill_that_was_repeated(project: Project) -> None:
    """What the first attempt said of the whole does not count; what another partition's run said does."""
    tags = add_backfill(project, ["a", "b"])
    project.each_passes = False
    project.whole = dg.AssetCheckResult(passed=False)
    first = project.run("thing", partition="a", **tags)
    assert project.outcome("whole", backfill_id="last").status is CheckStatus.FAILED
    again = project.begin("a", parent=first, **tags)
    assert project.outcome("whole", backfill_id="last").status is CheckStatus.RUNNING
    assert project.outcome("each", "a", backfill_id="last").run_id == again
    project.run("thing", partition="b", **tags)
    project.whole = dg.AssetCheckResult(passed=True)
    project.run("thing", partition="a")
    assert project.outcome("whole", backfill_id="last").status is CheckStatus.FAILED


def test_a_run_without_checks(project: Project) -> None:
    @dg.op
    def nothing() -> None: ...

    run_id = dg.GraphDefinition("other", node_defs=[nothing]).execute_in_process(instance=project.instance).run_id
    with pytest.raises(ConfigurationError, match="No check of this mapping"):
        project.report(run_id=run_id)


@pytest.mark.parametrize(
    ("recorded", "plain"),
    [
        (3, 3),
        (True, True),
        (0.5, 0.5),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ("\ud800\0", "\ud800\0"),
        (None, None),
        ({"a": [1, float("inf")]}, {"a": [1, "Infinity"]}),
        (dg.MetadataValue.md("**b**"), "**b**"),
        (dg.MetadataValue.path("/tmp/x"), "/tmp/x"),
        (dg.MetadataValue.timestamp(0.0), "1970-01-01T00:00:00+00:00"),
        (dg.MetadataValue.asset(dg.AssetKey(["a", "b"])), "AssetKey(['a', 'b'])"),
        (dg.MetadataValue.table([dg.TableRecord({"key": "1", "found": 2.5})]), [{"key": "1", "found": 2.5}]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_metadata_as_plain_values(project: Project, recorded: Any, plain: Any) -> None:
    project.whole = dg.AssetCheckResult(passed=True, metadata={"it": recorded})
    project.run("thing", partition="a")
    assert project.outcome("whole").metadata == {"it": plain}
