"""A Dagster job of the shape of `migrate` that does nothing: as many steps, and as many events.

It is run as a process of its own, which imports Dagster and none of our package, unless the home in its argument has it
stored by ours. It prints the CPU seconds of the run.
"""

import functools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.reconstruct import build_reconstructable_job

TABLES = 6
# The tables that have relations.
RELATED = 4
PARTITIONS = dg.StaticPartitionsDefinition([f"{number:02}" for number in range(16)])
# Its events are stored, as those of `migrate` are, and not printed.
RUN_CONFIG = {
    "execution": {"config": {"in_process": {}}},
    "loggers": {"console": {"config": {"log_level": "WARNING"}}},
}


class NoStorage(dg.IOManager):
    """Keeps nothing, but makes the events that the extracts' storage makes."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None: ...

    def load_input(self, context: dg.InputContext) -> None: ...


def main(dagster_home: Path) -> None:
    """Runs the job in this process, on the instance of that folder, which has its `dagster.yaml`."""
    keys = PARTITIONS.get_partition_keys()
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        recipe = build_reconstructable_job("benchmarks.empty_job", "empty_job")
        began = time.process_time()
        result = dg.execute_job(recipe, instance, run_config=RUN_CONFIG, tags=tags)
        cpu_seconds = time.process_time() - began
    if not result.success:
        raise RuntimeError("The empty job failed.")
    print(cpu_seconds)


@functools.cache
def empty_job() -> dg.JobDefinition:
    """Made once: Dagster asks for it several times in a run."""
    tables = range(TABLES)
    names = [f"collection_{number}" for number in tables]
    before = [
        _audit(),
        _plain("schema", ["audit"]),
        _plain("snapshot", ["schema"], log_lines=2),
        *map(_extract, tables),
    ]
    definitions = dg.Definitions(
        assets=[*before, *map(_collection, tables), _plain("cutover", names, log_lines=2)],
        asset_checks=[*map(_checks, names), *map(_relations, names[-RELATED:])],
        jobs=[dg.define_asset_job("empty", selection=dg.AssetSelection.all())],
        resources={"storage": NoStorage()},
    )
    return definitions.resolve_job_def("empty")


def _audit() -> dg.AssetsDefinition:
    @dg.asset(check_specs=[dg.AssetCheckSpec("writable", asset="audit", blocking=True)])
    def audit(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        context.log.info("nothing is read")
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="writable", passed=True)])

    return audit


def _plain(name: str, deps: Sequence[str], log_lines: int = 1) -> dg.AssetsDefinition:
    @dg.asset(name=name, deps=deps)
    def plain(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        for _ in range(log_lines):
            context.log.info("nothing is made")
        return dg.MaterializeResult()

    return plain


def _extract(number: int) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"extract_{number}",
        partitions_def=PARTITIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        io_manager_key="storage",
        deps=["snapshot"],
    )
    def extract(context: dg.AssetExecutionContext) -> Any:
        context.log.info("nothing is read")
        return ()

    return extract


def _collection(number: int) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"collection_{number}",
        partitions_def=PARTITIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"extract": dg.AssetIn(f"extract_{number}")},
        deps=["schema"],
    )
    def collection(context: dg.AssetExecutionContext, extract: Any) -> None:
        context.log.info("nothing is written")
        for key in context.partition_keys:
            context.add_asset_metadata({"dagster/partition_row_count": 0, "extract": extract}, partition_key=key)

    return collection


def _checks(asset: str) -> dg.AssetChecksDefinition:
    by_partition = [
        dg.AssetCheckSpec(name, asset=asset, partitions_def=PARTITIONS, blocking=True)
        for name in ("count", "every_object")
    ]
    once = [dg.AssetCheckSpec(name, asset=asset, blocking=True) for name in ("uuids", "types", "sample", "search")]

    @dg.multi_asset_check(specs=[*by_partition, *once], name=f"{asset}_checks")
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[Any]:
        context.log.info("nothing is compared")
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=context.partition_keys)
        records = context.instance.fetch_materializations(wanted, limit=len(context.partition_keys)).records
        for record in records:
            for spec in by_partition:
                yield _evaluation(spec, record, record.partition_key)
        for spec in once:
            yield _evaluation(spec, records[0], None)
        for spec in (*by_partition, *once):
            yield dg.Output(None, output_name=spec.get_python_identifier())

    return checks


def _relations(asset: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(name="relations", asset=asset, blocking=True, additional_deps=["collection_0"])
    def relations() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return relations


def _evaluation(spec: dg.AssetCheckSpec, record: dg.EventLogRecord, partition: str | None) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=True,
        blocking=spec.blocking,
        partition=partition,
        metadata={},
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.event_log_entry.run_id, timestamp=record.timestamp
        ),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
