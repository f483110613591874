"""Notes whose migration has alerts, by the command line and by the sensors of Dagster's daemon."""

from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.defs.build import build_definitions
from weaviate_migration_tests.live.command_line import Ended, at, run_here
from weaviate_migration_tests.live.notes import NoteMigration
from weaviate_migration_tests.monitoring.alerts.receiver import Receiver, alerts_file


@dataclass(frozen=True)
class AlertedNotes:
    """A migration of notes, who is told of what goes wrong with it, and the instance its runs are in."""

    notes: NoteMigration
    receiver: Receiver
    instance: dg.DagsterInstance

    def with_thresholds(self, **thresholds: float) -> MigrationConfig:
        """The settings, with a file of alerts that has these thresholds and no others that can be met."""
        path = alerts_file(self.notes.folder / "alerts.yaml", self.receiver.url, **thresholds)
        return self.notes.config.model_copy(update={"alerts": path})

    @cached_property
    def _options(self) -> list[object]:
        return ["--mapping", self.notes.mapping, "--work-dir", self.notes.work_dir, *at(self.notes.server)]

    def migrate(self, *more: object, **thresholds: float) -> Ended:
        return self.notes.migrate("--alerts", self.with_thresholds(**thresholds).alerts, *more)

    def run(self, command: str, *more: object, **thresholds: float) -> Ended:
        """A command that knows its source from the record."""
        return run_here(command, *self._options, "--alerts", self.with_thresholds(**thresholds).alerts, *more)

    def look(self, config: MigrationConfig | None = None, **thresholds: float) -> str:
        """One evaluation of the sensor of what is so at the moment; what it says in the UI."""
        sensor = self._sensor("state_alerts", config or self.with_thresholds(**thresholds))
        with dg.build_sensor_context(instance=self.instance) as context:
            answer = sensor(context)
        assert isinstance(answer, dg.SkipReason)
        return str(answer.skip_message)

    def sensors_of_runs(self) -> "RunSensors":
        """The sensors of runs that end from now on."""
        return RunSensors(self)

    def _sensor(self, name: str, config: MigrationConfig) -> dg.SensorDefinition:
        return build_definitions(config).resolve_sensor_def(name)


class RunSensors:
    """The daemon's part: evaluates the sensors of runs again and again, each from where it was."""

    def __init__(self, alerted: AlertedNotes) -> None:
        config = alerted.with_thresholds()
        names = ("succeeded_run_alerts", "failed_run_alerts")  # The daemon may evaluate them in any order.
        self._instance = alerted.instance
        self._sensors = [build_definitions(config).resolve_sensor_def(name) for name in names]
        self._cursors: dict[str, str | None] = dict.fromkeys(names)
        self.evaluate()

    def evaluate(self) -> None:
        for sensor in self._sensors:
            context = dg.build_sensor_context(instance=self._instance, cursor=self._cursors[sensor.name])
            for reaction in sensor.evaluate_tick(context).dagster_run_reactions or ():
                assert reaction.error is None, reaction.error
            self._cursors[sensor.name] = context.cursor
