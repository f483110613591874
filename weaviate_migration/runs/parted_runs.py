"""A migration in several runs, so that many workers load one table: ranges of partitions, side by side.

Dagster has one step for each asset of a run, so a collection would be loaded by one worker. Here a run does what comes
before the load, runs of a range each load side by side, one more checks all of it, and the last one switches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from weaviate_migration.base.partitions import partition_keys
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.relation_groups import load_layers
from weaviate_migration.phases.history.collection_locks import alone_with
from weaviate_migration.runs.awaited_run import AwaitedRuns
from weaviate_migration.runs.events import run_failures
from weaviate_migration.runs.executors import IN_PROCESS
from weaviate_migration.runs.jobs import CHANGE_SYNC, CUTOVER, VERIFY, collection_steps, load_assets
from weaviate_migration.runs.runner import JobRun, JobRunner


@dataclass(frozen=True)
class PartedRuns:
    """The runs of one migration.

    Args:
        runner: makes them.
        partitions_per_task: so many partitions are loaded by a run.
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
        done = self.runner.run(job, first)
        for layer in load_layers(mapping):
            if not run_failures(done.events):
                done = done.followed_by(self._load(job, layer))
        if not run_failures(done.events):
            done = done.followed_by(self.runner.run(VERIFY))
        if last and not run_failures(done.events):
            done = done.followed_by(self.runner.run(job, last))
        return done

    def _load(self, job: str, layer: Sequence[CollectionMapping]) -> JobRun:
        """Loads collections; nobody else works with them meanwhile, and each run keeps the others from its range."""
        runner, work_folder = self.runner, self.runner.work_folder
        record = work_folder.records.current()
        keys = load_assets(layer, runner.names)
        steps = collection_steps(layer, runner.names)
        ops = {step: {"config": {"resume": True, "side_by_side": True}} for step in steps}
        # Where several processes of this machine work side by side, each of them is one of the runs.
        inside = runner.executor if runner.executor.is_elsewhere else IN_PROCESS
        ranges = list(self._ranges(record.partitions))
        at_most = runner.config.worker_count if inside.is_elsewhere else runner.executor.processes
        side_by_side = min(at_most, len(ranges))
        orders = [
            runner.order(job, inside, keys, ops, each, has_checks=False, side_by_side=side_by_side) for each in ranges
        ]
        with alone_with(work_folder, [record.collection(each) for each in layer]):
            made = AwaitedRuns(runner.instance, work_folder, inside).make(orders, side_by_side)
        return runner.made(made)

    def _ranges(self, partitions: int) -> Iterator[tuple[str, ...]]:
        keys = partition_keys(partitions)
        return (keys[at : at + self.partitions_per_task] for at in range(0, partitions, self.partitions_per_task))
