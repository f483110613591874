"""Begins the capture of a source's changes for a work folder."""

from pathlib import Path

from weaviate_migration.mapping import Mapping
from weaviate_migration.source.capture import Capture, install_capture, uncaptured_tables
from weaviate_migration.source.plan import planned_source
from weaviate_migration.work_folder.folder import WorkFolder


def begin_change_capture(source: Path, mapping: Mapping, work_folder: WorkFolder) -> tuple[Capture, list[str]]:
    """Installs the work folder's capture. The caller has its lock. Raises what `install_change_capture` does.

    Returns:
        The capture, and a sentence for each mapped table whose changes are not followed.
    """
    with planned_source(source, mapping, work_folder.scratch) as (_, plan):
        pass  # A copy that it may have been read from is of no use here.
    return install_capture(source, plan, work_folder.begin_capture()), uncaptured_tables(plan)
