"""The figures of a migration for people: in its result, and as metadata of its assets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from weaviate_migration.base.errors import ErrorCategory
from weaviate_migration.work_folder.load_tally import LATENCY_BOUNDS, LoadTally


@dataclass(frozen=True)
class LoadFigures:
    """What was measured of the last load of a partition, or of all of a collection's.

    Attributes:
        rows_changed: left to the sync, since they changed after the snapshot.
        rows_refused, objects_retried: by category of the error.
        batch_seconds_mean: until all objects of a batch had their outcome; 0 without a batch.
        batch_seconds_95: 95 of 100 batches took at most so long: the upper bound of a class of the histogram, None
            where they are beyond the last one.
        sent_bytes: estimated, as the batches are cut.
        rows_per_second: written ones, over `seconds`.
    """

    rows_read: int
    rows_changed: int
    rows_converted: int
    rows_written: int
    rows_refused: Mapping[ErrorCategory, int]
    objects_retried: Mapping[ErrorCategory, int]
    objects_removed: int
    batches: int
    batch_seconds_mean: float
    batch_seconds_95: float | None
    sent_bytes: int
    seconds: float
    rows_per_second: float


def load_figures(tally: LoadTally) -> LoadFigures:
    """The figures of a tally."""
    return LoadFigures(
        rows_read=tally.rows,
        rows_changed=tally.changed,
        rows_converted=tally.converted,
        rows_written=tally.written,
        rows_refused=dict(tally.refused_by),
        objects_retried=dict(tally.retried_by),
        objects_removed=tally.removed,
        batches=tally.batches,
        batch_seconds_mean=round(tally.batch_seconds / tally.batches, 4) if tally.batches else 0.0,
        batch_seconds_95=_quantile(tally, 0.95),
        sent_bytes=tally.sent_bytes,
        seconds=round(tally.seconds, 3),
        rows_per_second=round(tally.written / tally.seconds, 1) if tally.seconds else 0.0,
    )


def _quantile(tally: LoadTally, share: float) -> float | None:
    """The upper bound of the class that this share of the batches ends in; 0 without a batch."""
    if not tally.batches:
        return 0.0
    counted = 0
    for bound, number in zip(LATENCY_BOUNDS, tally.latencies, strict=False):
        counted += number
        if counted >= share * tally.batches:
            return bound
    return None


@dataclass(frozen=True)
class CollectionMetrics:
    """The figures of one collection.

    Attributes:
        checks: for each check how many of its last verdicts there are of each outcome.
        server_objects: how many objects the server says it holds; None where it does not say.
    """

    total: LoadFigures
    partitions: Mapping[str, LoadFigures]
    checks: Mapping[str, Mapping[str, int]]
    server_objects: int | None


@dataclass(frozen=True)
class MigrationMetrics:
    """The figures of a migration.

    Attributes:
        collections: by alias.
        lag_changes, lag_seconds: of the sync behind the source; None where it is not followed.
        cpu_seconds: of this process and those that it has started and that have ended; not of the server.
        work_folder_bytes: on disk, by part of the folder.
    """

    collections: Mapping[str, CollectionMetrics] = field(default_factory=dict)
    lag_changes: int | None = None
    lag_seconds: float | None = None
    cpu_seconds: float = 0.0
    work_folder_bytes: Mapping[str, int] = field(default_factory=dict)
