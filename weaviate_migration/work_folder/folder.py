"""The work folder: records, snapshots, extracts, quarantine, progress, the embedded server's data."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from weaviate_migration.base.errors import ConfigurationError, MigrationConflictError
from weaviate_migration.base.permissions import close_to_others, is_open_to_others, make_folder
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.storage import (
    LEAST_ROOM_BYTES,
    is_open,
    is_writable,
    nearest_existing,
    room_text,
    storage_errors,
)
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.work_folder import capture_id
from weaviate_migration.work_folder.check_results import CheckResults
from weaviate_migration.work_folder.embedded import EmbeddedPartitions
from weaviate_migration.work_folder.kept_queries import KeptQueries
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.locks import HeldLock, Holder, LocalLock, told
from weaviate_migration.work_folder.mappings import KeptMappings
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.prefixes import Prefixes, read_prefixes, write_prefixes
from weaviate_migration.work_folder.quarantine import FOLDER as QUARANTINE
from weaviate_migration.work_folder.quarantine import Quarantine, quarantined_counts
from weaviate_migration.work_folder.record import MigrationRecord, MigrationRecords
from weaviate_migration.work_folder.shared_locks import SharedLock, lock_session
from weaviate_migration.work_folder.snapshot_copies import SnapshotCopies
from weaviate_migration.work_folder.state_store import FILE_NAME, StateStore
from weaviate_migration.work_folder.storage import files_in, local_path, refuse_closed, storage_root
from weaviate_migration.work_folder.sync_positions import SyncPositions
from weaviate_migration.work_folder.takeover import current_store, is_older
from weaviate_migration.work_folder.timeline import KeptHistory

# Who works in a folder and does not say as what.
_SOMEBODY = "a program"
# The folders of a storage that is not the work folder.
_STORED = ("snapshots", "extracts", QUARANTINE)


@dataclass(frozen=True)
class WorkFolder:
    """Where everything is that a migration keeps beside the two databases; not for a run to choose.

    Attributes:
        path: the folder, absolute. Naming what is in it makes nothing; writing does.
        storage: where snapshot, extracts, quarantine, certificate and report are kept: any fsspec path, such as
            s3://bucket/folder; empty: in the folder.
        vector_cache: the file of the vectors that were made, or the URL of a PostgreSQL database; None: where the state
            is, in the database or in the folder.
        state_url: of the PostgreSQL database that keeps the state; empty: a file in the folder does.
    """

    path: Path
    storage: str = ""
    vector_cache: Path | str | None = None
    state_url: str = ""

    def __post_init__(self) -> None:
        """Raises ConfigurationError where the storage is one that this installation does not know."""
        _ = self.files

    @property
    def files(self) -> UPath:
        """Where the large files are: the folder itself, or the storage that is named; nothing is made."""
        return storage_root(self.storage, self.path)

    @classmethod
    def of(cls, config: MigrationConfig) -> "WorkFolder":
        """The one that the settings name; nothing is made."""
        named = config.vector_cache
        vector_cache = named.absolute() if isinstance(named, Path) else named
        return cls(config.work_dir.absolute(), config.storage, vector_cache, config.state_url)

    def ensure(self) -> Path:
        """Makes the folder if it is not there, and returns its path: for whoever is about to write to it.

        Nobody but its owner gets into it, whatever the umask: it holds the source's rows.

        Raises:
            ConfigurationError: it cannot be made, or not be written to.
        """
        try:
            make_folder(self.path)
            self._close_to_others()
        except OSError as error:
            raise _unusable(self.path, error.strerror) from error
        self.refuse_closed()
        return self.path

    def refuse_closed(self) -> None:
        """For the beginning of a command that will write to the folder; nothing is made.

        Raises:
            ConfigurationError: it may not be written to.
        """
        if not (place := nearest_existing(self.path)).is_dir():
            raise _unusable(self.path, f"{place} is a file", "Move that file away")
        if not is_open(self.path):
            raise _unusable(self.path, "it is read-only, or closed to this user")

    def refuse_unwritable(self) -> None:
        """For the beginning of one that writes much, and frees nothing; nothing is made.

        Raises:
            ConfigurationError: it may not be written to, or its disk is full; or the storage may not be written to.
        """
        self.refuse_closed()
        if not is_writable(self.path):
            raise _unusable(self.path, room_text(self.path, LEAST_ROOM_BYTES), "Make room there")
        if self.storage:
            refuse_closed(self.files)

    def close_to_others(self) -> None:
        """Closes what an earlier version left open to others, as far as that can be: for whoever only reads in it."""
        with suppress(OSError):
            self._close_to_others()

    def _close_to_others(self) -> None:
        """A folder that holds nothing of ours is not ours to close; the storage may be elsewhere on this machine."""
        if not (self.path / FILE_NAME).is_file() and not is_older(self.path):
            return
        folders = [self.path]
        if self.storage and (kept := local_path(self.files)) is not None:
            folders += [each for name in _STORED if (each := kept / name).is_dir()]
        for folder in folders:
            if is_open_to_others(folder):
                close_to_others(folder)

    @contextmanager
    def locked(self, name: str = _SOMEBODY) -> Iterator[None]:
        """For one command at a time: two would share record, snapshot and quarantine.

        Args:
            name: of who works here, as others are told.

        Raises:
            MigrationConflictError: another process is migrating in the folder.
            StorageError: the disk is full.
        """
        self.ensure()
        current_store(self.path, self.state_url)  # Before: whoever takes over files wants this lock for it.
        lock = self._lock(name)
        if not lock.acquire():
            another = "--work-dir" if self.store.server is None else "--state-url"
            raise MigrationConflictError(
                f"Another migration is running in {self.place}{lock.told_holder}.",
                f"Wait for its end, or take another {another}.",
            )
        try:
            with self.snapshots_lock:
                yield
        finally:
            lock.release()

    def sync_lock(self, name: str) -> HeldLock:
        """For one at a time that applies changes and is asked for it by a command; it may go on and on."""
        current_store(self.path, self.state_url)  # As in `locked`.
        return self.lock("sync/sync", name)

    @property
    def snapshots_lock(self) -> HeldLock:
        """Of whoever needs the change log back to a snapshot, and of whoever prunes it beyond one, for moments."""
        return self.lock("snapshots")

    def lock(self, name: str, who: str = "") -> HeldLock:
        """A lock of one at a time, among all that work on the same migrations.

        Args:
            name: what is locked.
            who: asks for it, as others are told; '': they are not.
        """
        if (server := self.store.server) is not None:
            return SharedLock(lock_session(server), name, who)
        return LocalLock(self.path / f"{name}.lock", who)

    @property
    def told_workers(self) -> str:
        """Who works in the folder right now and says so, to be put behind a sentence, with a colon; '' for nobody."""
        return told(*self.workers)

    @property
    def workers(self) -> list[Holder]:
        """Who works with these migrations right now and says so, on whichever machine."""
        holders = self._lock(_SOMEBODY).holder, self.sync_lock(_SOMEBODY).holder
        return [each for each in holders if each is not None]

    def _lock(self, name: str) -> HeldLock:
        return self.lock("migrate", name)

    @contextmanager
    def without_sync(self, name: str) -> Iterator[None]:
        """While the context lives no command applies changes; for who takes away what it would go on with.

        Args:
            name: of who works here, as others are told.

        Raises:
            MigrationConflictError: a command does.
        """
        lock = self.sync_lock(name)
        if not lock.acquire():
            raise MigrationConflictError(
                f"A sync is running in {self.place}{lock.told_holder}. It goes on with what would be removed.",
                "End it (Ctrl-C, or SIGTERM), and try again.",
            )
        try:
            yield
        finally:
            lock.release()

    @property
    def scratch(self) -> Path:
        """For what is needed only while a command runs: sorting on disk, copies of files that cannot be opened."""
        return self.path / "scratch"

    def ensure_scratch(self) -> Path:
        """Makes `scratch` if it is not there, and returns its path.

        Raises:
            ConfigurationError: the work folder cannot be made, or not be written to.
        """
        self.ensure()
        with storage_errors(self.scratch):
            make_folder(self.scratch)
        return self.scratch

    @property
    def store(self) -> StateStore:
        """What the migrations know; nothing is made, but for what an older version has left in files, see `takeover`.

        Raises:
            ConfigurationError: what connects to its server is not installed.
        """
        return current_store(self.path, self.state_url)

    @property
    def place(self) -> str:
        """Where the migrations are, as people know it: the server that several machines share, or this folder."""
        server = self.store.server
        return server.told_url if server is not None else str(self.path)

    @property
    def records(self) -> MigrationRecords:
        """The migrations on record."""
        return MigrationRecords(self.store, self.place, self.mappings)

    @property
    def prefixes(self) -> Prefixes:
        """Under which prefixes Dagster knows its assets."""
        return read_prefixes(self.store)

    def keep_prefixes(self, prefixes: Prefixes) -> None:
        """Notes them, for commands: they find runs and checks by the same names."""
        if self.prefixes != prefixes:
            self.ensure()
            write_prefixes(self.store, prefixes)

    @property
    def mappings(self) -> KeptMappings:
        """The mappings that migrations were begun with, and the one that was drawn up."""
        return KeptMappings(self.store, self.path)

    @property
    def queries(self) -> KeptQueries:
        """The application's own queries that are in force."""
        return KeptQueries(self.store)

    def snapshot_path(self, record: MigrationRecord) -> UPath:
        """Where the migration's first snapshot is kept; its record says where the newest is."""
        return self.files / "snapshots" / f"{record.id}.sqlite"

    def snapshots_of(self, record: MigrationRecord) -> list[UPath]:
        """The snapshots of a migration that are there: the first one, and the newest."""
        return [each for each in files_in(self.files / "snapshots") if each.name.startswith(f"{record.id}.")]

    @property
    def snapshot_copies(self) -> SnapshotCopies:
        """The snapshots of a storage elsewhere, as this machine reads them."""
        return SnapshotCopies(self.path / "snapshot_copies")

    def local_snapshot(self, record: MigrationRecord) -> Path:
        """The migration's newest snapshot, to be read on this machine; it is fetched from a storage elsewhere.

        Raises:
            ConfigurationError: there is none.
            StorageError: it cannot be fetched.
        """
        if (found := self.local_snapshot_if_any(record)) is None:
            raise ConfigurationError(
                f"Migration {record.id} has no snapshot.",
                "`weaviate-migration migrate` takes one (in Dagster's UI: `sqlite_snapshot`).",
            )
        return found

    def local_snapshot_if_any(self, record: MigrationRecord) -> Path | None:
        """As `local_snapshot`; None where there is none, or it was removed.

        Raises:
            StorageError: it cannot be fetched.
        """
        if (snapshot := record.snapshot) is None:
            return None
        if (local := local_path(snapshot.path)) is not None:
            return local if local.is_file() else None
        try:
            return self.snapshot_copies.fetched(snapshot.path, snapshot.sha256, snapshot.bytes)
        except FileNotFoundError:
            return None

    def extracts_of(self, record: MigrationRecord) -> UPath:
        """The folder of the migration's extracts."""
        return self.files / "extracts" / record.id

    def extract_path(self, record: MigrationRecord, extract_name: str, partition: str) -> UPath:
        """One partition of an extract."""
        return self.extracts_of(record) / extract_name / f"{partition}.parquet"

    def extract_paths(
        self, record: MigrationRecord, mapping: CollectionMapping, partitions: Iterable[str]
    ) -> dict[str, UPath]:
        """For each of these partitions the file of its rows.

        Raises:
            ConfigurationError: one of them is not there.
        """
        paths = {key: self.extract_path(record, mapping.extract_name, key) for key in partitions}
        there = {each.name for each in files_in(self.extracts_of(record) / mapping.extract_name)}
        missing = [key for key, path in paths.items() if path.name not in there]
        if missing:
            raise ConfigurationError(
                f"The extract of {mapping.table} lacks the partitions {', '.join(missing)}.",
                f"`weaviate-migration migrate` makes them (in Dagster's UI: `{mapping.extract_name}`).",
            )
        return paths

    @property
    def vector_cache_place(self) -> Path | str:
        """The file, or the URL of the database, of the vectors that were made: of all migrations that share it."""
        # What was made before the state was moved is not paid for again.
        return self.vector_cache or self.vectors_left_behind or self.state_url or self._vectors_file

    @property
    def vectors_left_behind(self) -> Path | None:
        """The file of vectors that were made before the state was moved to a database; None where there is none."""
        is_left = bool(self.state_url) and not self.vector_cache and self._vectors_file.exists()
        return self._vectors_file if is_left else None

    @property
    def _vectors_file(self) -> Path:
        return self.path / "vectors.sqlite"

    def check_results(self, record: MigrationRecord, mapping: CollectionMapping) -> CheckResults:
        """What the checks of a collection said last."""
        return CheckResults(self.store, record.collection(mapping))

    def quarantine(self, record: MigrationRecord, mapping: CollectionMapping) -> Quarantine:
        """The quarantined rows of one collection."""
        return self.quarantine_of(record.collection(mapping))

    def quarantine_of(self, collection: str) -> Quarantine:
        """The quarantined rows of the collection with this versioned name."""
        scratch = self.scratch if self.scratch.is_dir() else None
        return Quarantine(self.store, self.quarantine_folder, collection, scratch)

    @property
    def quarantine_folder(self) -> UPath:
        """The files of all quarantined rows."""
        return self.files / QUARANTINE

    def pending_vectors(self, record: MigrationRecord, mapping: CollectionMapping) -> PendingVectors:
        """The vectors that objects of one collection lack."""
        return PendingVectors(self.store, record.collection(mapping))

    @property
    def capture_id(self) -> str | None:
        """The id of the capture that this folder has in its source; None where changes are not captured."""
        return capture_id.read_capture_id(self.store)

    def begin_capture(self) -> str:
        """The id of the folder's capture, made and written down if there is none: before the capture itself is made."""
        return capture_id.begin_capture(self.store)

    def forget_capture(self) -> None:
        """Forgets the id: another capture gets another one."""
        capture_id.forget_capture(self.store)

    def loaded(self, record: MigrationRecord, mapping: CollectionMapping) -> LoadedPartitions:
        """Which partitions of a collection are loaded from the snapshot that the migration has now."""
        snapshot = record.snapshot.sha256 if record.snapshot is not None else ""
        return LoadedPartitions(self.store, record.collection(mapping), snapshot)

    def embedded(self, record: MigrationRecord, mapping: CollectionMapping) -> EmbeddedPartitions:
        """What it took to make the vectors of each partition of a collection."""
        return EmbeddedPartitions(self.store, record.collection(mapping))

    @property
    def sync_folder(self) -> Path:
        """The locks of the collections."""
        return self.path / "sync"

    @property
    def sync_positions(self) -> SyncPositions:
        """How far each migration has applied the change log."""
        return SyncPositions(self.store)

    @property
    def certificate_path(self) -> UPath:
        """The certificate of the last comparison of everything."""
        return self.files / "certificate.json"

    @property
    def report_path(self) -> UPath:
        """The report of the newest migration, as a page."""
        return self.files / "report.html"

    def history(self, record: MigrationRecord) -> KeptHistory:
        """Where it is noted how a migration goes."""
        return KeptHistory(self.store, record.id)


def _unusable(
    folder: Path, reason: str | None, remedy: str = "Give this user the right to write there"
) -> ConfigurationError:
    return ConfigurationError(
        f"The work folder {folder} cannot be written to: {reason}.", f"{remedy}, or name another one with --work-dir."
    )


def quarantined_rows(work_folder: WorkFolder, record: MigrationRecord) -> dict[str, int]:
    """How many rows of each alias are in the quarantine; without those that have none there."""
    counts = quarantined_counts(work_folder.store, record.targets.values())
    return {alias: counts[name] for alias, name in record.targets.items() if name in counts}


def lacking_vectors(work_folder: WorkFolder, record: MigrationRecord) -> dict[str, dict[str, int]]:
    """How many objects of each alias lack each vector that their model could not make; without those that lack none."""
    counts = {alias: PendingVectors(work_folder.store, name).counts() for alias, name in record.targets.items()}
    return {alias: lacking for alias, lacking in counts.items() if lacking}


def lacking_text(lacking: Mapping[str, Mapping[str, int]]) -> str:
    """What `lacking_vectors` found, in words: `3 of Note lack body`."""
    return ", ".join(
        f"{objects:,} of {alias} lack {vector}"
        for alias, by_name in lacking.items()
        for vector, objects in by_name.items()
    )


def quarantined_by_tenant(
    work_folder: WorkFolder, record: MigrationRecord, collection: CollectionMapping
) -> Counter[str]:
    """How many rows of each tenant of a collection are in the quarantine, without those whose key has a NULL."""
    return work_folder.quarantine(record, collection).count_by_tenant()
