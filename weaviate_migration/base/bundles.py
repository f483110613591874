"""Items by the bundle: bounded in number and in size, so that memory is bounded whatever the size of a row."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def bundled(
    items: Iterable[Item], size_of: Callable[[Item], int], most_items: int, most_bytes: int
) -> Iterator[list[Item]]:
    """The items in their order, in lists that are not empty.

    Args:
        size_of: about how many bytes an item takes.
        most_items: in a bundle at most.
        most_bytes: a bundle ends with the item that reaches so many. So the next one need not be in memory to know.
    """
    bundle: list[Item] = []
    size = 0
    for item in items:
        bundle.append(item)
        size += size_of(item)
        if len(bundle) >= most_items or size >= most_bytes:
            yield bundle
            bundle, size = [], 0
    if bundle:
        yield bundle
