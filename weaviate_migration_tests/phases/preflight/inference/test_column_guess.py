from collections.abc import Sequence

import pytest

from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.inference.column_facts import ColumnReading
from weaviate_migration.phases.preflight.inference.column_guess import ColumnGuess, guess_column
from weaviate_migration.source.inspect import Column


def guess(name: str, declared: str, values: Sequence[SqlValue], is_key: bool = False) -> ColumnGuess:
    reading = ColumnReading()
    if values:
        reading.add(values)
    return guess_column("anyName", Column(name, declared, generated=False), reading.facts(), is_key=is_key)


@pytest.mark.parametrize(
    ("name", "declared", "values", "found"),
    [
        ("title", "TEXT", ["The first note", "Another one", "And a third"], {"type": "text", "index": "words"}),
        ("role", "VARCHAR(50)", ["user", "assistant"] * 9, {"type": "text", "index": "whole"}),
        ("amount", "INTEGER", [1, 2, 3, None], {"type": "int"}),
        ("price", "REAL", [1.5, 2.0], {"type": "number"}),
        ("done", "BOOLEAN", [0, 1, None], {"type": "boolean"}),
        ("created_at", "DATETIME", ["2026-01-02 03:04:05", "2026-01-02"], {"type": "date"}),
        ("createdAt", "", [1_700_000_000, 0, 1_700_000_009, None], {"type": "date", "date_format": "epoch_seconds"}),
        ("createdAt", "DATETIME", [1_700_000_000_000], {"type": "date", "date_format": "epoch_milliseconds"}),
        ("count", "INTEGER", [1_700_000_000], {"type": "int"}),
        ("nothing", "INTEGER", [None, None], {"type": "int"}),
        ("nothing", "", [], {"type": "text", "index": "whole"}),
    ],
)  # fmt: skip
def test_declaration_and_values_say_what_a_column_becomes(
    name: str, declared: str, values: list[SqlValue], found: dict[str, str]
) -> None:
    prop = guess(name, declared, values).property
    assert prop is not None
    assert prop.model_dump(exclude_defaults=True, exclude={"name", "column"}) | {"type": prop.type} == found
