"""Dagster's own files: two runs of a job with assets and checks, one of which fails, and what it keeps of schedules."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

HOME = "dagster_home"
FAILED_RUN = "5d0a3c8e-7c0f-4b52-9f7e-1f4b8b1f0d11"


@dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="cities"), tags={"kind": "city"})
def weather(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """One of a partition each."""
    context.log.info("Grüße an %s", context.partition_key)
    return dg.MaterializeResult(
        metadata={"degrees": 21.5, "city": context.partition_key, "table": dg.MetadataValue.md("| a |\n|---|\n| 1 |")},
        data_version=dg.DataVersion(f"{context.partition_key}-1"),
    )


@dg.asset_check(asset=weather)
def not_too_hot() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"limit": 20})


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def divide() -> float:
    return 1 / 0


@dg.job(tags={"team": "field"})
def failing() -> None:
    divide()


def make(file: Path) -> None:
    with _instance(file) as instance:
        instance.add_dynamic_partitions("cities", ["Zürich", "Oslo", "東京"])
        for city in ("Zürich", "Oslo"):
            _materialize(instance, city)
        failing.execute_in_process(instance=instance, raise_on_error=False, run_id=FAILED_RUN)
        instance.event_log_storage.set_concurrency_slots("database", 2)


def write_more(file: Path) -> None:
    with _instance(file) as instance:
        _materialize(instance, "東京")
        instance.add_run_tags(FAILED_RUN, {"seen": "yes"})
        run = instance.get_run_by_id(FAILED_RUN)
        assert run is not None
        instance.report_engine_event("looked at again", run)
        instance.delete_dynamic_partition("cities", "Oslo")


@contextmanager
def _instance(file: Path) -> Iterator[dg.DagsterInstance]:
    """That of the home which the file lies in; such a home has all of an instance's files."""
    home = next(each for each in file.parents if each.name == HOME)
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").touch()
    os.environ["DAGSTER_HOME"] = str(home)
    with dg.DagsterInstance.get() as instance:
        yield instance


def _materialize(instance: dg.DagsterInstance, city: str) -> None:
    dg.materialize([weather, not_too_hot], instance=instance, partition_key=city)
