"""Begins the capture of a source's changes for a work folder."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from weaviate_migration.base.errors import MappingError, MigrationError, SourceNotUsableError
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.dual_write.lag import followed_migrations
from weaviate_migration.source.capture import Capture, install_capture, uncaptured_tables
from weaviate_migration.source.lookups import slow_lookups
from weaviate_migration.source.plan import MigrationPlan, plan_in_place, planned_source
from weaviate_migration.work_folder.folder import WorkFolder


def begin_change_capture(source: Path, mapping: Mapping, work_folder: WorkFolder) -> tuple[Capture, list[str]]:
    """Installs the work folder's capture. The caller has its lock. Raises what `install_change_capture` does.

    Migrations with another mapping that are followed by it stay so: readers have them, or may go back to them.

    Returns:
        The capture, and a sentence for each collection whose changes are not followed, or only slowly.
    """
    with planned_source(source, mapping, work_folder.scratch) as (database, plan):
        remarks = [*uncaptured_tables(plan), *slow_lookups(database.path, plan)]
    # A copy that it may have been read from is of no use here.
    others = list(_other_plans(source, mapping, work_folder))
    return install_capture(source, plan, work_folder.begin_capture(), others=others), remarks


def _other_plans(source: Path, mapping: Mapping, work_folder: WorkFolder) -> Iterator[MigrationPlan]:
    """The plans of followed migrations with other mappings; without those that fit the file no longer."""
    followed = (each for each in followed_migrations(work_folder) if each.source == source.absolute())
    for digest in {each.mapping_digest for each in followed} - {mapping.digest}:
        if (other := work_folder.mappings.read(digest)) is not None:
            with (
                suppress(MappingError, SourceNotUsableError),
                planned_source(source, other, work_folder.scratch) as (_, plan),
            ):
                yield plan


def not_followed(source: Path, mapping: Mapping) -> list[str]:
    """A sentence for each collection whose changes are not followed, to be shown; nothing where nobody can tell now."""
    try:
        return uncaptured_tables(plan_in_place(source, mapping))
    except MigrationError:
        return []
