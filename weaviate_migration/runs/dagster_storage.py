"""The storage that our `dagster.yaml` names: Dagster's own SQLite files, with connections that stay open.

Same files, same tables: Dagster's own classes find everything in them, before, after and beside it.
"""

import functools
import logging
import os
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData

from weaviate_migration.base.errors import ConfigurationError

# Those that `weaviate_migration_tests/runs/` has passed with.
TESTED_VERSIONS = frozenset({"1.13.27", "1.13.28", "1.13.29"})
# More than a run has planned events, or an asset partitions: they come together, and are stored together.
EVENTS_IN_A_BATCH = "10000"
# Each says where runs, events or schedules are stored.
_STORAGE_SETTINGS = {"storage", "run_storage", "event_log_storage", "schedule_storage", "instance_class"}

logger = logging.getLogger(__name__)


class PooledSqliteStorage(DagsterSqliteStorage):
    """Runs, events and schedules in Dagster's SQLite files; its `base_dir` is Dagster's home.

    Each home's `dagster.yaml` names this module and this class: under other names, homes of before cannot be opened.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Here, since another version of Dagster may not have the private parts that it imports.
        from weaviate_migration.runs.sqlite_storages import (
            PooledEventLogStorage,
            PooledRunStorage,
            PooledScheduleStorage,
        )

        # Not Dagster's own `__init__`, which would open its own storages first.
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]
        self.base_dir = base_dir
        self._inst_data = inst_data
        self._run_storage = PooledRunStorage.from_local(_runs_directory(base_dir))
        self._event_log_storage = PooledEventLogStorage(_event_logs_directory(base_dir))
        self._schedule_storage = PooledScheduleStorage.from_local(_schedule_directory(base_dir))

    @classmethod
    def from_config_value(  # type: ignore[override]  # another class may be the answer
        cls, inst_data: ConfigurableClassData, config_value: Any
    ) -> DagsterSqliteStorage:
        """This storage, or Dagster's own where the installed Dagster is not a version that this was tested with."""
        if dg.__version__ not in TESTED_VERSIONS:
            _tell_of_version(dg.__version__)
            return DagsterSqliteStorage.from_local(inst_data=inst_data, **config_value)
        # Dagster asks for it with each event; there is no other way to say so.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_IN_A_BATCH)
        return cls.from_local(inst_data=inst_data, **config_value)


def _named_as(base_dir: Any) -> dict[str, Any]:
    """The setting of a `dagster.yaml` that names this storage."""
    return {
        "custom": {
            "module": PooledSqliteStorage.__module__,
            "class": PooledSqliteStorage.__name__,
            "config": {"base_dir": base_dir},
        }
    }


# Not the folder itself: a home may be moved.
_IN_DAGSTER_HOME = {"storage": _named_as({"env": "DAGSTER_HOME"})}
STORAGE_LINES = f"""\
# Runs and events are stored in Dagster's own SQLite files, which are kept open: an event takes a tenth of the time.
# Without the package weaviate_migration, remove these lines: Dagster then opens the same files by itself.
{yaml.safe_dump(_IN_DAGSTER_HOME, sort_keys=False)}"""


def storage_override(home: Path) -> dict[str, Any]:
    """What an instance of this home is opened with: this storage, unless its `dagster.yaml` names another one.

    Raises:
        ConfigurationError: the file is not YAML.
    """
    file = home / "dagster.yaml"
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not YAML: {error}", "Correct it, or name another DAGSTER_HOME.") from None
    named = {name: settings[name] for name in _STORAGE_SETTINGS & settings.keys()}
    return {"storage": _named_as(str(home))} if named in ({}, _IN_DAGSTER_HOME) else {}


@functools.cache
def _tell_of_version(version: str) -> None:
    """Once in a process."""
    logger.warning(
        "Dagster %s is not a version that the quick storage of runs was tested with (%s): Dagster's own is used.",
        version,
        ", ".join(sorted(TESTED_VERSIONS)),
    )
