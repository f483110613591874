"""Mends what the comparison found: writes missing and altered objects again, and removes extra ones."""

from collections.abc import Iterator
from dataclasses import dataclass

from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text
from weaviate_migration.phases.history.row_writer import quarantined_object, quarantined_row, with_provided_vectors
from weaviate_migration.phases.validation.collection_proof import CollectionProof
from weaviate_migration.target.write import ObjectWriter, WriteSettings, cut_into_batches, remove_object
from weaviate_migration.work_folder.quarantine import Quarantine


@dataclass(slots=True)
class RepairTally:
    """What was done: objects written and removed, and rows that were refused again."""

    written: int = 0
    removed: int = 0
    refused: int = 0

    def __add__(self, other: "RepairTally") -> "RepairTally":
        return RepairTally(self.written + other.written, self.removed + other.removed, self.refused + other.refused)


class PartitionRepair:
    """Repairs one partition of one collection.

    Args:
        proof: compares the partition.
        quarantine: the collection's; what it holds of the partition is written anew.
    """

    def __init__(self, proof: CollectionProof, partition: str, settings: WriteSettings, quarantine: Quarantine) -> None:
        self._proof = proof
        self._partition = partition
        self._settings = settings
        self._quarantine = quarantine
        self._tally = RepairTally()

    def run(self) -> RepairTally:
        """Mends what differs while the comparison goes on; what agrees is not touched.

        Raises:
            TargetError: the server did not take part any more; what was written stays.
        """
        with self._quarantine.replacing(self._partition):
            drafts = with_provided_vectors(self._drafts(), self._proof.objects, self._proof.mapping)
            batches = cut_into_batches(self._partition, drafts, self._settings)
            for outcome in ObjectWriter(self._proof.objects, self._settings).write(batches):
                self._tally.written += outcome.written
                self._tally.refused += len(outcome.refusals)
                for refusal in outcome.refusals:
                    # It may be there all the same, as it was before, or not indexed: see `PartitionLoad.run`.
                    remove_object(self._proof.objects, refusal.draft.uuid)
                    self._quarantine.add(self._partition, quarantined_object(refusal))
        return self._tally

    def _drafts(self) -> Iterator[ObjectDraft]:
        for verdict in self._proof.verdicts(self._partition):
            row = verdict.row
            if row is None:
                assert verdict.found is not None, "what has no row is an object"
                self._tally.removed += remove_object(self._proof.objects, verdict.found.uuid)
            elif verdict.refused is not None:
                self._tally.refused += 1
                self._quarantine.add(self._partition, quarantined_row(row, verdict.refused, self._proof.layout))
            elif verdict.disagreements:
                assert row.uuid is not None, "without a UUID it is refused"
                yield self._proof.convert(row.uuid, key_text(row.key), row.values)
