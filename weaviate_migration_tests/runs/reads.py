"""What the UI, the daemon, Dagster's own code and ours ask a storage for."""

from collections.abc import Iterator
from typing import Any, Literal

import dagster as dg
from dagster._core.event_api import EventLogCursor, PartitionKeyFilter
from dagster._core.events import EVENT_TYPE_TO_PIPELINE_RUN_STATUS, DagsterEventType
from dagster._core.storage.dagster_run import RunPartitionData
from dagster._core.storage.event_log.base import EventLogStorage
from dagster._core.storage.runs.base import RunStorage

_LIMIT = 1000


def all_reads(instance: dg.DagsterInstance) -> dict[str, Any]:
    """Every answer, by its question."""
    runs = sorted(instance.get_run_ids())
    return dict(
        [
            *_of_runs(instance.run_storage, runs),
            *_of_assets(instance.event_log_storage),
            *_of_checks(instance.event_log_storage),
            *_of_pools(instance.event_log_storage),
            *_of_the_daemon(instance),
            *((f"{run_id}: {name}", answer) for run_id in runs for name, answer in _of_a_run(instance, run_id)),
        ]
    )


def _of_a_run(instance: dg.DagsterInstance, run_id: str) -> Iterator[tuple[str, Any]]:
    events = instance.event_log_storage
    yield "all logs", instance.all_logs(run_id)
    first = events.get_records_for_run(run_id, limit=3)
    yield "first records", first
    yield "next records", events.get_records_for_run(run_id, cursor=first.cursor, limit=3)
    yield "last records", events.get_records_for_run(run_id, limit=3, ascending=False)
    for kind in DagsterEventType:
        yield f"records of {kind}", events.get_records_for_run(run_id, of_type=kind)
    yield "from an offset", events.get_records_for_run(run_id, cursor=EventLogCursor.from_offset(2).to_string())
    yield "step figures", events.get_step_stats_for_run(run_id)
    yield "figures", events.get_stats_for_run(run_id)
    yield "partitions", events.get_asset_partitions_for_run(run_id)
    yield "asset keys", events.get_asset_keys_for_run(run_id)
    yield "run", instance.run_storage.get_run_records(dg.RunsFilter(run_ids=[run_id]))
    yield "group", instance.run_storage.get_run_group(run_id)
    run = instance.get_run_by_id(run_id)
    if run and run.job_snapshot_id and run.execution_plan_snapshot_id:
        yield "job", instance.run_storage.get_job_snapshot(run.job_snapshot_id)
        yield "plan", instance.run_storage.get_execution_plan_snapshot(run.execution_plan_snapshot_id)


def _of_runs(storage: RunStorage[Any], runs: list[str]) -> Iterator[tuple[str, Any]]:
    yield "runs", storage.get_runs()
    yield "count", storage.get_runs_count(dg.RunsFilter(job_name="migrate"))
    yield "ids by status", storage.get_run_ids(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    yield "tags", storage.get_run_tags(storage.get_run_tag_keys())
    yield "by tag", storage.get_runs(dg.RunsFilter(tags={"by": "test"}))
    yield "partition data", sorted(storage.get_run_partition_data(dg.RunsFilter()), key=_run_of)
    yield "backfills", storage.get_backfills()
    yield "there", [storage.has_run(run_id) for run_id in [*runs, "no such run"]]


def _of_assets(events: EventLogStorage[Any]) -> Iterator[tuple[str, Any]]:
    keys = sorted(events.all_asset_keys())
    yield "asset keys", keys
    yield "asset records", events.get_asset_records(keys)
    yield "latest materializations", events.get_latest_materialization_events(keys)
    yield "largest id", events.get_maximum_record_id()
    yield "by id", events.get_logs_for_all_runs_by_log_id(after_cursor=1, limit=_LIMIT)
    for kind in EVENT_TYPE_TO_PIPELINE_RUN_STATUS:
        yield f"changes of status {kind}", events.fetch_run_status_changes(kind, _LIMIT)
    for key in keys:
        for name, answer in _of_an_asset(events, key):
            yield f"{key.to_user_string()}: {name}", answer
    yield "dynamic partitions", events.get_dynamic_partitions("regions")
    yield "is there", events.has_dynamic_partition("regions", "north")


def _of_an_asset(events: EventLogStorage[Any], key: dg.AssetKey) -> Iterator[tuple[str, Any]]:
    materialized: Literal[DagsterEventType.ASSET_MATERIALIZATION] = DagsterEventType.ASSET_MATERIALIZATION
    yield "materializations", events.fetch_materializations(key, _LIMIT)
    yield "ascending", events.fetch_materializations(key, 2, ascending=True)
    yield "of a partition", events.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=["a"]), _LIMIT)
    yield "observations", events.fetch_observations(key, _LIMIT)
    yield "summaries", events.get_asset_event_summary_records(materialized, key)
    yield "partitions", events.get_materialized_partitions(key)
    yield "by partition", events.get_latest_storage_id_by_partition(key, materialized)
    yield "tags by partition", events.get_latest_tags_by_partition(key, materialized, ["dagster/data_version"])
    yield "attempts", events.get_latest_asset_partition_materialization_attempts_without_materializations(key)
    yield "planned", events.get_latest_planned_materialization_info(key)
    yield "tags", sorted(map(repr, events.get_event_tags_for_asset(key)))
    yield "data versions", events.get_updated_data_version_partitions(key, ["a", "b"], 0)


def _of_checks(events: EventLogStorage[Any]) -> Iterator[tuple[str, Any]]:
    keys = [dg.AssetCheckKey(key, name) for key in sorted(events.all_asset_keys()) for name in ("count", "types")]
    yield "latest of checks", events.get_latest_asset_check_execution_by_key(keys)
    yield "summaries of checks", events.get_asset_check_summary_records(keys)
    of_a_partition = PartitionKeyFilter(key="a")
    for key in keys:
        yield f"history of {key}", events.get_asset_check_execution_history(key, limit=_LIMIT)
        yield (
            f"history of {key} in a partition",
            events.get_asset_check_execution_history(key, limit=_LIMIT, partition_filter=of_a_partition),
        )
    yield "checks by partition", events.get_asset_check_partition_info(keys)


def _of_pools(events: EventLogStorage[Any]) -> Iterator[tuple[str, Any]]:
    yield "pools", (events.supports_global_concurrency_limits, events.get_concurrency_keys())
    yield "limits", events.get_pool_limits()
    yield "slots", [events.get_concurrency_info(key) for key in sorted(events.get_concurrency_keys())]
    yield "holders", events.get_concurrency_run_ids()


def _of_the_daemon(instance: dg.DagsterInstance) -> Iterator[tuple[str, Any]]:
    yield "heartbeats", instance.run_storage.get_daemon_heartbeats()
    yield "revisions", (instance.event_log_storage.alembic_version(), instance.run_storage.alembic_version())
    if instance.schedule_storage:
        yield "instigators", instance.schedule_storage.all_instigator_state()
        yield "revision of schedules", instance.schedule_storage.alembic_version()


def _run_of(data: RunPartitionData) -> str:
    return data.run_id
