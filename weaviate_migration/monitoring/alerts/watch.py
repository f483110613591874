"""Looks every few seconds while a command runs, in a thread beside it, and once more when it has ended.

Alerts never make a command fail: what goes wrong with them is a warning in its log.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.monitoring.alerts.conditions import Condition, Judgement, Kind, judge
from weaviate_migration.monitoring.alerts.configuration import AlertSettings, read_alert_settings
from weaviate_migration.monitoring.alerts.incidents import IncidentBook
from weaviate_migration.monitoring.alerts.observations import observe
from weaviate_migration.monitoring.alerts.under_way import (
    PROGRESS_WRITERS,
    Command,
    UnderWay,
    commands_elsewhere,
    commands_under_way,
    noted,
)
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
LONGEST_TEXT = 1_000


class Watch:
    """One command under watch.

    Args:
        config: its settings.
        settings: those of its alerts; None: nobody is told, and nothing is looked at.
        name: of the command.
    """

    def __init__(self, config: MigrationConfig, settings: AlertSettings | None, name: str) -> None:
        self._config = config
        self._settings = settings
        self._name = name
        self._end = Judgement()
        self._book = IncidentBook(WorkFolder.of(config), settings.named_channels() if settings is not None else ())

    def conclude(self, exit_code: int, errors: str = "", run: Callable[[], Judgement] | None = None) -> None:
        """What became of the command.

        Args:
            errors: why it failed.
            run: judges its run of a job and the checks; None where it did not get so far.
        """
        if self._settings is not None:
            with _never_in_the_way():
                self._end = run() if run is not None else _of_command(self._name, exit_code, errors)

    def look(self) -> None:
        """Looks at everything, and tells what is new."""
        with _never_in_the_way():
            self._settle(Judgement())

    def end(self) -> None:
        """The last look: what the command was about is over, or is told."""
        with _never_in_the_way():
            self._settle(self._end)

    def _settle(self, known: Judgement) -> None:
        if self._settings is None:
            return
        seen = observe(self._config, UnderWay(all_under_way(self._config)), progress=self._name in PROGRESS_WRITERS)
        self._book.settle(known + judge(seen, self._settings))


def alert_folder(config: MigrationConfig) -> Path:
    """What the alerts of a work folder keep in files: which commands are under way."""
    return config.work_dir.absolute() / "alerts"


def commands_folder(folder: Path) -> Path:
    """Where commands note that they are under way, in the folder of the alerts."""
    return folder / "under_way"


def all_under_way(config: MigrationConfig) -> tuple[Command, ...]:
    """The commands that work with these migrations, on whichever machine."""
    here = commands_under_way(commands_folder(alert_folder(config)))
    return here + commands_elsewhere(WorkFolder.of(config), here)


def configured_alerts(config: MigrationConfig) -> AlertSettings | None:
    """The alerts that are configured; None where there are none.

    Raises:
        ConfigurationError: the file is wrong.
    """
    if config.alerts is None:
        return None
    return read_alert_settings(config.alerts).for_memory_limit(config.memory_limit_mb)


@contextmanager
def watched(config: MigrationConfig, name: str | None) -> Iterator[Watch]:
    """Watches a command while the block runs, where alerts are configured.

    Args:
        name: of the command, as in `under_way`; None: nobody is told of it.

    Raises:
        ConfigurationError: the file of the alerts is wrong.
    """
    settings = configured_alerts(config) if name is not None else None
    if name is None or settings is None:
        yield Watch(config, None, "")
        return
    watch = Watch(config, settings, name)
    stopped = threading.Event()
    thread = threading.Thread(target=_look_until, args=(stopped, watch), name="alerts", daemon=True)
    try:
        with noted(commands_folder(alert_folder(config)), name):
            thread.start()
            try:
                yield watch
            except ConfigurationError:  # Nothing was begun, and who gave the settings reads why.
                raise
            except Exception as error:
                watch.conclude(1, str(error) or type(error).__name__)
                raise
            finally:
                stopped.set()
                thread.join()
    finally:
        watch.end()


def _look_until(stopped: threading.Event, watch: Watch) -> None:
    while not stopped.wait(LOOK_SECONDS):
        watch.look()


@contextmanager
def _never_in_the_way() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.warning("Alerts cannot be judged: %s: %s", type(error).__name__, error)
        logger.debug("Where alerts failed:", exc_info=True)


def _of_command(name: str, exit_code: int, errors: str) -> Judgement:
    """A command that ran no job. A command whose settings were refused has said why to the person who typed it."""
    if exit_code == ConfigurationError.exit_code:
        return Judgement()
    failed = (run_failed(name, f"`weaviate-migration {name}` failed", errors),) if exit_code else ()
    return Judgement(failed, keys=frozenset({(Kind.RUN_FAILED, name)}))


def run_failed(name: str, title: str, errors: str) -> Condition:
    """The condition that a command, or a run of a job, has failed."""
    return Condition(Kind.RUN_FAILED, title, errors[:LONGEST_TEXT], name)
