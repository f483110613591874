"""The migrations of a work folder whose changes are followed: opened on both sides, and kept in step."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from weaviate import WeaviateClient

from weaviate_migration.base.errors import (
    CaptureError,
    ConfigurationError,
    MigrationConflictError,
    SourceError,
)
from weaviate_migration.base.settings import MigrationConfig, environment_variable
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.phases.dual_write.lag import followed_migrations
from weaviate_migration.phases.dual_write.log_pruner import LogPruner
from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import SyncTally
from weaviate_migration.phases.history.changes import open_change_log
from weaviate_migration.phases.history.versioned_collections import maker_of
from weaviate_migration.source.change_log import ChangeLog, LogLimits
from weaviate_migration.source.plan import plan_in_place
from weaviate_migration.target.connect import open_weaviate
from weaviate_migration.target.schema import refuse_another_server, refuse_collections_of_others
from weaviate_migration.target.weaviate_url import configured_target
from weaviate_migration.target.write import WriteSettings, write_settings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.own_mapping import current_mapping, refuse_other_settings
from weaviate_migration.work_folder.record import MigrationRecord

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
# The file's own note of the position: at most so often, and only when the application has written nothing since the
# last look, or when the log is over its limits. An application without a busy timeout would fail if it wanted to write
# in just that moment.
NOTE_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0


class Followed:
    """The followed migrations of a work folder, the newest first.

    Args:
        syncs: one for each of them.
        log: of their source.
        work_folder: knows which migrations are followed, and how far they are.
        mapping: of these migrations.
    """

    def __init__(
        self, syncs: list[MigrationSync], log: ChangeLog, work_folder: WorkFolder, mapping: WholeMapping
    ) -> None:
        self._syncs = syncs
        self._log = log
        self._work_folder = work_folder
        self._mapping = mapping
        self._pruner = LogPruner(log, work_folder, [sync.record.id for sync in syncs])

    def __iter__(self) -> Iterator[MigrationSync]:
        return iter(self._syncs)

    def of(self, record: MigrationRecord) -> MigrationSync:
        """The sync of one migration.

        Raises:
            MigrationConflictError: it is not followed: its mapping or its source is another one.
        """
        found = next((sync for sync in self._syncs if sync.record.id == record.id), None)
        if found is None:
            raise MigrationConflictError(
                f"Migration {record.id} is not followed: its mapping or its source is another one.",
                "Give its own mapping with --mapping.",
            )
        return found

    def is_outdated(self) -> bool:
        """Whether other migrations are followed by now, or the source's path leads to another file: open it again."""
        if self._log.is_another_file:
            self._note_what_was_seen()
            return True
        return followed_records(self._work_folder, self._mapping) != [sync.record for sync in self._syncs]

    def _note_what_was_seen(self) -> None:
        """Changes that were logged just before another file took the place are not lost without a word."""
        with suppress(CaptureError, SourceError):
            last = self._log.last_entry()
            for sync in self._syncs:
                sync.note_seen(*last)

    def note_in_file(self, keep: LogLimits, *, is_busy: bool = False) -> bool:
        """Writes into the file how far each migration is, and prunes the log, as `LogPruner.note_in_file` does."""
        return self._pruner.note_in_file(keep, is_busy=is_busy)

    def note_settled(self) -> None:
        """Puts into each migration's history that it is in step, or how far it is not."""
        for sync in self._syncs:
            sync.note_settled()

    def fill_vectors(self) -> None:
        """Gives objects the vectors that they lack, where nothing else is to be done for a migration."""
        for sync in self._syncs:
            sync.try_fill_vectors()

    def follow(self, stop: threading.Event, done: dict[str, SyncTally], keep: LogLimits) -> None:
        """Applies changes as they are committed, until told to stop or until all this is outdated.

        Args:
            keep: how much of the log stays.
            done: what is applied is added here, by the migrations' ids, also by passes that break off; each is there
                from the beginning.
        """
        for sync in self._syncs:
            done.setdefault(sync.record.id, SyncTally())
        behind, noted_at = True, time.monotonic()
        while not stop.is_set() and not self.is_outdated():
            is_busy = self._log.has_changed() or behind
            if is_busy:
                passed = [self._pass(sync, done[sync.record.id]) for sync in self._syncs]
                behind = not all(passed)
            if time.monotonic() - noted_at >= NOTE_SECONDS:
                self.note_in_file(keep, is_busy=is_busy)
                if not is_busy:
                    self.note_settled()
                    self.fill_vectors()
                noted_at = time.monotonic()
            stop.wait(POLL_SECONDS)

    def _pass(self, sync: MigrationSync, done: SyncTally) -> bool:
        """A pass; not while the migration is being loaded or compared: the others need not wait for it."""
        before = done.changes
        try:
            return sync.try_pass(done)
        except CaptureError:
            if self.is_outdated():
                return False  # It was given up meanwhile: what is followed now is opened again.
            raise
        finally:
            if applied := done.changes - before:
                logger.debug(
                    "%d changes applied, position %d",
                    *(applied, done.position),
                    extra={"migration_id": sync.record.id},
                )


@contextmanager
def followed(config: MigrationConfig) -> Iterator[Followed]:
    """Connects to both sides of the migrations that a work folder follows.

    Args:
        config: the settings; the source is the migrations' own, whether it is named or not.

    Raises:
        ConfigurationError: no migration of this mapping is followed, or it is one of another source.
        CaptureError: capture is missing or damaged.
        MappingError: the mapping does not fit the source any more.
        ServerNotUsableError: the server cannot be reached.
    """
    work_folder = WorkFolder.of(config)
    mapping = followed_mapping(config, work_folder)
    # Says what is wrong before a server is started for it.
    refuse_other_settings(followed_records(work_folder, mapping)[0], config, work_folder)
    target = configured_target(config)
    with (
        open_weaviate(target, work_folder.path, config.weaviate_api_key, config, headers=mapping.headers) as client,
        OpenModels(work_folder.vector_cache_place, config, config.max_embedding_calls) as models,
        followed_with(client, work_folder, mapping, write_settings(config, client), models) as group,
    ):
        yield group


@contextmanager
def followed_with(
    client: WeaviateClient,
    work_folder: WorkFolder,
    mapping: WholeMapping,
    settings: WriteSettings,
    models: OpenModels,
) -> Iterator[Followed]:
    """The followed migrations of a work folder, for who is connected already; raises what `followed` does."""
    records = followed_records(work_folder, mapping)
    refuse_another_server(client, records[0].targets.values(), maker_of(records[0]))
    for each in records:
        refuse_collections_of_others(client, each.targets.values(), maker_of(each))
    # First: where the mapping does not fit any more, mending the capture would be of no use.
    plan = plan_in_place(records[0].source, mapping)
    with open_change_log(work_folder, records[0].source) as log:
        syncs = [MigrationSync(record, log, plan, client, settings, work_folder, models) for record in records]
        yield Followed(syncs, log, work_folder, mapping)


def followed_mapping(config: MigrationConfig, work_folder: WorkFolder) -> WholeMapping:
    """What the settings name, or else the own mapping of the newest migration that is followed.

    Raises:
        MappingError: the mapping file is wrong.
    """
    newest = next((each for each in followed_migrations(work_folder) if each.bounds), None)
    kept = work_folder.mappings.read(newest.mapping_digest) if newest and config.mapping is None else None
    return kept or current_mapping(config, work_folder)


def followed_records(work_folder: WorkFolder, mapping: WholeMapping) -> list[MigrationRecord]:
    """The migrations whose changes are followed, the newest first: those that readers use, may use, or will use.

    One that was cut over before the newest was is followed too: a rollback leads back to it. One whose snapshot is not
    on record yet is not: its command was killed, or is about to load the rows as they are.

    Raises:
        ConfigurationError: there are none.
    """
    followed = [each for each in followed_migrations(work_folder) if each.bounds]
    found = [each for each in followed if each.mapping_digest == mapping.digest]
    if not found:
        raise _nothing_followed(work_folder, mapping, followed)
    return [each for each in found if each.source == found[0].source]


def _nothing_followed(
    work_folder: WorkFolder, mapping: WholeMapping, followed: Sequence[MigrationRecord]
) -> ConfigurationError:
    """Says that no migration is followed, or none of this mapping while others are."""
    if not followed:
        return ConfigurationError(
            f"No migration in {work_folder.place} follows the changes of its source.",
            "Begin one with `weaviate-migration migrate --live`.",
        )
    is_on_record = any(work_folder.mappings.read(each.mapping_digest) for each in followed)
    return ConfigurationError(
        f"No migration of mapping `{mapping.name}` in {work_folder.place} follows the changes of its source.",
        f"Leave out --mapping (and {environment_variable('mapping')}): the migration's own is on record."
        if is_on_record
        else "Give with --mapping the one that the followed migration had.",
    )
