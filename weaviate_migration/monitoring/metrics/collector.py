"""The collector: gathers all metrics when Prometheus asks, from the work folder and from the server."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.monitoring.metrics.catalogue import Family, family
from weaviate_migration.monitoring.metrics.machine_families import disk_families, process_families, server_families
from weaviate_migration.monitoring.metrics.migration_families import (
    check_families,
    load_families,
    progress_families,
    sync_families,
    vector_families,
)
from weaviate_migration.monitoring.metrics.readings import is_server_wanted
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)

# Walking through the folder of a large server takes longer than all the rest.
SECONDS_BETWEEN_DISK_WALKS = 15.0

Part = Callable[[], Iterable[Family]]


class MigrationCollector(Collector):
    """All metrics of a work folder's migration.

    A part that cannot be had (a locked source, a folder that goes away) is left out, and `scrape_failed` says which.

    Args:
        config: names work folder and server.
    """

    def __init__(self, config: MigrationConfig) -> None:
        self._config = config
        self._work_folder = WorkFolder.of(config)
        self._lock = threading.Lock()
        self._disk: list[Family] = []
        self._walked_at = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """What there is now; threads that ask are served one after the other."""
        with self._lock:
            families = self._gather()
        yield from families

    def _gather(self) -> list[Family]:
        found: list[Family] = []
        failed: dict[str, bool] = {}
        for name, part in self._parts().items():
            try:
                found.extend(part())
                failed[name] = False
            except Exception as error:
                failed[name] = True
                logger.debug("no metrics of %s: %s", name, error, exc_info=True)
        return [*found, family("scrape_failed", [((name,), is_failed) for name, is_failed in failed.items()])]

    def _parts(self) -> dict[str, Part]:
        """What there is to ask; of a work folder that is not there yet only what is not in it, and it is not made."""
        folder, config = self._work_folder, self._config
        if not folder.path.is_dir():
            outside: dict[str, Part] = {"processes": lambda: process_families(config, folder)}
            if is_server_wanted(config, folder):
                outside["server"] = lambda: server_families(config, folder, None)
            return outside
        record = folder.records.newest_in_use()
        parts: dict[str, Part] = {
            "progress": lambda: progress_families(folder),
            "sync": lambda: sync_families(folder),
            "processes": lambda: process_families(config, folder),
            "disk": self._disk_families,
            "server": lambda: server_families(config, folder, record),
        }
        if record is not None:
            parts["loads"] = lambda: load_families(folder, record)
            parts["vectors"] = lambda: vector_families(folder, record)
            parts["checks"] = lambda: check_families(folder, record)
        return parts

    def _disk_families(self) -> list[Family]:
        if time.monotonic() - self._walked_at >= SECONDS_BETWEEN_DISK_WALKS:
            self._disk = list(disk_families(self._work_folder))
            # A folder with nothing in it yet takes no time to walk through, and fills soon.
            if all(each.samples for each in self._disk):
                self._walked_at = time.monotonic()
        return self._disk
