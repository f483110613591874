"""What Dagster loads: assets, checks, jobs and resources, made from the mapping and the settings.

They are made when they are asked for: `definitions.py`, which Dagster imports, makes those of the environment.
"""

import functools
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from weaviate_migration.base.logs import configure_run_logging
from weaviate_migration.base.settings import API_KEY_VARIABLE, MigrationConfig
from weaviate_migration.defs.assets import build_assets
from weaviate_migration.defs.checks import build_checks
from weaviate_migration.defs.groups import SourceTags
from weaviate_migration.defs.jobs import build_jobs
from weaviate_migration.defs.resources.all import own_resources
from weaviate_migration.defs.resources.given import GivenResources, noted_work_folder, project_resources
from weaviate_migration.defs.run_logger import records_logger
from weaviate_migration.defs.sensors.alerts import build_alert_sensors
from weaviate_migration.defs.sensors.change_sync import build_change_sync_sensor, build_sync_schedule
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.query_file import NO_QUERIES, Queries
from weaviate_migration.monitoring.alerts.watch import configured_alerts
from weaviate_migration.runs.checks import AssetGraph, graph_of
from weaviate_migration.runs.executors import ChosenExecutor, chosen_executor
from weaviate_migration.runs.jobs import SYNC
from weaviate_migration.runs.names import WORK_FOLDER, DagsterNames, names_of
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.own_mapping import current_mapping


def build_definitions(config: MigrationConfig) -> dg.Definitions:
    """The definitions for these settings; a run's own config may set other ones.

    Raises:
        MappingError: the mapping file is wrong, or a collection would have the name of something of ours.
    """
    work_folder = WorkFolder.of(config)
    mapping = current_mapping(config, work_folder)
    queries = work_folder.queries.current(config.queries, mapping)
    return _project_of_our_own(config, mapping, names_of(work_folder), work_folder, queries, chosen_executor(config))


def build_migration_definitions(
    config: MigrationConfig,
    mapping: Mapping | None = None,
    *,
    key_prefix: str | Sequence[str] = (),
    group_prefix: str = "",
    resources: GivenResources | None = None,
    api_key_variable: str = "",
    sync_schedule: str = "",
) -> dg.Definitions:
    """A migration as a part of somebody else's Dagster project: `Definitions.merge` puts it beside what is there.

    Its runs are in the project's own instance. Commands find them where DAGSTER_HOME is the project's.

    Args:
        config: the settings; each migration of a project needs a `work_dir` of its own.
        mapping: what becomes what; None: what the settings name, or else the work folder's own, or else the preset.
        key_prefix: stands before the keys of the assets, and the names of jobs, sensors, schedules and resources: one
            word, or several. Without it a second migration would have the same names.
        group_prefix: stands before the names of the assets' groups.
        resources: the project's own instead of ours, by our names: `source`, `weaviate` or `batches`. A text is the key
            that the project knows one by. `weaviate` may be any that has `get_client()`, as dagster-weaviate's has;
            then `config.weaviate_url` says where that is, for alerts and the report.
        api_key_variable: the variable of the environment that has the server's key when a run begins; by default
            WEAVIATE_MIGRATION_API_KEY, where the settings have a key.
        sync_schedule: when the job `sync` runs, as cron has it, once the schedule is turned on; empty: there is none.

    Raises:
        ConfigurationError: a prefix that Dagster refuses, a resource that is none of these, a file of alerts or logs
            that cannot be had, an executor that is not installed.
        MappingError: the mapping file is wrong, or a collection would have the name of something of ours.
    """
    work_folder = WorkFolder.of(config)
    names = DagsterNames.prefixed(key_prefix, group_prefix)
    key = api_key_variable or _own_key_variable(config)
    found = mapping or current_mapping(config, work_folder)
    executor = chosen_executor(config)
    made = own_resources(config, found, names, work_folder, key, executor.processes)
    made[names.of(WORK_FOLDER)] = noted_work_folder(work_folder, names)
    made |= project_resources(resources or {}, names, config)
    configure_run_logging(config.log_level, config.log_file)
    queries = work_folder.queries.current(config.queries, found)
    return _definitions(config, found, names, queries, made, key, executor, sync_schedule)


@functools.lru_cache(maxsize=4)
def asset_graph(mapping: Mapping, names: DagsterNames, partitions: int, queries: Queries = NO_QUERIES) -> AssetGraph:
    """The graph of the assets and checks that a mapping makes, and the application's queries, if there are any.

    Args:
        partitions: into how many its tables are cut.
    """
    assets, checks = _assets_and_checks(mapping, names, partitions, queries)
    return graph_of([*assets, *checks])


@functools.lru_cache(maxsize=4)
def _assets_and_checks(
    mapping: Mapping, names: DagsterNames, partitions: int, queries: Queries, source_tags: SourceTags = ()
) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """Those that a mapping makes; made once, for a run and for what is told of it, since they take their time."""
    with _without_maturity_warnings():
        assets = build_assets(mapping, names, partitions, queries, source_tags)
        return assets, list(build_checks(mapping, names, partitions, queries))


@contextmanager
def _without_maturity_warnings() -> Iterator[None]:
    """What we use of Dagster's beta and preview parts is held by tests; users can do nothing about its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield


def _project_of_our_own(
    config: MigrationConfig,
    mapping: Mapping,
    names: DagsterNames,
    work_folder: WorkFolder,
    queries: Queries,
    executor: ChosenExecutor,
) -> dg.Definitions:
    """The definitions of a project that has nothing else: it may say how any run is executed and logged."""
    key = _own_key_variable(config)
    resources = own_resources(config, mapping, names, work_folder, key, executor.processes)
    loggers = {"console": dg.colored_console_logger, "records": records_logger}
    of_project = dg.Definitions(executor=executor.definition, loggers=loggers)
    return dg.Definitions.merge(_definitions(config, mapping, names, queries, resources, key, executor), of_project)


def _own_key_variable(config: MigrationConfig) -> str:
    """The variable that a run has the server's key from; empty where the settings have none."""
    return API_KEY_VARIABLE if config.weaviate_api_key else ""


@_without_maturity_warnings()
def _definitions(
    config: MigrationConfig,
    mapping: Mapping,
    names: DagsterNames,
    queries: Queries,
    resources: dict[str, Any],
    api_key_variable: str,
    executor: ChosenExecutor,
    sync_schedule: str = "",
) -> dg.Definitions:
    """What a migration needs of a project: nothing that is about the project's other runs."""
    work_folder = WorkFolder.of(config)
    jobs = build_jobs(mapping, names, work_folder.path, executor)
    partitions = work_folder.records.partitions(config.partitions)
    assets, checks = _assets_and_checks(mapping, names, partitions, queries, executor.source_tags)
    sync = jobs[SYNC]
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=list(jobs.values()),
        sensors=[
            build_change_sync_sensor(mapping, names, work_folder, sync),
            *_alert_sensors(config, mapping, names, partitions, queries, api_key_variable),
        ],
        schedules=[build_sync_schedule(names, sync, sync_schedule)] if sync_schedule else [],
        resources=resources,
    )


def _alert_sensors(
    config: MigrationConfig,
    mapping: Mapping,
    names: DagsterNames,
    partitions: int,
    queries: Queries,
    api_key_variable: str,
) -> list[dg.SensorDefinition]:
    """None where no alerts are configured."""
    if (settings := configured_alerts(config)) is None:
        return []
    own = OwnRuns.of(mapping, names, config.work_dir)
    return build_alert_sensors(
        config, settings, own, api_key_variable, functools.partial(asset_graph, mapping, names, partitions, queries)
    )


@functools.cache
def job_for_run(
    name: str,
    mapping_digest: str,
    work_dir: str,
    partitions: int,
    storage: str,
    with_api_key: bool,
    executor: str,
    vector_cache: str | None = None,
    max_embedding_calls: int | None = None,
    key_prefix: str = "",
    group_prefix: str = "",
    queries_digest: str = "",
    state_url: str = "",
) -> dg.JobDefinition:
    """One of the jobs, for this work folder and a mapping that is kept in it: child processes make it again from these.

    Dagster asks for it some ten times in each run, and the definitions take a third of a second.

    Args:
        name: without its prefix.
        executor: a `ChosenExecutor` as JSON.
        key_prefix: its parts, with slashes between them.
        queries_digest: of the application's queries that are kept there: with others it is another job.
    """
    config = MigrationConfig(
        sqlite_url="",
        work_dir=Path(work_dir),
        state_url=state_url,
        partitions=partitions,
        storage=storage,
        vector_cache=vector_cache,
        max_embedding_calls=max_embedding_calls,
        weaviate_api_key=API_KEY_VARIABLE if with_api_key else None,
    )
    work_folder = WorkFolder.of(config)
    mapping = work_folder.mappings.read(mapping_digest)
    assert mapping is not None, "whoever runs a job keeps its mapping first"
    names = DagsterNames(tuple(filter(None, key_prefix.split("/"))), group_prefix)
    queries = work_folder.queries.read() if queries_digest else NO_QUERIES
    chosen = ChosenExecutor.model_validate_json(executor)
    return _project_of_our_own(config, mapping, names, work_folder, queries, chosen).resolve_job_def(names.of(name))
