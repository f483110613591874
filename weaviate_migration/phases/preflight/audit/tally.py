"""How often something was found, and in which rows first."""

from collections.abc import Callable
from dataclasses import dataclass, field

KeyOf = Callable[[int], str]

EXAMPLES = 3


@dataclass
class Tally:
    """How often something was found, and the keys of the first rows with it."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, row: int, key_of: KeyOf) -> None:
        """Counts one more."""
        self.add_all(range(row, row + 1), key_of)

    def add_all(self, rows: range, key_of: KeyOf) -> None:
        """Counts each of the rows."""
        self.count += len(rows)
        self.examples += map(key_of, rows[: max(EXAMPLES - len(self.examples), 0)])
