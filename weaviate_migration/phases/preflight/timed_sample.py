"""How long a migration would take: a sample of each table goes the whole way, and is timed."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from weaviate_migration.base.errors import TargetError
from weaviate_migration.base.texts import seconds_text
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import UuidRange, object_uuid
from weaviate_migration.phases.history.extract.refusals import judged
from weaviate_migration.phases.history.extract.scan import row_layout
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.phases.history.written_vectors import WrittenVectors
from weaviate_migration.phases.preflight.server_side import TrialCollections
from weaviate_migration.phases.preflight.source_side import Source
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import Table, row_count
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.source.rows import sample_rows
from weaviate_migration.target.read_back import objects_in_range
from weaviate_migration.target.tenants import tenants_of
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.vectors.made_vectors import MadeVectors
from weaviate_migration.work_folder.checklist import ChecklistItem
from weaviate_migration.work_folder.quarantine import QuarantinedRow

SAMPLE_ROWS = 500
# `migrate` without any collection, and what each one takes however few rows it has: from 6 empty tables, and 40 of 25
# rows, on a busy machine by CPU, and 0.16 s that the server waits for each.
FIXED_SECONDS = 4.7
COLLECTION_SECONDS = 0.55
# What all of a row's way takes over writing it and reading it back once (measured).
WHOLE_WAY = 1.44

VectorsOf = Callable[[CollectionMapping], MadeVectors]

_EVERYTHING = UuidRange(None, None)
_SHOWN = 3


@dataclass(frozen=True)
class TimedSample:
    """What became of the sample of one table.

    Attributes:
        rows: that the table has.
        sampled: rows that were read.
        refused: of these, those that would not become objects.
        seconds: for reading, converting, writing and reading back; what models took is not among them.
    """

    name: str
    rows: int
    sampled: int
    refused: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Rows in a second."""
        return self.sampled / self.seconds

    @property
    def expected_seconds(self) -> float:
        """For all rows of the table, with every check."""
        return WHOLE_WAY * self.rows / self.per_second


def duration(
    source: Source,
    trial: TrialCollections,
    settings: WriteSettings,
    scratch: Path,
    vectors_of: VectorsOf,
    embedding_seconds: float,
) -> ChecklistItem:
    """How long the migration would take, extrapolated from a sample of each table; nothing of it stays in Weaviate.

    Args:
        vectors_of: what makes vectors of a collection's sample.
        embedding_seconds: what models take for all texts.
    """
    try:
        samples = list(_samples(source, trial, settings, scratch, vectors_of))
    except TargetError as error:
        return ChecklistItem("duration", "failed", error.message, error.hint or "See the server's log.")
    rows = sum(each.rows for each in samples)
    if not samples:
        return ChecklistItem("duration", "skipped", "the mapped tables have no rows")
    expected = expected_seconds(len(source.plan.collections), samples) + embedding_seconds
    slowest = sorted(samples, key=lambda each: -each.expected_seconds)[:_SHOWN]
    rates = ", ".join(f"{each.name} {each.per_second:,.0f}/s" for each in slowest)
    figure = f"about {seconds_text(expected)} for {rows:,} rows ({rates})"
    refused = sum(each.refused for each in samples)
    if not refused:
        return ChecklistItem("duration", "passed", figure)
    figure += f"; {refused:,} of {sum(each.sampled for each in samples):,} sampled rows are refused"
    return ChecklistItem("duration", "warned", figure, "`weaviate-migration audit` says which rows and why.")


def expected_seconds(collections: int, samples: Iterable[TimedSample]) -> float:
    """For the whole migration, with every check.

    Args:
        collections: that are made, those of empty tables among them.
        samples: of the tables that have rows.
    """
    return FIXED_SECONDS + COLLECTION_SECONDS * collections + sum(each.expected_seconds for each in samples)


def _samples(
    source: Source, trial: TrialCollections, settings: WriteSettings, scratch: Path, vectors_of: VectorsOf
) -> Iterator[TimedSample]:
    for plan in source.plan.collections:
        if plan.table is not None and (rows := _row_count(source, plan.table)):
            yield _timed(source, plan, rows, trial, settings, scratch, vectors_of(plan.mapping))


def _row_count(source: Source, table: Table) -> int:
    with source_errors(source.path), closing(connect_to_read(source.readable)) as connection:
        return row_count(connection, table)


def _without_references(layout: RowLayout) -> RowLayout:
    """A trial's collection has none: what they lead to is not there."""
    return replace(layout, parents=tuple(each._replace(reference="") for each in layout.parents))


def _timed(
    source: Source,
    plan: CollectionPlan,
    rows: int,
    trial: TrialCollections,
    settings: WriteSettings,
    scratch: Path,
    vectors: MadeVectors,
) -> TimedSample:
    # What the server's vectorizers ask of a service may cost money, and nothing is spent here.
    mapping = plan.mapping.without_vectorizers
    with trial.one(mapping) as collection:
        began = time.monotonic()
        sample = [ExtractRow(*row) for row in sample_rows(source.readable, plan, object_uuid, scratch, SAMPLE_ROWS)]
        layout, refused = _without_references(row_layout(plan)), list[QuarantinedRow]()
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        into, written = (lambda _, row: refused.append(row)), WrittenVectors(vectors)
        writer = RowWriter(collection, mapping, now, settings, into, written)
        for _ in writer.write("sample", judged(sample, plan.mapping, layout.columns), layout):
            pass
        for _ in objects_in_range(collection, _EVERYTHING, tenants=tenants_of(collection, plan.mapping)):
            pass
        models = sum(tally.seconds for _, tally in vectors.done().values())
        return TimedSample(plan.mapping.name, rows, len(sample), len(refused), time.monotonic() - began - models)
