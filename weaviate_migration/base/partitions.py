"""How many partitions a migration has, and what they are called."""

import functools

DEFAULT_PARTITIONS = 16
MAX_PARTITIONS = 1024

# As many keys as two digits can tell apart; beyond them a key has four, so that keys sort as their numbers do.
_TWO_DIGITS = 100


@functools.cache
def partition_keys(partitions: int) -> tuple[str, ...]:
    """The keys of so many partitions, ascending: `00` to `15`; of more than a hundred `0000` to `1023`."""
    digits = 2 if partitions <= _TWO_DIGITS else 4
    return tuple(f"{number:0{digits}}" for number in range(partitions))
