"""The snapshot of a migration: the backup, and what all extracts read. An unfinished migration keeps the one it has."""

import logging
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from upath import UPath

from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.history.extract.scan import table_bounds
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.log_position import LogPosition, log_end
from weaviate_migration.source.other_tables import OtherTables, read_other_tables
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.snapshot import Snapshot, take_snapshot
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import NOTHING_COMPARED, MigrationRecord, SnapshotRecord
from weaviate_migration.work_folder.storage import local_path, remove, size_of, upload

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MigrationSnapshot:
    """The snapshot that a migration goes on from.

    Attributes:
        reused: it was there already.
    """

    snapshot: SnapshotRecord
    reused: bool


@dataclass(frozen=True)
class SnapshotTaker:
    """Takes the snapshots of a migration.

    Args:
        source: the file in use.
        allow_pause: whether its writers may wait longer than `UNASKED_PAUSE_SECONDS`, where it has a rollback journal.
        sort_memory_mb: how much SQLite's sorter may hold before it goes to disk.
    """

    work_folder: WorkFolder
    mapping: Mapping
    source: Path
    allow_pause: bool
    sort_memory_mb: int

    def snapshot_of(self, record: MigrationRecord, *, refresh: bool = False) -> MigrationSnapshot:
        """The snapshot that an unfinished migration has, or a new one, which is on record then.

        Args:
            refresh: take a new one, though there is one.

        Raises:
            ConfigurationError: the pause would be too long and is not allowed.
            SourceError: the source cannot be copied, or the copy is damaged.
        """
        found = record.snapshot
        if found is not None and record.state == "unfinished" and self._is_usable(record, found) and not refresh:
            return MigrationSnapshot(self._with_other_tables(record, found), reused=True)
        return MigrationSnapshot(self._take(record), reused=False)

    def _with_other_tables(self, record: MigrationRecord, found: SnapshotRecord) -> SnapshotRecord:
        """The snapshot of an older version lacks them on its record."""
        if found.other_tables is not None:
            return found
        snapshot = self.work_folder.local_snapshot(record)
        completed = found.model_copy(update={"other_tables": self._other_tables(snapshot)})
        self.work_folder.records.update(record, snapshot=completed)
        return completed

    def _is_usable(self, record: MigrationRecord, found: SnapshotRecord) -> bool:
        """Whether to go on from it: not from one before changes were captured, where they are by now."""
        is_there = size_of(found.path) == found.bytes
        is_captured = found.captured is not None or self.work_folder.capture_id is None
        return bool(record.bounds) and is_there and is_captured

    def _take(self, record: MigrationRecord) -> SnapshotRecord:
        """Takes a snapshot, and puts it on record together with the bounds: one is of no use without the other."""
        path = self._free_path(record)
        taken = self._taken(path)
        logger.info("snapshot %s: %d bytes, SHA-256 %s", path, taken.bytes, taken.sha256)
        self._remove_extracts(record)
        captured = self._captured(taken.path)
        snapshot = SnapshotRecord(
            path=path,
            sha256=taken.sha256,
            bytes=taken.bytes,
            taken_at=datetime.now(UTC),
            captured=captured,
            other_tables=self._other_tables(taken.path),
            remarks=taken.remarks,
        )
        # Bounds come from the first snapshot and stay, so that a row never moves between partitions.
        bounds = record.bounds or self._bounds(taken.path, record.partitions)
        if captured is not None:
            self._follow_from(record, captured)
        self.work_folder.records.update(record, snapshot=snapshot, bounds=bounds)
        self._remove_superseded(record, snapshot)
        return snapshot

    def _taken(self, path: UPath) -> Snapshot:
        """Takes the snapshot that is to be kept there; for a storage elsewhere on this machine, which keeps a copy."""
        copies, local = self.work_folder.snapshot_copies, local_path(path)
        taken = take_snapshot(
            self.source,
            local or copies.draft,
            allow_pause=self.allow_pause,
            say=logger.info,
            scratch=self.work_folder.scratch,
        )
        if local is not None:
            return taken
        upload(taken.path, path)
        return replace(taken, path=copies.keep_draft(taken.sha256))

    def _free_path(self, record: MigrationRecord) -> UPath:
        """Where the snapshot goes: the first one stays, it is the backup from before the migration."""
        path = self.work_folder.snapshot_path(record)
        if record.snapshot is not None and size_of(path) is not None:
            return path.with_name(f"{record.id}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}.sqlite")
        return path

    def _remove_extracts(self, record: MigrationRecord) -> None:
        """Extracts of an older snapshot would not agree with each other any more."""
        remove(self.work_folder.extracts_of(record))

    def _captured(self, snapshot: Path) -> LogPosition | None:
        """Where the change log in the snapshot ends; None where changes are not captured."""
        capture_id = self.work_folder.capture_id
        return log_end(snapshot, capture_id) if capture_id is not None else None

    def _other_tables(self, snapshot: Path) -> OtherTables:
        """The tables that no collection is made from."""
        database = inspect_database(snapshot, self.mapping)
        return read_other_tables(snapshot, database, plan_migration(self.mapping, database))

    def _bounds(self, snapshot: Path, partitions: int) -> ReadOnlyMapping[str, tuple[str, ...]]:
        """For the rows of each collection the addresses between its partitions."""
        scratch = self.work_folder.ensure_scratch()
        return {
            each.mapping.rows_of: table_bounds(snapshot, each, partitions, self.sort_memory_mb, scratch)
            for each in plan_migration(self.mapping, inspect_database(snapshot, self.mapping)).collections
        }

    def _follow_from(self, record: MigrationRecord, captured: LogPosition) -> None:
        """Changes are followed from here, unless they are already.

        It comes before the snapshot is on record: killed in between, the next run takes another one, and follows from
        here.
        """
        if self.work_folder.sync_positions.read(record.id) is None:
            # What was loaded before from another snapshot may lack changes, until all was compared.
            epoch = captured.epoch if record.snapshot is None else NOTHING_COMPARED
            self.work_folder.sync_positions.save(record.id, captured.model_copy(update={"epoch": epoch}))

    def _remove_superseded(self, record: MigrationRecord, kept: SnapshotRecord) -> None:
        """Also one that a killed run has left, before it was on record; the first one stays."""
        first = self.work_folder.snapshot_path(record).name
        for each in self.work_folder.snapshots_of(record):
            if each.name not in (first, kept.path.name):
                remove(each)
        self.work_folder.snapshot_copies.remove_all_but({kept.sha256})
