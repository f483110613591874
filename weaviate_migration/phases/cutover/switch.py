"""The switch: leads the readers to a migration's collections, once nothing speaks against it."""

import logging
from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager

from weaviate import WeaviateClient

from weaviate_migration.base.deadline import bounded, pause
from weaviate_migration.base.errors import (
    CutoverTimeoutError,
    DifferencesError,
    MigrationConflictError,
    TransientTargetError,
)
from weaviate_migration.base.waiting import Wait
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.cutover.way_back import give_aliases_back
from weaviate_migration.phases.dual_write.following import followed_with
from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import RowApplier, SyncTally
from weaviate_migration.phases.history.versioned_collections import maker_of, only_switch_of
from weaviate_migration.phases.validation.changed_rows import try_compare_changes
from weaviate_migration.phases.validation.source_proof import BroughtUp, try_bring_up
from weaviate_migration.source.capture import can_be_copied
from weaviate_migration.target.aliases import (
    alias_targets,
    point_aliases,
    refuse_foreign_names,
    refuse_other_tenants,
)
from weaviate_migration.target.figures import queued_vectors
from weaviate_migration.target.schema import refuse_another_server, refuse_collections_of_others
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder, lacking_text, lacking_vectors, quarantined_rows
from weaviate_migration.work_folder.record import CutoverRecord, CutoverStep, MigrationRecord
from weaviate_migration.work_folder.storage import url_of

logger = logging.getLogger(__name__)

# Between two looks at the index queue, or at a collection that somebody else works with.
SECONDS_BETWEEN_LOOKS = 0.2
# Changes that are applied before the time is looked at again.
CHANGES_PER_STEP = 1_000
# Beyond the time that a cutover has: for the switch, which begins in time, and for a call that was made just before.
SECONDS_FOR_THE_SWITCH = 5.0


class _CutoverWait(Wait):
    """What a cutover waits for, in the time that it has."""

    def require(self, waiting_for: str) -> None:
        """Says after ten seconds what is waited for; raises CutoverTimeoutError when the time is over.

        Args:
            waiting_for: what has not come about yet.
        """
        if self.is_over:
            raise CutoverTimeoutError(
                f"The cutover waited {self.limit:g} s in vain for {waiting_for}. No alias was moved.",
                "`weaviate-migration cutover` tries again; --timeout gives it more seconds.",
            )
        self.tell_if_long(waiting_for)


def bounded_for_cutover(timeout: float) -> AbstractContextManager[None]:
    """Within it each call ends soon after the time that a cutover has, whatever the network does."""
    return bounded(timeout + SECONDS_FOR_THE_SWITCH)


def cut_over(
    client: WeaviateClient,
    work_folder: WorkFolder,
    mapping: Mapping,
    record: MigrationRecord,
    settings: WriteSettings,
    models: OpenModels,
    refuse_unproven: Callable[[MigrationRecord], None],
    timeout: float,
) -> MigrationRecord:
    """Switches the readers to a migration, with the source's changes applied first where they are followed.

    Args:
        settings: how to write what is applied.
        models: make vectors of that.
        refuse_unproven, timeout: as `Cutover` has them; raises what that does.

    Raises:
        MigrationConflictError: the collections have one tenant alone, and readers have others now.
    """
    refuse_other_tenants(client, mapping.lone_tenants(record.prefix))
    cutover = Cutover(client, work_folder, refuse_unproven)
    is_next = record.state == "unfinished" and not record.is_half_switched
    if not is_next or work_folder.sync_positions.read(record.id) is None:
        return cutover.run(record, timeout)
    with followed_with(client, work_folder, mapping, settings, models) as group:
        return cutover.run(record, timeout, group.of(record))


class Cutover:
    """Switches the readers to one migration's collections, once nothing speaks against it.

    Args:
        client: connected to the server.
        work_folder: has the record, where each step is written down before the next one is taken, the quarantined rows,
            and the vectors that objects lack.
        refuse_unproven: raises DifferencesError unless every blocking check has passed.
    """

    def __init__(
        self,
        client: WeaviateClient,
        work_folder: WorkFolder,
        refuse_unproven: Callable[[MigrationRecord], None],
    ) -> None:
        self._client = client
        self._work_folder = work_folder
        self._records = work_folder.records
        self._refuse_unproven = refuse_unproven

    def run(self, record: MigrationRecord, timeout: float, sync: MigrationSync | None = None) -> MigrationRecord:
        """Moves each alias to this migration's collection; a switch that was broken off is completed, or undone.

        Args:
            timeout: seconds until the switch has begun.
            sync: where the source's changes are followed: they are applied and compared, at least up to the position
                that is the newest now.

        Raises:
            DifferencesError: a blocking check has not passed, rows are in the quarantine, objects lack vectors, or
                changes differ.
            CutoverTimeoutError: it was not ready in time.
            MigrationConflictError: a name is taken by a collection or alias that no migration made, one of this
                migration's collections is not there any more, or another migration moves the aliases.
        """
        if record.state == "cut over":
            self._refuse_others(record)
            with only_switch_of(self._client, self._records, record):
                point_aliases(self._client, record.targets)
            return record
        if record.is_half_switched:
            with only_switch_of(self._client, self._records, record):
                return self._complete(record)
        if sync is None:
            self._refuse_unready(record)
        else:
            # Of what is compared anew, rows that were refused are judged again; vectors that are lacking are made.
            anew = {each.collection for each in sync.unfollowed if can_be_copied(each.plan)}
            self._refuse_unproven_rows(record, but=anew)
        wait = _CutoverWait(timeout)
        try:
            record = self._begin(record) if sync is None else self._catch_up(record, sync, wait)
            self._await_index(record, wait)
        except TransientTargetError as error:
            wait.require(f"Weaviate ({error.message})")
            raise
        with only_switch_of(self._client, self._records, record):
            return self._switch(record)

    def _complete(self, record: MigrationRecord) -> MigrationRecord:
        """Ends a switch that was broken off: forwards, or backwards where something speaks against it by now."""
        try:
            self._refuse_unready(record)
            return self._switch(record)
        except (DifferencesError, MigrationConflictError):
            give_aliases_back(self._client, record)
            self._note(record, "undone")
            raise

    def _refuse_unready(self, record: MigrationRecord) -> None:
        """Raises DifferencesError unless all is proven, no row is in the quarantine, and no object lacks a vector."""
        self._refuse_unproven_rows(record)
        _refuse_lacking_vectors(self._work_folder, record)

    def _refuse_unproven_rows(self, record: MigrationRecord, but: Container[str] = ()) -> None:
        """Raises DifferencesError unless all is proven, and no row is in the quarantine, `but` of these collections."""
        _refuse_quarantined_rows(self._work_folder, record, but)
        self._refuse_unproven(record)

    def _begin(self, record: MigrationRecord, position: int | None = None) -> MigrationRecord:
        return self._records.update(record, cutover=CutoverRecord(step="begun", position=position).at("begun"))

    def _catch_up(self, record: MigrationRecord, sync: MigrationSync, wait: _CutoverWait) -> MigrationRecord:
        """Applies and compares what was changed up to now; an application that goes on writing is not waited for.

        Where nobody knows what was changed, since the collection is not followed, all of it is compared.
        """
        position = sync.last_position()
        record = self._begin(record, position)
        while sync.position < position:
            wait.require(f"the changes up to position {position} to be applied; {sync.position} is reached")
            _apply_some(sync, position)
        sync.fill_vectors()
        record = self._note(record, "applied")
        brought_up = [_bring_up(sync, each, wait) for each in sync.unfollowed if _can_be_compared(each)]
        _refuse_differences(sync, wait)
        wait.require(f"the comparison of the changes up to position {position}")
        # Applying may have put rows into the quarantine, and a partition may have been loaded meanwhile.
        self._refuse_unready(record)
        _refuse_left(brought_up)
        return self._note(record, "compared")

    def _await_index(self, record: MigrationRecord, wait: _CutoverWait) -> None:
        while queued := queued_vectors(self._client, record.targets.values()):
            wait.require(f"Weaviate to index {queued:,} vectors")
            pause(SECONDS_BETWEEN_LOOKS)

    def _switch(self, record: MigrationRecord) -> MigrationRecord:
        refuse_foreign_names(self._client, record.targets)
        self._refuse_others(record)
        # Written first: when the switch is killed half-way, going back still knows where the aliases pointed.
        previous = _other_targets(self._client, record)
        record = self._note(record, "switching", previous_aliases=previous)
        point_aliases(self._client, record.targets)
        return self._note(record, "switched", state="cut over")

    def _refuse_others(self, record: MigrationRecord) -> None:
        """Raises MigrationConflictError where the collections are another work folder's, or on another server."""
        names, maker = record.targets.values(), maker_of(record)
        refuse_another_server(self._client, names, maker)
        refuse_collections_of_others(self._client, names, maker)

    def _note(self, record: MigrationRecord, step: CutoverStep, **changes: object) -> MigrationRecord:
        """Writes down a step, with what else of the record changes at the same moment."""
        assert record.cutover is not None, "a cutover begins before it goes on"
        logger.info("cutover: %s", step)
        return self._records.update(record, cutover=record.cutover.at(step), **changes)


def _apply_some(sync: MigrationSync, through: int) -> None:
    """Applies some of the changes; while somebody loads or compares these collections, none."""
    if not sync.try_pass(SyncTally(), min(through, sync.position + CHANGES_PER_STEP)):
        pause(SECONDS_BETWEEN_LOOKS)


def _can_be_compared(applier: RowApplier) -> bool:
    """Whether the rows can be read in one moment; says so where they cannot."""
    if can_be_copied(applier.plan):
        return True
    logger.warning(
        "cutover: %s is not followed, and has too many columns to be compared with the source as it is: what changed "
        "since the last `weaviate-migration verify` is not there",
        applier.record.alias(applier.plan.mapping),
    )
    return False


def _bring_up(sync: MigrationSync, applier: RowApplier, wait: _CutoverWait) -> BroughtUp:
    """Brings a collection that is not followed to its rows as they are now."""
    alias = applier.record.alias(applier.plan.mapping)

    def go_on() -> None:
        wait.require(f"the comparison of {alias}, which is not followed, with the source")

    while (found := try_bring_up(sync, applier, go_on)) is None:
        wait.require(f"{alias}, which somebody else loads or compares")
        pause(SECONDS_BETWEEN_LOOKS)
    logger.info(
        "cutover: %s is not followed: %d rows were compared with the source as it is, %d objects written, %d removed",
        *(alias, found.rows, found.done.written, found.done.removed),
    )
    return found


def _refuse_left(brought_up: Sequence[BroughtUp]) -> None:
    """Raises DifferencesError where a collection differs from its rows though it was mended."""
    for each in brought_up:
        if each.first_left is not None:
            raise DifferencesError(
                f"{each.collection} is not followed, and {each.left} differences from the source are left, the first "
                f"in {each.first_left.key} ({each.first_left.kind}): the aliases are not moved.",
                "`weaviate-migration verify --repair` compares everything, and says what it cannot mend.",
            )


def _refuse_differences(sync: MigrationSync, wait: _CutoverWait) -> None:
    """Raises DifferencesError where what was changed since the snapshot differs, or changes may have been missed."""
    if sync.standing().problem:
        raise DifferencesError(
            f"Changes of migration {sync.record.id} may have been missed: the aliases are not moved.",
            "`weaviate-migration verify --repair` compares everything, and mends what differs.",
        )
    while (compared := try_compare_changes(sync, sync.captured.position)) is None:
        wait.require("the collections, which somebody else loads or compares")
        pause(SECONDS_BETWEEN_LOOKS)
    if compared.differences:
        first = next(each for collection in compared.collections for each in collection.differences)
        raise DifferencesError(
            f"{compared.differences} differences in what was changed since the snapshot, the first in "
            f"{first.collection}, {first.key} ({first.kind}): the aliases are not moved.",
            "`weaviate-migration verify --repair` mends what differs.",
        )


def _other_targets(client: WeaviateClient, record: MigrationRecord) -> dict[str, str | None]:
    """Where the aliases point; for one that a switch killed half-way has moved already, where it pointed before."""
    found = alias_targets(client, record.targets)
    return {
        alias: record.previous_aliases.get(alias) if found[alias] == target else found[alias]
        for alias, target in record.targets.items()
    }


def _refuse_quarantined_rows(work_folder: WorkFolder, record: MigrationRecord, but: Container[str]) -> None:
    counts = quarantined_rows(work_folder, record)
    refused = {alias: rows for alias, rows in counts.items() if record.targets[alias] not in but}
    if refused:
        told = ", ".join(f"{rows} of {alias}" for alias, rows in refused.items())
        raise DifferencesError(
            f"Rows were refused ({told}): the aliases are not moved.",
            "`weaviate-migration quarantine list` names them; key, reason and payload are in "
            f"{url_of(work_folder.quarantine_folder)}.",
        )


def _refuse_lacking_vectors(work_folder: WorkFolder, record: MigrationRecord) -> None:
    if lacking := lacking_vectors(work_folder, record):
        followed = work_folder.sync_positions.read(record.id) is not None
        raise DifferencesError(
            f"Objects lack vectors that their model could not make ({lacking_text(lacking)}): the aliases are not "
            "moved.",
            f"`weaviate-migration {'sync' if followed else 'migrate'}` makes them once the model answers.",
        )
