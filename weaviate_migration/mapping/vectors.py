"""A SQLite value as a vector of float32s: what Weaviate holds of it."""

import math
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from typing import Any

from weaviate_migration.mapping.json_values import parse_json
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import VectorMapping

VectorReader = Callable[[SqlValue], list[float] | None]
NumbersReader = Callable[[SqlValue], tuple[float, ...] | None]
# Whether a vector that was read from a value gives back that very value: same storage class, same bytes.
ExactnessJudge = Callable[[SqlValue, Sequence[float]], bool]

# The letters of `struct` for one number, little-endian, and how many bytes it takes.
_ELEMENTS = {"float64": ("d", 8), "float16": ("e", 2), "int8": ("b", 1)}


def vector_reader(vector: VectorMapping) -> VectorReader:
    """A function that gives the vector that a value is, each number as a float32 holds it; None for what is none.

    None is what is empty, has another length than the mapping says, or holds what float32 has no finite number for:
    weaviate-client would make infinities of numbers beyond float32, and the server takes infinities and NaN (measured
    on 1.39.0).
    """
    read_numbers, length = numbers_reader(vector), vector.length

    def read(value: SqlValue) -> list[float] | None:
        numbers = read_numbers(value)
        if not numbers or (length is not None and len(numbers) != length):
            return None
        return list(numbers) if all(map(math.isfinite, numbers)) else None

    return read


def numbers_reader(vector: VectorMapping) -> NumbersReader:
    """A function that gives the float32s of a value, however many there are and finite or not; None where none are."""
    packed = _PACKERS[vector.bytes]

    def read(value: SqlValue) -> tuple[float, ...] | None:
        data = packed(value)
        return None if data is None or len(data) % 4 else struct.unpack(f"<{len(data) // 4}f", data)

    return read


def exactness_judge(vector: VectorMapping) -> ExactnessJudge | None:
    """A function of a value and the vector that was read from it; None where no vector gives back its value."""
    return _JUDGES[vector.bytes]


def _is_blob(value: SqlValue, _: Sequence[float]) -> bool:
    """A float32 holds each finite float32, float16 and int8, bit for bit."""
    return isinstance(value, bytes)


def _are_float32s(value: SqlValue, numbers: Sequence[float]) -> bool:
    """Whether doubles lost nothing as float32s."""
    return isinstance(value, bytes) and struct.pack(f"<{len(numbers)}d", *numbers) == value


def _is_plain_base64(value: SqlValue, numbers: Sequence[float]) -> bool:
    """Whether a text is the base64 that anyone writes: the last bits may differ otherwise."""
    return isinstance(value, str) and b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode() == value


_JUDGES: dict[str | None, ExactnessJudge | None] = {
    None: _is_blob,
    "float32": _is_blob,
    "float64": _are_float32s,
    "float16": _is_blob,
    "int8": _is_blob,
    "json": None,
    "base64": _is_plain_base64,
}


def _any_form(value: SqlValue) -> bytes | None:
    """A blob as it is (sqlite-vec, and `tobytes` of numpy's float32s), a text as a JSON array of numbers."""
    return value if isinstance(value, bytes) else _of_list(parse_json(value))


def _float32_blob(value: SqlValue) -> bytes | None:
    return value if isinstance(value, bytes) else None


def _blob_of(letter: str, size: int) -> Callable[[SqlValue], bytes | None]:
    def packed(value: SqlValue) -> bytes | None:
        if not isinstance(value, bytes) or len(value) % size:
            return None
        return _of_list(list(struct.unpack(f"<{len(value) // size}{letter}", value)))

    return packed


def _json_array(value: SqlValue) -> bytes | None:
    """A JSON array of numbers, in a text or in a blob as UTF-8."""
    return _of_list(parse_json(_as_text(value)))


def _base64_text(value: SqlValue) -> bytes | None:
    """Float32s in base64 (RFC 4648), in a text or a blob, as services for embeddings send them."""
    text = _as_text(value)
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        return None


def _as_text(value: SqlValue) -> SqlValue:
    try:
        return value.decode() if isinstance(value, bytes) else value
    except ValueError:
        return None


def _of_list(document: Any) -> bytes | None:
    """A list of numbers as little-endian float32s; None for anything else."""
    if not isinstance(document, list) or not all(type(each) in (int, float) for each in document):
        return None
    try:
        return struct.pack(f"<{len(document)}f", *document)
    except (OverflowError, struct.error):
        # Beyond float32; struct.error for an integer that is beyond a double, too.
        return None


_PACKERS: dict[str | None, Callable[[SqlValue], bytes | None]] = {
    None: _any_form,
    "float32": _float32_blob,
    **{name: _blob_of(letter, size) for name, (letter, size) in _ELEMENTS.items()},
    "json": _json_array,
    "base64": _base64_text,
}
