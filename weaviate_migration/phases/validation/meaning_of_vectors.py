"""Which vector a column's value means, and whether an object has it: apart from the conversion, as all of `meaning`."""

import binascii
import math
import sys
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.validation.meaning_of_json import document_of

# What `array` calls numbers of these forms; a float16 by its bits, since it knows none.
_LETTERS = {"float32": "f", "float64": "d", "float16": "H", "int8": "b"}
# The exponent's bits of a float32: all of them are set in infinities and NaN only.
_EXPONENT = 0x7F800000


def vector_meant(vector: VectorMapping, value: Any) -> list[float] | None:
    """The vector that a column's value means, in numbers as float32 holds them; None where it means none."""
    numbers = _float32s(_numbers_meant(vector.bytes, value))
    if not numbers or any(bits & _EXPONENT == _EXPONENT for bits in array("I", numbers.tobytes())):
        return None
    return None if vector.length not in (None, len(numbers)) else numbers.tolist()


def float32s_meant(vector: VectorMapping, values: Sequence[Any]) -> list[bytes | None]:
    """The vectors that many values of a column mean, as the bytes of little-endian float32s; None for what means none.

    Where all of them are what they mean already, they are looked at together.
    """
    are_blobs = vector.bytes in (None, "float32") and {type(None), bytes}.issuperset(map(type, values))
    if are_blobs and _are_vectors(vector.length, [each for each in values if each is not None]):
        return list(values)
    meant = (vector_meant(vector, value) for value in values)
    return [None if numbers is None else float32s_of(numbers) for numbers in meant]


def _are_vectors(length: int | None, blobs: Sequence[bytes]) -> bool:
    """Whether each of these is a vector: of as many finite numbers as the mapping says, and of one at least."""
    lengths = set(map(len, blobs))
    if not all(each and each % 4 == 0 and length in (None, each // 4) for each in lengths):
        return False
    numbers = np.frombuffer(b"".join(blobs), "<u4")
    return not np.any(numbers & _EXPONENT == _EXPONENT)


def float32s_of(numbers: Sequence[float]) -> bytes:
    """The bytes of little-endian float32s."""
    return np.asarray(numbers, "<f4").tobytes()


def numbers_of(float32s: bytes) -> list[float]:
    """The numbers of little-endian float32s."""
    numbers: list[float] = np.frombuffer(float32s, "<f4").tolist()
    return numbers


def _numbers_meant(form: str | None, value: Any) -> Any:
    """The numbers that a value holds in the form that the mapping names, or any document; None for another form."""
    if form is None:
        form = "float32" if isinstance(value, bytes) else "json"
    if form in ("json", "base64"):
        text = value.decode(errors="surrogateescape") if isinstance(value, bytes) else value
        return document_of(text) if form == "json" else _in_base64(text)
    return _in_blob(form, value) if isinstance(value, bytes) else None


def _in_base64(text: Any) -> "array[float] | None":
    try:
        return _in_blob("float32", binascii.a2b_base64(text, strict_mode=True)) if isinstance(text, str) else None
    except ValueError:
        return None


def _in_blob(form: str, blob: bytes) -> "array[float] | None":
    """Little-endian numbers; None where bytes are left over."""
    numbers: array[Any] = array(_LETTERS[form])
    if len(blob) % numbers.itemsize:
        return None
    numbers.frombytes(blob)
    if sys.byteorder == "big":
        numbers.byteswap()
    return array("d", map(_half, numbers)) if form == "float16" else numbers


def _half(bits: int) -> float:
    """The number that the bits of a float16 are (IEEE 754: 1 of sign, 5 of exponent, 10 of fraction)."""
    exponent, fraction = bits >> 10 & 31, bits & 1023
    size = math.inf if exponent == 31 else math.ldexp(fraction + 1024 * (exponent > 0), max(exponent, 1) - 25)
    return -size if bits >> 15 else size


def _float32s(numbers: Any) -> "array[float]":
    """Numbers, infinities for those beyond float32; none for a document that is no list of numbers."""
    is_list = isinstance(numbers, list) and not any(isinstance(each, bool) for each in numbers)
    try:
        return array("f", numbers if is_list or isinstance(numbers, array) else [])
    except TypeError:
        return array("f")
    except OverflowError:
        return array("f", [math.inf])


def same_vector(meant: Sequence[float] | None, found: Sequence[float] | None) -> bool:
    """Whether two vectors are the same float32s, bit for bit (0.0 and -0.0 differ), or neither is there.

    Weaviate returns a vector as it was written, with the cosine distance too: only what its index holds is normalized
    (measured on 1.39.0).
    """
    if meant is None or found is None:
        return meant is found
    return array("f", meant).tobytes() == array("f", found).tobytes()
