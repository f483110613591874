"""What a column of a name, a declared type and values becomes, in few words."""

from collections.abc import Iterable, Sequence

from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts, ColumnReading
from weaviate_migration.phases.preflight.inference.column_guess import ColumnGuess, guess_column
from weaviate_migration.source.inspect import Column


def facts_of(slices: Iterable[Sequence[SqlValue]]) -> ColumnFacts:
    """What is found in values that are read in these slices."""
    reading = ColumnReading()
    for values in slices:
        reading.add(values)
    return reading.facts()


def guess_of(declaration: str, values: Sequence[SqlValue], *, is_key: bool = False) -> ColumnGuess:
    """What a column becomes.

    Args:
        declaration: the column's name and, after a blank, its declared type.
    """
    name, _, declared = declaration.partition(" ")
    return guess_column("anyName", Column(name, declared, generated=False), facts_of([values]), is_key=is_key)


def told(guess: ColumnGuess) -> str:
    """`text whole`, `date epoch_seconds`, `vector float32`; `nothing` for what stays in `source_columns`."""
    if guess.vector is not None:
        return f"vector {guess.vector.bytes}"
    prop = guess.property
    if prop is None:
        return "nothing"
    if prop.values is not None:
        true, false = (" ".join(map(str, each)) for each in (prop.values.true, prop.values.false))
        return f"{prop.type} {{true: {true}, false: {false}}}"
    fields = prop.model_dump(exclude_defaults=True, exclude={"name", "column", "type", "ascii_fold"})
    return " ".join([prop.type, *map(str, fields.values())])
