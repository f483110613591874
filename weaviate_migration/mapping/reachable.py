"""What can be reached in a graph that names, for each node, the next ones."""

from collections.abc import Iterable, Mapping, Set


def reachable(start: str, ahead_of: Mapping[str, Set[str]]) -> set[str]:
    """All that is reached from a node in one step or more; itself only around a circle."""
    found: set[str] = set()
    ahead: Iterable[str] = ahead_of.get(start, frozenset())
    while ahead := set(ahead) - found:
        found |= ahead
        ahead = (following for node in ahead for following in ahead_of.get(node, frozenset()))
    return found
