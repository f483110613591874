"""Another try for quarantined rows: taken from the extract again, converted, written; those that succeed leave."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.phases.history.changes import Changes
from weaviate_migration.phases.history.extract.refusals import JudgedRow, judged_rows
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.phases.history.written_vectors import NO_WRITTEN_VECTORS, WrittenVectors
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.work_folder.quarantine import Quarantine, QuarantinedRow

NOT_IN_EXTRACT = "the extract does not hold its row any more: materialize the partition again"


@dataclass(frozen=True)
class QuarantineReplay:
    """Tries the quarantined rows of one collection again.

    Args:
        migration_timestamp: when the migration began, RFC 3339.
        changes: since the snapshot; rows that changed since are not taken from the extract, and stay.
        vectors: those that models make.
    """

    collection: Collection[Any, Any]
    mapping: CollectionMapping
    migration_timestamp: str
    settings: WriteSettings
    quarantine: Quarantine
    changes: Changes
    vectors: WrittenVectors = NO_WRITTEN_VECTORS

    def run(self, partition: str, extract: PartitionExtract) -> int:
        """Writes the quarantined rows of one partition, and no others.

        What is refused again stays in the quarantine, with the reason that it has now. Its file changes at the end and
        in one step: a row that was written before a kill is in both places, and writing it again is harmless.

        Args:
            extract: the partition's rows, sorted by address.

        Returns:
            How many rows are objects now.

        Raises:
            TargetError: the server did not take part any more; the quarantine is as before.
            EmbeddingError: a model did not; so it is then.
        """
        quarantine = self.quarantine
        writer = RowWriter(
            self.collection, self.mapping, self.migration_timestamp, self.settings, quarantine.add, self.vectors
        )
        layout = RowLayout.of_schema(extract.schema)
        pending = {row.uuid for row in quarantine.rows_of(partition) if not self._has_changed(row)}
        missing = set(pending)
        with quarantine.replacing(partition, keep=self._has_changed):
            rows = _rows_of(pending, missing, judged_rows(extract, self.mapping))
            written = sum(outcome.written for outcome in writer.write(partition, rows, layout))
            for row in quarantine.rows_of(partition):
                if row.uuid in missing:
                    quarantine.add(partition, replace(row, reason=NOT_IN_EXTRACT, category="conversion"))
        return written

    def _has_changed(self, row: QuarantinedRow) -> bool:
        return self.changes.has(row.uuid)


def _rows_of(pending: set[str | None], missing: set[str | None], rows: Iterable[JudgedRow]) -> Iterator[JudgedRow]:
    """The rows of the pending addresses; those that come leave `missing`.

    Rows whose key has a NULL share the UUID None, as rows of one key share theirs.
    """
    for row, reason in rows:
        if row.uuid in pending:
            missing.discard(row.uuid)
            yield row, reason
