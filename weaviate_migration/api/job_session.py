"""The session of a command that runs one of the jobs: with logs, metrics and alerts from its beginning."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import dagster as dg

from weaviate_migration.api.server_session import ServerSession
from weaviate_migration.api.session import MappingChoice
from weaviate_migration.base.endings import Endings
from weaviate_migration.base.logs import configure_logging
from weaviate_migration.base.settings import MigrationConfig, api_key_in_environment
from weaviate_migration.defs.build import asset_graph
from weaviate_migration.monitoring.alerts.conditions import Judgement
from weaviate_migration.monitoring.alerts.run_conditions import judge_run
from weaviate_migration.monitoring.alerts.watch import Watch, watched
from weaviate_migration.monitoring.metrics.exposition import exposition
from weaviate_migration.runs.executors import ChosenExecutor, chosen_executor
from weaviate_migration.runs.jobs import step_phases
from weaviate_migration.runs.names import DagsterNames, names_of
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.parted_runs import PartedRuns
from weaviate_migration.runs.runner import (
    JobRun,
    JobRunner,
    dagster_instance,
    dagster_instance_to_read,
    end_killed_runs,
)
from weaviate_migration.runs.steps import RunSteps, phase_times
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.own_mapping import current_mapping


class JobResult(Protocol):
    """What a command that runs a job comes to."""

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""

    @property
    def run_id(self) -> str | None:
        """None where it ran no job."""

    @property
    def errors(self) -> Sequence[str]:
        """Why it failed."""


_Result = TypeVar("_Result", bound=JobResult)


@dataclass(frozen=True)
class JobSession(ServerSession):
    """One call of a command that runs jobs.

    Attributes:
        watch: tells of what goes wrong, where alerts are configured.
        executor: what runs the steps of its jobs.
    """

    watch: Watch
    executor: ChosenExecutor

    @cached_property
    def names(self) -> DagsterNames:
        """What Dagster calls the jobs and assets."""
        return names_of(self.work_folder)

    def run(
        self,
        job: str,
        selection: Sequence[dg.AssetKey] | None = None,
        ops: dict[str, Any] | None = None,
        *,
        source: Path | None = None,
        on_start: Callable[[], None] | None = None,
    ) -> JobRun:
        """Runs a job in this process, once the runs of killed processes are marked as failed.

        Args:
            selection: the assets to materialize; None for all of the job.
            ops: config of single steps, by name.
            source: the SQLite file, where it is not the one of the settings.
            on_start: called when the run begins.

        Raises:
            ConfigurationError: the folder of Dagster's instance cannot be made.
            WorkerLostError: nobody takes the steps that are handed out, or who had one is gone, too often.
            KeyboardInterrupt: Ctrl-C, or SIGTERM.
        """
        with self._runner(self._config_for(source), on_start) as runner:
            return runner.run(job, selection, ops)

    def run_parted(
        self,
        job: str,
        selection: Sequence[dg.AssetKey],
        partitions_per_task: int,
        on_start: Callable[[], None] | None = None,
    ) -> JobRun:
        """Runs a job as `run` does, in several runs: they load so many partitions each, side by side.

        Raises:
            MigrationConflictError: somebody else works with one of the collections.
        """
        with self._runner(self.config, on_start) as runner:
            return PartedRuns(runner, partitions_per_task).run(job, selection)

    def check_parted(
        self, partitions_per_task: int, *, source: Path, on_start: Callable[[], None] | None = None
    ) -> JobRun:
        """Runs all checks, in several runs: they compare so many partitions each, side by side; raises as the others.

        Args:
            source: the SQLite file.
        """
        with self._runner(self._config_for(source), on_start) as runner:
            return PartedRuns(runner, partitions_per_task).check()

    def _config_for(self, source: Path | None) -> MigrationConfig:
        return self.config.model_copy(update={"sqlite_url": str(source)}) if source else self.config

    @contextmanager
    def _runner(self, config: MigrationConfig, on_start: Callable[[], None] | None) -> Iterator[JobRunner]:
        """Runs jobs while the context lives, once the runs of killed processes are marked as failed."""
        with api_key_in_environment(config.weaviate_api_key), dagster_instance(config.work_dir) as instance:
            end_killed_runs(instance)
            if on_start:
                on_start()
            yield JobRunner(instance, config, self.mapping, self.names, self.executor)

    def phase_seconds(self, run: JobRun) -> dict[str, float]:
        """How long each phase of a run took."""
        with dagster_instance_to_read(self.config.work_dir) as instance:
            steps = [each for run_id in run.run_ids for each in RunSteps(instance, run_id).read().items()]
        phases = phase_times(steps, step_phases(self.mapping, self.names))
        return {each.name: round(each.seconds, 3) for each in phases}

    def concluded(self, result: _Result) -> _Result:
        """The same result, once it is told to those who are called for it."""
        judge = partial(self._judgement_of, result.run_id) if result.run_id is not None else None
        self.watch.conclude(result.exit_code, "\n".join(result.errors), judge)
        return result

    def _judgement_of(self, run_id: str) -> Judgement:
        with dagster_instance_to_read(self.config.work_dir) as instance:
            run = instance.get_run_by_id(run_id)
            assert run is not None, "the run has just ended"
            own = OwnRuns.of(self.mapping, self.names, self.work_folder.path)
            partitions = self.work_folder.records.partitions(self.config.partitions)
            graph = asset_graph(self.mapping, self.names, partitions, self.work_folder.queries.read())
            return judge_run(instance, graph, own, run)


@contextmanager
def opened_for_jobs(
    config: MigrationConfig,
    name: str | None,
    terminal: logging.Handler | None = None,
    choose_mapping: MappingChoice = current_mapping,
) -> Iterator[JobSession]:
    """The session of a command that runs jobs, while the context lives. At first logs, metrics and alerts are open.

    Args:
        config: the settings; the session has its own copy.
        name: of the command, as alerts know it; None: nobody is told of it.
        terminal: the handler for log records on the terminal; plain lines on standard error by default.
        choose_mapping: which mapping it works with.

    Raises:
        ConfigurationError: work folder, log file or metrics file cannot be written, the port of the metrics is taken,
            or the file of the alerts or that of the executor is wrong.
    """
    config = config.model_copy()
    executor = chosen_executor(config)
    WorkFolder.of(config).refuse_unwritable()
    configure_logging(config.log_level, config.log_file, config.log_format, terminal)
    with Endings() as parts:
        parts.enter_context(exposition(config))
        watch = parts.enter_context(watched(config, name))
        yield JobSession(config, parts, watch, executor, choose_mapping=choose_mapping)
