"""What is asked again, and for how long; a cluster that catches up is in `live/test_cluster.py`."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from weaviate.collections import Collection

from weaviate_migration.base.deadline import bounded
from weaviate_migration.phases.validation import settling
from weaviate_migration.phases.validation.settling import Settling

COLLECTION = cast("Collection[Any, Any]", None)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(settling, "is_replicated", lambda _: True)


def answers(*numbers: int) -> tuple[Callable[[], int], list[int]]:
    """A question with these answers, of which the last one stays; and those that it has given."""
    left: Iterator[int] = iter(numbers)
    given: list[int] = []

    def ask() -> int:
        given.append(next(left, given[-1] if given else 0))
        return given[-1]

    return ask, given


def settled(ask: Callable[[], int], wanted: int, of: Settling | None = None) -> int:
    return (of or Settling()).settled(COLLECTION, ask, lambda found: found == wanted)


def test_what_is_enough_is_asked_once() -> None:
    ask, given = answers(3, 4)
    assert settled(ask, 3) == 3
    assert given == [3]


def test_what_falls_short_is_asked_until_it_is_enough() -> None:
    ask, given = answers(0, 0, 1, 2, 3, 4)
    assert settled(ask, 3) == 3
    assert given == [0, 0, 1, 2, 3]


def test_with_one_copy_of_each_object_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "is_replicated", lambda _: False)
    ask, given = answers(0, 3)
    assert settled(ask, 3) == 0
    assert given == [0]


def test_what_no_longer_changes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time begins anew with each change; without any, what comes later has none of its own."""
    monkeypatch.setattr(settling, "UNCHANGED_SECONDS", 0.0)
    ask, given = answers(0, 3)
    assert settled(ask, 3, shared := Settling()) == 0
    monkeypatch.setattr(settling, "UNCHANGED_SECONDS", 60.0)
    later, given_later = answers(1, 3)
    assert settled(later, 3, shared) == 1
    assert (given, given_later) == ([0], [1])
    assert settled(answers(0, 3)[0], 3) == 3


def test_what_goes_on_changing_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "LONGEST_SECONDS", 0.0)
    ask, given = answers(*range(1000))
    assert settled(ask, 1000) == 0
    assert given == [0]


def test_work_that_was_stopped_asks_no_more() -> None:
    stop = threading.Event()
    stop.set()
    ask, given = answers(0, 3)
    with bounded(stop=stop):
        assert settled(ask, 3) == 0
    assert given == [0]
