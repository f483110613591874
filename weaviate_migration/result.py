"""MigrationResult: what became of a migration, as the Python API returns it and `--json` prints it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weaviate_migration.metrics.figures import MigrationMetrics

if TYPE_CHECKING:
    import pandas as pd

_NOT_YET = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class CollectionResult:
    """One collection: rows of its table, and what became of them in this run."""

    alias: str
    collection: str
    table: str
    source_rows: int
    migrated: int
    failed: int


@dataclass(frozen=True)
class CheckResult:
    """One stored evaluation of a check; `partition` is None for one about the whole collection."""

    asset: str
    name: str
    passed: bool
    severity: str
    partition: str | None
    description: str


@dataclass(frozen=True)
class BackupResult:
    """The snapshot: the backup before the migration."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class MigrationResult:
    """What became of a migration.

    Attributes:
        success: every row is an object, and every blocking check passed.
        exit_code: what the command line ends with: 0, 1 failed, 2 wrong settings, 3 differences.
        started_at, completed_at: the call, in UTC.
        migration_id: None where none was begun.
        total_records: rows of the mapped tables in the snapshot.
        migrated_records: objects that Weaviate acknowledged in this run.
        failed_records: rows in the quarantine.
        skipped_records: rows that were not reached.
        validation_passed: no check failed, but for those of severity WARN.
        validation_errors: the failed checks, but for those of severity WARN, which are in `warnings`.
        phases: seconds by name.
        certificate: path of the certificate; None where not everything was compared, or not all of it passed.
        metrics: what was measured: rows, batches and bytes by collection and partition, lag, CPU time, disk.
        next_step: what to do now.
    """

    success: bool
    exit_code: int
    started_at: datetime = _NOT_YET
    completed_at: datetime = _NOT_YET
    migration_id: str | None = None
    dry_run: bool = False
    run_id: str | None = None
    total_records: int = 0
    migrated_records: int = 0
    failed_records: int = 0
    skipped_records: int = 0
    validation_passed: bool = False
    validation_errors: Sequence[str] = ()
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()
    phases: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float = 0.0
    backup: BackupResult | None = None
    collections: Mapping[str, CollectionResult] = field(default_factory=dict)
    checks: Sequence[CheckResult] = ()
    certificate: str | None = None
    metrics: MigrationMetrics = field(default_factory=MigrationMetrics)
    next_step: str = ""

    @property
    def duration_seconds(self) -> float:
        """From the call to its return."""
        return (self.completed_at - self.started_at).total_seconds()

    @property
    def records_per_second(self) -> float:
        """Objects written, over the whole duration."""
        return self.migrated_records / self.duration_seconds if self.duration_seconds else 0.0

    def with_(self, **changes: Any) -> "MigrationResult":
        """The same result with these fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values: what `--json` prints. Times are ISO 8601 in UTC."""
        return {
            **asdict(self),
            "started_at": self.started_at.isoformat(),
            "completed_at": self.completed_at.isoformat(),
            "duration_seconds": round(self.duration_seconds, 3),
            "records_per_second": round(self.records_per_second, 1),
        }

    def to_pandas(self) -> "pd.DataFrame":
        """One row for each collection, indexed by its name."""
        import pandas as pd  # A quarter of a second, which only who asks for a frame shall wait.

        return pd.DataFrame.from_dict({name: asdict(each) for name, each in self.collections.items()}, orient="index")
