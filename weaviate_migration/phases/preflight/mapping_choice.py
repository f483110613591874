"""Which mapping a migration begins with, where nobody has named one: the preset where it fits, or one drawn up."""

import logging
import sqlite3
from contextlib import closing

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import CollectionMapping, Mapping, read_mapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.one_tenant import of_one_tenant
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.draft import draft_of_file
from weaviate_migration.source.connect import connect_to_read, readable_source, source_errors, sqlite_path
from weaviate_migration.source.inspect import Database, Table, inspect_database, quoted
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.own_mapping import current_mapping

logger = logging.getLogger(__name__)

# A file with so many of the preset's six tables is its application's, whatever else it holds.
ENOUGH_TABLES = 4


def mapping_to_migrate(config: MigrationConfig, work_folder: WorkFolder) -> Mapping:
    """What the settings name; else what was drawn up before; else what the file's last migration had; else a new one.

    The new one is the preset, where it fits the file, or is drawn up from it and kept in the work folder, where people
    may edit it. Where one tenant alone is to be migrated, it is narrowed to that.

    Raises:
        ConfigurationError: no file is named; the mapping is wrong, or has no such tenant; the file has no table that
            could be migrated.
        SourceError: the file is locked or corrupt.
    """
    mapping = _whole_mapping(config, work_folder)
    return mapping if config.tenant is None else of_one_tenant(mapping, config.tenant)


def _whole_mapping(config: MigrationConfig, work_folder: WorkFolder) -> Mapping:
    if config.mapping is not None:
        return read_mapping(config.mapping)
    return work_folder.mappings.drawn() or _of_last_migration(config, work_folder) or _new(config, work_folder)


def mapping_to_capture(config: MigrationConfig, work_folder: WorkFolder) -> Mapping:
    """That of the migration in use, whose changes are followed; else the one that a migration would begin with.

    Raises:
        ConfigurationError: what `mapping_to_migrate` raises.
        SourceError: the file is locked or corrupt.
    """
    choose = current_mapping if work_folder.records.newest_in_use() is not None else mapping_to_migrate
    return choose(config, work_folder)


def _of_last_migration(config: MigrationConfig, work_folder: WorkFolder) -> Mapping | None:
    record = work_folder.records.newest_in_use()
    if record is None or record.source.resolve() != sqlite_path(config.sqlite_url).resolve():
        return None
    return work_folder.mappings.read(record.mapping_digest)


def _new(config: MigrationConfig, work_folder: WorkFolder) -> Mapping:
    path, preset = sqlite_path(config.sqlite_url), read_mapping()
    with (
        readable_source(path, work_folder.scratch) as readable,
        source_errors(path),
        closing(connect_to_read(readable)) as connection,
    ):
        if preset_fits(preset, inspect_database(readable), connection):
            return preset
    logger.info("no mapping is named, and `%s` does not fit: one is drawn up from %s", preset.name, path)
    draft = draft_of_file(path, work_folder.scratch, Choice())
    work_folder.ensure()
    work_folder.mappings.keep_drawn(draft.text)
    for remark in draft.remarks:
        logger.warning("%s", remark)
    logger.info("the mapping is %s: edit it where you know better", work_folder.mappings.drawn_path)
    return draft.mapping


def preset_fits(preset: Mapping, database: Database, connection: sqlite3.Connection) -> bool:
    """Whether a file is one of the application that a preset was made for.

    A table of a common name proves nothing: each of the preset's tables that is there has to have its key and most of
    its columns, and where only a few are there, no other table may have rows.

    Raises:
        sqlite3.Error: a table cannot be read.
    """
    found = [(each, table) for each in preset.collections if (table := database.table(each.table)) is not None]
    if not found or not all(_is_meant(each, table) for each, table in found):
        return False
    if len(found) >= ENOUGH_TABLES:
        return True
    known = {folded(each.table) for each in preset.collections}
    others = [table for table in database.tables if folded(table.name) not in known and not table.is_view]
    return not any(table.unreadable or _has_rows(connection, table) for table in others)


def _is_meant(collection: CollectionMapping, table: Table) -> bool:
    """Whether a table has the key of the collection's, which a property is made from, and most of its columns."""
    columns = {folded(prop.column) for prop in collection.properties}
    present = {column for column in columns if table.column(column) is not None}
    has_key = bool(table.primary_key) and {folded(column) for column in table.primary_key} <= columns
    return has_key and 2 * len(present) > len(columns)


def _has_rows(connection: sqlite3.Connection, table: Table) -> bool:
    ((found,),) = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted(table.name)})")
    return bool(found)
