"""Facts of any values: the same however they are sliced, and true of the conversion that they stand for."""

import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vectors import vector_reader
from weaviate_migration.phases.preflight.inference.column_facts import PATTERN_READINGS, READINGS
from weaviate_migration.phases.preflight.inference.column_guess import guess_column
from weaviate_migration.phases.preflight.inference.number_facts import RANGES
from weaviate_migration.source.inspect import Column
from weaviate_migration_tests.phases.preflight.inference.guessing import facts_of
from weaviate_migration_tests.strategies import DIGITS, JSON_TEXTS, MOMENTS, SQL_VALUES

NAMES = st.sampled_from(["data", "is_done", "created_at", "embedding", "ZDATE", "price", "uuid"])
TYPES = st.sampled_from(
    ["", "TEXT", "INTEGER", "REAL", "BLOB", "BOOLEAN", "DATETIME", "JSON", "DECIMAL(10,2)", "UUID", "FLOAT[2]"]
)
NUMBERS = st.sampled_from([-1, 0, 1, 2, 1.5, 978_307_200, *(int(each) for ends in RANGES.values() for each in ends)])
VECTORS = st.lists(st.floats(-2, 2, width=32), min_size=2, max_size=2)
ALIKE = (
    st.integers(0, 1),
    NUMBERS,
    MOMENTS,
    DIGITS,
    JSON_TEXTS,
    st.lists(st.integers(-9, 9), max_size=3).map(json.dumps),
    st.uuids().map(str),
    st.builds(lambda day, pattern: day.strftime(pattern), st.dates(), st.sampled_from([*PATTERN_READINGS])),
    st.decimals(-100, 100, places=2).map(str),
    st.sampled_from(["t", "f", "true", "false", "Y", "N", "", " "]),
    VECTORS.map(json.dumps),
    VECTORS.map(lambda numbers: struct.pack("<2f", *numbers)),
    st.floats(-1e9, 1e9),
    st.text(max_size=20),
)
# Columns as they are: values of one kind, with NULLs and now and then one of another kind.
COLUMNS = st.one_of(
    *(st.lists(alike | st.none(), min_size=1, max_size=12) for alike in ALIKE),
    *(st.lists(st.one_of(alike, alike, alike, SQL_VALUES), min_size=1, max_size=12) for alike in ALIKE),
)


def sliced(values: list[SqlValue], borders: list[int]) -> list[list[SqlValue]]:
    ends = sorted({border % len(values) for border in borders} - {0})
    return [values[start:end] for start, end in zip([0, *ends], [*ends, len(values)], strict=True)]


@given(COLUMNS, st.lists(st.integers(1, 50), max_size=4))
def test_slices_change_nothing(values: list[SqlValue], borders: list[int]) -> None:
    assert facts_of(sliced(values, borders)) == facts_of([values])


@given(COLUMNS)
def test_what_fits_is_what_the_conversion_holds(values: list[SqlValue]) -> None:
    """Where only those texts are asked that begin as such do it may be counted too low, but never too high."""
    facts = facts_of([values])
    for kind, reading in (READINGS | PATTERN_READINGS).items():
        held = sum(value is not None and reading.convert(value)[0] is not None for value in values)
        assert facts.fits[kind] <= held
        if kind in ("text", "int", "number", "boolean", "date"):
            assert facts.fits[kind] == held


@given(COLUMNS, NAMES, TYPES, st.booleans())
def test_most_values_fit_what_is_guessed(values: list[SqlValue], name: str, declared: str, is_key: bool) -> None:
    column, facts = Column(name, declared, generated=False), facts_of([values])
    guess = guess_column("anyName", column, facts, is_key=is_key)
    assert guess == guess_column("anyName", column, facts, is_key=is_key)
    assert guess.reason
    assert "\n" not in guess.reason
    there = [value for value in values if value is not None]
    if guess.property is not None:
        convert = property_converter(guess.property)
        assert 2 * sum(convert(value)[0] is not None for value in there) >= len(there)
    if guess.vector is not None:
        read = vector_reader(guess.vector)
        vectors = [vector for value in there if (vector := read(value)) is not None]
        assert 2 * len(vectors) > len([value for value in there if value not in (b"", "")])
        assert len(set(map(len, vectors))) == 1
