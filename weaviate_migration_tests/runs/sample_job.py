"""A job of the shape of `migrate`, whose steps look at their own run while it goes on, or end its process."""

import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.reconstruct import build_reconstructable_job

from weaviate_migration_tests.runs.homes import dagsters
from weaviate_migration_tests.runs.reads import all_reads

PARTITIONS = dg.StaticPartitionsDefinition(["a", "b", "c"])
TAGS = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "c", "by": "test"}
IN_PROCESS: dict[str, Any] = {"execution": {"config": {"in_process": {}}}}
_FORK_SERVER = {"forkserver": {"preload_modules": [__name__]}}
MULTIPROCESS: dict[str, Any] = {
    "execution": {"config": {"multiprocess": {"max_concurrent": 2, "start_method": _FORK_SERVER}}}
}
# Files in the work folder: with the first one, `load` ends its process without a word; into the second one it writes
# which storage it has looked at.
KILL = "kill"
LOOKED = "looked"


class NoOutput(dg.IOManager):
    """Keeps nothing."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None: ...

    def load_input(self, context: dg.InputContext) -> None: ...


def run_sample(
    instance: dg.DagsterInstance, work_dir: Path, executor: dict[str, Any] = IN_PROCESS
) -> dg.JobExecutionResult:
    """Runs the job, whose steps find the home in that work folder."""
    recipe = build_reconstructable_job(__name__, "sample_job", reconstructable_kwargs={"work_dir": str(work_dir)})
    return dg.execute_job(recipe, instance, run_config=executor, tags=TAGS)


@functools.cache
def sample_job(work_dir: str) -> dg.JobDefinition:
    """Made once: Dagster asks for it several times in a run."""
    definitions = dg.Definitions(
        assets=[_snapshot(), _extract(), _load(Path(work_dir)), _flaky()],
        asset_checks=[_checks()],
        jobs=[dg.define_asset_job("migrate", selection=dg.AssetSelection.all())],
        resources={"io_manager": NoOutput()},
    )
    return definitions.resolve_job_def("migrate")


def _snapshot() -> dg.AssetsDefinition:
    @dg.asset(check_specs=[dg.AssetCheckSpec("types", asset="snapshot")])
    def snapshot(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        context.log.info("3 rows")
        context.log_event(dg.AssetObservation("snapshot", tags={"dagster/data_version": "seen"}))
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="types", passed=True)])

    return snapshot


def _extract() -> dg.AssetsDefinition:
    @dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run(), deps=["snapshot"])
    def extract() -> None: ...

    return extract


def _load(work_dir: Path) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run(), deps=["extract"])
    def load(context: dg.AssetExecutionContext) -> None:
        _look(context.instance, work_dir)
        if (work_dir / KILL).exists():
            os.kill(os.getpid(), signal.SIGKILL)
        for key in context.partition_keys:
            context.add_asset_metadata({"dagster/partition_row_count": 1}, partition_key=key)

    return load


def _look(instance: dg.DagsterInstance, work_dir: Path) -> None:
    """Both storages find the same in the middle of the run, at a moment in which no step beside this one writes."""
    with dagsters(work_dir) as other:
        before, found = all_reads(instance), all_reads(other)
        while before != all_reads(instance):
            before, found = all_reads(instance), all_reads(other)
        assert found == before
    (work_dir / LOOKED).write_text(type(instance.event_log_storage).__name__, encoding="utf-8")


def _flaky() -> dg.AssetsDefinition:
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1), deps=["snapshot"])
    def flaky(context: dg.AssetExecutionContext) -> None:
        if context.retry_number == 0:
            raise RuntimeError("once")

    return flaky


def _checks() -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(name, asset="load", partitions_def=PARTITIONS, blocking=True) for name in ("count", "types")
    ]

    @dg.multi_asset_check(specs=specs, name="load_checks")
    def load_checks(context: dg.AssetCheckExecutionContext) -> Iterator[object]:
        for spec in specs:
            for key in context.partition_keys:
                yield dg.AssetCheckEvaluation(
                    asset_key=spec.asset_key, check_name=spec.name, passed=True, metadata={}, partition=key
                )
            yield dg.Output(None, output_name=spec.get_python_identifier())

    return load_checks
