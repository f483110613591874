"""Says of a wait that takes long what it waits for, since when, and until when."""

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime, timedelta

from weaviate_migration.base.deadline import is_stopped, seconds_left

logger = logging.getLogger(__name__)

LONG_SECONDS = 10.0
"""A wait that takes longer says so."""
LOOK_SECONDS = 1.0
"""How often a wait that goes on by itself, such as a call, is looked at."""


class Wait:
    """A wait that looks again and again.

    Attributes:
        limit: seconds that it may take; what is left until the deadline, where that is less.
    """

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        self._began = time.monotonic()
        self._until = self._began + seconds_left(limit)
        self._is_told = False
        self._stopped_at: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._began

    @property
    def is_over(self) -> bool:
        """Whether it has taken as long as it may."""
        return time.monotonic() >= self._until

    @property
    def told_end(self) -> str:
        """Until when it lasts at most, to be put behind a comma."""
        return "however long that takes" if math.isinf(self._until) else f"until {_clock(self._until)} UTC at most"

    def is_given_up(self) -> bool:
        """Whether the work was stopped, and what is waited for has had a moment since then to come to its end."""
        if self._stopped_at is None and is_stopped():
            self._stopped_at = time.monotonic()
        return self._stopped_at is not None and time.monotonic() - self._stopped_at >= LOOK_SECONDS

    def tell_if_long(self, waiting_for: str) -> None:
        """Says it once, when ten seconds have passed.

        Args:
            waiting_for: the end of the sentence `waiting for …`.
        """
        if not self._is_told and self.seconds >= LONG_SECONDS:
            self._is_told = True
            self.tell(waiting_for)

    def tell(self, waiting_for: str) -> None:
        """Says it now."""
        logger.warning("waiting for %s, since %s UTC, %s", waiting_for, _clock(self._began), self.told_end)


def _clock(moment: float) -> str:
    """What the clock says, in UTC as in logs and records, at a moment of the monotonic one."""
    return f"{datetime.now(UTC) + timedelta(seconds=moment - time.monotonic()):%H:%M:%S}"


@contextmanager
def told_if_long(waiting_for: str, limit: float = math.inf) -> Iterator[None]:
    """Says after ten seconds that the block still waits, where that cannot look by itself meanwhile.

    It takes a thread: nothing for what is done thousands of times.
    """
    if seconds_left(limit) <= LONG_SECONDS:
        yield
        return
    timer = threading.Timer(LONG_SECONDS, copy_context().run, (Wait(limit).tell, waiting_for))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
