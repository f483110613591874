"""Reads what a Dagster run recorded: what its checks found, and why it failed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.events import RunFailureReason
from dagster_shared.error import SerializableErrorInfo

from weaviate_migration.base.errors import (
    PASSING_ERRORS,
    CaptureError,
    DifferencesError,
    EmbeddingError,
    ErrorCategory,
    MigrationError,
    SourceStorageError,
    VectorCacheError,
    error_named,
)

FAILED_CHECK = "DagsterAssetCheckFailedError"
# The severity of checks that a migration need not pass.
WARN = dg.AssetCheckSeverity.WARN.value
_SHOWN_CHARACTERS = 500


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
class StepFailure:
    """Why a step failed, or a run.

    Attributes:
        step: the step's key, or the job's name where the run failed without a failed step.
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

    @property
    def may_pass(self) -> bool:
        """Whether trying again may help: a server or a file that is away or locked, and a full disk, not always are."""
        if self.error is None or issubclass(self.error, SourceStorageError):
            return False  # Without room for the snapshot nothing was loaded that would be worth keeping.
        return issubclass(self.error, PASSING_ERRORS)

    @property
    def is_about_models(self) -> bool:
        """Whether vectors could not be made, or not be kept: what is loaded stays right, whatever mends that."""
        return self.error is not None and issubclass(self.error, (EmbeddingError, VectorCacheError))

    @property
    def without_hint(self) -> str:
        """The message of an error that says what to do, without that: it is the last line."""
        return self.message.rpartition("\n")[0] or self.message

    @property
    def is_about_capture(self) -> bool:
        """Whether the source is not what the migration has followed: it was altered, restored or replaced."""
        return self.error is not None and issubclass(self.error, CaptureError)


def last_tries(events: Sequence[dg.DagsterEvent]) -> list[dg.DagsterEvent]:
    """Of a run's events those of the last time that each step was carried out, and those that belong to no step.

    Dask has a step carried out again in the same run where the worker is gone that was at it, or that had its result.
    """
    begun = {event.step_key: at for at, event in enumerate(events) if event.is_step_start}
    return [event for at, event in enumerate(events) if at >= begun.get(event.step_key, 0)]


def run_verdict(events: Sequence[dg.DagsterEvent]) -> tuple[int, list[str]]:
    """The exit code of a run that only checks, and why it failed; failed checks are not told here."""
    failures = run_failures(events)
    return exit_code_of(failures, 0), error_texts(failures)


def was_interrupted(events: Sequence[dg.DagsterEvent]) -> bool:
    """Whether the run ended by Ctrl-C or SIGTERM: Dagster turns it into a failure of the run.

    One that was marked as failed from outside, after it was killed, has no data of its failure.
    """
    failures = [event.job_failure_data for event in events if event.is_job_failure and event.event_specific_data]
    return RunFailureReason.UNEXPECTED_TERMINATION in [each.failure_reason for each in failures]


def run_failures(events: Sequence[dg.DagsterEvent]) -> list[StepFailure]:
    """Why a run failed: its failed steps, in the order of their failing; the run itself where none of them failed.

    So is it where an executor or a process of it breaks down, or where a resource cannot be made.
    """
    return [failure_of(event) for event in failing_events(events)]


def failure_line(events: Sequence[dg.DagsterEvent]) -> str:
    """Why a run failed, in one line; what workers have raised outside of steps has a trace, which is left out."""
    told = "; ".join(each.message.partition("Stack Trace:")[0] for each in run_failures(events))
    return " ".join(told.split())[:_SHOWN_CHARACTERS]


def failing_events(events: Iterable[dg.DagsterEvent]) -> list[dg.DagsterEvent]:
    """The events that `run_failures` tells of."""
    failed = [each for each in events if each.is_step_failure or each.is_job_failure]
    of_steps = [each for each in failed if each.is_step_failure]
    return of_steps or [each for each in failed if each.event_specific_data]


def failure_of(event: dg.DagsterEvent) -> StepFailure:
    """Why the step of this event failed, or the run."""
    return step_failure(event) if event.is_step_failure else _run_failure(event)


def step_failure(event: dg.DagsterEvent) -> StepFailure:
    """Why the step of this event failed."""
    info = event.step_failure_data.error
    assert info is not None, "a step that failed has an error"
    return _failure(event.step_key or "", info)


def _run_failure(event: dg.DagsterEvent) -> StepFailure:
    """Why the run of this event failed."""
    if (info := event.job_failure_data.error) is not None:
        return _failure(event.job_name, info)
    said = event.message or "it gave no reason"
    return StepFailure(event.job_name, said, error=None, is_failed_check=False, trace=said)


def _failure(step: str, info: SerializableErrorInfo) -> StepFailure:
    # Dagster wraps what a step raised, and what a step raised may have a cause: ours is in between.
    chain = list(_chain(info))
    told = next((each for each in chain if error_named(each.cls_name or "")), chain[-1])
    name = told.cls_name or ""
    # Dagster's text of an error begins with its class.
    message = told.message.strip().partition(f"{name}: ")[2] or told.message.strip()
    return StepFailure(
        step=step,
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


def exit_code_of(failures: Sequence[StepFailure], refused: int) -> int:
    """A fault outweighs a difference: what was not reached cannot be compared."""
    codes = {
        DifferencesError.exit_code if each.is_failed_check else each.error.exit_code if each.error else 1
        for each in failures
    }
    if refused:
        codes.add(DifferencesError.exit_code)
    return next((code for code in (1, 2, 3) if code in codes), 0)


def error_texts(failures: Sequence[StepFailure]) -> list[str]:
    """Failed checks are told by their descriptions; a fault of ours keeps its trace; one cause is told once."""
    texts = [
        each.message if each.error else f"Internal error in `{each.step}`:\n{each.trace}"
        for each in failures
        if not each.is_failed_check
    ]
    return list(dict.fromkeys(texts))
