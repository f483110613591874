"""Questions to a collection that several nodes have: one that was away finds too little until it has caught up."""

from collections.abc import Callable
from typing import Any, TypeVar

from weaviate.collections import Collection

from weaviate_migration.base.deadline import is_stopped, pause
from weaviate_migration.base.waiting import Wait
from weaviate_migration.target.replicas import is_replicated

# A node that is back finds what it has missed within half a minute, if that is not much (26 s, measured on 1.39.0).
UNCHANGED_SECONDS = 60.0
LONGEST_SECONDS = 300.0
SECONDS_BETWEEN_LOOKS = 1.0

_Answer = TypeVar("_Answer")


class Settling:
    """Asks again what falls short; all that is asked through one of these waits together no longer than one question.

    With one copy of each object there is nothing to wait for.
    """

    def __init__(self) -> None:
        self._whole: Wait | None = None
        self._unchanged = Wait()

    def settled(
        self, collection: Collection[Any, Any], ask: Callable[[], _Answer], is_enough: Callable[[_Answer], bool]
    ) -> _Answer:
        """The first answer that is enough; else the last one, when it has stayed as it is for a minute.

        Args:
            collection: that is asked.
            is_enough: whether an answer is what is expected, or will not become so by waiting.
        """
        answer = ask()
        while not is_enough(answer) and is_replicated(collection) and self._has_time():
            pause(SECONDS_BETWEEN_LOOKS)
            before, answer = answer, ask()
            if answer != before:
                self._unchanged = Wait(UNCHANGED_SECONDS)
        return answer

    def _has_time(self) -> bool:
        if self._whole is None:
            self._whole, self._unchanged = Wait(LONGEST_SECONDS), Wait(UNCHANGED_SECONDS)
        self._whole.tell_if_long("a node of the cluster to catch up")
        return not (is_stopped() or self._whole.is_over or self._unchanged.is_over)
