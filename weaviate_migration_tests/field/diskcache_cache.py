"""A cache of DiskCache: keys and values of every storage class, and counters that triggers keep."""

from pathlib import Path

from diskcache import Cache


def make(file: Path) -> None:
    with Cache(str(file.parent), statistics=True, tag_index=True) as cache:
        for number in range(30):
            cache.set(f"text {number}", "länger", tag="texts")
            cache.set(number, number * 0.5, expire=1e6)
            cache.set(bytes([number]), bytes([0, number]), tag=None)
        cache.set(0.5, 2**62)
        cache.set(("a", 1), {"pickled": True}, tag=7)
        cache.set("large", b"x" * 100_000)


def write_more(file: Path) -> None:
    with Cache(str(file.parent)) as cache:
        cache.set("text 1", None)
        cache.incr("counted", 3)
        cache.delete(5)
        cache.push("queued", prefix="jobs")
        cache.touch(6, expire=50)
