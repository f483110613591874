"""A mapping file that gets what a SQLite file has and it lacks: tables, and columns of tables that it knows."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from weaviate_migration.base.errors import ConfigurationError, MappingError
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as TableMapping
from weaviate_migration.mapping.models import folded
from weaviate_migration.mapping.reader import parse_mapping
from weaviate_migration.phases.preflight.inference.choice import Choice, OmittedTable, choose_tables
from weaviate_migration.phases.preflight.inference.collection_draft import (
    CollectionDraft,
    OmittedColumn,
    guess_columns,
    reasons,
    remarks_of,
    secrets_of,
)
from weaviate_migration.phases.preflight.inference.draft import draft_collections, unusable_tables
from weaviate_migration.phases.preflight.inference.finding import counted
from weaviate_migration.phases.preflight.inference.mapping_edit import Addition, with_additions
from weaviate_migration.phases.preflight.inference.mapping_text import Comments, fields_of
from weaviate_migration.phases.preflight.inference.read_tables import (
    ReadTable,
    keyed_tables,
    read_tables,
    with_relations_to,
)
from weaviate_migration.phases.preflight.inference.relations import KeyedTable
from weaviate_migration.source.connect import connect_to_read, readable_source, source_errors
from weaviate_migration.source.inspect import Database, Table, inspect_database

_LISTS = ("properties", "vectors", "relations")


@dataclass(frozen=True)
class NewColumns:
    """What a collection that is there gets: the fields of its mapping, each with the new items only.

    Attributes:
        read: the table with the new columns only, and what was read of them.
        fields: properties, vectors, relations, omit.
        reasons: why, by field.
    """

    read: ReadTable
    fields: Mapping[str, Any]
    reasons: Mapping[str, Sequence[str]]

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
class MappingUpdate:
    """A mapping file with what was added to it.

    Attributes:
        mapping: with all of it.
        text: of the file; what stood there already stands there still, byte for byte.
        added: a line for each table and column.
        secrets: the new columns that are left out because they look secret.
        remarks: what a person should look at.
    """

    mapping: TableMapping
    text: str
    added: tuple[str, ...]
    secrets: tuple[OmittedColumn, ...]
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `init --update --json` prints: the text of the mapping file, and what was added to it."""
        return {
            "mapping": self.text,
            "added": list(self.added),
            "secrets": [asdict(each) for each in self.secrets],
            "remarks": list(self.remarks),
        }


def update_of_file(path: Path, scratch: Path, choice: Choice, text: str, file: str) -> MappingUpdate:
    """Adds to a mapping file what a SQLite file has and it lacks; reads the values of what is new only.

    Args:
        scratch: a folder for a copy of the source, where it cannot be read in place (see `readable_source`).
        choice: of the tables that the mapping does not know.
        text: of the mapping file.
        file: how messages name it.

    Raises:
        MappingError: the mapping file is wrong.
        ConfigurationError: a table was named that the file does not have, or nothing can be added to a text so written.
        SourceNotUsableError: it is no SQLite database.
        SourceError: it is locked or corrupt.
    """
    mapping = parse_mapping(text, file)
    with (
        readable_source(path, scratch) as readable,
        source_errors(path),
        closing(connect_to_read(readable)) as connection,
    ):
        database = inspect_database(readable)
        new, omitted = _new_tables(connection, database, choice, mapping)
        known = {folded(each.table.name): each for each in _known_tables(database, mapping)}
        keyed = keyed_tables(new, [each.name for each in mapping.collections])
        found = read_tables(connection, keyed.values(), known | keyed)
        columns = read_tables(connection, _with_new_columns(known, mapping), known | keyed)
    usable = [each for each in found if each.usable]
    tables = [*(each.table.name for each in known.values()), *(each.name for each in usable)]
    return _composed(
        mapping,
        text,
        file,
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


def _with_new_columns(known: Mapping[str, KeyedTable], mapping: TableMapping) -> Iterator[KeyedTable]:
    """The tables that have columns which the mapping does not name, with these columns only."""
    collections = {folded(each.table): each for each in mapping.collections}
    for name, each in known.items():
        named = set(map(folded, _named_columns(collections[name])))
        columns = tuple(column for column in each.table.columns if folded(column.name) not in named)
        if columns:
            yield replace(each, table=replace(each.table, columns=columns))


def _named_columns(collection: CollectionMapping) -> Iterator[str]:
    yield from (prop.column for prop in collection.properties)
    yield from collection.column_vectors.values()
    yield from collection.omit


def _new_columns(read: ReadTable, mapping: TableMapping) -> NewColumns:
    collection = _collection_of(mapping, read.name)
    taken = {*(prop.name for prop in collection.properties), collection.provenance}
    guesses = guess_columns(read, {*taken, *(vector.name for vector in collection.vectors)})
    read = read.with_relations(lambda candidate: candidate.relation not in collection.relations)
    return NewColumns(
        read,
        {
            "properties": [guess.property for guess in guesses.values() if guess.property],
            "vectors": [guess.vector for guess in guesses.values() if guess.vector],
            "relations": [each.candidate.relation for each in read.declared],
            "omit": read.omitted,
        },
        reasons(read, guesses),
    )


def _collection_of(mapping: TableMapping, table: str) -> CollectionMapping:
    return next(each for each in mapping.collections if folded(each.table) == folded(table))


def _composed(
    mapping: TableMapping,
    text: str,
    file: str,
    drafts: Sequence[CollectionDraft],
    omitted: Sequence[OmittedTable],
    columns: Sequence[NewColumns],
) -> MappingUpdate:
    """The mapping with all of it, and the text that says so."""
    updated = _updated(mapping, drafts, omitted, columns)
    changed = with_additions(text, list(_additions(mapping, drafts, omitted, columns)))
    try:
        reads_as_updated = parse_mapping(changed, file) == updated
    except MappingError:
        reads_as_updated = False
    added = (
        *(f"table {each.table} as {each.mapping.name}: {counted(each.rows, 'row')}" for each in drafts),
        *(f"table {each.table} under omit_tables: {each.told}" for each in omitted),
        *(line for each in columns for line in each.told),
    )
    if not reads_as_updated:
        raise ConfigurationError(
            "\n".join([f"{file}: is written so that nothing can be added to it by itself:", *added]),
            "Add these yourself; `weaviate-migration init` without --update shows how.",
        )
    return MappingUpdate(
        updated,
        changed,
        added,
        secrets=(
            *(secret for each in drafts for secret in each.secrets),
            *(secret for each in columns for secret in secrets_of(each.read)),
        ),
        remarks=(
            *(remark for each in drafts for remark in each.remarks),
            *(remark for each in columns for remark in remarks_of(each.read)),
        ),
    )


def _updated(
    mapping: TableMapping,
    drafts: Sequence[CollectionDraft],
    omitted: Sequence[OmittedTable],
    columns: Sequence[NewColumns],
) -> TableMapping:
    new = {folded(each.read.name): each for each in columns}
    collections = [_with_columns(each, new.get(folded(each.table))) for each in mapping.collections]
    return TableMapping.model_validate(
        {
            **dict(mapping),
            "omit_tables": {**mapping.omit_tables, **{each.table: each.told for each in omitted}},
            "collections": (*collections, *(each.mapping for each in drafts)),
        }
    )


def _with_columns(collection: CollectionMapping, new: NewColumns | None) -> CollectionMapping:
    if new is None:
        return collection
    lists = {field: (*getattr(collection, field), *new.fields[field]) for field in _LISTS}
    omit = {**collection.omit, **new.fields["omit"]}
    return CollectionMapping.model_validate({**dict(collection), **lists, "omit": omit})


def _additions(
    mapping: TableMapping,
    drafts: Sequence[CollectionDraft],
    omitted: Sequence[OmittedTable],
    columns: Sequence[NewColumns],
) -> Iterator[Addition]:
    for new in columns:
        place = ("collections", mapping.collections.index(_collection_of(mapping, new.read.name)))
        for name in _LISTS:
            if new.fields[name]:
                why: Comments = {(at,): (reason,) for at, reason in enumerate(new.reasons[name])}
                yield Addition((*place, name), [fields_of(each) for each in new.fields[name]], comments=why)
        if new.fields["omit"]:
            yield Addition((*place, "omit"), entries=new.fields["omit"])
    if drafts:
        comments: Comments = {
            (at, *below): lines for at, each in enumerate(drafts) for below, lines in each.comments.items()
        }
        yield Addition(("collections",), [fields_of(each.mapping) for each in drafts], comments=comments)
    if omitted:
        yield Addition(("omit_tables",), entries={each.table: each.told for each in omitted})
