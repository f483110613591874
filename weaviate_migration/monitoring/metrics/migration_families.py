"""Metrics of a migration: of its loads, its checks, and the sync."""

import time
from collections.abc import Iterator, Mapping, Sequence

from weaviate_migration.base.errors import ErrorCategory
from weaviate_migration.monitoring.metrics.catalogue import Family, family, histogram
from weaviate_migration.monitoring.metrics.readings import (
    embedding_tallies,
    followed_standings,
    load_tallies,
    verdict_counts,
)
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import LATENCY_BOUNDS, total
from weaviate_migration.work_folder.progress import read_progress
from weaviate_migration.work_folder.record import MigrationRecord

LOAD = "load"


def load_families(work_folder: WorkFolder, record: MigrationRecord) -> Iterator[Family]:
    """What became of the rows of each partition in its last load."""
    yield family("info", [((record.id, record.state), 1)])
    measured = load_tallies(work_folder, record)
    each = [((alias, key), tally) for alias, found in measured.items() for key, tally in found.items()]
    yield family("rows_read_total", [(labels, tally.rows) for labels, tally in each])
    yield family("rows_changed_total", [(labels, tally.changed) for labels, tally in each])
    yield family("rows_converted_total", [(labels, tally.converted) for labels, tally in each])
    yield family("rows_written_total", [(labels, tally.written) for labels, tally in each])
    yield _by_category("rows_refused_total", [(labels, tally.refused_by) for labels, tally in each])
    yield _by_category("objects_retried_total", [(labels, tally.retried_by) for labels, tally in each])
    yield family("objects_removed_total", [(labels, tally.removed) for labels, tally in each])
    yield family("sent_bytes_total", [(labels, tally.sent_bytes) for labels, tally in each])
    whole = {alias: total(found.values()) for alias, found in measured.items() if found}
    batches = [((alias,), tally.latencies, tally.batch_seconds) for alias, tally in whole.items()]
    yield histogram("batch_duration_seconds", LATENCY_BOUNDS, batches)


def vector_families(work_folder: WorkFolder, record: MigrationRecord) -> Iterator[Family]:
    """What it took to make vectors."""
    made = embedding_tallies(work_folder, record)
    each = [((alias, name), tally) for alias, found in made.items() for name, tally in found.items()]
    yield family("vector_texts_total", [(labels, tally.texts) for labels, tally in each])
    yield family("vectors_left_out", [(labels, tally.left_out) for labels, tally in each])
    yield family("vector_cache_hits_total", [(labels, tally.hits) for labels, tally in each])
    yield family("embedding_calls_total", [(labels, tally.calls) for labels, tally in each])
    yield family("embedding_tokens_total", [(labels, tally.tokens) for labels, tally in each])
    yield family("embedding_seconds_total", [(labels, tally.seconds) for labels, tally in each])
    yield family("embedding_money_total", [(labels, tally.money) for labels, tally in each])


def _by_category(name: str, counts: Sequence[tuple[tuple[str, str], Mapping[ErrorCategory, int]]]) -> Family:
    return family(
        name,
        [((*labels, category), number) for labels, found in counts for category, number in sorted(found.items())],
    )


def progress_families(work_folder: WorkFolder) -> Iterator[Family]:
    """How far loads and checks are, and how fast."""
    found = [(_activity(each.collection), each) for each in read_progress(work_folder.store)]
    now = time.time()
    yield family("progress_rows", [(labels, each.rows) for labels, each in found])
    yield family("progress_rows_handled", [(labels, each.handled) for labels, each in found])
    yield family("progress_rows_per_second", [(labels, each.per_second_at(now)) for labels, each in found])
    averages = [(labels, each.average_per_second) for labels, each in found]
    yield family("progress_average_rows_per_second", [(labels, rate) for labels, rate in averages if rate is not None])
    etas = [(labels, each.eta_seconds) for labels, each in found]
    yield family("progress_eta_seconds", [(labels, eta) for labels, eta in etas if eta is not None])


def _activity(name: str) -> tuple[str, str]:
    """The progress of checks, and of vectors, has a name of its own beside the load's: `Message checks`."""
    collection, _, activity = name.partition(" ")
    return collection, activity or LOAD


def check_families(work_folder: WorkFolder, record: MigrationRecord) -> Iterator[Family]:
    """How many of each check's last verdicts are of each outcome."""
    yield family("check_evaluations", sorted(verdict_counts(work_folder, record).items()))


def sync_families(work_folder: WorkFolder) -> Iterator[Family]:
    """How far each followed migration is behind its source."""
    found = followed_standings(work_folder)
    yield family("sync_lag_changes", [((migration,), each.changes) for migration, each in found.items()])
    yield family("sync_lag_seconds", [((migration,), each.seconds) for migration, each in found.items()])
    yield family("sync_position", [((migration,), each.position) for migration, each in found.items()])
