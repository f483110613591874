"""How far the objects are behind the rows of a source in use."""

from dataclasses import replace

from weaviate_migration.base.errors import MigrationError
from weaviate_migration.phases.history.changes import open_change_log
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import FollowedChanges, agreed_reading


def followed_changes(work_folder: WorkFolder, record: MigrationRecord) -> FollowedChanges | None:
    """How far the captured changes are applied; None where the work folder captures none."""
    if (capture_id := work_folder.capture_id) is None:
        return None
    known = work_folder.sync_positions.read(record.id)
    found = FollowedChanges(capture_id, applied=known.position if known else None)
    try:
        with open_change_log(work_folder, record.source) as log:
            with log.reading():
                found = replace(found, newest=log.last_position())
            if known is None:
                return found
            with agreed_reading(log, work_folder.sync_positions, record.id) as (capture, known):
                missed = "changes may have been missed: `verify --repair` compares everything"
                problem = missed if capture.epoch > known.epoch else ""
                lag, newest = log.lag(known.position), log.last_position()
                return replace(found, applied=known.position, newest=newest, **lag._asdict(), problem=problem)
    except MigrationError as error:
        return replace(found, problem=error.message)
