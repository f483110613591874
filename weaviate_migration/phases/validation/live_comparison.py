"""What a verification of a source in use does besides: history agreed on, little pending, and what changed since."""

from collections.abc import Iterator
from contextlib import contextmanager

from weaviate import WeaviateClient

from weaviate_migration.base.errors import CaptureError
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.dual_write.following import followed_with
from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.phases.history.changes import open_change_log
from weaviate_migration.phases.validation.changed_rows import ChangeComparison, compare_changes
from weaviate_migration.source.plan import plan_in_place
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import agreed_reading


def is_live(work_folder: WorkFolder, record: MigrationRecord, repair: bool) -> bool:
    """Whether to compare with a new snapshot: changes are captured, and followed, or will be after a repair."""
    return work_folder.capture_id is not None and (repair or work_folder.sync_positions.read(record.id) is not None)


def agree_on_history(work_folder: WorkFolder, record: MigrationRecord, mapping: Mapping, *, repair: bool) -> None:
    """Checks that the log still is the one that was followed; with `repair` it is followed again, from a new snapshot.

    Raises:
        MappingError: the mapping does not fit the source any more.
        CaptureError: it is not; or capture is damaged or missing.
    """
    # First: where the mapping does not fit any more, mending the capture would be of no use.
    plan_in_place(record.source, mapping)
    positions = work_folder.sync_positions
    with open_change_log(work_folder, record.source) as log:
        if positions.read(record.id) is None:
            return
        try:
            with agreed_reading(log, positions, record.id):
                pass
        except CaptureError:
            if not repair:
                raise
            positions.discard(record.id)


class LiveComparison:
    """The parts of a live verification of one migration that come before and after its Dagster run.

    Args:
        record: the migration's, before the run.
        settings: how to write what is applied and repaired.
        models: make vectors of that.
    """

    def __init__(
        self,
        work_folder: WorkFolder,
        mapping: Mapping,
        record: MigrationRecord,
        client: WeaviateClient,
        settings: WriteSettings,
        models: OpenModels,
    ) -> None:
        self._work_folder = work_folder
        self._mapping = mapping
        self._record = record
        self._client = client
        self._settings = settings
        self._models = models

    def catch_up(self) -> None:
        """Applies the log, so that little is pending meanwhile; nothing where following begins again."""
        if self._work_folder.sync_positions.read(self._record.id) is not None:
            with self._sync() as sync:
                sync.run_pass(SyncTally())

    def compare_rest(self, found_before: int, repair: bool) -> ChangeComparison:
        """Compares what changed since the new snapshot; where nothing differs anywhere, no change was missed.

        Args:
            found_before: differences from the snapshot.
        """
        with self._sync() as sync:
            captured = sync.captured
            compared = compare_changes(sync, captured.position, repair=repair)
            if not compared.differences and not found_before:
                sync.note_whole(captured.epoch)
            return compared

    @contextmanager
    def _sync(self) -> Iterator[MigrationSync]:
        with followed_with(self._client, self._work_folder, self._mapping, self._settings, self._models) as group:
            yield group.of(self._record)
