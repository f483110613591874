"""Another try for quarantined rows: taken from the extract again, converted, written; those that succeed leave."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text, row_converter
from weaviate_migration.phases.history.changes import Changes
from weaviate_migration.phases.history.extract.refusals import judged_rows
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.history.row_writer import quarantined_object, quarantined_row
from weaviate_migration.target.write import ObjectWriter, WriteSettings, cut_into_batches, remove_object
from weaviate_migration.work_folder.quarantine import Quarantine

NOT_IN_EXTRACT = "the extract does not hold its row any more: materialize the partition again"


@dataclass(frozen=True)
class QuarantineReplay:
    """Tries the quarantined rows of one collection again.

    Args:
        migration_timestamp: when the migration began, RFC 3339.
        changes: since the snapshot; rows that changed since are not taken from the extract, and stay.
    """

    collection: Collection[Any, Any]
    mapping: CollectionMapping
    migration_timestamp: str
    settings: WriteSettings
    quarantine: Quarantine
    changes: Changes

    def run(self, partition: str, extract: PartitionExtract) -> int:
        """Writes the quarantined rows of one partition, and no others.

        What is refused again stays in the quarantine, with the reason that it has now. Its file changes at the end and
        in one step: a row that was written before a kill is in both places, and writing it again is harmless.

        Args:
            extract: the partition's rows, sorted by UUID.

        Returns:
            How many rows are objects now.

        Raises:
            TargetError: the server did not take part any more; the quarantine is as before.
        """
        pending = {row.uuid for row in self.quarantine.rows_of(partition) if not self.changes.has(row.uuid)}
        written = 0
        with self.quarantine.replacing(partition):
            batches = cut_into_batches(partition, self._drafts(partition, extract, pending), self.settings)
            for outcome in ObjectWriter(self.collection, self.settings).write(batches):
                written += outcome.written
                for refusal in outcome.refusals:
                    # It may be there all the same, without its place in an index: see `PartitionLoad.run`.
                    remove_object(self.collection, refusal.draft.uuid)
                    self.quarantine.add(partition, quarantined_object(refusal))
            for row in self.quarantine.rows_of(partition):
                if self.changes.has(row.uuid):
                    self.quarantine.add(partition, row)
                elif row.uuid in pending:
                    self.quarantine.add(partition, replace(row, reason=NOT_IN_EXTRACT, category="conversion"))
        return written

    def _drafts(self, partition: str, extract: PartitionExtract, pending: set[str | None]) -> Iterator[ObjectDraft]:
        """The objects of those rows; rows that become none stay. `pending` keeps what the extract does not hold.

        Rows whose key has a NULL share the UUID None, as rows of one key share theirs.
        """
        layout = RowLayout.of_schema(extract.schema)
        convert = row_converter(self.mapping, layout.columns, self.migration_timestamp)
        wanted = frozenset(pending)
        for row, reason in judged_rows(extract, self.mapping):
            if row.uuid not in wanted:
                continue
            pending.discard(row.uuid)
            if reason is None:
                assert row.uuid is not None, "without a UUID it is refused"
                yield convert(row.uuid, key_text(row.key), row.values)
            else:
                self.quarantine.add(partition, quarantined_row(row, reason, layout))
