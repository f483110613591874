"""A statement that puts a parent's columns beside those of each of its children, and what these columns become."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from weaviate_migration.base.texts import counted
from weaviate_migration.phases.preflight.inference.column_guess import ColumnGuess
from weaviate_migration.phases.preflight.inference.joins import FoundJoin
from weaviate_migration.phases.preflight.inference.names import called_after, distinct, property_names
from weaviate_migration.phases.preflight.inference.read_tables import ReadTable
from weaviate_migration.source.inspect import Column, quoted

# Texts that have more characters on average stand beside no child: each of them would have the text once more.
LONGEST_BESIDE = 1_000
_NUMERIC = ("INTEGER", "REAL", "NUMERIC")


@dataclass(frozen=True)
class ParentColumns:
    """What a join adds.

    Attributes:
        guesses: what each of the parent's columns becomes, in a collection of its own.
        alias: the parent's name in the statement.
        names: of the columns that stand beside the child's, by those of the parent.
    """

    join: FoundJoin
    guesses: Mapping[str, ColumnGuess]
    alias: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class JoinDraft:
    """A statement, and what the columns become that it adds to a table's own.

    Attributes:
        guesses: by the names that the columns have in the statement.
        told: what stands beside each row, and what of the parents does not.
    """

    select: str
    guesses: Mapping[str, ColumnGuess]
    told: tuple[str, ...]


def join_draft(
    read: ReadTable, joins: Sequence[tuple[FoundJoin, Mapping[str, ColumnGuess]]], taken: Sequence[str]
) -> JoinDraft:
    """Draws up the statement of a child.

    Left out are the parent's key, which the child has itself, what is left out of the parent's collection, and what
    is long or no property: the parent's own object has it once.

    Args:
        joins: each with what the columns of the parent become in a collection of its own.
        taken: names of properties and vectors that the child's own columns become.
    """
    added = _parent_columns(read, joins)
    columns = [name for each in added for name in each.names.values()]
    properties = property_names(read.keyed.collection, columns, taken)
    return JoinDraft(
        select=_statement(read, added),
        guesses={
            name: _beside(each, column, name, properties[name]) for each in added for column, name in each.names.items()
        },
        told=tuple(line for each in added for line in _told(each)),
    )


def _parent_columns(
    read: ReadTable, joins: Sequence[tuple[FoundJoin, Mapping[str, ColumnGuess]]]
) -> list[ParentColumns]:
    stems = {join.column: called_after(join.column, join.parent.keyed.collection) for join, _ in joins}
    aliases = distinct(stems, [read.name])
    wanted = {
        (join.column, column.name): f"{stems[join.column]}_{column.name}"
        for join, guesses in joins
        for column in join.parent.usable
        if _stands_beside(join, guesses, column)
    }
    names = distinct(wanted, [column.name for column in read.keyed.table.columns])
    return [
        ParentColumns(
            join,
            guesses,
            aliases[join.column],
            {column: name for (along, column), name in names.items() if along == join.column},
        )
        for join, guesses in joins
    ]


def _stands_beside(join: FoundJoin, guesses: Mapping[str, ColumnGuess], column: Column) -> bool:
    prop, texts = guesses[column.name].property, join.parent.facts.columns[column.name].texts
    is_short = texts.characters <= LONGEST_BESIDE * join.parent.facts.columns[column.name].count("text")
    is_one = prop is not None and prop.index != "stored" and prop.type != "blob"
    return is_one and is_short and column.name not in join.parent.keyed.key


def _beside(added: ParentColumns, column: str, name: str, prop: str) -> ColumnGuess:
    guess = added.guesses[column]
    assert guess.property is not None, "it stands beside the child's"
    return replace(
        guess,
        property=guess.property.model_copy(update={"name": prop, "column": name}),
        reason=f"of {added.join.parent.name}: {guess.reason}",
    )


def _told(added: ParentColumns) -> Iterator[str]:
    parent = added.join.parent
    columns = counted(len(added.names), "column")
    yield f"beside each row: {columns} of {parent.name}, whose key is in {added.join.column}"
    for column, reason in parent.omitted.items():
        yield f"not beside it: {parent.name}.{column}: {reason}"
    for usable in parent.usable:
        if usable.name not in (*added.names, *parent.keyed.key):
            yield f"not beside it, but in an object of its own: {parent.name}.{usable.name}"


def _statement(read: ReadTable, added: Sequence[ParentColumns]) -> str:
    child = quoted(read.name)
    columns = [*_own_columns(read), *(line for each in added for line in _added_columns(each))]
    joins = (
        f"LEFT JOIN {quoted(each.join.parent.name)} AS {quoted(each.alias)} ON {_equality(read, each)}"
        for each in added
    )
    return "\n".join(["SELECT", ",\n".join(f"  {column}" for column in columns), f"FROM {child}", *joins])


def _own_columns(read: ReadTable) -> list[str]:
    """All columns, those too that the table will get; one by one where SQLite cannot read one of them."""
    child, columns = quoted(read.name), read.keyed.table.columns
    if any(column.unreadable for column in columns):
        return [f"{child}.{quoted(column.name)}" for column in columns if not column.unreadable]
    return [f"{child}.*"]


def _added_columns(added: ParentColumns) -> list[str]:
    return [f"{quoted(added.alias)}.{quoted(column)} AS {quoted(name)}" for column, name in added.names.items()]


def _equality(read: ReadTable, added: ParentColumns) -> str:
    """Compares as SQLite's foreign keys do: by collation and affinity of the parent's column, which stands on the left.

    Where the child's own affinity would change that, a plus takes it away
    (https://www.sqlite.org/foreignkeys.html, 3, and https://www.sqlite.org/datatype3.html, 4.2).
    """
    (key,) = added.join.parent.keyed.key
    parent, child = added.join.parent.keyed.table.column(key), read.keyed.table.column(added.join.column)
    affinity = parent.affinity if parent else "INTEGER"  # Its rowid.
    is_same = affinity in _NUMERIC or (child is not None and child.affinity == affinity)
    sign = "" if is_same else "+"
    return f"{quoted(added.alias)}.{quoted(key)} = {sign}{quoted(read.name)}.{quoted(added.join.column)}"
