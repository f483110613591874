"""Reads what a Dagster run recorded: rows, checks, seconds of each phase, and why it failed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.events import RunFailureReason
from dagster_shared.error import SerializableErrorInfo

from weaviate_migration.base.errors import DifferencesError, ErrorCategory, MigrationError, error_named
from weaviate_migration.jobs import SOURCE_AUDIT, step_phases
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.result import BackupResult, CheckResult, CollectionResult, MigrationResult
from weaviate_migration.work_folder.phase import Phase, next_step
from weaviate_migration.work_folder.record import MigrationRecord

FAILED_CHECK = "DagsterAssetCheckFailedError"
# The severity of checks that a migration need not pass.
WARN = dg.AssetCheckSeverity.WARN.value


@dataclass(frozen=True)
class StepFailure:
    """Why a step failed.

    Attributes:
        error: the class of ours that was raised, None for a fault of ours or of a library.
        trace: where it was raised.
    """

    step: str
    message: str
    error: type[MigrationError] | None
    is_failed_check: bool
    trace: str

    @property
    def category(self) -> ErrorCategory:
        """That of the error; a check that failed is about two sides that differ."""
        told = DifferencesError if self.is_failed_check else self.error
        return told.category if told else "internal"


def migration_outcome(
    events: Sequence[dg.DagsterEvent], mapping: Mapping, records: Sequence[MigrationRecord]
) -> MigrationResult:
    """What a run of the job `migrate` came to.

    Args:
        records: the migrations on record, oldest first; the run's is the last, unless it did not get that far.
    """
    failures = step_failures(events)
    checks = check_results(events)
    if any(each.step in (SOURCE_AUDIT, "weaviate_schema") for each in failures) or not records:
        return _not_begun(failures, checks)
    record = records[-1]
    collections = _collection_results(events, mapping, record)
    failed = [each for each in checks if not each.passed]
    errors = [_told(each) for each in failed if each.severity != WARN]
    refused = sum(each.failed for each in collections.values())
    exit_code = _exit_code(failures, refused)
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
        errors=_error_texts(failures),
        warnings=[_told(each) for each in failed if each.severity == WARN],
        phases=_phase_seconds(events, mapping),
        backup=_backup(record),
        collections=collections,
        checks=checks,
        next_step=_next_step(exit_code, record),
    )


def dry_run_outcome(events: Sequence[dg.DagsterEvent], mapping: Mapping, prefix: str) -> MigrationResult:
    """What a run of the job `dry_run` came to: `migrated` is what would be written, `failed` what would be refused."""
    failures = step_failures(events)
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
        phases=_phase_seconds(events, mapping),
        collections=collections,
        next_step="Nothing was written to Weaviate. The same command without --dry-run migrates.",
    )


def run_verdict(events: Sequence[dg.DagsterEvent]) -> tuple[int, list[str]]:
    """The exit code of a run that only checks, and why it failed; failed checks are not told here."""
    failures = step_failures(events)
    return _exit_code(failures, 0), _error_texts(failures)


def was_interrupted(events: Sequence[dg.DagsterEvent]) -> bool:
    """Whether the run ended by Ctrl-C or SIGTERM: Dagster turns it into a failure of the run.

    One that was marked as failed from outside, after it was killed, has no data of its failure.
    """
    failures = [event.job_failure_data for event in events if event.is_job_failure and event.event_specific_data]
    return RunFailureReason.UNEXPECTED_TERMINATION in [each.failure_reason for each in failures]


def _not_begun(failures: Sequence[StepFailure], checks: Sequence[CheckResult]) -> MigrationResult:
    """A migration that its source stopped, or that failed before it was on record."""
    failed = [_told(each) for each in checks if not each.passed and each.severity != WARN]
    result = _failed(failures)
    return result.with_(
        errors=[*result.errors, *failed],
        checks=checks,
        next_step="Nothing was written. `weaviate-migration audit` shows all that was found." if failed else "",
    )


def _failed(failures: Sequence[StepFailure]) -> MigrationResult:
    return MigrationResult(success=False, exit_code=_exit_code(failures, 0), errors=_error_texts(failures))


def _exit_code(failures: Sequence[StepFailure], refused: int) -> int:
    """A fault outweighs a difference: what was not reached cannot be compared."""
    codes = {
        DifferencesError.exit_code if each.is_failed_check else each.error.exit_code if each.error else 1
        for each in failures
    }
    if refused:
        codes.add(DifferencesError.exit_code)
    return next((code for code in (1, 2, 3) if code in codes), 0)


def _error_texts(failures: Sequence[StepFailure]) -> list[str]:
    """Failed checks are told by their descriptions; a fault of ours keeps its trace; one cause is told once."""
    texts = [
        each.message if each.error else f"Internal error in `{each.step}`:\n{each.trace}"
        for each in failures
        if not each.is_failed_check
    ]
    return list(dict.fromkeys(texts))


def _told(check: CheckResult) -> str:
    where = f"{check.asset}, partition {check.partition}" if check.partition else check.asset
    return f"{where}: {check.name}: {check.description}"


def _backup(record: MigrationRecord) -> BackupResult | None:
    found = record.snapshot
    return BackupResult(str(found.path), found.sha256, found.bytes) if found else None


def _next_step(exit_code: int, record: MigrationRecord) -> str:
    if exit_code == DifferencesError.exit_code:
        return (
            f"The aliases are not moved, and migration {record.id} stays unfinished. Once the cause in Weaviate is "
            "gone, the same command goes on with it, and with its snapshot; after a change to the source or the "
            "mapping, begin anew: `weaviate-migration rollback --discard`."
        )
    return next_step(Phase.CUT_OVER if record.state == "cut over" else Phase.VALIDATION)


def _dry_run_table(events: Iterable[dg.DagsterEvent]) -> Iterator[dg.TableRecord]:
    for event in events:
        if event.is_step_materialization:
            table = event.step_materialization_data.materialization.metadata["collections"]
            assert isinstance(table, dg.TableMetadataValue)
            yield from table.records


def step_failures(events: Iterable[dg.DagsterEvent]) -> list[StepFailure]:
    """The failed steps of a run, in the order of their failing."""
    return [step_failure(event) for event in events if event.is_step_failure]


def step_failure(event: dg.DagsterEvent) -> StepFailure:
    """Why the step of this event failed."""
    info = event.step_failure_data.error
    assert info is not None, "a step that failed has an error"
    # Dagster wraps what a step raised, and what a step raised may have a cause: ours is in between.
    chain = list(_chain(info))
    told = next((each for each in chain if error_named(each.cls_name or "")), chain[-1])
    name = told.cls_name or ""
    # Dagster's text of an error begins with its class.
    message = told.message.strip().partition(f"{name}: ")[2] or told.message.strip()
    return StepFailure(
        step=event.step_key or "",
        message=message,
        error=error_named(name),
        is_failed_check=name == FAILED_CHECK,
        trace=info.to_string(),
    )


def _chain(info: SerializableErrorInfo) -> Iterator[SerializableErrorInfo]:
    """An error and its causes, the outermost first."""
    yield info
    if info.cause is not None:
        yield from _chain(info.cause)


def check_results(events: Iterable[dg.DagsterEvent]) -> list[CheckResult]:
    """The evaluations that a run stored."""
    return [_check_result(event) for event in events if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION]


def _check_result(event: dg.DagsterEvent) -> CheckResult:
    evaluation = event.asset_check_evaluation_data
    return CheckResult(
        asset=evaluation.asset_key.to_user_string(),
        name=evaluation.check_name,
        passed=evaluation.passed,
        severity=evaluation.severity.value,
        partition=evaluation.partition,
        description=evaluation.description or "",
    )


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
                    yield event.asset_key.to_user_string(), name, value.value


def _phase_seconds(events: Iterable[dg.DagsterEvent], mapping: Mapping) -> dict[str, float]:
    """Seconds of each phase: the sum of its steps'."""
    phase_of = step_phases(mapping)
    phases: dict[str, float] = {}
    for event in events:
        if event.is_step_success and (phase := phase_of.get(event.step_key or "")):
            phases[phase] = round(phases.get(phase, 0.0) + event.step_success_data.duration_ms / 1000, 3)
    return phases
