"""What has to hold before anything is written that others rely on: a lock that another may have taken meanwhile.

Whoever has such a lock guards the writing of its process. What writes asks the guards, and knows nothing of locks.
"""

from collections.abc import Callable

_guards: list[Callable[[], None]] = []


def guard_writes(confirm: Callable[[], None]) -> None:
    """Has `confirm_writes` call this too, as long as the process lives.

    Args:
        confirm: returns where its process may write, and raises the reason where it may not. It is called for each
            batch: as a rule it costs nothing.
    """
    _guards.append(confirm)


def confirm_writes() -> None:
    """Before anything is written: raises a MigrationError where this process may not write any more."""
    for confirm in _guards:
        confirm()
