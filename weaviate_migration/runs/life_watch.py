"""Judges by signs of life whether somebody still works at a run, by the clock of who waits alone."""

import time
from collections.abc import Callable, Mapping

# A worker gives a sign each five seconds; a store that is busy, or a machine, may keep it from a few of them.
LOST_SECONDS = 60.0
# Steps of others may come first.
IDLE_SECONDS = 600.0
# What the process of a run that is finished closes takes moments.
HANGING_SECONDS = 30.0


class LifeWatch:
    """What is seen of a run, from one look to the next.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._signs: dict[str, tuple[str, float]] = {}
        self._newest_event: int | None = None
        self._moved_at = self._asked_at = clock()

    def look(self, signs: Mapping[str, str], newest_event: int | None) -> None:
        """Notes what there is to be seen.

        Args:
            signs: of the steps that are under way, by who gives them.
            newest_event: the number of the run's last event; None where it has none.
        """
        now = self._clock()
        before = self._signs
        self._signs = {
            worker: before[worker] if worker in before and before[worker][0] == sign else (sign, now)
            for worker, sign in signs.items()
        }
        if newest_event != self._newest_event or self._signs != before:
            self._newest_event, self._moved_at = newest_event, now

    @property
    def lost(self) -> str | None:
        """A worker that has a step, and has given no sign for a minute; None where there is none."""
        now = self._clock()
        return next((worker for worker, (_, at) in self._signs.items() if now - at >= LOST_SECONDS), None)

    def has_to_ask(self) -> bool:
        """Whether it is time to ask for workers: a minute after the last sign or event, and each minute from then on.

        To ask takes seconds, in which nobody looks.
        """
        now = self._clock()
        if now - max(self._moved_at, self._asked_at) < LOST_SECONDS:
            return False
        self._asked_at = now
        return True

    @property
    def idle_seconds(self) -> float:
        """How long nobody has been seen to do anything for the run."""
        return self._clock() - self._moved_at
