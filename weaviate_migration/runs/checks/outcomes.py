"""CheckReport: what `checks --json` prints."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from weaviate_migration.base.errors import DifferencesError


class CheckStatus(StrEnum):
    """What is known of a check, the worst first."""

    FAILED = "failed"
    NEVER_RAN = "never ran"
    OUT_OF_DATE = "out of date"
    RUNNING = "running"
    WARNED = "warned"
    PASSED = "passed"


_BADNESS = {status: place for place, status in enumerate(reversed(CheckStatus))}
_PROVEN = frozenset({CheckStatus.PASSED, CheckStatus.WARNED})


@dataclass(frozen=True)
class CheckOutcome:
    """The last evaluation of a check, or why there is none.

    Attributes:
        partition: None for a check that is stored once for its asset.
        severity: of the evaluation, ERROR or WARN; None where there is none.
        run_id: the run that evaluated the check, or planned to.
        timestamp: of the evaluation, in UTC.
        metadata: of the evaluation, as values that JSON can hold; a table is a list of its rows.
    """

    asset: str
    name: str
    partition: str | None
    status: CheckStatus
    blocking: bool
    severity: str | None = None
    description: str = ""
    run_id: str | None = None
    timestamp: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def badness(self) -> int:
        """Orders outcomes by their status: the larger, the worse."""
        return _BADNESS[self.status]

    @property
    def proves_nothing(self) -> bool:
        """Whether it is a blocking check that has not passed, for whatever reason: the exit code is 3 then."""
        return self.blocking and self.status not in _PROVEN

    def to_dict(self) -> dict[str, Any]:
        """One of the `checks` of `checks --json`."""
        return {
            **asdict(self),
            "status": self.status.value,
            "timestamp": self.timestamp.isoformat() if self.timestamp else None,
        }


@dataclass(frozen=True)
class CheckGroup:
    """Outcomes of one check: of its partitions, or the only one."""

    asset: str
    name: str
    outcomes: tuple[CheckOutcome, ...]

    @property
    def where(self) -> str:
        """`message: sample`, or `message: count, partitions 03, 04`."""
        partitions = [each.partition for each in self.outcomes if each.partition is not None]
        word = ", partitions " if len(partitions) > 1 else ", partition " if partitions else ""
        return f"{self.asset}: {self.name}{word}{', '.join(partitions)}"

    @property
    def worst(self) -> CheckOutcome:
        """The worst outcome."""
        return max(self.outcomes, key=lambda each: each.badness)

    @property
    def last_evaluated(self) -> datetime | None:
        """When it was evaluated last."""
        return max((each.timestamp for each in self.outcomes if each.timestamp), default=None)

    def to_text(self) -> str:
        """`passed`; for a check that is stored by partition `failed, 15/16 partitions`: so many passed."""
        if self.outcomes[0].partition is None:
            return self.worst.status.value
        passed = sum(each.status is CheckStatus.PASSED for each in self.outcomes)
        return f"{self.worst.status.value}, {passed}/{len(self.outcomes)} partitions"


@dataclass(frozen=True)
class CheckReport:
    """What is known of all checks.

    Attributes:
        instance: the folder of the Dagster instance that was read.
        outcomes: sorted by asset, name and partition.
        run_id, backfill_id: what the report is restricted to.
    """

    instance: str
    outcomes: tuple[CheckOutcome, ...]
    run_id: str | None = None
    backfill_id: str | None = None

    @property
    def success(self) -> bool:
        """Whether every blocking check has passed, and nothing was materialized after it."""
        return not any(each.proves_nothing for each in self.outcomes)

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""
        return 0 if self.success else DifferencesError.exit_code

    @property
    def groups(self) -> list[CheckGroup]:
        """The outcomes, check by check."""
        return _grouped(self.outcomes, lambda each: (each.asset, each.name))

    @property
    def not_passed(self) -> list[CheckGroup]:
        """The outcomes that did not pass; partitions of a check of which the same is to be told are together."""
        outcomes = [each for each in self.outcomes if each.status is not CheckStatus.PASSED]
        return _grouped(
            outcomes, lambda each: (each.asset, each.name, each.status, each.description, repr(each.metadata))
        )

    @property
    def totals(self) -> dict[CheckStatus, int]:
        """How many outcomes there are of each status, the worst first."""
        return {status: sum(each.status is status for each in self.outcomes) for status in CheckStatus}

    def to_text(self) -> str:
        """One sentence: the totals, or that no check has run."""
        if not any(each.run_id for each in self.outcomes):
            return (
                f"No check has run yet in the Dagster instance {self.instance}: `weaviate-migration migrate` runs them."
            )
        told = [f"{number} {status}" for status, number in self.totals.items() if number]
        return f"{len(self.outcomes)} checks: {', '.join(told)}."

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values: what `checks --json` prints. Times are ISO 8601 in UTC."""
        return {
            "success": self.success,
            "instance": self.instance,
            "run_id": self.run_id,
            "backfill_id": self.backfill_id,
            "totals": {
                "checks": len(self.outcomes),
                **{status.value: number for status, number in self.totals.items()},
            },
            "checks": [each.to_dict() for each in self.outcomes],
        }


def is_table(value: Any) -> bool:
    """Whether a value of the metadata is a table: a list of rows."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _grouped(outcomes: Iterable[CheckOutcome], key: Callable[[CheckOutcome], Hashable]) -> list[CheckGroup]:
    found: dict[Hashable, list[CheckOutcome]] = {}
    for each in outcomes:
        found.setdefault(key(each), []).append(each)
    return [CheckGroup(group[0].asset, group[0].name, tuple(group)) for group in found.values()]
