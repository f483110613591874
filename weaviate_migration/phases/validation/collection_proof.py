"""The proof of one collection: its extract against its objects, and what follows from that."""

import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import accumulate
from types import MappingProxyType

from upath import UPath
from weaviate import WeaviateClient

from weaviate_migration.base.bounded_pool import BoundedPool
from weaviate_migration.base.bundles import bundled
from weaviate_migration.mapping import CollectionMapping, VectorMapping
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.phases.history.changes import Changes, CollectionChanges
from weaviate_migration.phases.history.extract.partitions import partition_range
from weaviate_migration.phases.history.extract.refusals import JudgedRow, judged
from weaviate_migration.phases.history.extract.storage import open_partition
from weaviate_migration.phases.history.extract.storage_classes import (
    BATCH_SIZE,
    ExtractRow,
    RowLayout,
    size_of,
)
from weaviate_migration.phases.history.written_vectors import NO_WRITTEN_VECTORS, WrittenVectors
from weaviate_migration.phases.validation.blocks import Block, ReadObjects, judge_blocks
from weaviate_migration.phases.validation.column_comparer import ColumnComparer
from weaviate_migration.phases.validation.containment import (
    SAMPLED_ROWS,
    Containment,
    SearchedCollection,
    compare_hits,
)
from weaviate_migration.phases.validation.expected_vectors import ExpectedVectors
from weaviate_migration.phases.validation.indexed import await_index
from weaviate_migration.phases.validation.partition_comparison import (
    PartitionComparison,
    kept_comparisons,
    objects_by_tenant,
)
from weaviate_migration.phases.validation.recall import QUERIES, RecallComparison, VectorRecall, measure_recall
from weaviate_migration.phases.validation.row_comparer import RowComparer, row_comparer
from weaviate_migration.phases.validation.samples import SampleComparison, compare_sample, draw_rows
from weaviate_migration.phases.validation.search import SearchComparison, compare_search
from weaviate_migration.phases.validation.second_look import looked_at_again
from weaviate_migration.phases.validation.settling import Settling
from weaviate_migration.phases.validation.verdicts import Agreement, PartitionTally, Verdict, judge_objects
from weaviate_migration.source.full_text_search import FullTextSearch
from weaviate_migration.target.object_pages import ObjectPages
from weaviate_migration.target.read_back import (
    StoredObject,
    any_object_in_range,
    mapped_objects_in_range,
    page_of,
    uuids_present,
)
from weaviate_migration.target.replicas import is_replicated, open_collection
from weaviate_migration.target.schema import schema_differences
from weaviate_migration.target.tenants import Tenants, tenants_of
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.progress import CHECKS, KeptProgress
from weaviate_migration.work_folder.record import MigrationRecord

logger = logging.getLogger(__name__)

# Rows of which one has to have a word for each searchable property.
ROWS_FOR_SEARCHES = 200
_ROWS_AT_ONCE = 10
_SIDE_BY_SIDE = 2
# Bytes of a row of which one is compared at a time: while it is, it is in memory eight times (measured).
_LARGE = 16 * 1024 * 1024


class CollectionProof:
    """Compares some partitions of one collection with their extracts.

    Args:
        mapping: the collection's part of the mapping.
        record: the migration that the collection belongs to.
        extracts: for each partition to compare the file of its rows.
        client: connected to the server.
        changes: the way to what changed since the snapshot.
        vectors: those that models have made, and which objects went without one.

    Attributes:
        mapping: as given.
        objects: the collection.
    """

    def __init__(
        self,
        mapping: CollectionMapping,
        record: MigrationRecord,
        extracts: Mapping[str, UPath],
        client: WeaviateClient,
        changes: CollectionChanges,
        vectors: WrittenVectors = NO_WRITTEN_VECTORS,
    ) -> None:
        self.mapping = mapping
        self._vectors = vectors
        self._record = record
        self._client = client
        self._changes = changes
        self._alias = record.alias(mapping)
        self._extracts = {key: open_partition(path) for key, path in extracts.items()}
        self.objects = open_collection(client, record.collection(mapping))

    def rows(self, partitions: Iterable[str]) -> int:
        """How many rows the extracts of these partitions have."""
        return sum(self._extracts[each].rows for each in partitions)

    def verdicts(self, partition: str) -> Iterator[Verdict]:
        """A verdict for each row of a partition, and each object of its range, that may disagree or is refused.

        What agrees for certain is left out. Until the last one was taken nobody else writes to the collection.
        """
        with self._changes.held(self._range(partition)) as changes:
            yield from (each for each in self._judged(partition, changes) if isinstance(each, Verdict))

    def compare_partition(self, partition: str) -> PartitionComparison:
        """Compares every row and every object of a partition, as the change log has changed them since the snapshot."""
        with self._changes.held(self._range(partition)) as changes:
            return self._compared(partition, changes)

    def compare_partitions(self, partitions: Sequence[str]) -> Iterator[PartitionComparison]:
        """Compares partitions, in their order; two at once where no changes are captured and no row is very large.

        A change log is read by one thread. Four at once gained nothing over two, and took 60 MB more (measured).
        """
        if self._changes.log is not None or any(each.largest > _LARGE for each in self._extracts.values()):
            yield from map(self.compare_partition, partitions)
            return
        with BoundedPool(_SIDE_BY_SIDE) as pool:
            for start in range(0, len(partitions), _SIDE_BY_SIDE):
                with self._changes.held() as changes:
                    compare = partial(self._compared, changes=changes)
                    compared = list(pool.map(compare, partitions[start : start + _SIDE_BY_SIDE]))
                yield from compared

    def is_still_so(self, found: PartitionComparison) -> bool:
        """Whether no change was applied since a partition was compared: its objects are the ones of then."""
        with self._changes.held(self._range(found.partition)) as changes:
            return changes.applied == found.applied

    def _compared(self, partition: str, changes: Changes) -> PartitionComparison:
        within = self._range(partition)
        found = PartitionTally(self._comparer, self._alias, partition).count(self._judged(partition, changes))
        changed, pending = changes.count(within), changes.pending(within)
        rows = self._extracts[partition].rows
        return replace(found, extract_rows=rows, changed=changed, pending=pending, applied=changes.applied)

    def _judged(self, partition: str, changes: Changes) -> Iterator[Agreement | Verdict]:
        def agreement(block: Block) -> Agreement | None:
            if block.objects is None or changes.touch(block.within):
                return None
            return self._column_comparer.agreement(block.rows, block.objects)

        def one_by_one(rows: Iterable[ExtractRow], within: UuidRange, objects: int) -> Iterator[Verdict]:
            found = self._objects(within, min(objects + 1, self._page(partition)), tenants)
            return self._one_by_one(rows, found, within, changes)

        tenants = tenants_of(self.objects, self.mapping)
        batches = self._extracts[partition].record_batches()
        has_objects = partial(any_object_in_range, self.objects, tenants=tenants)
        return judge_blocks(batches, self._range(partition), has_objects, self._reader(tenants), agreement, one_by_one)

    def _objects(self, within: UuidRange, page: int, tenants: Tenants) -> Iterator[StoredObject]:
        return mapped_objects_in_range(self.objects, self.mapping, within, page, tenants=tenants)

    def _one_by_one(
        self, rows: Iterable[ExtractRow], found: Iterable[StoredObject], within: UuidRange, changes: Changes
    ) -> Iterator[Verdict]:
        present = judged(changes.carried_into(rows, within), self.mapping, self.layout.columns)
        verdicts = judge_objects(self._comparer, present, changes.without_pending(found, within))
        return looked_at_again(verdicts, self._comparer, self.objects) if is_replicated(self.objects) else verdicts

    def _page(self, partition: str) -> int:
        size = self._extracts[partition]
        return page_of(self.mapping, size.rows, size.bytes)

    def _range(self, partition: str) -> UuidRange:
        return partition_range(self._record.bounds[self.mapping.rows_of], partition)

    def schema_differences(self) -> list[str]:
        """How the live schema differs from what the mapping makes."""
        name, references = self._record.collection(self.mapping), self._record.reference_targets(self.mapping)
        return schema_differences(self._client, name, self.mapping, references)

    def sample(self, size: int) -> SampleComparison:
        """Compares rows drawn at random, by another way to their objects than the comparison of all."""
        with self._changes.held() as changes:
            return compare_sample(self._comparer, self._alias, self._extracts, self.objects, size, _seed(), changes.has)

    def search(
        self, walked: Sequence[PartitionComparison], indexes: Mapping[str, FullTextSearch] = MappingProxyType({})
    ) -> SearchComparison:
        """Searches for what some rows say that are objects, and for what SQLite's full-text search finds.

        Args:
            walked: what the comparison of these partitions met: an aggregate should count as many objects.
            indexes: the full-text indexes that the snapshot has itself, by property.
        """
        with self._changes.held() as changes:
            drawn = (row for _, row in draw_rows(self._extracts, ROWS_FOR_SEARCHES, _seed()))
            rows = self._with_objects(row for row in drawn if not changes.has(row.uuid))
            # While changes are applied, as many objects come and go as rows do.
            is_whole = len(self._extracts) == self._record.partitions and changes.rows is None
            total = sum(each.objects for each in walked) if is_whole else None
            by_tenant = objects_by_tenant(walked) if self.mapping.tenant is not None else None
            settling = Settling()
            found = compare_search(self.mapping, self.layout, rows, self.objects, total, by_tenant, settling)
            return replace(found, containments=self._containments(indexes, changes, settling))

    def _containments(
        self, indexes: Mapping[str, FullTextSearch], changes: Changes, settling: Settling
    ) -> tuple[Containment, ...]:
        """How much of what SQLite's full-text search finds is found, by words of rows of a few partitions.

        Which partition a row is in is chance, as a rule: so not all of the extract is read for them.
        """
        seed = _seed()
        partitions = random.Random(seed).sample(sorted(self._extracts), len(self._extracts))
        rows = [self._extracts[each].rows for each in partitions]
        enough = next((at for at, sum_ in enumerate(accumulate(rows), start=1) if sum_ >= SAMPLED_ROWS), len(rows))
        drawn = draw_rows({each: self._extracts[each] for each in partitions[:enough]}, SAMPLED_ROWS, seed)
        searched = SearchedCollection(self._client, self.objects, changes.has)
        return compare_hits(searched, self.mapping, self.layout, (row for _, row in drawn), indexes, seed, settling)

    def recall(self) -> RecallComparison:
        """Searches for the neighbours of vectors of some rows, once Weaviate has indexed them all."""
        if waiting := await_index(self._client, self._record.collection(self.mapping)):
            return RecallComparison((), waiting)
        settling, seed = Settling(), _seed()
        with self._changes.held() as changes:
            measured = (
                settling.settled(self.objects, partial(self._recall, each, changes, seed), lambda found: found.is_final)
                for each in self.mapping.known_vectors
            )
            return RecallComparison(tuple(measured))

    def _recall(self, vector: VectorMapping, changes: Changes, seed: int) -> VectorRecall:
        unchanged = (row for _, row in draw_rows(self._extracts, QUERIES, seed) if not changes.has(row.uuid))
        # A vector that Weaviate has refused, it refuses to search for, too.
        drawn = self._with_objects(unchanged)
        judged_rows = (each for partition in self._extracts for each in self._rows(partition, changes))
        rows = (row for row, refused in judged_rows if refused is None)
        return measure_recall(vector, self.objects, drawn, rows, self._expected_vectors.of_rows)

    def _rows(self, partition: str, changes: Changes) -> Iterator[JudgedRow]:
        rows = changes.carried_into(self._extracts[partition].extract_rows(), self._range(partition))
        return judged(rows, self.mapping, self.layout.columns)

    def _with_objects(self, rows: Iterable[ExtractRow]) -> Iterator[ExtractRow]:
        """Those rows that are objects, some asked for at once: as a rule the first few say all that is searched for."""
        for group in bundled(rows, size_of, _ROWS_AT_ONCE, BATCH_SIZE):
            present = uuids_present(self.objects, [row.uuid for row in group if row.uuid])
            yield from (row for row in group if row.uuid in present)

    @cached_property
    def _expected_vectors(self) -> ExpectedVectors:
        return ExpectedVectors(self.mapping, self.layout.columns, self._vectors.made)

    @cached_property
    def layout(self) -> RowLayout:
        """What the columns of the extracts are."""
        return RowLayout.of_schema(next(iter(self._extracts.values())).schema)

    @property
    def migration_timestamp(self) -> str:
        """When the migration began, as its objects tell it."""
        return self._record.timestamp

    def _reader(self, tenants: Tenants) -> ReadObjects:
        """Reads objects by column; nothing where the live schema is another than the mapping's, and types may be."""
        if self._pages is None:
            return lambda *_: (None, False)
        return partial(self._pages.read, tenants=tenants)

    @cached_property
    def _pages(self) -> ObjectPages | None:
        if self.schema_differences():
            return None
        return ObjectPages(self._client, self._record.collection(self.mapping), self.mapping)

    @cached_property
    def _column_comparer(self) -> ColumnComparer:
        return ColumnComparer(self.mapping, self.layout, self._record.timestamp, self._vectors.made)

    @cached_property
    def _comparer(self) -> RowComparer:
        return row_comparer(self._client, self._record, self.mapping, self.layout, self._vectors)


def compare_and_keep(
    proof: CollectionProof,
    partitions: Sequence[str],
    record: MigrationRecord,
    work_folder: WorkFolder,
    *,
    resume: bool = False,
    part: str = "",
) -> Iterator[PartitionComparison]:
    """Compares partitions, in their order, and keeps in the work folder what was found of each.

    A partition with differences counts as not loaded any more: the same command again is to mend it.

    Args:
        resume: what is kept comes first, where it still is so, and these partitions are not compared again.
        part: of the collection, where others compare the rest of it at the same time.
    """
    comparisons = kept_comparisons(work_folder, record, proof.mapping)
    kept = comparisons.all() if resume else {}
    still_so = [each for each in partitions if each in kept and proof.is_still_so(kept[each])]
    # Read again: while that waited for somebody who loads, what is loaded again was removed.
    kept = comparisons.all() if still_so else {}
    before = [kept[each] for each in still_so if each in kept]
    yield from before
    done = {each.partition for each in before}
    if not (left := [each for each in partitions if each not in done]):
        return
    loaded = work_folder.loaded(record, proof.mapping)
    alias = f"{record.alias(proof.mapping)}{CHECKS}"
    share = len(partitions) / record.partitions if part else 1.0
    progress = KeptProgress(work_folder.store, alias, proof.rows(left), part=part, share=share)
    rows = objects = differences = 0
    for found in proof.compare_partitions(left):
        comparisons.write(found.partition, found)
        if not found.passed:
            loaded.forget([found.partition])
        progress.advance(found.rows)
        rows, objects, differences = rows + found.rows, objects + found.objects, differences + found.total
        yield found
    progress.finish()
    logger.info("%d rows compared with %d objects: %d differences", rows, objects, differences)


def _seed() -> int:
    return random.SystemRandom().getrandbits(32)
