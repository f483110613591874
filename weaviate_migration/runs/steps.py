"""The phases of a run that is under way, from what its steps have stored, whichever processes they run in."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import dagster as dg

from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.runs.jobs import step_phases
from weaviate_migration.runs.runner import newest_run_of_process, runs_under_way

_ENDS = (dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE)
_MOMENTS = {dg.DagsterEventType.STEP_START, *_ENDS}


class PhaseState(StrEnum):
    """What is with a phase."""

    TO_COME = "to come"
    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class RunPhase:
    """One phase of a run.

    Attributes:
        steps, done: how many steps of the run belong to it, and how many of them have ended well.
        seconds: in which at least one of its steps ran.
    """

    name: str
    state: PhaseState
    steps: int
    done: int
    seconds: float


@dataclass(frozen=True)
class StepTimes:
    """When a step ran, in seconds since 1970."""

    began: float
    ended: float | None = None
    failed: bool = False


RunFinder = Callable[[dg.DagsterInstance], dg.DagsterRun | None]


def run_of_this_process(since: datetime) -> RunFinder:
    """Finds the newest run that this process has begun after a moment, whether it has ended or not."""
    return lambda instance: newest_run_of_process(instance, os.getpid(), since)


def run_under_way(work_dir: Path) -> RunFinder:
    """Finds the newest run in this work folder that has not ended, whoever began it."""
    return lambda instance: next(runs_under_way(instance, work_dir), None)


class PhaseWatch:
    """Reads how far a run is, a little more each time.

    Args:
        mapping: what the run's job is made from.
        find: says which run it is.
    """

    def __init__(self, instance: dg.DagsterInstance, mapping: WholeMapping, find: RunFinder) -> None:
        self._instance = instance
        self._phases = step_phases(mapping)
        self._find = find
        self._run_id = ""
        self._cursor: str | None = None
        self._steps: dict[str, StepTimes] = {}

    def phases(self, now: float) -> tuple[RunPhase, ...]:
        """The run's phases in their order; none where there is no run.

        Args:
            now: seconds since 1970.
        """
        if (run := self._find(self._instance)) is None:
            return ()
        if run.run_id != self._run_id:
            self._run_id, self._cursor, self._steps = run.run_id, None, {}
        self._read()
        return run_phases(run.step_keys_to_execute or [], self._phases, self._steps, now)

    def _read(self) -> None:
        found = self._instance.get_records_for_run(self._run_id, self._cursor, of_type=_MOMENTS)
        self._cursor = found.cursor
        for record in found.records:
            event = record.event_log_entry.get_dagster_event()
            step = event.step_key or ""
            if event.event_type in _ENDS:
                self._steps[step] = StepTimes(self._steps[step].began, record.timestamp, failed=event.is_step_failure)
            else:
                self._steps[step] = StepTimes(record.timestamp)


def run_phases(
    planned: Iterable[str], phase_of: Mapping[str, str], steps: Mapping[str, StepTimes], now: float
) -> tuple[RunPhase, ...]:
    """The phases of the planned steps, in the order of those."""
    grouped: dict[str, list[str]] = {}
    for step in planned:
        if step in phase_of:
            grouped.setdefault(phase_of[step], []).append(step)
    begun = {name: [steps[key] for key in keys if key in steps] for name, keys in grouped.items()}
    return tuple(_phase(name, len(keys), begun[name], now) for name, keys in grouped.items())


def _phase(name: str, count: int, begun: Sequence[StepTimes], now: float) -> RunPhase:
    done = sum(step.ended is not None and not step.failed for step in begun)
    state = PhaseState.UNDER_WAY if begun else PhaseState.TO_COME
    if any(step.failed for step in begun):
        state = PhaseState.FAILED
    elif done == count:
        state = PhaseState.DONE
    return RunPhase(name, state, count, done, covered_seconds((step.began, step.ended or now) for step in begun))


def covered_seconds(times: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one of these spans covers: steps may run side by side."""
    seconds, until = 0.0, float("-inf")
    for began, ended in sorted(times):
        seconds += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return seconds
