"""What was measured of a migration, as its result has it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.work_folder.load_tally import LoadTally


@dataclass(frozen=True)
class CollectionMetrics:
    """The figures of one collection.

    Attributes:
        total, partitions: of the last loads; `total` adds up those of the partitions.
        checks: for each check how many of its last verdicts there are of each outcome.
        vectors: of each vector that a model makes what that took.
        server_objects: how many objects the server says it holds; None where it does not say.
    """

    total: LoadTally
    partitions: Mapping[str, LoadTally]
    checks: Mapping[str, Mapping[str, int]]
    server_objects: int | None
    vectors: Mapping[str, VectorTally] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        return {
            "total": _tally_figures(self.total),
            "partitions": {partition: _tally_figures(tally) for partition, tally in self.partitions.items()},
            "checks": self.checks,
            "vectors": {name: tally.figures() for name, tally in self.vectors.items()},
            "server_objects": self.server_objects,
        }


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

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values: what is in `metrics` of `migrate --json`."""
        return asdict(self) | {"collections": {alias: each.to_dict() for alias, each in self.collections.items()}}


def _tally_figures(tally: LoadTally) -> dict[str, Any]:
    return {
        "rows_read": tally.rows,
        "rows_changed": tally.changed,
        "rows_converted": tally.converted,
        "rows_written": tally.written,
        "rows_refused": dict(tally.refused_by),
        "objects_retried": dict(tally.retried_by),
        "objects_removed": tally.removed,
        "batches": tally.batches,
        "batch_seconds_mean": round(tally.batch_seconds_mean, 4),
        "batch_seconds_95": tally.batch_seconds_95,
        "sent_bytes": tally.sent_bytes,
        "seconds": round(tally.seconds, 3),
        "rows_per_second": round(tally.rows_per_second, 1),
    }
