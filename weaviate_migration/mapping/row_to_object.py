"""One row of SQLite to one object of Weaviate, altered in nothing: what no property holds exactly is kept verbatim."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.parents import ParentKey, parent_uuid
from weaviate_migration.mapping.values import (
    Converter,
    SqlValue,
    class_name,
    is_utf8,
    sql_literal,
    verbatim_json,
)
from weaviate_migration.mapping.vectors import ExactnessJudge, VectorReader, exactness_judge, vector_reader

Vectors = Mapping[str, Sequence[float]]
NO_VECTORS: Vectors = MappingProxyType({})
References = Mapping[str, str]
NO_REFERENCES: References = MappingProxyType({})


class ObjectDraft(NamedTuple):
    """An object as it will be written: its address, its row's key, properties and vectors by name.

    Attributes:
        references: by name the UUID of the object that each leads to.
    """

    uuid: str
    key: str
    properties: dict[str, Any]
    vectors: Vectors = NO_VECTORS
    references: References = NO_REFERENCES


# A function of the object's address, the row's key as text, and the row's values.
RowToObject = Callable[[str, str, Sequence[SqlValue]], ObjectDraft]


def row_converter(
    mapping: CollectionMapping, columns: Sequence[str], migration_timestamp: str, parents: Sequence[ParentKey] = ()
) -> RowToObject:
    """A function that makes the object of a row of this table.

    Args:
        mapping: the table's part of the mapping.
        columns: the names of the row's columns, in the row's order; those of the mapping that are not among them are
            missing in the file, and count as NULL.
        migration_timestamp: when the migration began, RFC 3339; the same for all its objects.
        parents: what the columns name that the objects tell parents from.

    Returns:
        A function of the object's address, the key as text, and the row's values.
    """
    readers = _column_readers(mapping, columns)
    absent = _properties_of_absent_columns(mapping, columns)
    vector_readers = _vector_readers(mapping, columns)
    vector_holders = _vector_holders(mapping, columns)
    parent_readers = _parent_readers(parents, columns)

    def convert(uuid: str, key: str, row: Sequence[SqlValue]) -> ObjectDraft:
        properties: dict[str, Any] = dict(absent)
        verbatim: dict[str, SqlValue] = {}
        for (column, targets), value in zip(readers, row, strict=True):
            held = None
            for name, converter in targets:
                converted, exact = converter(value)
                if converted is not None:
                    properties[name] = converted
                held = exact if held is None else held
            if not held:
                verbatim[column] = value
        vectors = _vectors(vector_readers, row) if vector_readers else NO_VECTORS
        for column, holders in vector_holders if vectors else ():
            # Of several the one that `object_to_row` asks.
            holder = next(filter(vectors.__contains__, holders), None)
            if holder is not None and holders[holder](verbatim[column], vectors[holder]):
                del verbatim[column]
        references = NO_REFERENCES
        if parent_readers:
            references = {}
            for parent_id, reference, position, uuid_of in parent_readers:
                if (parent := uuid_of(row[position])) is not None:
                    if parent_id:
                        properties[parent_id] = parent
                    if reference:
                        references[reference] = parent
        properties[mapping.provenance] = {
            "migrated_from_sqlite": True,
            "original_id": key,
            "migration_timestamp": migration_timestamp,
            "source_columns": verbatim_json(verbatim),
        }
        return ObjectDraft(uuid, key, properties, vectors, references)

    return convert


def unfit_judge(
    mapping: CollectionMapping, columns: Sequence[str]
) -> Callable[[Sequence[SqlValue]], str | None] | None:
    """A function that says why a row is refused for a value that its property cannot hold (`on_unfit: refuse`).

    Args:
        mapping: the table's part of the mapping.
        columns: the names of the row's columns, in the row's order.

    Returns:
        A function of the row's values, which gives the reason, or None where each fits; None where the mapping keeps
        whatever does not fit.
    """
    position_of = {folded(column): position for position, column in enumerate(columns)}
    judged = [
        (position_of[folded(prop.column)], prop, property_converter(prop))
        for prop in mapping.properties
        if prop.on_unfit == "refuse" and folded(prop.column) in position_of
    ]

    def reason(row: Sequence[SqlValue]) -> str | None:
        for position, prop, converter in judged:
            value = row[position]
            if value is not None and converter(value)[0] is None:
                return (
                    f"column `{columns[position]}` holds {class_name(value)}, which property `{prop.name}` of type "
                    f"{prop.type} cannot hold, and the mapping says on_unfit: refuse"
                )
        return None

    return reason if judged else None


def key_text(key: tuple[SqlValue, ...]) -> str:
    """A key as people and `original_id` see it: the one text or integer itself, any other as SQL writes it.

    `(7, 'x')` for a key of two columns, `(NULL)`, `(1.5)`, `(X'FF')`: different keys of one table have different texts,
    unless its storage class is all that sets a text apart.
    """
    if len(key) == 1 and isinstance(key[0], str) and is_utf8(key[0]):
        return key[0]
    if len(key) == 1 and isinstance(key[0], int):
        return str(key[0])
    return f"({', '.join(map(sql_literal, key))})"


def _column_readers(
    mapping: CollectionMapping, columns: Sequence[str]
) -> list[tuple[str, list[tuple[str, Converter]]]]:
    """For each column of the row: its name, and the properties made from it.

    The first of them is the one that may hold the column, and so the one that `object_to_row` reads it from: the first
    in the mapping that is not a member of the column's JSON.
    """
    by_column: dict[str, list[tuple[str, Converter]]] = {}
    for prop in sorted(mapping.properties, key=lambda each: each.json_key is not None):
        by_column.setdefault(folded(prop.column), []).append((prop.name, property_converter(prop)))
    return [(column, by_column.get(folded(column), [])) for column in columns]


def _properties_of_absent_columns(mapping: CollectionMapping, columns: Sequence[str]) -> dict[str, Any]:
    present = set(map(folded, columns))
    return {
        prop.name: prop.default
        for prop in mapping.properties
        if prop.default is not None and folded(prop.column) not in present
    }


def _vector_readers(mapping: CollectionMapping, columns: Sequence[str]) -> list[tuple[str, int, VectorReader]]:
    """Each vector that is made from a column of the row: its name, where in the row that column is, what reads it."""
    position_of = {folded(column): position for position, column in enumerate(columns)}
    return [
        (vector.name, position_of[folded(vector.column)], vector_reader(vector))
        for vector in mapping.vectors
        if vector.column is not None and folded(vector.column) in position_of
    ]


def _vector_holders(mapping: CollectionMapping, columns: Sequence[str]) -> list[tuple[str, dict[str, ExactnessJudge]]]:
    """Each column that vectors may hold: for each of them, in the mapping's order, what says whether it holds a value.

    Where a property may hold the column, `object_to_row` asks that one and no vector.
    """
    held = {folded(prop.column) for prop in mapping.properties if prop.json_key is None}
    holders: dict[str, dict[str, ExactnessJudge]] = {}
    for vector in mapping.vectors:
        if vector.column is not None and (is_exact := exactness_judge(vector)) is not None:
            holders.setdefault(folded(vector.column), {})[vector.name] = is_exact
    return [(column, holders[folded(column)]) for column in columns if folded(column) in holders.keys() - held]


def _parent_readers(
    parents: Sequence[ParentKey], columns: Sequence[str]
) -> list[tuple[str, str, int, Callable[[SqlValue], str | None]]]:
    """Each parent: the property and the reference that lead to it, where in the row its key is, what gives its UUID."""
    return [(each.parent_id, each.reference, columns.index(each.column), parent_uuid(each)) for each in parents]


def _vectors(readers: list[tuple[str, int, VectorReader]], row: Sequence[SqlValue]) -> dict[str, list[float]]:
    return {name: vector for name, position, read in readers if (vector := read(row[position])) is not None}
