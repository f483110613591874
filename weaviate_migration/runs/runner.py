"""Runs one of the Dagster jobs in this process, stored in the instance as a run from the UI would be."""

import logging
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Self

import dagster as dg
import psutil
from dagster._core.instance.ref import InstanceRef

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.partitions import partition_keys
from weaviate_migration.base.permissions import make_folder
from weaviate_migration.base.settings import API_KEY_VARIABLE, MigrationConfig, dagster_home
from weaviate_migration.base.storage import is_writable, nearest_existing, storage_errors
from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.awaited_run import AwaitedRuns
from weaviate_migration.runs.dagster_storage import STORAGE_LINES, storage_override
from weaviate_migration.runs.events import last_tries, was_interrupted
from weaviate_migration.runs.executors import ChosenExecutor
from weaviate_migration.runs.fork_server import own_step_processes
from weaviate_migration.runs.jobs import JOBS_OF_ONE_STEP, VERIFY_LIVE, executor_of, new_snapshot
from weaviate_migration.runs.names import BATCHES, SOURCE, WEAVIATE, DagsterNames
from weaviate_migration.runs.run_order import RunOrder
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)

# Which process a run belongs to: a run of one that is gone was killed, and would stay "in progress" for ever.
PROCESS_TAG = "weaviate_migration/process"
# Of which machine: several may share one instance of Dagster, and a process is known on its own only.
MACHINE_TAG = "weaviate_migration/machine"
# Of a migration in several runs: the call that makes them, and as JSON in how many of them each phase is.
COMMAND_TAG = "weaviate_migration/command"
PHASES_TAG = "weaviate_migration/phases"
# Several work folders may share one DAGSTER_HOME.
WORK_DIR_TAG = "weaviate_migration/work_dir"

UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]

_DAGSTER_YAML = """\
# Nothing is sent to anybody, and the UI opens without a welcome dialog.
telemetry:
  enabled: false
nux:
  enabled: false
# One step at a time has models make vectors: several would pass a service's limits, or take each other's cores.
concurrency:
  pools:
    default_limit: 1
# On the terminal Dagster's own records are shown from here on only; all are stored.
python_logs:
  python_log_level: INFO
"""
_NEW_HOME = _DAGSTER_YAML + STORAGE_LINES

# Dagster would copy what a run of ours prints into files, which takes four processes a step: after Ctrl-C two of them
# leave a stack trace each on the terminal. Our log records are events of the run, and so are errors.
_NO_COPIES = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


class JobRun(NamedTuple):
    """A run that has ended, or several that are one to who asked for them; whether one failed is in the events.

    Attributes:
        run_id: of the last one.
        events: of all of them, in their order.
        earlier: the ids of those before the last one.
    """

    run_id: str
    events: list[dg.DagsterEvent]
    earlier: tuple[str, ...] = ()

    @property
    def run_ids(self) -> tuple[str, ...]:
        """Of all of them."""
        return (*self.earlier, self.run_id)

    def followed_by(self, later: Self) -> "JobRun":
        """These, and then those."""
        return JobRun(later.run_id, [*self.events, *later.events], (*self.run_ids, *later.earlier))


@contextmanager
def dagster_instance(work_dir: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance: that of DAGSTER_HOME, or else one in the work folder, which is made.

    Raises:
        ConfigurationError: its folder cannot be made.
        StorageError: its disk is full, or may not be written to.
    """
    home = dagster_home(work_dir)
    settings = home / "dagster.yaml"
    try:
        make_folder(home)
        if not settings.exists():
            replace_file(settings, _NEW_HOME)
    except OSError as error:
        raise ConfigurationError(
            f"Dagster's home {home} cannot be made: {error.strerror}.", "Name another one: DAGSTER_HOME, or --work-dir."
        ) from error
    with _opened(home) as instance:
        yield instance


@contextmanager
def dagster_instance_to_read(work_dir: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance, for who only reads what it has stored: also from a disk that is full, or may not be written.

    SQLite needs files beside its own to read them. Where they cannot be made, the home's files are copied.

    Raises:
        ConfigurationError: the home cannot be made, since its path leads through a file.
        StorageError: nor can the copy be written, in the system's folder for temporary files.
    """
    home = dagster_home(work_dir)
    if is_writable(home) or not nearest_existing(home).is_dir():
        with dagster_instance(work_dir) as instance:
            yield instance
        return
    with TemporaryDirectory(prefix="weaviate_migration_") as folder, _opened(_copied(home, Path(folder))) as instance:
        yield instance


def _copied(home: Path, folder: Path) -> Path:
    """A copy of what runs, events and ticks are stored in; of a home that is not there, an empty one."""
    with storage_errors(folder):
        for pattern in ("dagster.yaml", "history/**/*", "schedules/**/*"):
            for file in filter(Path.is_file, home.glob(pattern)):
                copy = folder / file.relative_to(home)
                make_folder(copy.parent)
                shutil.copyfile(file, copy)
        if not (folder / "dagster.yaml").exists():
            replace_file(folder / "dagster.yaml", _NEW_HOME)
    return folder


@contextmanager
def _opened(home: Path) -> Iterator[dg.DagsterInstance]:
    overrides = _NO_COPIES | storage_override(home)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides)) as instance:
        try:
            yield instance
        finally:
            if (schedules := instance.schedule_storage) is not None:
                schedules.dispose()  # Dagster closes all of its storages but this one.


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs of the assets that a mapping makes.

    Args:
        config: the settings of the runs.
        mapping: it is kept in the work folder, where the runs' processes find it, whatever becomes of its file.
        names: under which Dagster knows jobs and assets.
        executor: of the steps of jobs that have several.
        tags: that all of the runs have besides.
        is_begun: other runs of the same command came before.
    """

    instance: dg.DagsterInstance
    config: MigrationConfig
    mapping: Mapping
    names: DagsterNames
    executor: ChosenExecutor
    tags: dict[str, str] = field(default_factory=dict)
    is_begun: bool = False

    @cached_property
    def work_folder(self) -> WorkFolder:
        """That of the settings."""
        return WorkFolder.of(self.config)

    def run(
        self, job: str, selection: Sequence[dg.AssetKey] | None = None, ops: dict[str, Any] | None = None
    ) -> JobRun:
        """Runs a job.

        Args:
            job: its name, without a prefix.
            selection: the assets to materialize; None for all of the job.
            ops: config of single steps, by name.

        Raises:
            ConfigurationError: workers are to carry out the steps, and there are none.
            WorkerLostError: nobody takes the steps that are handed out, or who had one is gone, too often.
            KeyboardInterrupt: Ctrl-C, or SIGTERM.
        """
        executor = executor_of(job, self.executor)
        order = self.order(job, executor, selection, ops)
        if executor.is_elsewhere:
            return self.made(self.awaited(executor).make([order]))
        config = self.config
        if config.executor is None and config.enable_parallel_processing and config.processes == 1:
            logger.info("--parallel: this machine has no cores to gain by it; collections are loaded one by one")
        with own_step_processes():
            result = order.execute(self.instance)
        return _uninterrupted(JobRun(result.run_id, list(result.all_events)))

    def awaited(self, executor: ChosenExecutor) -> AwaitedRuns:
        """Has runs made in processes of their own, and waits for them."""
        return AwaitedRuns(self.instance, self.work_folder, executor, is_begun=self.is_begun)

    def made(self, run_ids: Sequence[str]) -> JobRun:
        """Runs that were made in processes of their own; raises KeyboardInterrupt where one was interrupted there."""
        events = [event for run_id in run_ids for event in last_tries(self._stored(run_id))]
        return _uninterrupted(JobRun(run_ids[-1], events, tuple(run_ids[:-1])))

    def _stored(self, run_id: str) -> list[dg.DagsterEvent]:
        entries = self.instance.all_logs(run_id)
        return [entry.dagster_event for entry in entries if entry.dagster_event is not None]

    def order(
        self,
        job: str,
        executor: ChosenExecutor,
        selection: Sequence[dg.AssetKey] | None = None,
        ops: dict[str, Any] | None = None,
        partitions: Sequence[str] = (),
        checks: Sequence[dg.AssetCheckKey] | None = None,
        *,
        side_by_side: int = 1,
    ) -> RunOrder:
        """A run, to be made.

        Args:
            executor: of the run's steps.
            partitions: the keys of those that it is about, one after the other; all, where none is named.
            checks: to run; None for all of the assets.
            side_by_side: so many such runs are under way at a time.
        """
        config, work_folder = self.config, self.work_folder
        work_folder.mappings.keep(self.mapping)
        number = work_folder.records.partitions(config.partitions)
        return RunOrder(
            job={
                "name": job,
                "mapping_digest": self.mapping.digest,
                "work_dir": str(config.work_dir.absolute()),
                "state_url": config.state_url,
                "partitions": number,
                "storage": config.storage,
                "vector_cache": _text(work_folder.vector_cache),
                "max_embedding_calls": config.max_embedding_calls,
                "with_api_key": config.weaviate_api_key is not None,
                "executor": executor.model_dump_json(),
                "key_prefix": "/".join(self.names.key_prefix),
                "group_prefix": self.names.group_prefix,
                "queries_digest": work_folder.queries.read().digest,
            },
            run_config=_run_config(config, self.names, job, executor, side_by_side) | ({"ops": ops} if ops else {}),
            tags=_tags(config, job, partitions or partition_keys(number)) | self.tags,
            selection=None if selection is None else tuple(tuple(each.path) for each in selection),
            checks=None if checks is None else tuple((tuple(each.asset_key.path), each.name) for each in checks),
        )


def _uninterrupted(run: JobRun) -> JobRun:
    if was_interrupted(run.events):
        raise KeyboardInterrupt
    return run


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks the runs of processes that are gone as failed, frees their pool slots, and returns their ids."""
    killed = [run for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) if was_killed(run)]
    for run in killed:
        instance.report_run_failed(run, "The process of this run is gone: it was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in killed]


def was_killed(run: dg.DagsterRun) -> bool:
    """Whether the process of a run that has not ended is gone.

    Never of a run from the UI, which names none, nor of one of another machine, where nobody here can look.
    """
    if run.tags.get(MACHINE_TAG, platform.node()) != platform.node():
        return False
    tag = run.tags.get(PROCESS_TAG)
    return tag is not None and tag != _process_tag(int(tag.partition("@")[0]))


def newest_run_of_process(instance: dg.DagsterInstance, pid: int, since: datetime) -> dg.DagsterRun | None:
    """The newest of the runs that a process has begun after a moment, whether it has ended or not."""
    begun = dg.RunsFilter(tags={PROCESS_TAG: _process_tag(pid)}, created_after=since)
    return next(iter(instance.get_runs(begun, limit=1)), None)


def process_tags() -> dict[str, str]:
    """Those of a run that this process has made: whether it was killed can be told by them."""
    return {PROCESS_TAG: _process_tag(os.getpid()), MACHINE_TAG: platform.node()}


def _process_tag(pid: int) -> str:
    """The process and its start: a number alone may belong to another process by now."""
    try:
        return f"{pid}@{psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""


def _tags(config: MigrationConfig, job: str, keys: Sequence[str]) -> dict[str, str]:
    tags = {**process_tags(), WORK_DIR_TAG: str(config.work_dir.absolute())}
    if job not in JOBS_OF_ONE_STEP:  # These are about no partitions.
        tags["dagster/asset_partition_range_start"] = keys[0]
        tags["dagster/asset_partition_range_end"] = keys[-1]
    return tags


def _run_config(
    config: MigrationConfig, names: DagsterNames, job: str, executor: ChosenExecutor, side_by_side: int
) -> dict[str, Any]:
    """The settings as the run's config, where the UI shows them; the key is not among them."""
    # The key is named, not given: without a word on it here, Dagster would forget the one of the definitions.
    api_key = {"env": API_KEY_VARIABLE} if config.weaviate_api_key else None
    weaviate = {
        "url": config.weaviate_url,
        "prefix": config.prefix,
        "grpc_port": config.grpc_port,
        "grpc_host": config.grpc_host,
        "consistency_level": config.consistency_level,
        "api_key": api_key,
    }
    return {
        **(new_snapshot(names) if job == VERIFY_LIVE else {}),
        "execution": {"config": executor.run_config},
        "loggers": {
            "records": {
                "config": {"level": config.log_level, "file": _text(config.log_file) or "", "format": config.log_format}
            }
        },
        "resources": {
            names.of(SOURCE): {"config": {"url": config.sqlite_url, "allow_pause": config.allow_pause}},
            names.of(WEAVIATE): {"config": {name: value for name, value in weaviate.items() if value is not None}},
            names.of(BATCHES): {
                "config": {
                    "batch_size": config.batch_size,
                    # The requests under way at once are so many in all, whatever runs and processes send them.
                    "worker_count": max(1, config.worker_count // (side_by_side * executor.processes)),
                    "max_retries": config.max_retries,
                    "retry_delay": config.retry_delay,
                    "memory_limit_mb": config.memory_limit_mb,
                    "sample_size": config.validation_sample_size,
                    "keep_changes": config.keep_changes,
                    "keep_hours": config.keep_hours,
                }
            },
        },
    }


def _text(path: Path | str | None) -> str | None:
    return str(path.absolute()) if isinstance(path, Path) else path
