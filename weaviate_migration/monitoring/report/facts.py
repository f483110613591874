"""MigrationReport: all that is known of a migration, as plain values; what `report --json` prints."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from weaviate_migration.base.errors import ErrorCategory
from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.monitoring.alerts.incidents import Incident
from weaviate_migration.runs.checks import CheckReport
from weaviate_migration.runs.steps import PhaseTime
from weaviate_migration.work_folder.checklist import Checklist
from weaviate_migration.work_folder.load_tally import LoadTally
from weaviate_migration.work_folder.phase import Phase
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.timeline import Moment


@dataclass(frozen=True)
class StoredRun:
    """A run of one of the jobs; times are in UTC, None where it has not begun or not ended."""

    run_id: str
    job: str
    status: str
    began_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class FailedStep:
    """A step of a run that failed, or the job of a run that failed without one, and why.

    Attributes:
        step: the step's key, or the job's name.
        is_check: it only says that a blocking check failed.
    """

    run_id: str
    step: str
    at: datetime
    category: ErrorCategory
    message: str
    is_check: bool


@dataclass(frozen=True)
class LoadedCollection:
    """What became of a collection's rows in their last loads, and what it took to make their vectors, by vector."""

    alias: str
    collection: str
    table: str
    tally: LoadTally
    vectors: Mapping[str, VectorTally] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """One of the `collections` of `report --json`; without `vectors` where no model makes any."""
        tally = self.tally
        return {
            "alias": self.alias,
            "collection": self.collection,
            "table": self.table,
            **{name: getattr(tally, name) for name in ("rows", "written", "changed", "refused", "retried")},
            "sent_bytes": tally.sent_bytes,
            "seconds": round(tally.seconds, 3),
            **({"vectors": {name: each.figures() for name, each in self.vectors.items()}} if self.vectors else {}),
        }


@dataclass(frozen=True)
class Refusals:
    """The rows of one collection that are in the quarantine for the same kind of reason.

    Attributes:
        examples: key and reason of the first of them.
    """

    alias: str
    category: ErrorCategory
    rows: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class NextStep:
    """What is to be done, and by whom."""

    who: str
    what: str


@dataclass(frozen=True)
class MigrationReport:
    """All that is stored about a migration.

    Attributes:
        made_at: in UTC.
        target: the server, without secrets.
        record: None where the migration ended before it was on record: its audit stopped it.
        runs, phases, failures: of the Dagster runs that worked on it, the oldest first.
        audit: what `audit --json` prints, from the last audit; None where there was none.
        certificate: of the last comparison of everything; None where there was none, or of another migration only.
        history: rate and lag over time.
        quarantine: the rows that are in the quarantine now.
        checklists: the last ones before and after the migration.
        incidents: what alerts told of, and what still holds.
    """

    made_at: datetime
    phase: Phase
    source: str
    target: str
    mapping_name: str
    mapping_digest: str
    record: MigrationRecord | None
    runs: tuple[StoredRun, ...]
    phases: tuple[PhaseTime, ...]
    failures: tuple[FailedStep, ...]
    collections: tuple[LoadedCollection, ...]
    quarantine: tuple[Refusals, ...]
    audit: Mapping[str, Any] | None
    checks: CheckReport
    certificate: Mapping[str, Any] | None
    history: tuple[Moment, ...]
    checklists: tuple[Checklist, ...] = ()
    incidents: tuple[Incident, ...] = ()
    next_steps: tuple[NextStep, ...] = field(default=())

    @property
    def refused(self) -> int:
        """Rows in the quarantine."""
        return sum(each.rows for each in self.quarantine)

    @property
    def began_at(self) -> datetime | None:
        """When its first run began."""
        return min((each.began_at for each in self.runs if each.began_at), default=None)

    @property
    def ended_at(self) -> datetime | None:
        """When its last run ended; None while one is under way."""
        if not self.runs or any(each.ended_at is None for each in self.runs):
            return None
        return max(each.ended_at for each in self.runs if each.ended_at)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values. Times are ISO 8601 in UTC, but for `at` of the history: seconds since 1970."""
        return {
            **{name: _plain(value) for name, value in vars(self).items() if name not in ("record", "checks")},
            "migration_id": self.record.id if self.record else None,
            "migration": self.record.model_dump(mode="json", exclude={"bounds"}) if self.record else None,
            "checks": self.checks.to_dict(),
            "began_at": _plain(self.began_at),
            "ended_at": _plain(self.ended_at),
        }


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Checklist | LoadedCollection):
        return value.to_dict()
    if isinstance(value, Incident):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(each) for name, each in asdict(value).items()}
    return value
