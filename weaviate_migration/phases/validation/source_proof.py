"""The proof of a collection that is not followed: the source's rows as they are now against its objects.

Nobody knows which of its rows have changed since the snapshot. So all of them are read, in one moment, and each object
that differs is mended; what is changed later is not seen, as the collection is not followed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from filelock import Timeout

from weaviate_migration.phases.dual_write.migration_sync import MigrationSync
from weaviate_migration.phases.dual_write.row_applier import RowApplier
from weaviate_migration.phases.history.extract.partitions import partition_range
from weaviate_migration.phases.history.extract.refusals import judged
from weaviate_migration.phases.history.extract.scan import row_layout
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow
from weaviate_migration.phases.validation.differences import Difference
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison
from weaviate_migration.phases.validation.repair import PartitionRepair, RepairTally
from weaviate_migration.phases.validation.row_comparer import row_comparer
from weaviate_migration.phases.validation.verdicts import PartitionTally, Verdict, judge_objects
from weaviate_migration.source.changed_rows import ChangedRows
from weaviate_migration.target.read_back import mapped_objects_in_range, page_of
from weaviate_migration.target.tenants import tenants_of


@dataclass(frozen=True)
class BroughtUp:
    """What was done to bring a collection to its rows as they are now.

    Attributes:
        collection: the alias.
        rows: that were compared.
        done: what was mended.
        left: differences that are there nevertheless; the first is `first_left`.
    """

    collection: str
    rows: int
    done: RepairTally
    left: int
    first_left: Difference | None


class SourceProof:
    """Compares the partitions of one collection with rows that were read from the source.

    Args:
        applier: the collection's.
        rows: all of its rows.
    """

    def __init__(self, applier: RowApplier, rows: ChangedRows) -> None:
        self.mapping = applier.plan.mapping
        self.objects = applier.objects
        self.layout = row_layout(applier.plan)
        self.migration_timestamp = applier.record.timestamp
        self._alias = applier.record.alias(self.mapping)
        self._bounds = applier.record.bounds[self.mapping.rows_of]
        self._rows = rows
        self._comparer = row_comparer(applier.client, applier.record, self.mapping, self.layout, applier.vectors)

    def verdicts(self, partition: str) -> Iterator[Verdict]:
        """A verdict for each row of a partition, and each object of its range that has none."""
        within = partition_range(self._bounds, partition)
        rows = self._rows.rows(within.low, within.high)
        present = (ExtractRow(each.uuid, each.key, each.values) for each in rows if each.values is not None)
        tenants = tenants_of(self.objects, self.mapping)
        page = page_of(self.mapping, len(self._rows), self._rows.bytes)
        found = mapped_objects_in_range(self.objects, self.mapping, within, page, tenants=tenants)
        return judge_objects(self._comparer, judged(present, self.mapping, self.layout.columns), found)

    def compare_partition(self, partition: str) -> PartitionComparison:
        """Compares every row and every object of a partition."""
        return PartitionTally(self._comparer, self._alias, partition).count(self.verdicts(partition))


def try_bring_up(sync: MigrationSync, applier: RowApplier, go_on: Callable[[], None]) -> BroughtUp | None:
    """Compares a collection with its rows as they are now, and mends what differs.

    Args:
        go_on: is called after each partition; what it raises ends the work.

    Returns:
        None, at once, where somebody loads, compares or syncs the collection right now.

    Raises:
        CaptureError: capture is damaged or missing.
        TargetError: Weaviate did not take part.
    """
    try:
        with sync.all_rows(applier) as rows:
            return _brought_up(SourceProof(applier, rows), applier, go_on)
    except Timeout:
        return None


def _brought_up(proof: SourceProof, applier: RowApplier, go_on: Callable[[], None]) -> BroughtUp:
    rows, left, done = 0, list[PartitionComparison](), RepairTally()
    refused_before = applier.quarantine.partitions()
    for partition in applier.record.partition_keys:
        found = proof.compare_partition(partition)
        rows += found.rows
        if found.total or partition in refused_before:
            done += PartitionRepair(proof, partition, applier.settings, applier.quarantine, applier.vectors).run()
            left.append(proof.compare_partition(partition))
        go_on()
    first = next((each for found in left for each in found.differences), None)
    return BroughtUp(applier.record.alias(proof.mapping), rows, done, sum(each.total for each in left), first)
