"""Until when work has to have ended: one moment, set by the command, that each call and each wait looks at.

It is handed on by a context variable, as a trace is: between the command and the call there are many functions that
have no use for it. A thread of a pool has it where it runs in a copy of the context.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

# How often a pause looks whether it shall end.
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class _Bounds:
    """What bounds the work of this context: the earliest end of all, in monotonic seconds, and whoever may stop it."""

    ends: float = math.inf
    stops: tuple[threading.Event, ...] = ()


_UNBOUNDED = _Bounds()
_bounds: ContextVar[_Bounds] = ContextVar("bounds", default=_UNBOUNDED)


@contextmanager
def bounded(seconds: float = math.inf, *, stop: threading.Event | None = None) -> Iterator[None]:
    """Bounds all calls and pauses of the block, beside what bounds them already.

    Args:
        seconds: they end so many seconds from now.
        stop: when it is set, nothing is tried again, and a call that is under way is given up soon.
    """
    outer = _bounds.get()
    ends = min(outer.ends, time.monotonic() + seconds)
    stops = (*outer.stops, stop) if stop is not None else outer.stops
    token = _bounds.set(_Bounds(ends, stops))
    try:
        yield
    finally:
        _bounds.reset(token)


def seconds_left(limit: float = math.inf) -> float:
    """How long something may take: its own limit, or what is left until the deadline, where that is less."""
    return max(0.0, min(limit, _bounds.get().ends - time.monotonic()))


def is_stopped() -> bool:
    """Whether somebody wants this work to end."""
    return any(stop.is_set() for stop in _bounds.get().stops)


def pause(seconds: float) -> None:
    """Waits, but neither beyond the deadline nor once it is stopped."""
    ends = time.monotonic() + seconds_left(seconds)
    while (left := ends - time.monotonic()) > 0 and not is_stopped():
        time.sleep(min(left, _LOOK_SECONDS))
