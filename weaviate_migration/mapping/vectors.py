"""A SQLite value as a vector of float32s: what Weaviate holds of it."""

import math
import struct

from weaviate_migration.mapping.values import SqlValue, parse_json


def vector_of(value: SqlValue) -> list[float] | None:
    """The vector that a value is, each number as a float32 holds it; None for everything that is no vector.

    A blob is one as little-endian float32s (sqlite-vec, and `tobytes` of numpy), a text as a JSON array of numbers.
    Neither is one that is empty or holds what float32 has no finite number for: weaviate-client would make infinities
    of numbers beyond float32, and the server takes infinities and NaN (measured on 1.39.0).
    """
    data = value if isinstance(value, bytes) else _packed(parse_json(value))
    if not data or len(data) % 4:
        return None
    numbers = struct.unpack(f"<{len(data) // 4}f", data)
    return list(numbers) if all(map(math.isfinite, numbers)) else None


def _packed(document: object) -> bytes | None:
    """A list of numbers as little-endian float32s; None for anything else."""
    if not isinstance(document, list) or not all(type(each) in (int, float) for each in document):
        return None
    try:
        return struct.pack(f"<{len(document)}f", *document)
    except (OverflowError, struct.error):
        # Beyond float32; struct.error for an integer that is beyond a double, too.
        return None
