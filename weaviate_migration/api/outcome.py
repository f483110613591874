"""MigrationResult: what became of a migration, as the Python API returns it and `--json` prints it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from weaviate_migration.base.errors import ConfigurationError, DifferencesError
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.monitoring.metrics.figures import MigrationMetrics
from weaviate_migration.runs.events import (
    WARN,
    CheckResult,
    StepFailure,
    check_results,
    error_texts,
    exit_code_of,
    run_failures,
)
from weaviate_migration.runs.jobs import MISFITS, SOURCE_AUDIT, WEAVIATE_SCHEMA
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.work_folder.phase import Phase, next_step
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.storage import url_of

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
        phases: seconds by name, in which at least one step of the phase ran.
        certificate: path of the certificate; None where not everything was compared, or not all of it passed.
        drawn_mapping: path of the mapping, where it was drawn up from the file; None where another was taken.
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
    phases: ReadOnlyMapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float = 0.0
    backup: BackupResult | None = None
    collections: ReadOnlyMapping[str, CollectionResult] = field(default_factory=dict)
    checks: Sequence[CheckResult] = ()
    certificate: str | None = None
    drawn_mapping: str | None = None
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
            "metrics": self.metrics.to_dict(),
            "started_at": self.started_at.isoformat(),
            "completed_at": self.completed_at.isoformat(),
            "duration_seconds": round(self.duration_seconds, 3),
            "records_per_second": round(self.records_per_second, 1),
        }

    def to_pandas(self) -> "pd.DataFrame":
        """One row for each collection, indexed by its name."""
        import pandas as pd  # Its import takes a quarter of a second: only a frame needs it.

        return pd.DataFrame.from_dict({name: asdict(each) for name, each in self.collections.items()}, orient="index")


def migration_outcome(
    events: Sequence[dg.DagsterEvent], mapping: Mapping, names: DagsterNames, record: MigrationRecord | None
) -> MigrationResult:
    """What a run of the job `migrate` came to.

    Args:
        names: of the run's steps.
        record: the newest migration on record: the run's, unless it did not get that far; None where there is none.
    """
    failures = run_failures(events)
    checks = check_results(events)
    beginning = (names.step(SOURCE_AUDIT), names.step(WEAVIATE_SCHEMA))
    if any(each.step in beginning for each in failures) or record is None:
        return _not_begun(failures, checks).with_(warnings=list(_misfits(events)))
    collections = _collection_results(events, mapping, record)
    failed = [each for each in checks if not each.passed]
    errors = [_check_text(each) for each in failed if each.severity != WARN]
    refused = sum(each.failed for each in collections.values())
    # Its collections are made: 2 would say that nothing was touched.
    exit_code = 1 if (code := exit_code_of(failures, refused)) == ConfigurationError.exit_code else code
    total = sum(each.source_rows for each in collections.values())
    migrated = sum(each.migrated for each in collections.values())
    return MigrationResult(
        success=exit_code == 0,
        exit_code=exit_code,
        migration_id=record.id,
        total_records=total,
        migrated_records=migrated,
        failed_records=refused,
        skipped_records=total - migrated - refused,
        validation_passed=exit_code == 0 and not errors,
        validation_errors=errors,
        errors=error_texts(failures),
        warnings=[*(_check_text(each) for each in failed if each.severity == WARN), *_misfits(events)],
        backup=_backup(record),
        collections=collections,
        checks=checks,
        next_step=_next_step(exit_code, record),
    )


def dry_run_outcome(events: Sequence[dg.DagsterEvent], mapping: Mapping, prefix: str) -> MigrationResult:
    """What a run of the job `dry_run` came to: `migrated` is what would be written, `failed` what would be refused."""
    failures = run_failures(events)
    if failures:
        return _failed(failures)
    rows = {record.data["collection"]: record.data for record in _dry_run_table(events)}
    collections = {
        each.name: CollectionResult(
            alias=f"{prefix}{each.name}",
            collection="",
            table=each.table,
            source_rows=int(rows[each.name]["rows"] or 0),
            migrated=int(rows[each.name]["would_write"] or 0),
            failed=int(rows[each.name]["would_refuse"] or 0),
        )
        for each in mapping.collections
    }
    refused = sum(each.failed for each in collections.values())
    return MigrationResult(
        success=not refused,
        exit_code=DifferencesError.exit_code if refused else 0,
        total_records=sum(each.source_rows for each in collections.values()),
        failed_records=refused,
        skipped_records=sum(each.migrated for each in collections.values()),
        errors=[f"{name}: {row['refused_first']}" for name, row in rows.items() if row["refused_first"]],
        collections=collections,
        next_step="Nothing was written to Weaviate. The same command without --dry-run migrates.",
    )


def _not_begun(failures: Sequence[StepFailure], checks: Sequence[CheckResult]) -> MigrationResult:
    """A migration that its source stopped, or that failed before it was on record."""
    failed = [_check_text(each) for each in checks if not each.passed and each.severity != WARN]
    result = _failed(failures)
    return result.with_(
        errors=[*result.errors, *failed],
        checks=checks,
        next_step="Nothing was written. `weaviate-migration audit` shows all that was found." if failed else "",
    )


def _failed(failures: Sequence[StepFailure]) -> MigrationResult:
    return MigrationResult(success=False, exit_code=exit_code_of(failures, 0), errors=error_texts(failures))


def _check_text(check: CheckResult) -> str:
    where = f"{check.asset}, partition {check.partition}" if check.partition else check.asset
    return f"{where}: {check.name}: {check.description}"


def _backup(record: MigrationRecord) -> BackupResult | None:
    found = record.snapshot
    return BackupResult(url_of(found.path), found.sha256, found.bytes) if found else None


def _next_step(exit_code: int, record: MigrationRecord) -> str:
    if exit_code == DifferencesError.exit_code:
        return (
            f"The aliases are not moved, and migration {record.id} stays unfinished. Once the cause in Weaviate is "
            "gone, the same command goes on with it, and with its snapshot; after a change to the source or the "
            "mapping, begin again: `weaviate-migration rollback --discard`."
        )
    return next_step(Phase.CUT_OVER if record.state == "cut over" else Phase.VALIDATION)


def _misfits(events: Iterable[dg.DagsterEvent]) -> Iterator[str]:
    """A sentence for each column of which hardly a value fits, as the audit found them."""
    for event in events:
        if event.is_step_materialization and event.asset_key and event.asset_key.path[-1] == SOURCE_AUDIT:
            table = event.step_materialization_data.materialization.metadata.get(MISFITS)
            if isinstance(table, dg.TableMetadataValue):
                yield from (str(record.data["what"]) for record in table.records)


def _dry_run_table(events: Iterable[dg.DagsterEvent]) -> Iterator[dg.TableRecord]:
    for event in events:
        if event.is_step_materialization:
            table = event.step_materialization_data.materialization.metadata["collections"]
            assert isinstance(table, dg.TableMetadataValue)
            yield from table.records


def _collection_results(
    events: Sequence[dg.DagsterEvent], mapping: Mapping, record: MigrationRecord
) -> dict[str, CollectionResult]:
    """For each collection its rows, and what became of them."""
    counts = _materialized_counts(events)
    return {each.name: _collection_result(counts, each, record) for each in mapping.collections}


def _collection_result(
    counts: dict[str, dict[str, int]], mapping: CollectionMapping, record: MigrationRecord
) -> CollectionResult:
    loaded = counts[mapping.asset_name]
    return CollectionResult(
        alias=record.alias(mapping),
        collection=record.collection(mapping),
        table=mapping.table,
        source_rows=counts[mapping.extract_name]["dagster/partition_row_count"],
        migrated=loaded["dagster/partition_row_count"],
        failed=loaded["refused"],
    )


def _materialized_counts(events: Iterable[dg.DagsterEvent]) -> dict[str, dict[str, int]]:
    """For each asset the sums of its partitions' integers."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for asset, name, value in _integers(events):
        counts[asset][name] += value
    return counts


def _integers(events: Iterable[dg.DagsterEvent]) -> Iterator[tuple[str, str, int]]:
    for event in events:
        if event.is_step_materialization and event.asset_key is not None:
            for name, value in event.step_materialization_data.materialization.metadata.items():
                if isinstance(value, dg.IntMetadataValue) and value.value is not None:
                    yield event.asset_key.path[-1], name, value.value
