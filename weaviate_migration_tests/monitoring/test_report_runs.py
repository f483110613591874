"""What the report tells of runs that failed: their failed steps, and the run itself where it has none."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from weaviate_migration.base.errors import TargetConnectionError
from weaviate_migration.mapping import read_mapping
from weaviate_migration.monitoring.report.facts import FailedStep
from weaviate_migration.monitoring.report.runs import MigrationRuns
from weaviate_migration.runs.jobs import MIGRATE
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.runner import dagster_instance


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dagster_instance(tmp_path) as instance:
        yield instance


@dg.resource
def nothing() -> None:
    """A resource that can be made."""


@dg.resource
def out_of_reach() -> None:
    raise TargetConnectionError("Weaviate gives no answer at https://me:a-secret@host.", "Start it.")


@dg.resource
def interrupted() -> None:
    raise KeyboardInterrupt


@dg.op(required_resource_keys={"server"})
def load() -> None:
    raise TargetConnectionError("Weaviate gives no answer.")


def failures(instance: dg.DagsterInstance, op: dg.OpDefinition, server: dg.ResourceDefinition) -> list[FailedStep]:
    """What the report says of a run of this op with this resource, as a job of ours."""
    graph = dg.GraphDefinition("migrate", node_defs=[op])
    graph.to_job(MIGRATE, resource_defs={"server": server}).execute_in_process(instance=instance, raise_on_error=False)
    own = OwnRuns.of(read_mapping(), DagsterNames(), Path(instance.root_directory))
    runs = MigrationRuns(instance, own, None)
    (run,) = runs.stored()
    found = list(runs.failures())
    assert {each.run_id for each in found} <= {run.run_id}
    return found


def test_step_that_failed(instance: dg.DagsterInstance) -> None:
    (found,) = failures(instance, load, nothing)
    assert (found.step, found.category, found.message) == ("load", "connection", "Weaviate gives no answer.")


def test_run_that_failed_without_a_failed_step(instance: dg.DagsterInstance) -> None:
    (found,) = failures(instance, load, out_of_reach)
    assert (found.step, found.category, found.is_check) == ("migrate", "connection", False)
    assert "gives no answer" in found.message
    assert "a-secret" not in found.message


def test_run_that_somebody_interrupted_has_nothing_to_mend(instance: dg.DagsterInstance) -> None:
    assert failures(instance, load, interrupted) == []
