"""One deadline for all that a command does, handed on to threads, and what is said of a long wait."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from weaviate_migration.base import waiting
from weaviate_migration.base.bounded_pool import BoundedPool
from weaviate_migration.base.deadline import bounded, is_stopped, pause, seconds_left
from weaviate_migration.base.waiting import Wait, told_if_long


def test_without_a_deadline_the_own_limit_counts() -> None:
    assert seconds_left() == math.inf
    assert seconds_left(120) == 120


def test_the_earliest_of_all_deadlines_counts() -> None:
    with bounded(3600), bounded(60), bounded(7200):
        assert 0 < seconds_left(3600) <= 60
        assert seconds_left(1) == 1
    assert seconds_left() == math.inf


def test_a_deadline_that_has_passed_leaves_nothing() -> None:
    with bounded(-1):
        assert seconds_left(120) == 0
        assert Wait(120).is_over
        pause(3600)


def test_anybody_who_may_stop_it_does() -> None:
    outer, inner = threading.Event(), threading.Event()
    with bounded(stop=outer), bounded(stop=inner):
        assert not is_stopped()
        outer.set()
        assert is_stopped()
        pause(3600)
    assert not is_stopped()


def test_a_thread_has_it_in_a_copy_of_the_context() -> None:
    with bounded(60), ThreadPoolExecutor(1) as pool:
        assert pool.submit(copy_context().run, seconds_left).result() <= 60


def test_a_pool_has_the_deadline_of_who_gives_it_work() -> None:
    with bounded(60), BoundedPool(2) as pool:
        assert all(left <= 60 for left in pool.map(seconds_left, [120, 120, 120]))


def fail_beside(work: Callable[[], None], begun: threading.Event) -> None:
    """Fails while a pool does this work."""
    with BoundedPool(1) as pool:
        pool.submit(work)
        begun.wait()
        raise KeyboardInterrupt


def test_a_pool_stops_its_work_when_its_block_fails() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        while not is_stopped():
            pause(3600)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        fail_beside(work, begun)
    assert ended.is_set()


def test_a_wait_is_given_up_a_moment_after_the_work_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, wait = threading.Event(), Wait()
    with bounded(stop=stop):
        assert not wait.is_given_up()
        stop.set()
        assert not wait.is_given_up()
        monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.0)
        assert wait.is_given_up()


def test_a_long_wait_says_for_what_since_when_and_until_when(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting, "LONG_SECONDS", 0.0)
    wait = Wait(60)
    wait.tell_if_long("the other command")
    wait.tell_if_long("the other command")
    (said,) = caplog.messages
    assert said.startswith("waiting for the other command, since ")
    assert said.endswith(" UTC at most")
    assert not wait.is_over


def test_a_wait_without_limit_says_so() -> None:
    assert Wait().told_end == "however long that takes"
    assert not Wait().is_over


def test_a_short_wait_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Wait().tell_if_long("the other command")
    with told_if_long("the other command"):
        pass
    assert not caplog.messages


def test_a_block_that_takes_long_is_told_while_it_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting, "LONG_SECONDS", 0.0)
    told = threading.Event()
    monkeypatch.setattr(Wait, "tell", lambda *_: told.set())
    with told_if_long("an answer"):
        assert told.wait(60)
    assert not caplog.messages
