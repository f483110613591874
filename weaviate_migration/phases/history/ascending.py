"""Two ascending sequences of addresses beside each other, without either of them in memory."""

from collections.abc import Iterable


class Ascending:
    """Addresses that ascend, asked for in ascending order: they are read once, and as far as they are asked for."""

    def __init__(self, uuids: Iterable[str]) -> None:
        self._rest = iter(uuids)
        self._next = next(self._rest, None)

    def has(self, uuid: str | None) -> bool:
        """Whether this address is among them; None, that of a row whose key has a NULL, never is.

        Args:
            uuid: not before the one that was asked for last.
        """
        if uuid is None:
            return False
        while self._next is not None and self._next < uuid:
            self._next = next(self._rest, None)
        return self._next == uuid
