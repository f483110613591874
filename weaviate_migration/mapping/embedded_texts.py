"""The text that a vector is made of: what of a row a model gets."""

from collections.abc import Callable, Sequence

from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.values import SqlValue, is_utf8
from weaviate_migration.mapping.vector_mapping import VectorMapping

# A function of a row's values, which gives the text, or None where there is nothing to embed.
TextMaker = Callable[[Sequence[SqlValue]], str | None]


def text_maker(vector: VectorMapping, columns: Sequence[str]) -> TextMaker:
    """A function that makes the text of a row which a vector is made of.

    The text is the vector's prefix, then the texts of its columns, with the separator between any two. Numbers count as
    the texts that they are written as. NULL, blobs, blank texts and texts that are not UTF-8 are passed over.

    Args:
        vector: that a model makes.
        columns: the names of the row's columns, in the row's order; those of the vector that are not among them are
            missing in the file, and count as NULL.

    Returns:
        A function of the row's values: the text, or None where no column has any. Then there is no vector.
    """
    position_of = {folded(column): position for position, column in enumerate(columns)}
    wanted = [position for name in vector.from_columns if (position := position_of.get(folded(name))) is not None]
    prefix, separator = vector.prefix, vector.separator

    def text_of(row: Sequence[SqlValue]) -> str | None:
        parts = [text for position in wanted if (text := _text(row[position]))]
        return prefix + separator.join(parts) if parts else None

    return text_of


def _text(value: SqlValue) -> str | None:
    """What of a value can be embedded; None where nothing can."""
    if isinstance(value, str):
        return value if value.strip() and is_utf8(value) else None
    return repr(value) if isinstance(value, int | float) else None
