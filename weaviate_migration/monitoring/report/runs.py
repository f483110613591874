"""What Dagster has stored of the runs that worked on a migration: times, why they failed, what the audit found."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import dagster as dg

from weaviate_migration.base.redaction import redacted
from weaviate_migration.mapping import Mapping
from weaviate_migration.monitoring.report.facts import FailedStep, StoredRun
from weaviate_migration.runs.events import failing_events, failure_of, was_interrupted
from weaviate_migration.runs.jobs import CUT_OVER, MIGRATE, MIGRATE_LIVE, SOURCE_AUDIT, VERIFY, VERIFY_LIVE, step_phases
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.steps import PhaseTime, RunSteps, phase_times

# Dagster's name for the job of a run without one.
_CHOSEN_ASSETS = "__ASSET_JOB"
# Those that make a migration, and those of a partition that was clicked on; `sync` may run every ten seconds.
_JOBS = (MIGRATE, MIGRATE_LIVE, CUT_OVER, VERIFY, VERIFY_LIVE, _CHOSEN_ASSETS)
# Of each job; a migration has a few.
_NEWEST_RUNS = 50
_FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


class MigrationRuns:
    """The runs that worked on the newest migration, the oldest first.

    Args:
        own: tells them from other runs.
        began_at: of the migration; None for one that never got on record: all runs count.
    """

    def __init__(self, instance: dg.DagsterInstance, own: OwnRuns, began_at: datetime | None) -> None:
        self._instance = instance
        self._names = own.names
        jobs = [name if name == _CHOSEN_ASSETS else own.names.of(name) for name in _JOBS]
        found = [
            record
            for job in jobs
            for record in islice(
                own.newest(instance, dg.RunsFilter(job_name=job, updated_after=began_at)), _NEWEST_RUNS
            )
        ]
        self._records = sorted(found, key=lambda each: each.create_timestamp)

    def stored(self) -> tuple[StoredRun, ...]:
        """Job, status and times of each."""
        return tuple(
            StoredRun(
                run_id=each.dagster_run.run_id,
                job=each.dagster_run.job_name.replace(_CHOSEN_ASSETS, "chosen assets"),
                status=each.dagster_run.status.value.lower().replace("_", " "),
                began_at=_moment(each.start_time),
                ended_at=_moment(each.end_time),
            )
            for each in self._records
        )

    def phases(self, mapping: Mapping) -> tuple[PhaseTime, ...]:
        """Each phase that has begun, in the order in which they did."""
        runs = (RunSteps(self._instance, each.dagster_run.run_id) for each in self._records)
        steps = (step for run in runs for step in run.read().items())
        return phase_times(steps, step_phases(mapping, self._names))

    def failures(self) -> tuple[FailedStep, ...]:
        """Each step that failed, and each run that failed without one; steps that only waited are not told."""
        return tuple(
            FailedStep(run_id, found.step, at, found.category, redacted(found.message), found.is_failed_check)
            for run_id, at, event in self._failures()
            for found in [failure_of(event)]
        )

    def audit(self) -> dict[str, Any] | None:
        """The last report of the asset `source_audit`."""
        ours = {each.dagster_run.run_id for each in self._records}
        wanted = dg.AssetRecordsFilter(asset_key=self._names.asset(SOURCE_AUDIT))
        for record in self._instance.fetch_materializations(wanted, limit=_NEWEST_RUNS).records:
            if record.run_id in ours and record.asset_materialization is not None:
                report = record.asset_materialization.metadata["report"].value
                assert isinstance(report, dict)
                return report
        return None

    def _failures(self) -> Iterator[tuple[str, datetime, dg.DagsterEvent]]:
        for record in self._records:
            run_id = record.dagster_run.run_id
            entries = self._instance.all_logs(run_id, of_type=_FAILURES)
            found = [(entry.timestamp, entry.get_dagster_event()) for entry in entries]
            events = [event for _, event in found]
            failing = failing_events(events)
            interrupted = was_interrupted(events)  # By a person, who need not be told.
            for at, event in found:
                if event in failing and (event.is_step_failure or not interrupted):
                    yield run_id, datetime.fromtimestamp(at, UTC), event


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
