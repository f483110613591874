"""Has a worker look at what it reaches: a run of one step, handed out as those of a migration are."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg

from weaviate_migration.base.errors import ConfigurationError, StorageError
from weaviate_migration.base.settings import MigrationConfig, api_key_in_environment
from weaviate_migration.phases.preflight.reach import Reached, reach_items, signs
from weaviate_migration.runs.events import failure_line
from weaviate_migration.runs.executors import ChosenExecutor
from weaviate_migration.runs.own_process import RunProcess
from weaviate_migration.runs.run_order import RunOrder
from weaviate_migration.runs.runner import dagster_instance, process_tags
from weaviate_migration.target.weaviate_url import EmbeddedTarget, configured_target
from weaviate_migration.work_folder.checklist import ChecklistItem
from weaviate_migration.work_folder.folder import WorkFolder

LOOK = "look_from_worker"
"""The name of the job, and of its step."""
HOST, FOUND = "host", "found"
"""What its output tells: the machine of the worker, and what was found there."""
SECONDS = 120.0
"""The look takes 20 s at most; before it the run begins, and with some executors a worker: 55 s on a busy machine."""
_RECIPE = "weaviate_migration.defs.worker_look.job_to_look"
_TAG = "weaviate_migration/look"
_ITEM = "worker step"


def looked_from_worker(config: MigrationConfig, executor: ChosenExecutor) -> list[ChecklistItem]:
    """What a worker reaches: state, storage and server, each an item of the preflight; or why no worker has looked.

    Nothing stays but the run, in Dagster's home.

    Args:
        executor: whose workers are there, or come with the run.
    """
    work_folder, token, key = WorkFolder.of(config), uuid4().hex, api_key_in_environment(config.weaviate_api_key)
    try:
        with key, signs(work_folder, token), dagster_instance(config.work_dir) as instance:
            said = _said_by_run(work_folder.path, _order(config, executor, token))
            events = list(_events(instance, token))
    except (ConfigurationError, StorageError) as error:  # Of this machine: another item tells what to do.
        return [ChecklistItem(_ITEM, "skipped", f"nothing can be left for a worker to look for: {error.message}")]
    for each in events:
        if each.is_successful_output:
            return _items(config, each.step_output_data.metadata)
    if said is None:
        figure, remedy = (
            f"no worker has done one within {SECONDS:g} s",
            "See a worker's log; ask again when one is idle.",
        )
        return [ChecklistItem(_ITEM, "warned", figure, remedy)]
    remedy = "Give workers this package with its extra, the work folder and Dagster's home; see the worker's log."
    return [ChecklistItem(_ITEM, "failed", failure_line(events) or said, remedy)]


def _items(config: MigrationConfig, told: Any) -> list[ChecklistItem]:
    """The items of what the step has told."""
    found = [Reached(**each) for each in told[FOUND].value]
    embedded = isinstance(configured_target(config), EmbeddedTarget)
    return list(reach_items(told[HOST].value, found, embedded=embedded))


def _said_by_run(work_dir: Path, order: RunOrder) -> str | None:
    """Makes a run; returns what its process has printed, None where it was not done in time."""
    process = RunProcess(work_dir, order)
    try:
        return process.said if process.has_ended_within(SECONDS) else None
    finally:
        process.end()


def _events(instance: dg.DagsterInstance, token: str) -> Iterator[dg.DagsterEvent]:
    """Those of the run, which is ended where its process is gone before it."""
    for run in instance.get_runs(dg.RunsFilter(tags={_TAG: token}), limit=1):
        if not run.is_finished:
            instance.report_run_failed(run, f"It was not done within {SECONDS:g} s.")
        entries: Sequence[dg.EventLogEntry] = instance.all_logs(run.run_id)
        yield from (each.dagster_event for each in entries if each.dagster_event is not None)


def _order(config: MigrationConfig, executor: ChosenExecutor, token: str) -> RunOrder:
    return RunOrder(
        recipe=_RECIPE,
        job={
            "executor": executor.model_dump_json(),
            "token": token,
            "work_dir": str(config.work_dir.absolute()),
            "state_url": config.state_url,
            "storage": config.storage,
            "weaviate_url": config.weaviate_url,
            "grpc_port": config.grpc_port,
            "grpc_host": config.grpc_host,
            "with_api_key": config.weaviate_api_key is not None,
        },
        run_config={"execution": {"config": executor.run_config}},
        tags={**process_tags(), _TAG: token},
        selection=None,
    )
