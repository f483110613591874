"""A run whose steps are carried out by workers elsewhere, and the command's wait for it, which ends in any case.

A worker that is killed loses its step, and Dagster would wait for it for ever. Here its signs of life are watched: a
minute after the last one the run is given up, and another one does what is left. What is loaded is not loaded again.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from uuid import uuid4

import dagster as dg

from weaviate_migration.base.errors import ConfigurationError, WorkerLostError
from weaviate_migration.runs.executors import ChosenExecutor
from weaviate_migration.runs.life_watch import IDLE_SECONDS, LOST_SECONDS, LifeWatch
from weaviate_migration.runs.run_order import RunOrder
from weaviate_migration.runs.workers import absent_workers
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.heartbeats import Heartbeats

# Its steps give signs of life: somebody waits for them.
AWAITED_TAG = "weaviate_migration/awaited"
MOST_RUNS = 5
"""How often the same is begun: a worker that each time is lost most likely lacks memory for its step."""
_LOOK_SECONDS = 2.0
# Dagster's Celery executor tells its workers within a second.
_SECONDS_TO_END = 5.0
# A step that is called off ends with what it has sent.
_SECONDS_FOR_STEPS = 30.0
_SHOWN_CHARACTERS = 2_000

logger = logging.getLogger(__name__)


class AwaitedRuns:
    """Has a run made, and waits for it.

    Args:
        work_folder: whose Dagster home the run is stored in, and whose store workers and this process share.
        executor: which hands the steps to the workers.
    """

    def __init__(self, instance: dg.DagsterInstance, work_folder: WorkFolder, executor: ChosenExecutor) -> None:
        self._instance = instance
        self._work_dir = work_folder.path
        self._store = work_folder.store
        self._executor = executor

    def make(self, order: RunOrder) -> str:
        """Makes the run, and once more each time that a worker is lost with a step of it; returns the last one's id.

        Raises:
            ConfigurationError: nobody is there who would take the steps; nothing was made.
            WorkerLostError: nobody is any more, or workers were lost too often; what was loaded stays.
            KeyboardInterrupt: Ctrl-C; the steps that are under way are called off.
        """
        if absent := absent_workers(self._executor):
            raise ConfigurationError(absent, "Start one, or correct --executor.")
        for _ in range(MOST_RUNS):
            run_id, why = self._made(order)
            if why is None:
                return run_id
            logger.warning("%s: another run does what is left", why)
        raise WorkerLostError(f"{why}, for the {MOST_RUNS}th time.", "See the worker's log, and the memory it has.")

    def _made(self, order: RunOrder) -> tuple[str, str | None]:
        """The run, and why it was given up; None where it has come to its end."""
        token = uuid4().hex
        tagged = order.model_copy(update={"tags": {**order.tags, AWAITED_TAG: token}})
        with _run_process(self._work_dir, tagged) as process:
            try:
                why = self._wait(process, token)
            except BaseException as error:
                self._give_up(process, token, str(error) or "It was interrupted.")
                raise
            return self._run_id(token) or process.refused(), why

    def _wait(self, process: "_RunProcess", token: str) -> str | None:
        """Waits for the end of a run; returns why it was given up, or None where it has ended by itself."""
        watch = LifeWatch()
        while not process.has_ended_within(_LOOK_SECONDS):
            if (run_id := self._run_id(token)) is not None:
                watch.look(Heartbeats(self._store, run_id).read(), self._newest_event(run_id))
            if (worker := watch.lost) is not None:
                why = f"The worker {worker} has given no sign of life for {LOST_SECONDS:g} s"
                self._give_up(process, token, f"{why}.", gone={worker})
                return why
            if watch.idle_seconds >= LOST_SECONDS and (absent := absent_workers(self._executor)):
                raise WorkerLostError(absent, "Start one; the same command goes on with the migration.")
            if watch.idle_seconds >= IDLE_SECONDS:
                why = f"No worker has taken a step for {IDLE_SECONDS:g} s"
                self._give_up(process, token, f"{why}.")
                return why
        return None

    def _give_up(self, process: "_RunProcess", token: str, why: str, gone: Set[str] = frozenset()) -> None:
        """Ends a run, and has nobody work at it any more; those who are gone need not be waited for."""
        run_id = self._run_id(token)
        if run_id is not None:
            Heartbeats(self._store, run_id).call_off()
        process.end()
        if run_id is not None and (run := self._instance.get_run_by_id(run_id)) is not None:
            if not run.is_finished:
                self._instance.report_run_failed(run, why)
            self._instance.event_log_storage.free_concurrency_slots_for_run(run_id)
            self._await_steps(run_id, gone)

    def _await_steps(self, run_id: str, gone: Set[str]) -> None:
        """Waits for a moment until the steps that were called off have ended."""
        beats, until = Heartbeats(self._store, run_id), time.monotonic() + _SECONDS_FOR_STEPS
        while beats.read().keys() - gone and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        beats.forget()

    def _run_id(self, token: str) -> str | None:
        """The run of a token; None until it is stored."""
        found = self._instance.get_runs(dg.RunsFilter(tags={AWAITED_TAG: token}), limit=1)
        return found[0].run_id if found else None

    def _newest_event(self, run_id: str) -> int | None:
        found = self._instance.get_records_for_run(run_id, limit=1, ascending=False).records
        return found[0].storage_id if found else None


class _RunProcess:
    """The process of a run, which its order was given to."""

    def __init__(self, process: "subprocess.Popen[bytes]", printed: IO[bytes]) -> None:
        self._process = process
        self._printed = printed

    def has_ended_within(self, seconds: float) -> bool:
        """Whether it ends in this time."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            return True
        return False

    def end(self) -> None:
        """Ends it, with all that it has started."""
        if self._process.poll() is None:
            self._process.terminate()
            self.has_ended_within(_SECONDS_TO_END)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def refused(self) -> str:
        """Raises what the process has said, which ended before there was a run."""
        self._printed.seek(0)
        said = self._printed.read().decode(errors="replace")[-_SHOWN_CHARACTERS:]
        raise RuntimeError(f"the process of a run ended with {self._process.returncode}, before its run began:\n{said}")


@contextmanager
def _run_process(work_dir: Path, order: RunOrder) -> Iterator[_RunProcess]:
    """The process that makes a run, while the context lives; it is of a group of its own: Ctrl-C is for the command."""
    with TemporaryFile() as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "weaviate_migration.runs.run_process"],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdin is not None, "a pipe was asked for"
        run = _RunProcess(process, printed)
        try:
            process.stdin.write(f"{work_dir.absolute()}\n{order.model_dump_json()}\n".encode())
            process.stdin.flush()
            yield run
        finally:
            run.end()
            process.stdin.close()
