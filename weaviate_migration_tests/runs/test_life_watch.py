"""Who waits for workers tells one that is slow from one that is gone, by a clock of its own."""

from weaviate_migration.runs.life_watch import LOST_SECONDS, LifeWatch


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_worker_is_lost_a_minute_after_its_last_sign() -> None:
    clock = Clock()
    watch = LifeWatch(clock)
    watch.look({"a": "1", "b": "1"}, 1)
    clock.now = LOST_SECONDS - 1
    watch.look({"a": "1", "b": "2"}, 1)
    assert watch.lost is None
    clock.now = LOST_SECONDS
    assert watch.lost == "a"
    watch.look({"b": "2"}, 2)
    assert watch.lost is None


def test_a_worker_that_comes_back_is_a_new_one() -> None:
    clock = Clock()
    watch = LifeWatch(clock)
    watch.look({"a": "1"}, 1)
    watch.look({}, 2)
    clock.now = LOST_SECONDS
    watch.look({"a": "1"}, 3)
    assert watch.lost is None


def test_a_run_is_idle_while_neither_signs_nor_events_come() -> None:
    clock = Clock()
    watch = LifeWatch(clock)
    for signs, event in (({}, None), ({}, 1), ({"a": "1"}, 1), ({"a": "2"}, 1), ({}, 1), ({}, 2)):
        clock.now += 100
        watch.look(signs, event)
    assert watch.idle_seconds == 0
    clock.now += 70
    watch.look({}, 2)
    assert watch.idle_seconds == 70


def test_workers_are_asked_for_once_a_minute_while_a_run_is_idle() -> None:
    clock = Clock()
    watch = LifeWatch(clock)
    asked = []
    for second in range(int(LOST_SECONDS * 3.5)):
        clock.now = float(second)
        watch.look({"a": "1"} if second < LOST_SECONDS / 2 else {"a": "2"}, None)
        if watch.has_to_ask():
            asked.append(clock.now)
    assert asked == [LOST_SECONDS * 1.5, LOST_SECONDS * 2.5]
