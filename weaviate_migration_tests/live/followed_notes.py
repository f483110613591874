"""A followed migration of one table without Dagster: captured, snapshotted, loaded, and synced in this process."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import weaviate
from weaviate.collections import Collection

from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.dual_write.following import Followed, followed_with
from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import SyncTally, apply_changes
from weaviate_migration.phases.history.changes import collection_changes
from weaviate_migration.phases.history.extract.partitions import partition_range
from weaviate_migration.phases.history.extract.scan import scan_partitions, table_bounds
from weaviate_migration.phases.history.extract.storage import open_partition, write_partition
from weaviate_migration.phases.history.load import PartitionLoad
from weaviate_migration.phases.validation.collection_proof import CollectionProof
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison
from weaviate_migration.source.capture import install_capture
from weaviate_migration.source.change_log import LogLimits
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.log_position import LogPosition, log_end
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.snapshot import take_snapshot
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import LoadTally
from weaviate_migration.work_folder.progress import KeptProgress
from weaviate_migration.work_folder.record import MigrationRecord, SnapshotRecord
from weaviate_migration_tests.partition_keys import PARTITION_KEYS

MAPPING = """\
name: notes
collections:
  - name: Note
    table: notes
    properties:
      - {{name: noteId, column: id, index: whole}}
      - {{name: body, column: body, index: words}}
      - {{name: size, column: size, type: int, on_unfit: {on_unfit}}}
      - {{name: bytes, column: body, type: blob}}
"""
TABLE = "CREATE TABLE notes (id PRIMARY KEY, body TEXT, size INTEGER UNIQUE)"
LIMITS = create_migration_config("app.db")
SETTINGS = WriteSettings(100, MESSAGE_BYTES, MESSAGE_BYTES, 2, 0, 0.0)


@dataclass(frozen=True)
class FollowedNotes:
    """A table of notes in a file in WAL mode, followed since `begin`."""

    folder: Path
    client: weaviate.WeaviateClient
    record: MigrationRecord

    @classmethod
    def begin(
        cls, folder: Path, client: weaviate.WeaviateClient, rows: Sequence[tuple[Any, ...]], on_unfit: str = "keep"
    ) -> "FollowedNotes":
        """Captures first, then takes the snapshot, and loads it."""
        (folder / "notes.yaml").write_text(MAPPING.format(on_unfit=on_unfit), encoding="utf-8")
        with closing(sqlite3.connect(folder / "app.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute(TABLE)
            connection.executemany("INSERT INTO notes VALUES (?, ?, ?)", rows)
        work_folder, mapping = WorkFolder(folder / "work"), read_mapping(folder / "notes.yaml")
        record = work_folder.records.resume_or_begin(folder / "app.db", mapping, "")
        made = cls(folder, client, record)
        made.install()
        (collection,) = mapping.collections
        origin = Origin(record.id, str(record.source), mapping.digest, record.work_folder)
        ensure_collection(client, record.collection(collection), collection, origin)
        made = made.snapshotted()
        assert made.captured is not None
        work_folder.sync_positions.save(record.id, made.captured)
        made.load()
        return made

    @property
    def source(self) -> Path:
        return self.folder / "app.db"

    @property
    def work_folder(self) -> WorkFolder:
        return WorkFolder(self.folder / "work")

    @property
    def mapping(self) -> Mapping:
        return read_mapping(self.folder / "notes.yaml")

    @property
    def captured(self) -> LogPosition | None:
        assert self.record.snapshot is not None
        return self.record.snapshot.captured

    @property
    def position(self) -> LogPosition:
        found = self.work_folder.sync_positions.read(self.record.id)
        assert found is not None
        return found

    @property
    def objects(self) -> Collection[Any, Any]:
        return self.client.collections.use(self.record.collection(self.mapping.collections[0]))

    def install(self) -> int:
        """Installs capture, and returns its epoch."""
        plan = plan_migration(self.mapping, inspect_database(self.source))
        return install_capture(self.source, plan, self.work_folder.begin_capture()).epoch

    def execute(self, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
        """Changes the source, each statement in a transaction of its own."""
        with closing(sqlite3.connect(self.source, isolation_level=None)) as connection:
            for each in statements:
                connection.execute(*((each,) if isinstance(each, str) else each))

    def snapshotted(self) -> "FollowedNotes":
        """Takes a snapshot and its extracts; the migration goes on from it."""
        kept = self.work_folder.snapshot_path(self.record)
        path = Path(kept.path)
        taken = take_snapshot(
            self.source, path, allow_pause=True, say=lambda _: None, scratch=self.work_folder.ensure_scratch()
        )
        capture_id = self.work_folder.capture_id
        assert capture_id is not None
        end = log_end(path, capture_id)
        assert end is not None
        snapshot = SnapshotRecord(
            path=kept,
            sha256=taken.sha256,
            bytes=taken.bytes,
            taken_at=datetime.now(UTC),
            captured=end,
        )
        plan = plan_migration(self.mapping, inspect_database(path)).collections[0]
        bounds = self.record.bounds or {
            "notes": table_bounds(path, plan, DEFAULT_PARTITIONS, 4, self.work_folder.ensure_scratch())
        }
        record = self.work_folder.records.update(self.record, snapshot=snapshot, bounds=bounds)
        for stream in scan_partitions(
            path, plan, bounds["notes"], PARTITION_KEYS, 4, self.work_folder.ensure_scratch()
        ):
            write_partition(self.work_folder.extract_path(record, "notes_extract", stream.partition), stream.batches)
        return replace(self, record=record)

    def load(
        self, partitions: Sequence[str] = PARTITION_KEYS, settings: WriteSettings = SETTINGS
    ) -> dict[str, LoadTally]:
        """Loads partitions from the extracts, as a backfill does."""
        (collection,) = self.mapping.collections
        paths = self.work_folder.extract_paths(self.record, collection, partitions)
        with (
            self.work_folder.quarantine(self.record, collection) as quarantine,
            collection_changes(self.work_folder, self.record, self.mapping, collection) as since,
            since.held() as changes,
        ):
            tallies = PartitionLoad(
                self.objects,
                {key: open_partition(path) for key, path in paths.items()},
                {key: partition_range(self.record.bounds["notes"], key) for key in partitions},
                collection,
                self.record.timestamp,
                settings,
                quarantine,
                KeptProgress(self.work_folder.store, "Note", 0),
                changes,
                self.work_folder.loaded(self.record, collection),
                has_readers=False,
            ).run()
            apply_changes(self.client, since, changes, SETTINGS, quarantine)
            return tallies

    @contextmanager
    def followed(self) -> Iterator[Followed]:
        with (
            OpenModels(self.work_folder.vector_cache_place) as models,
            followed_with(self.client, self.work_folder, self.mapping, SETTINGS, models) as group,
        ):
            yield group

    @contextmanager
    def following(self, keep: LogLimits = LIMITS) -> Iterator[dict[str, SyncTally]]:
        """Sync follows beside the test, as `sync --follow` does; what it has applied, by the migrations' ids."""
        stop, done = threading.Event(), dict[str, SyncTally]()

        def follow() -> None:
            while not stop.is_set():  # It ends with each new snapshot, to be opened again.
                with self.followed() as group:
                    group.follow(stop, done, keep)

        follower = threading.Thread(target=follow)
        follower.start()
        try:
            yield done
        finally:
            stop.set()
            follower.join()

    @contextmanager
    def syncing(self) -> Iterator[MigrationSync]:
        with self.followed() as group:
            yield next(iter(group))

    def compare(self) -> list[PartitionComparison]:
        """What the check `every_object` finds."""
        (collection,) = self.mapping.collections
        paths = self.work_folder.extract_paths(self.record, collection, PARTITION_KEYS)
        with collection_changes(self.work_folder, self.record, self.mapping, collection) as since:
            proof = CollectionProof(collection, self.record, paths, self.client, since)
            return [proof.compare_partition(key) for key in PARTITION_KEYS]

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """What SQLite holds: body and size by the UUID that follows from the key."""
        with closing(sqlite3.connect(self.source)) as connection:
            found = connection.execute("SELECT id, body, size FROM notes").fetchall()
        return {uuid_of(key): (body, size) for key, body, size in found}

    def held(self, at_once: int = 100) -> dict[str, tuple[Any, ...]]:
        """What Weaviate holds, read by a way of its own, so many objects at once."""
        objects = list(self.objects.iterator(cache_size=at_once))
        found = {str(each.uuid): (each.properties["body"], each.properties["size"]) for each in objects}
        assert len(found) == len(objects)
        return found


def uuid_of(key: SqlValue) -> str:
    """The UUID of a note's object."""
    return str(object_uuid("notes", (key,)))
