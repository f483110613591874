"""A queue of Huey: tasks that wait, a schedule, results."""

from datetime import datetime
from pathlib import Path

from huey import SqliteHuey


def _queue(file: Path) -> SqliteHuey:
    queue = SqliteHuey("field", filename=str(file))

    @queue.task(name="add", priority=5)
    def add(one: int, other: int) -> int:
        return one + other

    queue.add = add
    return queue


def make(file: Path) -> None:
    queue = _queue(file)
    for number in range(8):
        queue.add(number, 1)
    queue.add_schedule(queue.add.s(1, 2, eta=datetime(2030, 1, 2, 3, 4, 5)))
    for _ in range(4):
        _work(queue)


def write_more(file: Path) -> None:
    queue = _queue(file)
    queue.add(100, 1)
    _work(queue)
    queue.add_schedule(queue.add.s(3, 4, eta=datetime(2031, 1, 2, 3, 4, 5)))
    queue.put("kept", {"a": "value"})


def _work(queue: SqliteHuey) -> None:
    """What the consumer does with the next task."""
    task = queue.dequeue()
    queue.execute(task)
