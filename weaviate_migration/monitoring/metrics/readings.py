"""What there is to show, read at the moment: from the work folder, and from the server. All that show it read it here.

Files that are replaced meanwhile are read as they are now or were before, and ones that go away are left out.
"""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from weaviate_migration.base.errors import ServerNotUsableError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.phases.dual_write.lag import followed_migrations, standing
from weaviate_migration.target.figures import ServerFigures, server_figures
from weaviate_migration.target.server import running_process, running_server
from weaviate_migration.target.weaviate_url import EmbeddedTarget, configured_target
from weaviate_migration.work_folder.check_results import CheckResults
from weaviate_migration.work_folder.embedded import EmbeddedPartitions
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import LoadTally
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import Standing


def load_tallies(work_folder: WorkFolder, record: MigrationRecord) -> dict[str, dict[str, LoadTally]]:
    """What was measured of the last load of each partition: by the collection's alias, and the partition."""
    store = work_folder.store
    return {alias: LoadedPartitions(store, name, "").measured() for alias, name in record.targets.items()}


def embedding_tallies(work_folder: WorkFolder, record: MigrationRecord) -> dict[str, dict[str, VectorTally]]:
    """What it took to make vectors: by the collection's alias, and the vector; without collections that have none."""
    store = work_folder.store
    found = {alias: EmbeddedPartitions(store, name).totals() for alias, name in record.targets.items()}
    return {alias: totals for alias, totals in found.items() if totals}


def verdict_counts(work_folder: WorkFolder, record: MigrationRecord) -> Counter[tuple[str, str, str]]:
    """How many of the last verdicts there are of each alias, check and outcome."""
    return Counter(
        (alias, verdict.check, verdict.outcome)
        for alias, name in record.targets.items()
        for verdict in CheckResults(work_folder.store, name).all()
    )


def followed_standings(work_folder: WorkFolder) -> dict[str, Standing]:
    """For each followed migration, by id, how far it is behind its source; also where no sync runs.

    Raises:
        MigrationError: the log cannot be read, or is not the one that was followed.
    """
    if work_folder.capture_id is None:
        return {}
    return {each.id: standing(work_folder, each) for each in reversed(followed_migrations(work_folder))}


def folder_bytes(work_folder: WorkFolder) -> dict[str, int]:
    """What each folder in the work folder takes on disk."""
    return {path.name: _bytes_in(path) for path in sorted(work_folder.path.glob("*")) if path.is_dir()}


def _bytes_in(folder: Path) -> int:
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - thousands of files, at each scrape
    return size


def server_reading(
    config: MigrationConfig, work_folder: WorkFolder, record: MigrationRecord | None
) -> ServerFigures | None:
    """What the server tells of the migration's collections; None where it does not answer. Nothing is started."""
    target = configured_target(config)
    if isinstance(target, EmbeddedTarget):
        address, key = running_server(target.data_folder(work_folder.path.absolute())), None
    else:
        address, key = target.address, config.weaviate_api_key
    try:
        return server_figures(address, key, set(record.targets.values() if record else ())) if address else None
    except ServerNotUsableError:
        return None


def is_server_wanted(config: MigrationConfig, work_folder: WorkFolder) -> bool:
    """Whether a server should answer: an embedded one that no command uses now should not."""
    is_embedded = isinstance(configured_target(config), EmbeddedTarget)
    return not is_embedded or server_process(config, work_folder) is not None


def server_process(config: MigrationConfig, work_folder: WorkFolder) -> int | None:
    """The process id of an embedded server that runs; another one's processes cannot be seen from here."""
    target = configured_target(config)
    if not isinstance(target, EmbeddedTarget):
        return None
    return running_process(target.data_folder(work_folder.path.absolute()))
