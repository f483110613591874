"""How far the objects are behind the rows of a source in use. The one place to ask."""

from dataclasses import replace

from weaviate_migration.base.errors import CaptureError, MigrationError, SourceAwayError
from weaviate_migration.phases.history.changes import open_change_log
from weaviate_migration.source.change_log import ChangeLog
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import Standing, SyncPositions, agreed_reading

_MISSED = "changes may have been missed: `verify --repair` compares everything"
_MISSED_REMEDY = "`weaviate-migration verify --repair` compares everything, and mends what was missed."


def standing(work_folder: WorkFolder, record: MigrationRecord) -> Standing:
    """How far the captured changes are applied to a migration, counted in the log of its source.

    Returns:
        With both positions. The only problem that it may have is that changes may have been missed.

    Raises:
        CaptureError: it is not followed, capture is missing or damaged, or the source is another file now.
        SourceBusyError: the source was locked for too long.
        SourceNotUsableError: it is not there.
    """
    with open_change_log(work_folder, record.source) as log:
        return standing_in(log, work_folder.sync_positions, record)


def standing_in(log: ChangeLog, positions: SyncPositions, record: MigrationRecord) -> Standing:
    """What `standing` returns, from a log that is open; raises what that does."""
    with agreed_reading(log, positions, record.id) as (capture, known):
        lag = log.lag(known.position)
        missed = (_MISSED, _MISSED_REMEDY) if capture.epoch > known.epoch else ("", "")
        return Standing(capture.id, known.position, log.last_position(), lag.changes, lag.seconds, *missed)


def known_standing(work_folder: WorkFolder, record: MigrationRecord) -> Standing | None:
    """What can be told of a migration's standing, to be shown: an error becomes its problem.

    Returns:
        None where the work folder captures nothing.
    """
    if (capture_id := work_folder.capture_id) is None:
        return None
    known = work_folder.sync_positions.read(record.id)
    found = Standing(capture_id, applied=known.position if known else None)
    try:
        with open_change_log(work_folder, record.source) as log:
            with log.reading():
                found = replace(found, newest=log.last_position())
            return standing_in(log, work_folder.sync_positions, record) if known else found
    except (CaptureError, SourceAwayError) as error:
        return replace(found, problem=error.message, remedy=error.hint)
    except MigrationError as error:
        return replace(found, problem=error.message)


def followed_migrations(work_folder: WorkFolder) -> list[MigrationRecord]:
    """The migrations that readers have, may go back to or will have, and that follow the log; the newest first."""
    used = (each for each in reversed(work_folder.records.all()) if each.state in ("unfinished", "cut over"))
    return [each for each in used if work_folder.sync_positions.read(each.id) is not None]
