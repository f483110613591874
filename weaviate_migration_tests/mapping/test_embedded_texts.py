from collections.abc import Sequence

import pytest

from weaviate_migration.mapping import VectorMapping
from weaviate_migration.mapping.embedded_texts import text_maker
from weaviate_migration.mapping.values import SqlValue

COLUMNS = ("id", "Title", "content")


def vector(**fields: object) -> VectorMapping:
    return VectorMapping.model_validate({"name": "v", "from": ["title", "content"], "model": "m", **fields})


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((1, "A title", "Its content"), "A title\nIts content"),
        ((1, None, "Its content"), "Its content"),
        ((1, "", "Its content"), "Its content"),
        ((1, " \n\t", " Its content "), " Its content "),
        ((1, 1984, 0.1), "1984\n0.1"),
        ((1, b"\x00\x01", "Its content"), "Its content"),
        ((1, "no UTF-8: \udcff", "Žluťoučký 中文"), "Žluťoučký 中文"),
        ((1, None, None), None),
        ((1, "", "\u2003"), None),
        ((1, b"bytes", "\ud800"), None),
    ],
)
def test_what_is_embedded_of_a_row(row: Sequence[SqlValue], text: str | None) -> None:
    assert text_maker(vector(), COLUMNS)(row) == text


def test_prefix_and_separator_stand_where_there_is_a_text() -> None:
    text_of = text_maker(vector(prefix="passage: ", separator=" | "), COLUMNS)
    assert text_of((1, "A", "B")) == "passage: A | B"
    assert text_of((1, None, "B")) == "passage: B"
    assert text_of((1, None, None)) is None


def test_the_order_is_that_of_the_vector_and_missing_columns_are_null() -> None:
    text_of = text_maker(vector(**{"from": ["CONTENT", "summary", "title"]}), COLUMNS)
    assert text_of((1, "title", "content")) == "content\ntitle"
