"""The sensors that tell of alerts while Dagster's daemon runs; they are there where alerts are configured."""

from collections.abc import Callable, Iterator

import dagster as dg
import psutil

from weaviate_migration.base.settings import MigrationConfig, value_in_environment
from weaviate_migration.monitoring.alerts import AlertSettings, IncidentBook
from weaviate_migration.monitoring.alerts.conditions import judge
from weaviate_migration.monitoring.alerts.observations import observe
from weaviate_migration.monitoring.alerts.run_conditions import MATERIALIZATION, command_of, concerns_us, judge_run
from weaviate_migration.monitoring.alerts.under_way import MIGRATE, Command, UnderWay
from weaviate_migration.monitoring.alerts.watch import all_under_way
from weaviate_migration.runs.checks import AssetGraph
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.runner import was_killed
from weaviate_migration.target.server_process import ProcessIdentity
from weaviate_migration.work_folder.folder import WorkFolder

SECONDS_BETWEEN_LOOKS = 30

_STARTED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])


def build_alert_sensors(
    config: MigrationConfig,
    settings: AlertSettings,
    own: OwnRuns,
    api_key_variable: str,
    graph: Callable[[], AssetGraph],
) -> list[dg.SensorDefinition]:
    """A sensor for what is so at the moment, and two for what runs came to; running as soon as the daemon does.

    Runs of other code locations are looked at too, since those from the command line belong to none.

    Args:
        own: the runs of the migration.
        api_key_variable: has the server's key when a sensor looks; empty: the server wants none.
        graph: makes the graph of the assets and checks; called when it is needed.
    """
    book = IncidentBook(WorkFolder.of(config), settings.named_channels())
    running = dg.DefaultSensorStatus.RUNNING

    def settle_run(context: dg.RunStatusSensorContext) -> None:
        if concerns_us(own, context.dagster_run):
            book.settle(judge_run(context.instance, graph(), own, context.dagster_run))

    @dg.sensor(
        name=own.names.of("state_alerts"),
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=running,
        description="Tells of a load that is slow or stalled, of lag, memory, disks, the server, and of killed runs.",
    )
    def state_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        runs = [run for run in context.instance.get_runs(_STARTED) if concerns_us(own, run)]
        commands = [*all_under_way(config), *_commands(context.instance, own, runs)]
        looking = config.model_copy(update={"weaviate_api_key": value_in_environment(api_key_variable)})
        judgement = judge(observe(looking, UnderWay(tuple(commands)), progress=True), settings)
        for run in filter(was_killed, runs):
            judgement += judge_run(context.instance, graph(), own, run)
        book.settle(judgement)
        open_now = book.open_incidents()
        return dg.SkipReason("; ".join(each.title for each in open_now) or "Nothing to tell.")

    @dg.run_failure_sensor(
        name=own.names.of("failed_run_alerts"),
        monitor_all_code_locations=True,
        default_status=running,
        description="Tells of a run that failed, and of its checks that failed, warn, or never ran.",
    )
    def failed_run_alerts(context: dg.RunFailureSensorContext) -> None:
        settle_run(context)

    @dg.run_status_sensor(
        name=own.names.of("succeeded_run_alerts"),
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitor_all_code_locations=True,
        default_status=running,
        description="Tells of checks that failed, warn, or never ran although the run succeeded; and of what is over.",
    )
    def succeeded_run_alerts(context: dg.RunStatusSensorContext) -> None:
        settle_run(context)

    return [state_alerts, failed_run_alerts, succeeded_run_alerts]


def _commands(instance: dg.DagsterInstance, own: OwnRuns, runs: list[dg.DagsterRun]) -> Iterator[Command]:
    """The runs as commands that are under way: those from the UI are noted nowhere else."""
    for run in runs:
        record = instance.get_run_record_by_id(run.run_id)
        if was_killed(run) or record is None or record.start_time is None:
            continue
        name = command_of(own, run)
        yield Command(
            name=MIGRATE if name == MATERIALIZATION else name,
            process=_process(instance, run.run_id, record.start_time),
            since=record.start_time,
        )


def _process(instance: dg.DagsterInstance, run_id: str, started: float) -> ProcessIdentity | None:
    """The process that runs it, if it is on this machine: one that is younger than the run has only its number."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_START):
        pid = entry.get_dagster_event().pid
        try:
            process = ProcessIdentity.of(pid) if pid is not None else None
        except psutil.NoSuchProcess:
            return None
        return process if process is not None and process.created <= started else None
    return None
