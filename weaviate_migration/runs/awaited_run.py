"""A run whose steps are carried out by workers elsewhere, and the command's wait for it, which ends in any case.

A worker that is killed loses its step, and Dagster would wait for it for ever. Here its signs of life are watched: a
minute after the last one the run is given up, and another one does what is left. What is loaded is not loaded again.
"""

import logging
import time
from collections import deque
from collections.abc import Sequence, Set
from pathlib import Path
from uuid import uuid4

import dagster as dg

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import ConfigurationError, WorkerLostError
from weaviate_migration.runs.events import failure_line, was_interrupted
from weaviate_migration.runs.executors import ChosenExecutor
from weaviate_migration.runs.life_watch import HANGING_SECONDS, IDLE_SECONDS, LOST_SECONDS, LifeWatch
from weaviate_migration.runs.own_process import RunProcess
from weaviate_migration.runs.run_order import RunOrder
from weaviate_migration.runs.workers import absent_workers
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.heartbeats import Heartbeats

# Its steps give signs of life: somebody waits for them.
AWAITED_TAG = "weaviate_migration/awaited"
MOST_RUNS = 5
"""How often the same is begun: a worker that each time is lost most likely lacks memory for its step."""
_LOOK_SECONDS = 1.0
# A step that is called off ends with what it has sent.
_SECONDS_FOR_STEPS = 30.0
_FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}

logger = logging.getLogger(__name__)


class AwaitedRuns:
    """Has runs made, and waits for them.

    Args:
        work_folder: whose Dagster home the runs are stored in, and whose store workers and this process share.
        executor: which hands their steps to the workers.
        is_begun: other runs of the same command came before, and what they made stays.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        work_folder: WorkFolder,
        executor: ChosenExecutor,
        *,
        is_begun: bool = False,
    ) -> None:
        self._instance = instance
        self._work_dir = work_folder.path
        self._store = work_folder.store
        self._executor = executor
        self._is_begun = is_begun

    def make(self, orders: Sequence[RunOrder], side_by_side: int = 1) -> list[str]:
        """Makes runs, and each once more when a worker is lost with a step of it; returns the ids of the last ones.

        Once a run fails no other one is begun.

        Args:
            side_by_side: so many are under way at a time.

        Raises:
            ConfigurationError: nobody is there who would take the steps, and nothing was made by the command.
            WorkerLostError: nobody is any more, or workers were lost too often; what was loaded stays.
            KeyboardInterrupt: Ctrl-C; the steps that are under way are called off.
        """
        if self._is_begun:
            self._refuse_absent_workers()
        elif absent := absent_workers(self._executor):
            raise ConfigurationError(absent, "Start one, or correct --executor.")
        waiting, under_way, made = deque(enumerate(orders)), list[_Awaited](), dict[int, str]()
        try:
            while waiting or under_way:
                while waiting and len(under_way) < side_by_side:
                    at, order = waiting.popleft()
                    under_way.append(_Awaited(self._work_dir, at, order))
                under_way[0].process.has_ended_within(_LOOK_SECONDS)
                for each in [*under_way]:
                    if (run_id := self._made(each)) is not None:
                        under_way.remove(each)
                        made[each.at] = run_id
                        each.process.end()
                        if not self._stored(run_id).is_success:
                            waiting.clear()
        except BaseException as error:
            with Endings() as endings:
                for each in under_way:
                    endings.callback(self._give_up, each, str(error) or "It was interrupted.")
                for each in under_way:  # Before any is waited for: their steps end side by side.
                    endings.callback(self._call_off, each)
                raise
        return [made[at] for at in sorted(made)]

    def _made(self, run: "_Awaited") -> str | None:
        """The id of a run that has come to its end; None of one that has not: where its worker is lost it begins again.

        Raises:
            WorkerLostError: nobody is there who would take its steps.
            RuntimeError: its process has ended before there was a run.
        """
        has_ended, run_id = run.process.has_ended_within(0), self._run_id(run)
        if not has_ended and not self._hangs(run, run_id):
            return None
        breakdown = self._breakdown(run, run_id) if run_id is not None else ""
        if run_id is not None and not breakdown:
            return run_id
        self._refuse_absent_workers()
        if run_id is None:
            raise RuntimeError(f"the process of a run has ended before its run began:\n{run.process.said}")
        self._begin_again(run, breakdown)
        return None

    def _hangs(self, run: "_Awaited", run_id: str | None) -> bool:
        """Whether a run is finished, and only its process does not end: its result is stored.

        One that is not finished is watched.
        """
        if run_id is not None:
            run.watch.look(Heartbeats(self._store, run_id).read(), self._newest_event(run_id))
            if self._stored(run_id).is_finished:
                return run.watch.idle_seconds >= HANGING_SECONDS
        self._watch(run)
        return False

    def _watch(self, run: "_Awaited") -> None:
        """Begins a run again where nobody gives a sign of working at it."""
        if (worker := run.watch.lost) is not None:
            self._begin_again(run, f"The worker {worker} has given no sign of life for {LOST_SECONDS:g} s", {worker})
        elif run.watch.idle_seconds >= IDLE_SECONDS:
            self._begin_again(run, f"No worker has taken a step for {IDLE_SECONDS:g} s")
        elif run.watch.has_to_ask():
            self._refuse_absent_workers()

    def _breakdown(self, run: "_Awaited", run_id: str) -> str:
        """Why a run whose process has ended was not made, through no fault of its steps; '' where it was.

        An executor breaks down when what it hands out its steps through is gone.
        """
        stored = self._stored(run_id)
        if not stored.is_finished:
            return f"The process of run {run_id} has ended before it: {run.process.said or 'killed'}"
        if stored.is_success or not self._executor.is_elsewhere:
            return ""
        entries = self._instance.all_logs(run_id, of_type=_FAILURES)
        events = [each.dagster_event for each in entries if each.dagster_event is not None]
        if was_interrupted(events) or any(each.is_step_failure for each in events):
            return ""
        return f"The executor of run {run_id} has broken down: {failure_line(events)}"

    def _refuse_absent_workers(self) -> None:
        """Raises WorkerLostError where nobody is there who would take the steps."""
        if absent := absent_workers(self._executor):
            raise WorkerLostError(absent, "Once that is mended, the same command goes on with the migration.")

    def _begin_again(self, run: "_Awaited", why: str, gone: Set[str] = frozenset()) -> None:
        self._give_up(run, f"{why}.", gone)
        if run.begun == MOST_RUNS:
            raise WorkerLostError(f"{why}, for the {MOST_RUNS}th time.", "See the worker's log, and the memory it has.")
        logger.warning("%s: another run does what is left", why)
        run.begin()

    def _give_up(self, run: "_Awaited", why: str, gone: Set[str] = frozenset()) -> None:
        """Ends a run, and has nobody work at it any more; those who are gone need not be waited for.

        Whatever fails, all of it is tried: a store or a broker that is gone leaves no process behind.
        """
        with Endings() as endings:
            endings.callback(self._await_steps, run, gone)
            endings.callback(self._note_end, run, why)
            endings.callback(run.process.end)
            endings.callback(self._call_off, run)

    def _call_off(self, run: "_Awaited") -> None:
        """Has its steps and its process end, and waits for neither."""
        if run.called_off_at is None:
            run.called_off_at = time.monotonic()
            run.process.ask_to_end()
        if (run_id := self._run_id(run)) is not None:
            Heartbeats(self._store, run_id).call_off()

    def _note_end(self, run: "_Awaited", why: str) -> None:
        """Has Dagster know that a run goes on no more."""
        if (run_id := self._run_id(run)) is None:
            return
        if not (stored := self._stored(run_id)).is_finished:
            self._instance.report_run_failed(stored, why)
        self._instance.event_log_storage.free_concurrency_slots_for_run(run_id)

    def _await_steps(self, run: "_Awaited", gone: Set[str]) -> None:
        """Waits for a moment until the steps that were called off have ended."""
        if (run_id := self._run_id(run)) is None:
            return
        beats = Heartbeats(self._store, run_id)
        if self._executor.is_elsewhere and run.called_off_at is not None:  # Others have ended with their process.
            until = run.called_off_at + _SECONDS_FOR_STEPS
            while beats.read().keys() - gone and time.monotonic() < until:
                time.sleep(_LOOK_SECONDS)
        beats.forget()

    def _run_id(self, run: "_Awaited") -> str | None:
        """The run as Dagster has stored it; None until it has."""
        if run.run_id is None:
            found = self._instance.get_runs(dg.RunsFilter(tags={AWAITED_TAG: run.token}), limit=1)
            run.run_id = found[0].run_id if found else None
        return run.run_id

    def _stored(self, run_id: str) -> dg.DagsterRun:
        run = self._instance.get_run_by_id(run_id)
        assert run is not None, "it was there, and nobody removes runs of a migration"
        return run

    def _newest_event(self, run_id: str) -> int | None:
        found = self._instance.get_records_for_run(run_id, limit=1, ascending=False).records
        return found[0].storage_id if found else None


class _Awaited:
    """A run that is under way.

    Attributes:
        at: its place among those that were ordered.
        begun: how often it was begun.
        token: which its tag has.
        run_id: of Dagster, once it is known.
        process: makes it.
        watch: sees whether somebody works at it.
        called_off_at: when, in monotonic seconds; None of one that goes on.
    """

    def __init__(self, work_dir: Path, at: int, order: RunOrder) -> None:
        self.at = at
        self.begun = 0
        self._work_dir = work_dir
        self._order = order
        self.begin()

    def begin(self) -> None:
        """Has it made, or made once more."""
        self.begun += 1
        self.token = uuid4().hex
        self.run_id: str | None = None
        tags = {**self._order.tags, AWAITED_TAG: self.token}
        self.process = RunProcess(self._work_dir, self._order.model_copy(update={"tags": tags}))
        self.watch = LifeWatch()
        self.called_off_at: float | None = None
