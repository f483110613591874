"""Compares the rows that changed since a position by themselves, with everything applied and nobody else writing.

What is compared is of one moment: the rows as they were read, in one transaction, when the log was applied up to its
end; the application goes on meanwhile. So no change is too new to be compared, and a busy application is no hindrance.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, tee
from typing import Any

from filelock import Timeout
from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import RowApplier, SyncTally
from weaviate_migration.phases.history.extract.refusals import judged
from weaviate_migration.phases.history.extract.scan import row_layout
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison
from weaviate_migration.phases.validation.row_comparer import row_comparer
from weaviate_migration.phases.validation.verdicts import PartitionTally, judge_objects
from weaviate_migration.source.changed_rows import ChangedRow, ChangedRows
from weaviate_migration.source.rows import text_length
from weaviate_migration.target.read_back import StoredObject, asked_together, mapped_objects_by_uuid

# These rows are of all partitions; their comparison is told under this name.
CHANGED = "changed"


@dataclass(frozen=True)
class ChangeComparison:
    """What the comparison of changed rows found.

    Attributes:
        position: everything up to here was applied before.
        collections: a comparison for each collection.
        repaired: what was done about differences before the comparison; None where there were none, or it was not
            asked for.
    """

    position: int
    collections: list[PartitionComparison]
    repaired: SyncTally | None = None

    @property
    def differences(self) -> int:
        """All of them."""
        return sum(each.total for each in self.collections)


def compare_changes(
    sync: MigrationSync, since: int, *, repair: bool = False, wait: float = math.inf
) -> ChangeComparison:
    """Applies the log up to its end, and compares every row that was logged after a position with its object.

    Args:
        since: the position: what was logged up to it was compared otherwise.
        repair: where some differ, write all of these rows once more, and compare again.
        wait: so many seconds until nobody else works with these collections; then `filelock.Timeout` is raised.

    Raises:
        CaptureError: changes were missed, or the source is not the file that was followed.
        TargetError: Weaviate did not take part.
    """
    with sync.caught_up(since=since, wait=wait) as caught_up:
        changed = [(each, caught_up.rows[each.plan.mapping.name]) for each in sync.appliers]
        found = ChangeComparison(caught_up.done.position, [_compare(*each) for each in changed])
        if not repair or not found.differences:
            return found
        repaired = SyncTally()
        for applier, rows in changed:
            repaired.add(applier.apply(rows))
        return replace(found, collections=[_compare(*each) for each in changed], repaired=repaired)


def try_compare_changes(sync: MigrationSync, since: int) -> ChangeComparison | None:
    """The same, unless somebody loads, compares or syncs these collections right now: then None, at once."""
    try:
        return compare_changes(sync, since, wait=0)
    except Timeout:
        return None


def _compare(applier: RowApplier, changed: ChangedRows) -> PartitionComparison:
    mapping, record = applier.plan.mapping, applier.record
    layout = row_layout(applier.plan)
    comparer = row_comparer(applier.client, record, mapping, layout, applier.vectors)
    rows, to_look_for = tee(changed.rows())
    present = (ExtractRow(each.uuid, each.key, each.values) for each in rows if each.values is not None)
    found = _objects(applier.objects, to_look_for, mapping)
    verdicts = judge_objects(comparer, judged(present, mapping, layout.columns), found)
    return PartitionTally(comparer, record.alias(mapping), CHANGED).count(verdicts)


def _objects(
    collection: Collection[Any, Any], rows: Iterable[ChangedRow], mapping: CollectionMapping
) -> Iterator[StoredObject]:
    """The objects of these rows that are there, ascending as these are."""
    addressed = (row for row in rows if row.uuid is not None)
    # Rows that share an address stand side by side, and have one object.
    one_each = (next(same) for _, same in groupby(addressed, lambda row: row.uuid))
    for group in asked_together(one_each, _size_of):
        uuids = [row.uuid for row in group if row.uuid is not None]
        found = mapped_objects_by_uuid(collection, mapping, uuids)
        yield from (found[uuid] for uuid in uuids if uuid in found)


def _size_of(row: ChangedRow) -> int:
    return text_length(row.values or ())
