"""What is looked at: progress, the lag of the change log, memory, disks, and the server. Nothing is started for it."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.errors import MigrationError, ServerNotUsableError, SourceBusyError
from weaviate_migration.base.repeats import NO_REPEATS
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.storage import free_bytes
from weaviate_migration.monitoring.alerts.under_way import UnderWay
from weaviate_migration.phases.dual_write.lag import standing
from weaviate_migration.target.connect import open_running_weaviate
from weaviate_migration.target.figures import ServerHealth, server_health
from weaviate_migration.target.weaviate_url import EmbeddedTarget, configured_target
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.progress import Progress, read_progress
from weaviate_migration.work_folder.sync_positions import Standing


@dataclass(frozen=True)
class Observations:
    """What was seen; None where something was not looked at, or does not tell.

    Attributes:
        at: when, in seconds since 1970.
        progress: of what is under way.
        lag: how far the migration is behind, or why that cannot be told.
        memory_mb: resident memory of the largest process that is under way; 0 where none is.
        free_disk_mb: left on the disk of the work folder.
        server_disk_percent: used of the disk with an embedded server's data.
    """

    at: float
    work_folder: Path
    progress: tuple[Progress, ...] | None = None
    lag: Standing | str | None = None
    memory_mb: float | None = None
    free_disk_mb: float | None = None
    server: ServerHealth | None = None
    server_disk_percent: float | None = None


def observe(config: MigrationConfig, under_way: UnderWay, *, progress: bool, at: float | None = None) -> Observations:
    """Looks at everything.

    Args:
        under_way: progress is read of what that is, and no lag while something is being loaded.
        progress: whether `under_way` has all that writes progress: else that is not looked at.
        at: seconds since 1970; None is now.
    """
    work_folder = WorkFolder.of(config)
    return Observations(
        at=time.time() if at is None else at,
        work_folder=work_folder.path,
        progress=_progress(work_folder, under_way) if progress else None,
        lag=None if under_way.is_loading else _standing(work_folder),
        memory_mb=under_way.memory_mb(),
        free_disk_mb=free_bytes(work_folder.path) / 1024**2,
        server=_server(config, work_folder),
        server_disk_percent=_server_disk_percent(config, work_folder),
    )


def _progress(work_folder: WorkFolder, under_way: UnderWay) -> tuple[Progress, ...]:
    since = under_way.progress_since
    if since is None:
        return ()
    return tuple(each for each in read_progress(work_folder.store) if each.began_at >= since)


def _standing(work_folder: WorkFolder) -> Standing | str | None:
    """How far the newest migration in use is behind, or why that cannot be known; None where it is not followed."""
    record = work_folder.records.newest_in_use()
    if record is None or work_folder.sync_positions.read(record.id) is None:
        return None
    try:
        return standing(work_folder, record)
    except SourceBusyError:
        return None
    except MigrationError as error:
        return str(error)


def _server(config: MigrationConfig, work_folder: WorkFolder) -> ServerHealth | None:
    """How the server is. Of an embedded one that does not answer, nothing: commands start it, and stop it."""
    target = configured_target(config)
    record = work_folder.records.newest_in_use()
    collections = tuple(record.targets.values()) if record is not None else ()
    try:
        with open_running_weaviate(target, work_folder.path, config.weaviate_api_key, NO_REPEATS) as client:
            return server_health(client, collections)
    except ServerNotUsableError as error:
        return None if isinstance(target, EmbeddedTarget) else ServerHealth(trouble=str(error))
    except MigrationError as error:
        return ServerHealth(trouble=str(error))


def _server_disk_percent(config: MigrationConfig, work_folder: WorkFolder) -> float | None:
    target = configured_target(config)
    if not isinstance(target, EmbeddedTarget):
        return None
    folder = target.data_folder(work_folder.path)
    if not folder.is_dir():
        return None
    used = shutil.disk_usage(folder)
    return 100 * used.used / (used.used + used.free)
