"""Blobs and texts that are vectors, by themselves or by name, and those that only look like some."""

import gzip
import hashlib
import json
import pickle
import random
import struct
import uuid
import zlib
from base64 import b64encode
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.inference.column_words import column_words
from weaviate_migration.phases.preflight.inference.mapping_text import fields_of
from weaviate_migration.phases.preflight.inference.vector_guess import VectorGuess, vector_in_blobs
from weaviate_migration.source.inspect import Column
from weaviate_migration_tests.phases.preflight.inference.guessing import facts_of, guess_of, told

ROWS = 40


def normalized(dtype: str, length: int, rows: int = ROWS) -> list[bytes]:
    """Vectors of the norm 1, as models give them."""
    numbers = np.random.default_rng(length).normal(size=(rows, length))
    return [row.astype(dtype).tobytes() for row in numbers / np.linalg.norm(numbers, axis=1, keepdims=True)]


def drawn(dtype: str, low: float, high: float, length: int) -> list[bytes]:
    """Vectors whose numbers are within bounds."""
    return [row.astype(dtype).tobytes() for row in np.random.default_rng(7).uniform(low, high, size=(ROWS, length))]


def of_blobs(declaration: str, blobs: list[bytes]) -> VectorGuess:
    name, _, declared = declaration.partition(" ")
    return vector_in_blobs(column_words(Column(name, declared, generated=False)), facts_of([blobs]).blobs)


@pytest.mark.parametrize(
    ("declaration", "blobs", "numbers"),
    [
        ("embedding BLOB", normalized("<f4", 8), "float32"),
        ("data BLOB", normalized("<f4", 384), "float32"),
        ("data BLOB", normalized("<f4", 1536), "float32"),
        ("data BLOB", drawn("<f4", 0.25, 1, 24), "float32"),
        ("data BLOB", drawn("<f4", -200, 200, 128), "float32"),
        ("data BLOB", [*normalized("<f4", 24), b"", bytes(96)], "float32"),
        ("embedding BLOB", normalized("<f8", 8), "float64"),
        ("encoding BLOB", normalized("<f8", 128), "float64"),
        ("data BLOB", drawn("<f8", 0.25, 1, 24), "float64"),
        ("embedding BLOB", [np.array([1, 2, 3, n], "<f8").tobytes() for n in range(ROWS)], "float64"),
        ("embedding BLOB", [np.array([0.1, n / 7], "<f4").astype("<f8").tobytes() for n in range(ROWS)], "float64"),
        ("data BLOB", [np.full(9, row + 0.1).tobytes() for row in range(ROWS)], "float64"),
        ("data BLOB", [np.eye(24, dtype="<f4")[row % 24].tobytes() for row in range(ROWS)], "float32"),
        ("embedding BLOB", normalized("<f2", 64), "float16"),
        ("embedding FLOAT[4]", normalized("<f4", 4), "float32"),
        ("whatever F32_BLOB(4)", normalized("<f4", 4, rows=1), "float32"),
        ("whatever F64_BLOB(4)", normalized("<f8", 4, rows=1), "float64"),
        ("whatever INT8[16]", [bytes(range(n, n + 16)) for n in range(ROWS)], "int8"),
    ],
)
def test_how_bytes_are_read_is_found_out(declaration: str, blobs: list[bytes], numbers: str) -> None:
    assert of_blobs(declaration, blobs).numbers == numbers


HASHED = [str(number).encode() for number in range(ROWS)]


def picture(number: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + random.Random(number).randbytes(248)


@pytest.mark.parametrize("name", ["data", "embedding"])
@pytest.mark.parametrize(
    "made",
    [
        lambda: [hashlib.md5(each).digest() for each in HASHED],
        lambda: [hashlib.sha1(each).digest() for each in HASHED],
        lambda: [hashlib.sha256(each).digest() for each in HASHED],
        lambda: [hashlib.sha512(each).digest() for each in HASHED],
        lambda: [uuid.uuid5(uuid.NAMESPACE_OID, str(number)).bytes for number in range(ROWS)],
        lambda: [uuid.uuid5(uuid.NAMESPACE_OID, str(number)).bytes_le for number in range(ROWS)],
        lambda: [picture(number) for number in range(ROWS)],
        lambda: [random.Random(number).randbytes(3072) for number in range(ROWS)],
        lambda: [random.Random(number).randbytes(number) for number in range(ROWS)],
        lambda: [pickle.dumps(np.full(24, number / 7, "<f4")) for number in range(ROWS)],
        lambda: [zlib.compress(random.Random(number).randbytes(100)) for number in range(ROWS)],
        lambda: [gzip.compress(random.Random(number).randbytes(100)) for number in range(ROWS)],
        lambda: [struct.pack("<8i", *range(number, number + 8)) for number in range(ROWS)],
        lambda: [struct.pack("<8q", *range(number, number + 8)) for number in range(ROWS)],
        lambda: [struct.pack("<8q", *range(10**15 + number, 10**15 + number + 8)) for number in range(ROWS)],
        lambda: [f"{number:032}".encode() for number in range(ROWS)],
        lambda: [f"{number:08x}".encode() * 8 for number in range(ROWS)],
        lambda: [f"text {number:03}".ljust(96).encode() for number in range(ROWS)],
        lambda: [f"text {number:03}".ljust(48).encode("utf-16-le") for number in range(ROWS)],
        lambda: [bytes(96)] * ROWS,
        lambda: [b"\xff" * 96] * ROWS,
        lambda: [struct.pack("<24f", *[float("nan")] * 24)] * ROWS,
        lambda: [struct.pack("<24f", *[1e30] * 24)] * ROWS,
    ],
)
def test_what_is_no_vector_is_taken_for_none(made: Callable[[], list[bytes]], name: str) -> None:
    assert of_blobs(f"{name} BLOB", made()).numbers is None


@pytest.mark.parametrize(
    "blobs",
    [
        [struct.pack("<4f", 0.5, 0.25, 0.75, number / 7) for number in range(ROWS)],
        [struct.pack("<8f", *[number / 7] * 8) for number in range(1, ROWS)],
        normalized("<f4", 24, rows=1),
        normalized("<f2", 64),
    ],
    ids=["of the length of a UUID", "of the length of SHA-256", "one alone", "of 16 bits"],
)
def test_what_could_be_something_else_is_a_vector_by_its_name_alone(blobs: list[bytes]) -> None:
    assert of_blobs("data BLOB", blobs).numbers is None
    assert of_blobs("text_embedding BLOB", blobs).numbers is not None


def test_a_declared_length_has_to_be_that_of_the_blobs() -> None:
    assert of_blobs("a FLOAT[8]", normalized("<f4", 4)).numbers is None


def test_several_lengths_are_told_and_how_to_part_them() -> None:
    guess = of_blobs("embedding BLOB", [*normalized("<f4", 8, rows=60), *normalized("<f4", 16, rows=40)])
    assert guess == VectorGuess(
        None,
        "vectors of several lengths, 60 of 8 float32s, 40 of 16; Weaviate takes one length for each vector: several "
        "that are made from the column, each with its `length`, part them, such as `length: 8`",
        lengths_differ=True,
    )


def listed(length: int, number: int) -> str:
    return json.dumps([(number + place) / 7 for place in range(length)])


def in_base64(blobs: list[bytes]) -> list[str]:
    return [b64encode(blob).decode() for blob in blobs]


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        ("embedding TEXT", [listed(384, number) for number in range(ROWS)], "vector json"),
        ("data TEXT", [listed(8, number) for number in range(ROWS)], "vector json"),
        ("embedding JSON", [listed(3, number) for number in range(ROWS)], "vector json"),
        ("embedding TEXT", [listed(8, 1), None, "", listed(8, 2)], "vector json"),
        ("embedding TEXT", [listed(8 + number % 2, number) for number in range(ROWS)], "nothing"),
        ("role TEXT", ["user"] * 30 + [listed(8, 1)], "text whole"),
        ("digest TEXT", [hashlib.sha256(each).hexdigest() for each in HASHED], "text whole"),
        ("digest TEXT", in_base64([hashlib.sha512(each).digest() for each in HASHED]), "text whole"),
        ("token TEXT", in_base64([random.Random(number).randbytes(96) for number in range(ROWS)]), "text whole"),
    ],
)
def test_texts(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


def test_the_reason_has_the_figures() -> None:
    reason = partial(guess_of, "embedding BLOB")
    assert reason(normalized("<f4", 8)).reason == "40 vectors of 8 float32s (found out from the values)"
    with_another = reason([*normalized("<f4", 8), b"another"])
    assert with_another.reason == "40 vectors of 8 float32s (found out from the values); 1 other blob"
    assert guess_of("a TEXT", [listed(8, 1)] * 3).reason == "3 JSON arrays of 8 numbers"
    assert reason([picture(1)]).reason == "1 blob: all of 256 bytes, 1 PNG pictures"


@pytest.mark.parametrize(
    ("declaration", "values", "quantized"),
    [
        ("embedding BLOB", normalized("<f4", 127), False),
        ("embedding BLOB", normalized("<f4", 128), True),
        ("embedding BLOB", normalized("<f8", 128), True),
        ("embedding TEXT", [listed(127, number) for number in range(ROWS)], False),
        ("embedding TEXT", [listed(128, number) for number in range(ROWS)], True),
        ("embedding TEXT", in_base64(normalized("<f4", 127)), False),
        ("embedding TEXT", in_base64(normalized("<f4", 128)), True),
    ],
)
def test_long_vectors_are_quantized_in_the_index(declaration: str, values: list[SqlValue], quantized: bool) -> None:
    vector = guess_of(declaration, values).vector
    assert vector is not None
    assert fields_of(vector).get("index") == ({"quantizer": "rq"} if quantized else None)
