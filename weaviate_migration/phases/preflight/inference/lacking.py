"""What a SQLite file has and a mapping lacks: tables, and columns of tables that it knows."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from weaviate_migration.base.texts import counted
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as TableMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.property_mapping import PropertyMapping
from weaviate_migration.phases.preflight.inference.choice import Choice, OmittedTable, choose_tables
from weaviate_migration.phases.preflight.inference.collection_draft import (
    CollectionDraft,
    OmittedColumn,
    guess_columns,
    names_of,
    reasons,
    relations_of,
    remarks_of,
    secrets_of,
)
from weaviate_migration.phases.preflight.inference.draft import draft_collections, unusable_tables
from weaviate_migration.phases.preflight.inference.read_tables import (
    ReadTable,
    keyed_tables,
    read_tables,
    with_relations_to,
)
from weaviate_migration.phases.preflight.inference.relations import KeyedTable
from weaviate_migration.source.inspect import Database, Table


@dataclass(frozen=True)
class NewColumns:
    """What a collection that is there gets: the fields of its mapping, each with the new items only.

    Attributes:
        read: the table with the new columns only, and what was read of them.
        fields: properties, vectors, relations, omit.
        reasons: why, by field.
        remarks: what a person should look at.
    """

    read: ReadTable
    fields: Mapping[str, Any]
    reasons: Mapping[str, Sequence[str]]
    remarks: Sequence[str]

    @property
    def told(self) -> Iterator[str]:
        """A line for each of them."""
        table = self.read.keyed.table.name
        for prop in self.fields["properties"]:
            yield f"{table}.{prop.column} as {self.read.keyed.collection}.{prop.name}"
        for vector in self.fields["vectors"]:
            yield f"{table}.{vector.column} as the vector {vector.name} of {self.read.keyed.collection}"
        for column, reason in self.fields["omit"].items():
            yield f"{table}.{column} under omit: {reason}"


@dataclass(frozen=True)
class Lacking:
    """What a mapping lacks.

    Attributes:
        tables: that become collections.
        omitted: tables to leave out.
        columns: of tables that the mapping knows.
    """

    tables: Sequence[CollectionDraft]
    omitted: Sequence[OmittedTable]
    columns: Sequence[NewColumns]

    @property
    def told(self) -> tuple[str, ...]:
        """A line for each table and column."""
        return (
            *(f"table {each.table} as {each.mapping.name}: {counted(each.rows, 'row')}" for each in self.tables),
            *(f"table {each.table} under omit_tables: {each.told}" for each in self.omitted),
            *(line for each in self.columns for line in each.told),
        )

    @property
    def secrets(self) -> tuple[OmittedColumn, ...]:
        """The columns that are to be left out because they look secret."""
        return (
            *(secret for each in self.tables for secret in each.secrets),
            *(secret for each in self.columns for secret in secrets_of(each.read)),
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should look at."""
        return (
            *(remark for each in self.tables for remark in each.remarks),
            *(remark for each in self.columns for remark in each.remarks),
        )


def what_lacks(connection: sqlite3.Connection, database: Database, choice: Choice, mapping: TableMapping) -> Lacking:
    """Reads the values of what is new, and says what becomes of it.

    Args:
        choice: of the tables that the mapping does not know.
    """
    new, omitted = _new_tables(connection, database, choice, mapping)
    known = {folded(each.table.name): each for each in _known_tables(database, mapping)}
    keyed = keyed_tables(new, [each.name for each in mapping.collections])
    found = read_tables(connection, keyed.values(), known | keyed)
    columns = read_tables(connection, _with_new_columns(known, database, mapping), known | keyed)
    usable = [each for each in found if each.usable]
    tables = [*(each.table.name for each in known.values()), *(each.name for each in usable)]
    return Lacking(
        draft_collections(with_relations_to(tables, usable)),
        [*omitted, *unusable_tables(found)],
        [_new_columns(each, mapping) for each in with_relations_to(tables, columns)],
    )


def _new_tables(
    connection: sqlite3.Connection, database: Database, choice: Choice, mapping: TableMapping
) -> tuple[dict[Table, tuple[str, ...]], list[OmittedTable]]:
    """The tables that the mapping does not know: with their keys, and those to leave out."""
    names = {*(each.table for each in mapping.collections), *mapping.omit_tables}
    known = set(map(folded, names))
    excluded = set(map(folded, choice.exclude))
    chosen = choose_tables(connection, database, choice)
    omitted = [each for each in chosen.omitted if not choice.tables or folded(each.table) in excluded]
    return (
        {table: key for table, key in chosen.keys.items() if folded(table.name) not in known},
        [each for each in omitted if folded(each.table) not in known],
    )


def _known_tables(database: Database, mapping: TableMapping) -> Iterator[KeyedTable]:
    """The tables of the mapping's collections that the file has, and that can be read."""
    for each in mapping.collections:
        table = database.table(each.table)
        if table is None or table.unreadable:
            continue
        columns = [column for name in each.key if (column := table.column(name)) is not None]
        rowid = (table.rowid,) if table.rowid else ()
        yield KeyedTable(table, tuple(column.name for column in columns) or table.primary_key or rowid, each.name)


def _with_new_columns(
    known: Mapping[str, KeyedTable], database: Database, mapping: TableMapping
) -> Iterator[KeyedTable]:
    """For each collection its table, with the columns only that its mapping does not name.

    Of a statement only those that it gives: all of the table with `notes.*`, otherwise what it lists.
    """
    for collection in mapping.collections:
        each = known.get(folded(collection.table))
        rows = database.table_of(collection)
        if each is None or rows is None:
            continue
        named = set(map(folded, _named_columns(collection)))
        new = [column for column in each.table.columns if folded(column.name) not in named]
        columns = tuple(column for column in new if rows.column(column.name) is not None)
        if columns:
            yield replace(each, table=replace(each.table, columns=columns), collection=collection.name)


def _named_columns(collection: CollectionMapping) -> Iterator[str]:
    yield from (prop.column for prop in collection.properties)
    yield from collection.column_vectors.values()
    yield from collection.omit


def _new_columns(read: ReadTable, mapping: TableMapping) -> NewColumns:
    collection = next(each for each in mapping.collections if each.name == read.keyed.collection)
    taken = set(_taken_names(collection))
    guesses = guess_columns(read, taken)
    known = {(folded(each.column), folded(each.to_table)) for each in collection.relations}
    read = read.with_relations(
        lambda candidate: (folded(candidate.column), folded(candidate.parent.table.name)) not in known
    )
    relations = relations_of(read, {*taken, *names_of(guesses)})
    return NewColumns(
        read,
        {
            "properties": [_searched(guess.property, read, collection) for guess in guesses.values() if guess.property],
            "vectors": [guess.vector for guess in guesses.values() if guess.vector],
            "relations": [relations[each.candidate.column] for each in read.declared],
            "omit": read.omitted,
        },
        reasons(read, guesses),
        tuple(remarks_of(read, guesses)),
    )


def _searched(prop: PropertyMapping, read: ReadTable, collection: CollectionMapping) -> PropertyMapping:
    """A new property, without the stop words of its collection where a full-text index of the source has none."""
    is_parted = prop.index == "words" and prop.tokenization is None and prop.column in read.searched_by
    return prop.model_copy(update={"stopwords": "none"}) if is_parted and collection.stopwords != "none" else prop


def _taken_names(collection: CollectionMapping) -> Iterator[str]:
    yield collection.provenance
    yield from (prop.name for prop in (*collection.properties, *collection.parent_properties))
    yield from (vector.name for vector in collection.vectors)
    yield from collection.references
