"""Decimal numbers, in texts or in integers with a scale: to a Weaviate property, and whether exactly (see `values.py`).

Most decimal numbers have no double: 12.34 is none. So a double stands for the shortest decimal number that it is the
nearest double of, as Python and JSON write it. A property is filled where that is the very number of the column.
"""

import math
import re
from decimal import Decimal

from weaviate_migration.mapping.values import LEFT_OUT, NULL, Converted, Converter, SqlValue, number_property

# No double has an exponent of more than three digits.
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII).fullmatch


def is_number(text: str) -> bool:
    """Whether a text is a decimal number: ASCII digits, with a sign, a point and an exponent, if any."""
    return _NUMBER(text) is not None


def decimal_text_property(value: SqlValue) -> Converted:
    """Texts of decimal numbers; exact are those that are written as Python writes them: `12.5`, `1.0`, `1e-07`.

    Reals and integers mean the same as in any other number property, but are kept verbatim.
    """
    if value is None:
        return NULL
    if not isinstance(value, str):
        return number_property(value)[0], False
    if not is_number(value):
        return LEFT_OUT
    number = float(value)
    if not math.isfinite(number) or Decimal(repr(number)) != Decimal(value):
        return LEFT_OUT
    # Weaviate does not keep the sign of a zero.
    return number, repr(number) == value != "-0.0"


def scaled_integer_property(scale: int) -> Converter:
    """Integers of so many decimal places, to the number that they stand for; everything else is left out."""

    def convert(value: SqlValue) -> Converted:
        if value is None:
            return NULL
        if not isinstance(value, int):
            return LEFT_OUT
        number = value / 10**scale
        return (number, True) if Decimal(repr(number)).scaleb(scale) == value else LEFT_OUT

    return convert
