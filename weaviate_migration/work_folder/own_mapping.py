"""The mapping that a command works with: the migration's own, whoever does not name it."""

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.mapping.one_tenant import of_one_tenant
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import (
    MigrationRecord,
    refuse_another_mapping,
    refuse_another_prefix,
    refuse_another_source,
    refuse_another_tenant,
    refuse_other_partitions,
)


def current_mapping(config: MigrationConfig, work_folder: WorkFolder) -> Mapping:
    """What the settings name; else the own mapping of the migration in use, or of the newest one; else the default.

    Raises:
        MappingError: the mapping file is wrong, or there is none of that name.
    """
    record = work_folder.records.in_use_or_newest() if config.mapping is None else None
    kept = work_folder.mappings.read(record.mapping_digest) if record is not None else None
    return kept or _named_or_default(config, work_folder)


def mapping_of(record: MigrationRecord, config: MigrationConfig, work_folder: WorkFolder) -> Mapping:
    """The mapping that a migration was begun with.

    Raises:
        MigrationConflictError: the settings name one that says something else, or another tenant.
        MappingError: the mapping file is wrong, or there is none of that name.
    """
    kept = work_folder.mappings.read(record.mapping_digest)
    if kept is not None:
        refuse_another_tenant(record, kept, config.tenant)
    if config.mapping is None and kept is not None:
        return kept
    named = _named_or_default(config, work_folder)
    refuse_another_mapping(record, named, is_kept=kept is not None)
    return named


def refuse_other_settings(record: MigrationRecord, config: MigrationConfig, work_folder: WorkFolder) -> None:
    """Holds that whatever the settings name of a migration is what it was begun with; what they leave out is.

    Raises:
        MigrationConflictError: they name another source, prefix, mapping or tenant, or other partitions.
        MappingError: the mapping file is wrong, or there is none of that name.
    """
    refuse_another_source(record, config.sqlite_url)
    refuse_another_prefix(record, config.prefix)
    refuse_other_partitions(record, config.partitions)
    if config.mapping is not None or config.tenant is not None:
        mapping_of(record, config, work_folder)


def _named_or_default(config: MigrationConfig, work_folder: WorkFolder) -> Mapping:
    """What the settings name, or drawn up from the source, or else the preset; narrowed to a tenant that they name."""
    drawn = work_folder.mappings.drawn() if config.mapping is None else None
    found = drawn or read_mapping(config.mapping)
    return found if config.tenant is None else of_one_tenant(found, config.tenant)
