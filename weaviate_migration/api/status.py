"""What is known of the migrations of a work folder."""

from dataclasses import replace

from upath import UPath

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import read_mapping
from weaviate_migration.monitoring.status import MigrationStatus
from weaviate_migration.work_folder.folder import WorkFolder, bytes_in
from weaviate_migration.work_folder.phase import Phase, next_step


def read_status(config: MigrationConfig) -> MigrationStatus:
    """What is known of the work folder's migrations; nothing is started for it, and nothing is changed.

    Raises:
        ConfigurationError: the mapping is another than the migration's, or a setting is wrong.
    """
    work_folder = WorkFolder(config.work_dir.absolute(), config.extracts)
    mapping = read_mapping(config.mapping)
    disk = _disk(work_folder)
    if not work_folder.records.all():
        return MigrationStatus(disk=disk, next_step=next_step(Phase.NOT_BEGUN))
    # Imported only now: it takes Dagster and the client, and a second.
    from weaviate_migration.api.status_reading import status_of

    return replace(status_of(config, work_folder, mapping), disk=disk)


def _disk(work_folder: WorkFolder) -> dict[str, int]:
    """Each folder and file of the work folder, and the extracts where they are elsewhere."""
    parts = {path.name: bytes_in(UPath(path)) for path in sorted(work_folder.folder.iterdir())}
    if work_folder.extracts:
        parts["extracts"] = sum(bytes_in(work_folder.extracts_of(each)) for each in work_folder.records.all())
    return {name: size for name, size in parts.items() if size}
