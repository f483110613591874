"""A migration in several runs, so that many workers share one table: ranges of partitions, side by side.

Dagster has one step for each asset of a run, so a collection would be loaded by one worker, and compared by one. Here a
run does what comes before the load, runs of a range each load side by side, others compare side by side, one more
judges all of it, and the last one switches.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self
from uuid import uuid4

import dagster as dg

from weaviate_migration.base.partitions import partition_keys
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.relation_groups import load_layers
from weaviate_migration.phases.history.collection_locks import alone_with
from weaviate_migration.phases.validation.full_comparison import discard_comparisons
from weaviate_migration.runs.events import run_failures
from weaviate_migration.runs.executors import IN_PROCESS, ChosenExecutor
from weaviate_migration.runs.jobs import (
    CHANGE_SYNC,
    CUTOVER,
    VERIFY,
    collection_steps,
    comparison_checks,
    comparison_steps,
    load_assets,
    step_phases,
)
from weaviate_migration.runs.runner import COMMAND_TAG, PHASES_TAG, JobRun, JobRunner


@dataclass(frozen=True)
class PartedRuns:
    """The runs of one call.

    Args:
        runner: makes them.
        partitions_per_task: so many partitions are loaded or compared by a run.
    """

    runner: JobRunner
    partitions_per_task: int

    def run(self, job: str, selection: Sequence[dg.AssetKey]) -> JobRun:
        """Materializes assets of a job, and has all checks run that it has; ends with the first run that fails.

        Raises:
            MigrationConflictError: somebody else works with one of the collections.
            WorkerLostError: nobody takes the steps that are handed out, or who had one is gone, too often.
            KeyboardInterrupt: Ctrl-C, or SIGTERM.
        """
        mapping, names = self.runner.mapping, self.runner.names
        loaded, at_the_end = load_assets(mapping.collections, names), [names.asset(CHANGE_SYNC), names.asset(CUTOVER)]
        first = [each for each in selection if each not in {*loaded, *at_the_end}]
        last = [each for each in selection if each in at_the_end]
        layers = load_layers(mapping)
        phases = Counter(self._phases_of(first))
        for layer in layers:
            phases.update(dict.fromkeys(self._phases_of(load_assets(layer, names)), len(self._ranges)))
        phases.update({"checks": self._runs_of_checks, **dict.fromkeys(self._phases_of(last), 1)})
        told = self._telling_of(phases)
        done = told.runner.run(job, first)
        told = told._having_begun()
        for layer in layers:
            if not run_failures(done.events):
                done = done.followed_by(told._load(job, layer))
        if not run_failures(done.events):
            done = done.followed_by(told._check())
        if last and not run_failures(done.events):
            done = done.followed_by(told.runner.run(job, last))
        return done

    def check(self) -> JobRun:
        """Has all checks run: several runs compare the objects side by side, one more judges what is found.

        What that one takes over was compared a moment ago, by this command; the rest it compares itself.

        Raises:
            MigrationConflictError, WorkerLostError, KeyboardInterrupt: as `run`.
        """
        return self._telling_of({"checks": self._runs_of_checks})._check()

    def _telling_of(self, phases: Mapping[str, int]) -> Self:
        """The same; its runs tell by their tags what they are part of, so that one can see how far the whole is."""
        tags = {COMMAND_TAG: uuid4().hex, PHASES_TAG: json.dumps(phases)}
        return replace(self, runner=replace(self.runner, tags=tags))

    def _having_begun(self) -> Self:
        """The same, after a run: where workers are gone by now, what was made stays."""
        return replace(self, runner=replace(self.runner, is_begun=True))

    def _phases_of(self, assets: Sequence[dg.AssetKey]) -> list[str]:
        """Each phase once, in the order of the assets."""
        phase_of = step_phases(self.runner.mapping, self.runner.names)
        return list(dict.fromkeys(phase_of["__".join(each.path)] for each in assets))

    def _check(self) -> JobRun:
        runner = self.runner
        if self._side_by_side == 1:
            return runner.run(VERIFY)
        mapping, names = runner.mapping, runner.names
        discard_comparisons(runner.work_folder, mapping, runner.work_folder.records.current())
        steps, checks = comparison_steps(mapping.collections, names), comparison_checks(mapping.collections, names)
        done = self._in_ranges(VERIFY, mapping.collections, steps, [], checks)
        if run_failures(done.events):
            return done
        judging = self._having_begun().runner
        return done.followed_by(judging.run(VERIFY, ops={step: {"config": {"resume": True}} for step in steps}))

    def _load(self, job: str, layer: Sequence[CollectionMapping]) -> JobRun:
        names = self.runner.names
        return self._in_ranges(job, layer, collection_steps(layer, names), load_assets(layer, names), [])

    def _in_ranges(
        self,
        job: str,
        collections: Sequence[CollectionMapping],
        steps: Sequence[str],
        assets: Sequence[dg.AssetKey],
        checks: Sequence[dg.AssetCheckKey],
    ) -> JobRun:
        """Runs steps of collections; nobody else works with these, and each run keeps the others from its range."""
        runner, work_folder = self.runner, self.runner.work_folder
        record = work_folder.records.current()
        ops = {step: {"config": {"resume": True, "side_by_side": True}} for step in steps}
        orders = [
            runner.order(job, self._inside, assets, ops, partitions, checks, side_by_side=self._side_by_side)
            for partitions in self._ranges
        ]
        with alone_with(work_folder, [record.collection(each) for each in collections]):
            made = runner.awaited(self._inside).make(orders, self._side_by_side)
        return runner.made(made)

    @property
    def _inside(self) -> ChosenExecutor:
        """Of each run: where several processes of this machine work side by side, each of them is one of the runs."""
        return self.runner.executor if self.runner.executor.is_elsewhere else IN_PROCESS

    @property
    def _side_by_side(self) -> int:
        """So many runs are under way at a time."""
        runner = self.runner
        at_most = runner.config.worker_count if self._inside.is_elsewhere else runner.executor.processes
        return min(at_most, len(self._ranges))

    @property
    def _runs_of_checks(self) -> int:
        return 1 if self._side_by_side == 1 else len(self._ranges) + 1

    @property
    def _ranges(self) -> list[tuple[str, ...]]:
        partitions = self.runner.work_folder.records.partitions(self.runner.config.partitions)
        keys = partition_keys(partitions)
        return [keys[at : at + self.partitions_per_task] for at in range(0, partitions, self.partitions_per_task)]
