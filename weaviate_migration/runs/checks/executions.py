"""What Dagster's storage holds of the checks: their latest executions, those of a run, and those of a backfill.

Of each check and partition only the latest is read: instances may be large. What is imported here from inside Dagster
has no public path; tests hold what is used of it.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph as AssetGraph
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.storage.tags import BACKFILL_ID_TAG

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.runs.materializations import newest_by_partition, newest_ids, newest_of_assets

Target = tuple[dg.AssetCheckKey, str | None]
"""A check, and the partition that it is stored on; None for a check that is stored once for its asset."""


def graph_of(definitions: Iterable[dg.AssetsDefinition]) -> AssetGraph:
    """The graph of these assets and checks, which `CheckHistory` takes; nothing of them is loaded for it."""
    return AssetGraph.from_assets(list(definitions))


@dataclass(frozen=True)
class CheckExecution:
    """What a run has of a check.

    Attributes:
        evaluation: None where it was only planned.
        newer_run: the run that has materialized what was checked since then; '' if that was no run, None if none has.
    """

    run_id: str
    timestamp: float
    evaluation: AssetCheckEvaluation | None
    newer_run: str | None = None


Found = tuple[Target, CheckExecution | None]
"""A check, and what a run has of it; None where no run has planned it."""


class CheckHistory:
    """The executions of the checks of some definitions.

    Args:
        graph: has these checks; others that the instance knows are left out.
    """

    def __init__(self, instance: dg.DagsterInstance, graph: AssetGraph) -> None:
        self._instance = instance
        self._graph = graph
        self._newest_ids = functools.cache(functools.partial(newest_ids, instance))
        self._newest_by_partition = functools.cache(functools.partial(newest_by_partition, instance))

    def latest(self) -> Iterator[Found]:
        """Each check on each of its partitions, with its latest execution; None where no run has planned it."""
        keys_of: dict[str | None, list[dg.AssetCheckKey]] = {}
        for key, partition in self._targets():
            keys_of.setdefault(partition, []).append(key)
        for partition, keys in keys_of.items():
            found = self._instance.event_log_storage.get_latest_asset_check_execution_by_key(
                keys, PartitionKeyFilter(key=partition)
            )
            for key in keys:
                target, event = (key, partition), found[key].event if key in found else None
                execution = _executions_in(event).get(target) if event else None
                yield target, execution and replace(execution, newer_run=self._newer_run(target, execution))

    def of_run(self, run_id: str) -> Iterator[Found]:
        """What a run has planned and evaluated.

        Raises:
            ConfigurationError: the instance does not know it.
        """
        if self._instance.get_run_by_id(run_id) is None:
            raise self._unknown(f"run {run_id}")
        yield from self._executions_of(run_id).items()

    def of_backfill(self, backfill_id: str) -> Iterator[Found]:
        """What a backfill's runs have planned and evaluated; None for what it was to cover and no run has planned.

        A check that is stored once for its asset speaks of the partitions of its run, so there is one for each run that
        was not repeated. Of all others the latest counts.

        Raises:
            ConfigurationError: the instance does not know it.
        """
        backfill = self._instance.get_backfill(backfill_id)
        if backfill is None:
            raise self._unknown(f"backfill {backfill_id}")
        found: dict[tuple[Target, str | None], CheckExecution] = {}
        runs = self._instance.get_runs(dg.RunsFilter(tags={BACKFILL_ID_TAG: backfill_id}))
        for run in reversed(runs):
            first_attempt = run.root_run_id or run.run_id
            for target, execution in self._executions_of(run.run_id).items():
                found[target, first_attempt if target[1] is None else None] = execution
        planned = {target for target, _ in found}
        for (target, _), execution in found.items():
            yield target, execution
        for target in self._covered_by(backfill, {key.asset_key for key, _ in planned}):
            if target not in planned:
                yield target, None

    def newest_backfill(self) -> str:
        """The id of the newest backfill.

        Raises:
            ConfigurationError: there is none.
        """
        for backfill in self._instance.get_backfills(limit=1):
            return backfill.backfill_id
        raise self._unknown("backfill")

    def _unknown(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"The Dagster instance {self._instance.root_directory} has no {what}.",
            "The page of runs in Dagster's UI shows what there is; DAGSTER_HOME or --work-dir names another instance.",
        )

    def _targets(self) -> Iterator[Target]:
        for key in self._graph.asset_check_keys:
            partitions = self._graph.get_check_spec(key).partitions_def
            for partition in partitions.get_partition_keys() if partitions else [None]:
                yield key, partition

    def _executions_of(self, run_id: str) -> dict[Target, CheckExecution]:
        found: dict[Target, CheckExecution] = {}
        kinds = {dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
        for entry in self._instance.all_logs(run_id, of_type=kinds):
            found |= _executions_in(entry)
        return {target: each for target, each in found.items() if target[0] in self._graph.asset_check_keys}

    def _covered_by(self, backfill: PartitionBackfill, touched: Collection[dg.AssetKey]) -> list[Target]:
        """The checks that a backfill was to run: those of its assets, or, of a job, those of the assets it touched."""
        covered: defaultdict[dg.AssetKey, set[str | None]] = defaultdict(set)
        if backfill.is_asset_backfill:
            for each in backfill.get_asset_backfill_data(self._graph).target_subset.iterate_asset_partitions():
                covered[each.asset_key].add(each.partition_key)
        else:
            for asset in touched or {key.asset_key for key in self._graph.asset_check_keys}:
                covered[asset].update(backfill.partition_names or ())
        return [
            (key, partition)
            for key, partition in self._targets()
            if key.asset_key in covered and (partition is None or partition in covered[key.asset_key])
        ]

    def _newer_run(self, target: Target, execution: CheckExecution) -> str | None:
        """`CheckExecution.newer_run`."""
        if execution.evaluation is None:
            return None
        checked = execution.evaluation.target_materialization_data
        if checked and self._newest_id(target) <= checked.storage_id:
            return None
        newest = self._newest(target)
        if newest is None or newest.run_id == execution.run_id:
            return None
        return newest.run_id if checked or newest.timestamp > execution.timestamp else None

    def _newest_id(self, target: Target) -> int:
        """The storage id of the newest materialization of what is checked; 0 where there is none.

        To read the materializations themselves took half of the CPU time: 0.4 of 0.8 s for 40 tables (measured).
        """
        key, partition = target
        if partition is not None:
            return self._newest_ids(key.asset_key).get(partition, 0)
        newest = self._newest(target)
        return newest.storage_id if newest else 0

    def _newest(self, target: Target) -> dg.EventLogRecord | None:
        key, partition = target
        if partition is not None:
            return self._newest_by_partition(key.asset_key).get(partition)
        return self._newest_of_assets.get(key.asset_key)

    @functools.cached_property
    def _newest_of_assets(self) -> dict[dg.AssetKey, dg.EventLogRecord]:
        return newest_of_assets(self._instance, {key.asset_key for key in self._graph.asset_check_keys})


def _executions_in(entry: EventLogEntry) -> dict[Target, CheckExecution]:
    """What one event says: that a check is planned, on these partitions, or what it came to."""
    event = entry.get_dagster_event()
    if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        evaluation = event.asset_check_evaluation_data
        target = evaluation.asset_check_key, evaluation.partition
        return {target: CheckExecution(entry.run_id, entry.timestamp, evaluation)}
    planned = event.asset_check_planned_data
    partitions = planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]
    execution = CheckExecution(entry.run_id, entry.timestamp, None)
    return {(planned.asset_check_key, partition): execution for partition in partitions}
