"""The signs of life of steps that run somewhere else: rows of the store, for who waits for those steps.

A worker that is killed takes its step with it, and nobody is told. Whoever waits sees that its sign changes no more.
"""

import json
import logging
import os
import platform
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from weaviate_migration.base.errors import MigrationError, WorkerLostError
from weaviate_migration.work_folder.state_store import StateStore

SECONDS_BETWEEN_BEATS = 5.0
_KIND, _CALLED_OFF = "heartbeat", "called_off_run"

logger = logging.getLogger(__name__)


class Heartbeats:
    """Those of the steps of one run.

    Args:
        store: which the workers and whoever waits for them share.
        run_id: of Dagster.
    """

    def __init__(self, store: StateStore, run_id: str) -> None:
        self._store = store
        self._run_id = run_id

    def read(self) -> Mapping[str, str]:
        """The signs of all steps that are under way, by who gives them: as long as a worker lives, its sign changes."""
        return {worker: sign for (_, worker), sign in self._store.all(_KIND, self._run_id).items()}

    def call_off(self) -> None:
        """Has the steps of the run end: those that are under way within seconds, and later ones when they begin."""
        self._store.write(_CALLED_OFF, self._run_id, json.dumps({"at": datetime.now(UTC).isoformat()}))

    @property
    def is_called_off(self) -> bool:
        """Whether nobody waits for the run any more."""
        return self._store.read(_CALLED_OFF, self._run_id) is not None

    def forget(self) -> None:
        """Removes the signs of a run that has ended."""
        self._store.remove(_KIND, self._run_id)

    @contextmanager
    def beating(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """Gives signs of life while the context lives.

        Args:
            interrupt: is called, in another thread, when the run is called off.

        Raises:
            WorkerLostError: the run is called off already: the task was handed out again, long after it was lost.
        """
        if self.is_called_off:
            raise WorkerLostError(f"Nobody waits for run {self._run_id} any more.", "Another run does its work.")
        # Of the process and this use of it: one that is killed leaves a sign, and its successor may have its number.
        worker = f"{platform.node()}, process {os.getpid()} ({uuid4().hex[:8]})"
        ended = threading.Event()
        beats = count(1)
        self._beat(worker, next(beats))

        def beat() -> None:
            while not ended.wait(SECONDS_BETWEEN_BEATS):
                try:
                    self._beat(worker, next(beats))
                    if self.is_called_off:
                        interrupt()
                        return
                except MigrationError as error:  # The store may come back; a minute later the step is given up.
                    logger.warning("no sign of life could be given: %s", error)

        thread = threading.Thread(target=copy_context().run, args=(beat,), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._store.remove(_KIND, self._run_id, worker)

    def _beat(self, worker: str, number: int) -> None:
        sign = json.dumps({"number": number, "at": datetime.now(UTC).isoformat(timespec="seconds")})
        self._store.write(_KIND, self._run_id, sign, worker, durable=False)
