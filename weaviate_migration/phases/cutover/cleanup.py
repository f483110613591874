"""The end of a migration: removes what is needed only on the way, and for going back."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from upath import UPath
from weaviate import WeaviateClient

from weaviate_migration.base.errors import CaptureError, ConfigurationError
from weaviate_migration.phases.dual_write.lag import standing
from weaviate_migration.phases.history.changes import open_change_log
from weaviate_migration.phases.history.collection_locks import alone_with
from weaviate_migration.phases.history.versioned_collections import maker_of
from weaviate_migration.source.capture import remove_capture
from weaviate_migration.source.connect import require_writable
from weaviate_migration.target.aliases import collections_behind_aliases
from weaviate_migration.target.query import count_objects
from weaviate_migration.target.references import refuse_referenced
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.schema import drop_collection, has_made, refuse_collections_of_others
from weaviate_migration.target.switch_lock import remove_left_switch
from weaviate_migration.target.tenants import tenants_found
from weaviate_migration.work_folder.folder import WorkFolder, lacking_text, lacking_vectors
from weaviate_migration.work_folder.partition_values import COMPARISONS, LOADED
from weaviate_migration.work_folder.pending_vectors import discard_all, size_of_all
from weaviate_migration.work_folder.quarantine import Quarantine
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.storage import bytes_in, remove


@dataclass(frozen=True)
class SuperfluousCollection:
    """A collection that a cleanup removes, by its versioned name."""

    name: str
    migration_id: str
    objects: int


@dataclass(frozen=True)
class CleanupPlan:
    """What a cleanup removes.

    Attributes:
        collections: of migrations that readers do not use.
        kept: those that are kept for going back.
        files: bytes of what is removed from disk and from the store, by its kind.
        capture: the id of the change capture in the SQLite file; None where there is none.
    """

    collections: tuple[SuperfluousCollection, ...]
    kept: tuple[str, ...]
    files: Mapping[str, int]
    capture: str | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to remove."""
        return not self.collections and not any(self.files.values()) and self.capture is None


class Cleanup:
    """Removes from Weaviate, from disk and from the SQLite file what one work folder's migrations need no more.

    Args:
        client: connected to the server.
        keep: of the versions that readers do not use, so many of the newest stay in Weaviate.
    """

    def __init__(self, client: WeaviateClient, work_folder: WorkFolder, *, keep: int) -> None:
        self._client = client
        self._work_folder = work_folder
        self._keep = keep

    def plan(self) -> CleanupPlan:
        """What would be removed now.

        Raises:
            MigrationConflictError: a collection of one of their names is another work folder's.
        """
        records = self._work_folder.records.all()
        makers = frozenset(map(maker_of, records))
        for prefix in {each.prefix for each in records}:
            remove_left_switch(self._client, prefix, makers)
        for each in records:
            refuse_collections_of_others(self._client, each.targets.values(), maker_of(each))
        kept = self._kept(records)
        collections = tuple(
            SuperfluousCollection(name, record.id, self._objects(name))
            for record in records
            if record not in kept
            for name in self._unused(record)
        )
        return CleanupPlan(
            collections,
            tuple(name for record in kept for name in self._unused(record)),
            {
                **{kind: sum(map(bytes_in, paths)) for kind, paths in self._files(records).items()},
                "quarantine": sum(bytes_in(path) for each in self._quarantines(records) for path in each.files()),
                **self._in_store(),
            },
            self._work_folder.capture_id,
        )

    def _objects(self, name: str) -> int:
        collection = open_collection(self._client, name)
        return count_objects(collection, tenants_found(collection))

    def run(self, plan: CleanupPlan) -> None:
        """Removes it; broken off anywhere, the same again completes it.

        The records change last: until then they say what may be left.

        Raises:
            ConfigurationError: a reference of what stays leads into a collection that would be removed, or the SQLite
                file may not be written to.
        """
        records = self._work_folder.records.all()
        for source in self._captured_sources(records):
            require_writable(source)
        refuse_referenced(self._client, {each.name for each in plan.collections})
        makers = {name: maker_of(each) for each in records for name in each.targets.values()}
        with alone_with(self._work_folder, (each.name for each in plan.collections)):
            for each in plan.collections:
                drop_collection(self._client, each.name, makers[each.name])
        for paths in self._files(records).values():
            for path in paths:
                remove(path)
        for kind in (COMPARISONS, LOADED):
            self._work_folder.store.remove(kind)
        discard_all(self._work_folder.store)
        for quarantine in self._quarantines(records):
            quarantine.discard()
        self._remove_capture(records)
        self._close(records)

    def _kept(self, records: list[MigrationRecord]) -> list[MigrationRecord]:
        """Of the migrations with collections that no alias leads to the newest, as many as shall be kept."""
        unused = [each for each in reversed(records) if self._unused(each)]
        return unused[: self._keep]

    def _unused(self, record: MigrationRecord) -> list[str]:
        """The migration's collections that are there, and that no alias points at."""
        used = collections_behind_aliases(self._client)
        return [name for name in record.targets.values() if name not in used and self._has_made(record, name)]

    def _has_made(self, record: MigrationRecord, name: str) -> bool:
        return has_made(self._client, name, maker_of(record))

    def _files(self, records: list[MigrationRecord]) -> dict[str, list[UPath]]:
        """What is removed as it is, by its kind; the quarantine has an index of its files."""
        copies = UPath(self._work_folder.snapshot_copies.folder)
        return {
            "snapshots": [*(path for each in records for path in self._work_folder.snapshots_of(each)), copies],
            "extracts": [self._work_folder.extracts_of(each) for each in records],
        }

    def _in_store(self) -> dict[str, int]:
        """What is removed from the store, in characters, by its kind."""
        store = self._work_folder.store
        return {"comparisons": store.size(COMPARISONS) + store.size(LOADED), "pending vectors": size_of_all(store)}

    def _quarantines(self, records: list[MigrationRecord]) -> list[Quarantine]:
        return [self._work_folder.quarantine_of(name) for each in records for name in each.targets.values()]

    def _captured_sources(self, records: list[MigrationRecord]) -> set[Path]:
        """The files that a capture may be in; those that are not there any more need nothing."""
        is_captured = self._work_folder.capture_id is not None
        return {each.source for each in records if each.source.is_file()} if is_captured else set()

    def _remove_capture(self, records: list[MigrationRecord]) -> None:
        """From the file first, then what the work folder knows of it: without its id nobody could remove it."""
        if (capture_id := self._work_folder.capture_id) is not None:
            for source in self._captured_sources(records):
                remove_capture(source, capture_id)
            self._work_folder.forget_capture()
        self._work_folder.sync_positions.discard_all()
        shutil.rmtree(self._work_folder.path / "sync", ignore_errors=True)

    def _close(self, records: list[MigrationRecord]) -> None:
        """What readers use is cleaned up, what is nowhere any more is discarded, and what was kept stays as it is."""
        used = collections_behind_aliases(self._client)
        for each in records:
            if each.was_cut_over and used.intersection(each.targets.values()):
                self._work_folder.records.update(each, state="cleaned up")
            elif not any(self._has_made(each, name) for name in each.targets.values()):
                self._work_folder.records.update(each, state="discarded")


def refuse_too_early(work_folder: WorkFolder, *, force: bool) -> None:
    """Holds that what a cleanup would remove is not needed any more, as far as it can be known without a server.

    Args:
        force: also without a cutover, with an unfinished migration, and with changes or vectors that are missing.

    Raises:
        ConfigurationError: a switch was broken off; or, unless it is forced, nothing is cut over, a migration is
            unfinished, changes of the source are not applied yet, or objects that readers have lack vectors.
        CaptureError: the source was restored or replaced: its log has another history than the one that was applied.
    """
    records = work_folder.records.all()
    _refuse_half_switched(records)
    if not force:
        _refuse_unfinished(records, work_folder.place)
        _refuse_unapplied_changes(records, work_folder)
        _refuse_lacking_vectors(records, work_folder)


def _refuse_half_switched(records: list[MigrationRecord]) -> None:
    for each in records:
        if each.is_half_switched:
            raise ConfigurationError(
                f"The cutover of migration {each.id} was broken off while it moved the aliases.",
                "Complete it with `weaviate-migration cutover`, or go back with `weaviate-migration rollback`.",
            )


def _refuse_unfinished(records: list[MigrationRecord], place: str) -> None:
    if not records:
        raise ConfigurationError(f"No migration is on record in {place}.", "Name another work folder with --work-dir.")
    unfinished = next((each for each in records if each.state == "unfinished"), None)
    if unfinished is not None:
        raise ConfigurationError(
            f"Migration {unfinished.id} is unfinished, and needs what would be removed.",
            "Finish it with `weaviate-migration cutover`, or give it up as well with --force.",
        )
    if not any(each.was_cut_over for each in records):
        raise ConfigurationError(
            "No migration is cut over: what would be removed is all there is of them.",
            "`weaviate-migration migrate` begins another one; --force removes them all the same.",
        )


def _refuse_unapplied_changes(records: list[MigrationRecord], work_folder: WorkFolder) -> None:
    """Without the change log nobody could apply them any more. Where it is damaged, or gone, there is none to lose."""
    used = [each for each in records if each.state == "cut over"]
    if not used or work_folder.sync_positions.read(used[-1].id) is None:
        return
    try:
        with open_change_log(work_folder, used[-1].source):
            pass
    except CaptureError:
        return
    if behind := standing(work_folder, used[-1]).changes:
        raise ConfigurationError(
            f"{behind:,} changes of {used[-1].source} are not applied yet, and would be lost to readers.",
            "`weaviate-migration sync` applies them; --force removes the log all the same.",
        )


def _refuse_lacking_vectors(records: list[MigrationRecord], work_folder: WorkFolder) -> None:
    """Afterwards nobody would know any more which objects lack them."""
    used = [each for each in records if each.state == "cut over"]
    if used and (lacking := lacking_vectors(work_folder, used[-1])):
        raise ConfigurationError(
            f"Objects lack vectors that their model could not make: {lacking_text(lacking)}.",
            "`weaviate-migration sync` makes them once the model answers; --force forgets about them.",
        )
