"""Makes the report: for each check what it said last, or why it has said nothing."""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.runs.checks.executions import AssetGraph, CheckExecution, CheckHistory
from weaviate_migration.runs.checks.outcomes import CheckOutcome, CheckReport, CheckStatus
from weaviate_migration.runs.runner import was_killed

LAST_BACKFILL = "last"
"""Instead of a backfill's id: the newest one that the instance knows."""


def check_report(
    instance: dg.DagsterInstance,
    graph: AssetGraph,
    *,
    run_id: str | None = None,
    backfill_id: str | None = None,
) -> CheckReport:
    """What `read_check_report` returns, for the checks of this graph and this instance."""
    history = CheckHistory(instance, graph)
    if backfill_id == LAST_BACKFILL:
        backfill_id = history.newest_backfill()
    if run_id is not None:
        found = list(history.of_run(run_id))
    elif backfill_id is not None:
        found = list(history.of_backfill(backfill_id))
    else:
        found = list(history.latest())
    if not found:
        raise ConfigurationError(
            f"No check of this mapping belongs to {run_id or backfill_id}.",
            "Name what has checked collections, and with --mapping the mapping that it had.",
        )
    run_of = functools.cache(instance.get_run_by_id)
    outcomes = [
        _outcome(_due(key, partition, graph.get_check_spec(key).blocking), execution, run_of)
        for (key, partition), execution in found
    ]
    return CheckReport(instance.root_directory, _sorted(outcomes), run_id, backfill_id)


def _sorted(outcomes: list[CheckOutcome]) -> tuple[CheckOutcome, ...]:
    """By asset, name and partition; of several of one check the worst."""
    worst = {
        (each.asset, each.name, each.partition or ""): each for each in sorted(outcomes, key=lambda each: each.badness)
    }
    return tuple(worst[place] for place in sorted(worst))


def _due(key: dg.AssetCheckKey, partition: str | None, blocking: bool) -> CheckOutcome:
    return CheckOutcome(
        asset=key.asset_key.to_user_string(),
        name=key.name,
        partition=partition,
        status=CheckStatus.NEVER_RAN,
        blocking=blocking,
        description="No run has planned it.",
    )


def _outcome(
    due: CheckOutcome, execution: CheckExecution | None, run_of: Callable[[str], dg.DagsterRun | None]
) -> CheckOutcome:
    if execution is None:
        return due
    if execution.evaluation is None:
        return _planned(due, execution.run_id, run_of(execution.run_id))
    evaluation = execution.evaluation
    status = CheckStatus.PASSED
    if not evaluation.passed:
        status = CheckStatus.WARNED if evaluation.severity is dg.AssetCheckSeverity.WARN else CheckStatus.FAILED
    description = evaluation.description or ""
    if execution.newer_run is not None:
        by_run = f" by run {execution.newer_run}" if execution.newer_run else ""
        description = f"It was materialized since then{by_run}. The check {status}: {description}"
        status = CheckStatus.OUT_OF_DATE
    return replace(
        due,
        status=status,
        severity=evaluation.severity.value,
        description=description,
        run_id=execution.run_id,
        timestamp=datetime.fromtimestamp(execution.timestamp, UTC),
        metadata={name: _plain(value) for name, value in evaluation.metadata.items()},
    )


def _planned(due: CheckOutcome, run_id: str, run: dg.DagsterRun | None) -> CheckOutcome:
    """The outcome of a check that a run has planned and not evaluated."""
    if run is None:
        fate = "is not on record any more"
    elif run.is_finished:
        fate = f"ended before it ran ({run.status.value.lower()})"
    elif was_killed(run):
        fate = "was killed before it ran"
    else:
        return replace(due, status=CheckStatus.RUNNING, run_id=run_id, description=f"Run {run_id} is under way.")
    return replace(due, run_id=run_id, description=f"Run {run_id} planned it, and {fate}.")


def _plain(value: dg.MetadataValue[Any]) -> Any:
    """A value of the metadata as JSON can hold it: what is no number in JSON becomes text, a table a list of rows."""
    if isinstance(value, dg.TableMetadataValue):
        return [_json_value(dict(row.data)) for row in value.records]
    if isinstance(value, dg.TimestampMetadataValue):
        return datetime.fromtimestamp(value.value, UTC).isoformat()
    held = value.value
    return _json_value(held if isinstance(held, str | int | float | dict | list | None) else str(held))


def _json_value(value: Any) -> Any:
    return json.loads(json.dumps(value), parse_constant=str)
