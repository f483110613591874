"""What failed for a passing reason is tried again: how often, and when, is the same for all that is asked of others."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tenacity import RetryCallState, Retrying, stop_after_attempt
from tenacity.retry import retry_base

from weaviate_migration.base.deadline import is_stopped, pause, seconds_left
from weaviate_migration.base.errors import MigrationError, TransientTargetError

LONGEST_WAIT_SECONDS = 60.0


class RepeatLimits(Protocol):
    """What a person sets of repeats."""

    @property
    def max_retries(self) -> int:
        """How often the same is tried again."""

    @property
    def retry_delay(self) -> float:
        """Seconds before the first of these; doubled each time, with jitter of the same size."""


@dataclass(frozen=True)
class Repeats:
    """Limits that no settings are at hand for: by default nothing is tried again."""

    max_retries: int = 0
    retry_delay: float = 0.0


NO_REPEATS = Repeats()


def repeating(
    limits: RepeatLimits,
    retry: retry_base,
    tell: Callable[[RetryCallState], None],
    give_up: Callable[[RetryCallState], Any] | None = None,
    *,
    asked_for: Callable[[RetryCallState], float] | None = None,
    stopped: Callable[[], MigrationError] | None = None,
) -> Retrying:
    """What calls a function until it does not fail any more; no longer than its deadline lasts, or until it is stopped.

    Args:
        retry: which failures may pass.
        tell: is called before each wait.
        give_up: is called in the end where it failed each time; by default the last outcome is the function's.
        asked_for: how many seconds the other side wants to be left alone, which may be longer than we would wait.
        stopped: what is raised where it is stopped while it waits.
    """
    tries = stop_after_attempt(limits.max_retries + 1)

    def seconds_to_wait(state: RetryCallState) -> float:
        doublings = 2.0 ** (state.attempt_number - 1)
        own = min(LONGEST_WAIT_SECONDS, limits.retry_delay * (doublings + random.random()))
        return own if asked_for is None else max(own, asked_for(state))

    def pause_unless_stopped(seconds: float) -> None:
        pause(seconds)
        if is_stopped():
            raise (stopped or _target_not_asked_again)()

    return Retrying(
        stop=lambda state: tries(state) or is_stopped() or not seconds_left(),
        wait=seconds_to_wait,
        retry=retry,
        sleep=pause_unless_stopped,
        before_sleep=tell,
        retry_error_callback=give_up or _last_outcome,
    )


def _target_not_asked_again() -> TransientTargetError:
    return TransientTargetError("Weaviate was not asked again, since this was stopped")


def _last_outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None, "it was tried"
    return state.outcome.result()
