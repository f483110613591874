"""Threads that have the deadline of who gives them work, and that nobody waits for in vain."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Any

from weaviate_migration.base.deadline import bounded


class BoundedPool(ThreadPoolExecutor):
    """A pool whose work runs in the context of who submits it; where the block fails, or is left, it is stopped."""

    def __init__(self, threads: int, name: str = "") -> None:
        super().__init__(threads, thread_name_prefix=name)
        self._stop = threading.Event()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Has a thread do it, with the deadline of now."""
        return super().submit(copy_context().run, self._do, work, *args, **kwargs)

    def _do(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with bounded(stop=self._stop):
            return work(*args, **kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Waits for what is under way; after an error, Ctrl-C too, what waits for Weaviate is given up soon."""
        if error is not None:
            self._stop.set()
        return super().__exit__(kind, error, trace)
