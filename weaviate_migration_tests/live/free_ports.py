"""Ports for what tests start, or leave unanswered: none of those that the system gives away by itself.

Those go to whatever connects or listens meanwhile: a server that comes up seconds later, or again, would not get its
own.
"""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path

from weaviate_migration.target.server_process import Ports

_LOWEST, _HIGHEST = 10_000, 65_535
_BLOCK = 6
"""Neighbours that are taken together: as many as a server has."""
_PROCESSES = 8
"""So many processes of pytest have ports of their own each."""


def free_port() -> int:
    """A port that nobody listens on now."""
    return _free_block()


def free_server_ports() -> Ports:
    """The ports of a Weaviate server, none of them in use now."""
    lowest = _free_block()
    return Ports(http=lowest, grpc=lowest + 1, gossip=lowest + 2, raft=lowest + 4)


def _free_block() -> int:
    """The first of some ports that are free."""
    return next(first for first in _blocks if all(map(_is_free, range(first, first + _BLOCK))))


def _is_free(port: int) -> bool:
    """On all addresses of this machine."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _blocks_of_this_process() -> Iterator[int]:
    """In any order: another run of the tests may be under way."""
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    starts = range(_LOWEST, _HIGHEST - _BLOCK, _BLOCK)
    beyond = [start for start in starts if start + _BLOCK <= first or start > last] or starts
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = beyond[number % _PROCESSES :: _PROCESSES]
    return cycle(random.sample(own, len(own)))


_blocks = _blocks_of_this_process()
