"""The job whose one step looks, on the worker that takes it, at what the steps of a migration need.

It is made without the state of the migration, which the worker may not reach.
"""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from weaviate_migration.base.settings import API_KEY_VARIABLE, MigrationConfig, value_in_environment
from weaviate_migration.phases.preflight.reach import reached
from weaviate_migration.runs.executors import ChosenExecutor
from weaviate_migration.runs.worker_look import FOUND, HOST, LOOK


def job_to_look(
    executor: str,
    token: str,
    work_dir: str,
    state_url: str,
    storage: str,
    weaviate_url: str,
    grpc_port: int | None,
    grpc_host: str | None,
    with_api_key: bool,
) -> dg.JobDefinition:
    """The job; workers make it again from these.

    Args:
        executor: a `ChosenExecutor` as JSON.
        token: of the signs that the command has left, see `phases.preflight.reach`.
    """

    def look(_context: dg.OpExecutionContext, _inputs: Mapping[str, Any]) -> Iterator[dg.Output[None]]:
        config = MigrationConfig(
            sqlite_url="",
            work_dir=Path(work_dir),
            state_url=state_url,
            storage=storage,
            weaviate_url=weaviate_url,
            grpc_port=grpc_port,
            grpc_host=grpc_host,
            weaviate_api_key=value_in_environment(API_KEY_VARIABLE) if with_api_key else None,
        )
        found = [asdict(each) for each in reached(config, token)]
        yield dg.Output(None, metadata={HOST: platform.node(), FOUND: dg.JsonMetadataValue(found)})

    step = dg.OpDefinition(compute_fn=look, name=LOOK, outs={"result": dg.Out(dg.Nothing)}, ins={})
    graph = dg.GraphDefinition(name=LOOK, node_defs=[step])
    return graph.to_job(executor_def=ChosenExecutor.model_validate_json(executor).definition)
