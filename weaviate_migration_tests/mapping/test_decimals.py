from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.object_to_row import inverse
from weaviate_migration.mapping.spellings import DecimalScale
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.meaning import judge

LEFT_OUT = (None, False)


def number(decimal: Any) -> PropertyMapping:
    return PropertyMapping(name="p", column="c", type="number", decimal=decimal)


def scaled(scale: int) -> PropertyMapping:
    return number(DecimalScale(scale=scale))


@pytest.mark.parametrize(
    ("value", "converted"),
    [
        (None, (None, True)),
        ("12.5", (12.5, True)),
        ("-0.1", (-0.1, True)),
        ("1.0", (1.0, True)),
        ("1e-07", (1e-07, True)),
        ("1e+16", (1e16, True)),
        ("12.50", (12.5, False)),
        ("7", (7.0, False)),
        ("+7.", (7.0, False)),
        (".5", (0.5, False)),
        ("00012.5", (12.5, False)),
        ("1e3", (1000.0, False)),
        ("1E3", (1000.0, False)),
        ("0e999", (0.0, False)),
        ("-0.0", (-0.0, False)),
        ("9007199254740993", LEFT_OUT),
        ("79228162514264337593543950335", LEFT_OUT),
        ("0.1000000000000000055511151231257827", LEFT_OUT),
        ("1e999", LEFT_OUT),
        ("1e-999", LEFT_OUT),
        ("1e1000", LEFT_OUT),
        ("9" * 5000, LEFT_OUT),
        ("0." + "0" * 5000 + "1", LEFT_OUT),
        ("1" + "0" * 22, (1e22, False)),
        *((text, LEFT_OUT) for text in ("", " 1", "1 ", "1_0", "1,5", "0x1", "inf", "nan", "e3", ".", "\u0663", "1\n")),
        (12.5, (12.5, False)),
        (7, (7.0, False)),
        (2**53, LEFT_OUT),
        (float("inf"), LEFT_OUT),
        (b"12.5", LEFT_OUT),
    ],
)
def test_decimal_numbers_in_texts(value: SqlValue, converted: Any) -> None:
    prop = number("text")
    assert repr(property_converter(prop)(value)) == repr(converted)
    assert judge(prop)(value, converted[0])
    if converted[1]:
        assert inverse(prop)(converted[0]) == value


@pytest.mark.parametrize(
    ("scale", "value", "converted"),
    [
        (2, None, (None, True)),
        (2, 1250, (12.5, True)),
        (2, 1999, (19.99, True)),
        (2, -1, (-0.01, True)),
        (2, 0, (0.0, True)),
        (18, 1, (1e-18, True)),
        (1, 10**15 + 1, (100000000000000.1, True)),
        (2, 9007199254740993, LEFT_OUT),
        (2, 2**63 - 1, LEFT_OUT),
        (2, -(2**63), LEFT_OUT),
        (2, 1250.0, LEFT_OUT),
        (2, "1250", LEFT_OUT),
        (2, b"1250", LEFT_OUT),
    ],
)
def test_integers_with_a_scale(scale: int, value: SqlValue, converted: Any) -> None:
    prop = scaled(scale)
    assert property_converter(prop)(value) == converted
    assert judge(prop)(value, converted[0])
    if converted[1]:
        assert repr(inverse(prop)(converted[0])) == repr(value)


@given(st.integers(-(10**15), 10**15), st.integers(1, 18))
def test_integers_up_to_fifteen_digits_are_exact_at_any_scale(value: int, scale: int) -> None:
    assert property_converter(scaled(scale))(value)[1]


@pytest.mark.parametrize(
    ("prop", "value", "wrong"),
    [
        (number("text"), "12.50", 12.51),
        (number("text"), "12.50", None),
        (number("text"), "12.50", 1250.0),
        (number("text"), "79228162514264337593543950335", 7.922816251426434e28),
        (number("text"), "1,5", 1.5),
        (number("text"), "1e999", float("inf")),
        (scaled(2), 1250, 1250.0),
        (scaled(2), 1250, 12.500000000000002),
        (scaled(2), 1250, None),
        (scaled(2), 9007199254740993, 90071992547409.92),
        (scaled(2), "1250", 12.5),
        (scaled(2), 12.5, 0.125),
    ],
)
def test_another_number_does_not_agree(prop: PropertyMapping, value: SqlValue, wrong: float | None) -> None:
    assert not judge(prop)(value, wrong)


def test_a_damaged_number_gives_another_value_back() -> None:
    assert inverse(scaled(2))(12.505) == 12.505
