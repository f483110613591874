"""What Dagster loads: assets, checks, jobs and resources, made from the mapping and the settings.

They are made when they are asked for: `definitions.py`, which Dagster imports, makes those of the environment.
"""

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from weaviate_migration.base.settings import API_KEY_VARIABLE, MigrationConfig, environment_variable
from weaviate_migration.defs.assets import build_assets
from weaviate_migration.defs.checks import build_checks
from weaviate_migration.defs.jobs import build_executor, build_jobs
from weaviate_migration.defs.resources import BatchSettings, ExtractIOManager, SQLiteSource, WeaviateServer
from weaviate_migration.defs.run_logger import records_logger
from weaviate_migration.defs.sensors.alerts import build_alert_sensors
from weaviate_migration.defs.sensors.change_sync import build_change_sync_sensor
from weaviate_migration.mapping import Mapping
from weaviate_migration.monitoring.alerts.watch import configured_alerts
from weaviate_migration.runs.checks import AssetGraph, graph_of
from weaviate_migration.runs.jobs import SYNC
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.own_mapping import current_mapping


def build_definitions(config: MigrationConfig) -> dg.Definitions:
    """The definitions for these settings; a run's own config may set other ones.

    Raises:
        MappingError: the mapping file is wrong, or a collection would have the name of something of ours.
    """
    work_folder = WorkFolder.of(config)
    return _definitions(config, current_mapping(config, work_folder), work_folder)


@functools.lru_cache(maxsize=4)
def asset_graph(mapping: Mapping) -> AssetGraph:
    """The graph of the assets and checks that a mapping makes, whatever the settings are."""
    assets, checks = _assets_and_checks(mapping)
    return graph_of([*assets, *checks])


@functools.lru_cache(maxsize=4)
def _assets_and_checks(mapping: Mapping) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """Those that a mapping makes; made once, for a run and for what is told of it, since they take their time."""
    with _without_maturity_warnings():
        return build_assets(mapping), list(build_checks(mapping))


@contextmanager
def _without_maturity_warnings() -> Iterator[None]:
    """What we use of Dagster's beta and preview parts is held by tests; users can do nothing about its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield


@_without_maturity_warnings()
def _definitions(config: MigrationConfig, mapping: Mapping, work_folder: WorkFolder) -> dg.Definitions:
    jobs = {job.name: job for job in build_jobs(mapping)}
    assets, checks = _assets_and_checks(mapping)
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=list(jobs.values()),
        executor=build_executor(config),
        sensors=[
            build_change_sync_sensor(mapping, work_folder, jobs[SYNC]),
            *_alert_sensors(config, mapping),
        ],
        loggers={"console": dg.colored_console_logger, "records": records_logger},
        resources={
            "work_folder": dg.ResourceDefinition.hardcoded_resource(
                work_folder,
                f"What a migration keeps on disk; chosen by {environment_variable('work_dir')}, not by a run.",
            ),
            "source": SQLiteSource(url=config.sqlite_url, allow_pause=config.allow_pause),
            "weaviate": WeaviateServer(
                url=config.weaviate_url,
                grpc_port=config.grpc_port,
                grpc_host=config.grpc_host,
                api_key=dg.EnvVar(API_KEY_VARIABLE) if config.weaviate_api_key else "",
                prefix=config.prefix,
            ),
            "batches": BatchSettings.of_config(config, config.processes),
            "extract_storage": dg.IOManagerDefinition.hardcoded_io_manager(
                ExtractIOManager(work_folder), "Extracts as Parquet, one file for each partition."
            ),
        },
    )


def _alert_sensors(config: MigrationConfig, mapping: Mapping) -> list[dg.SensorDefinition]:
    """None where no alerts are configured."""
    settings = configured_alerts(config)
    return build_alert_sensors(config, settings, functools.partial(asset_graph, mapping)) if settings else []


@functools.cache
def job_for_run(name: str, mapping_digest: str, work_dir: str, extracts: str, with_api_key: bool) -> dg.JobDefinition:
    """One of the jobs, for this work folder and a mapping that is kept in it: child processes make it again from these.

    Dagster asks for it some ten times in each run, and the definitions take a third of a second.
    """
    config = MigrationConfig(
        sqlite_url="",
        work_dir=Path(work_dir),
        extracts=extracts,
        weaviate_api_key=API_KEY_VARIABLE if with_api_key else None,
    )
    work_folder = WorkFolder.of(config)
    mapping = work_folder.mappings.read(mapping_digest)
    assert mapping is not None, "whoever runs a job keeps its mapping first"
    return _definitions(config, mapping, work_folder).resolve_job_def(name)
