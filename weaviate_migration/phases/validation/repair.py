"""Mends what the comparison found: writes missing and altered objects again, and removes extra ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.phases.history.extract.refusals import JudgedRow
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.phases.history.written_vectors import NO_WRITTEN_VECTORS, WrittenVectors
from weaviate_migration.phases.validation.verdicts import Verdict
from weaviate_migration.target.write import WriteSettings, remove_object
from weaviate_migration.work_folder.quarantine import Quarantine, QuarantinedRow


@dataclass(slots=True)
class RepairTally:
    """What was done: objects written and removed, and rows that were refused again."""

    written: int = 0
    removed: int = 0
    refused: int = 0

    def __add__(self, other: "RepairTally") -> "RepairTally":
        return RepairTally(self.written + other.written, self.removed + other.removed, self.refused + other.refused)


class Proof(Protocol):
    """What compares the partitions of a collection with its rows."""

    @property
    def mapping(self) -> CollectionMapping:
        """The collection's part of the mapping."""

    @property
    def objects(self) -> Collection[Any, Any]:
        """The collection."""

    @property
    def layout(self) -> RowLayout:
        """What the columns of the rows are."""

    @property
    def migration_timestamp(self) -> str:
        """When the migration began, as its objects tell it."""

    def verdicts(self, partition: str) -> Iterator[Verdict]:
        """A verdict at least for each row or object of a partition that may disagree."""


class PartitionRepair:
    """Repairs one partition of one collection.

    Args:
        proof: compares the partition.
        quarantine: the collection's; what it holds of the partition is replaced.
        vectors: those that models make.
    """

    def __init__(
        self,
        proof: Proof,
        partition: str,
        settings: WriteSettings,
        quarantine: Quarantine,
        vectors: WrittenVectors = NO_WRITTEN_VECTORS,
    ) -> None:
        self._proof = proof
        self._partition = partition
        self._settings = settings
        self._quarantine = quarantine
        self._vectors = vectors
        self._tally = RepairTally()

    def run(self) -> RepairTally:
        """Mends what differs while the comparison goes on; what agrees is not touched.

        Raises:
            TargetError: the server did not take part any more; what was written stays.
            EmbeddingError: a model did not; so does what was written before.
        """
        proof = self._proof
        writer = RowWriter(
            proof.objects, proof.mapping, proof.migration_timestamp, self._settings, self._refuse, self._vectors
        )
        with self._quarantine.replacing(self._partition):
            for outcome in writer.write(self._partition, self._rows_to_write(), proof.layout):
                self._tally.written += outcome.written
        return self._tally

    def _rows_to_write(self) -> Iterator[JudgedRow]:
        """The rows whose objects are missing or altered, and the refused ones; what has no row is removed meanwhile."""
        for verdict in self._proof.verdicts(self._partition):
            if verdict.row is None:
                assert verdict.found is not None, "what has no row is an object"
                self._tally.removed += remove_object(self._proof.objects, verdict.found.uuid)
            elif verdict.disagreements or verdict.refused is not None:
                yield verdict.row, verdict.refused

    def _refuse(self, partition: str, row: QuarantinedRow) -> None:
        self._tally.refused += 1
        self._quarantine.add(partition, row)
