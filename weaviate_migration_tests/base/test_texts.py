"""What is printable stays, the rest is shown as Python escapes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.base.texts import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 🎉\t\n", "naïve 🎉\t\n"),
        ("\0\x1b[31m\r", "\\x00\\x1b[31m\\r"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("\ud83c\udf89", "\\ud83c\\udf89"),
        ("\ufffe\uffff", "\\ufffe\\uffff"),
        ("\\", "\\"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")))
def test_all_other_text_stays(text: str) -> None:
    assert printable(text) == text
