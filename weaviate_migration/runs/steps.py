"""When the steps of runs began and ended, as Dagster has stored it, and the phases that they make."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import dagster as dg

from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.runs.jobs import step_phases
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.runner import COMMAND_TAG, PHASES_TAG, newest_run_of_process

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
class PhaseTime:
    """One phase, over one run or several.

    Attributes:
        steps: how many steps that have ended belong to it.
        seconds: in which at least one of them ran.
    """

    name: str
    steps: int
    seconds: float


@dataclass(frozen=True)
class StepTimes:
    """When a step ran, in seconds since 1970; one that failed before it began has no seconds."""

    began: float
    ended: float | None = None
    failed: bool = False


class RunSteps:
    """Reads the steps of a run, whichever processes they run in; each time only what was stored since the last."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        self.run_id = run_id
        self._instance = instance
        self._cursor: str | None = None
        self._steps: dict[str, StepTimes] = {}

    def read(self) -> Mapping[str, StepTimes]:
        """The steps that have begun, by their keys."""
        found = self._instance.get_records_for_run(self.run_id, self._cursor, of_type=_MOMENTS)
        self._cursor = found.cursor
        for record in found.records:
            event = record.event_log_entry.get_dagster_event()
            step, at = event.step_key or "", record.timestamp
            if event.event_type in _ENDS:
                began = self._steps[step].began if step in self._steps else at
                self._steps[step] = StepTimes(began, at, failed=event.is_step_failure)
            else:
                self._steps[step] = StepTimes(at)
        return self._steps


RunFinder = Callable[[dg.DagsterInstance, OwnRuns], dg.DagsterRun | None]


def run_of_this_process(since: datetime) -> RunFinder:
    """Finds the newest run that this process has begun after a moment, whether it has ended or not."""
    return lambda instance, _: newest_run_of_process(instance, os.getpid(), since)


def run_under_way(instance: dg.DagsterInstance, own: OwnRuns) -> dg.DagsterRun | None:
    """Finds the newest run of a migration that has not ended, begun by the UI or by a command."""
    return next(own.under_way(instance), None)


class PhaseWatch:
    """Reads how far a run is, a little more each time.

    Args:
        mapping: what the run's job is made from.
        own: the runs of the migration.
        find: says which of them it is.
    """

    def __init__(self, instance: dg.DagsterInstance, mapping: WholeMapping, own: OwnRuns, find: RunFinder) -> None:
        self._instance = instance
        self._phases = step_phases(mapping, own.names)
        self._own = own
        self._find = find
        self._steps: dict[str, RunSteps] = {}

    def phases(self, now: float) -> tuple[RunPhase, ...]:
        """The run's phases in their order; none where there is no run.

        Where it is one of several that a call makes, the phases are those of the call, and their steps its runs.

        Args:
            now: seconds since 1970.
        """
        if (run := self._find(self._instance, self._own)) is None:
            return ()
        if (command := run.tags.get(COMMAND_TAG)) is None:
            return run_phases(run.step_keys_to_execute or (), self._phases, self._read(run), now)
        runs = without_given_up(self._instance.get_runs(dg.RunsFilter(tags={COMMAND_TAG: command})))
        return phases_of_runs(json.loads(run.tags[PHASES_TAG]), self._phases, map(self._planned, runs), now)

    def _planned(self, run: dg.DagsterRun) -> Mapping[str, StepTimes | None]:
        read = self._read(run)
        return {key: read.get(key) for key in run.step_keys_to_execute or ()}

    def _read(self, run: dg.DagsterRun) -> Mapping[str, StepTimes]:
        return self._steps.setdefault(run.run_id, RunSteps(self._instance, run.run_id)).read()


def without_given_up(runs: Iterable[dg.DagsterRun]) -> list[dg.DagsterRun]:
    """Of the runs that do the same, since the worker of one was lost, only the last.

    Args:
        runs: the newest first.
    """
    found: dict[tuple[object, ...], dg.DagsterRun] = {}
    for run in runs:
        # Both ends: the run that judges all partitions may have the steps of the one that has compared the first.
        of_range = [run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end")]
        found.setdefault((run.job_name, *of_range, frozenset(run.step_keys_to_execute or ())), run)
    return list(found.values())


def phase_times(steps: Iterable[tuple[str, StepTimes]], phase_of: Mapping[str, str]) -> tuple[PhaseTime, ...]:
    """The phases of steps that have ended, in the order in which the phases began; a killed step has no time.

    Args:
        steps: key and times of each, of one run or several.
        phase_of: the phase that each step belongs to, by key; other steps are left out.
    """
    grouped: dict[str, list[tuple[float, float]]] = {}
    for key, step in sorted(steps, key=lambda each: each[1].began):
        if key in phase_of and step.ended is not None:
            grouped.setdefault(phase_of[key], []).append((step.began, step.ended))
    return tuple(PhaseTime(name, len(spans), covered_seconds(spans)) for name, spans in grouped.items())


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


def phases_of_runs(
    wanted: Mapping[str, int],
    phase_of: Mapping[str, str],
    runs: Iterable[Mapping[str, StepTimes | None]],
    now: float,
) -> tuple[RunPhase, ...]:
    """The phases of several runs together; a step is what one run has of a phase.

    Args:
        wanted: in how many runs each phase will be, in the order of the phases.
        runs: of each that has begun its planned steps, and their times; None for one that has not begun.
    """
    grouped: dict[str, list[list[StepTimes | None]]] = {name: [] for name in wanted}
    for run in runs:
        for name in wanted:
            if steps := [times for key, times in run.items() if phase_of.get(key) == name]:
                grouped[name].append(steps)
    return tuple(_phase_of_runs(name, wanted[name], grouped[name], now) for name in wanted)


def _phase_of_runs(name: str, count: int, runs: Sequence[Sequence[StepTimes | None]], now: float) -> RunPhase:
    begun = [step for steps in runs for step in steps if step is not None]
    done = sum(all(step is not None and step.ended is not None and not step.failed for step in steps) for steps in runs)
    return _phase_with(name, count, done, begun, now)


def _phase(name: str, count: int, begun: Sequence[StepTimes], now: float) -> RunPhase:
    done = sum(step.ended is not None and not step.failed for step in begun)
    return _phase_with(name, count, done, begun, now)


def _phase_with(name: str, count: int, done: int, begun: Sequence[StepTimes], now: float) -> RunPhase:
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
