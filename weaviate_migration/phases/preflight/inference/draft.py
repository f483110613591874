"""A mapping drawn up from a file, with comments that say why."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from weaviate_migration.base.errors import SourceNotUsableError
from weaviate_migration.base.texts import printable
from weaviate_migration.mapping import Mapping as TableMapping
from weaviate_migration.mapping.models import folded
from weaviate_migration.mapping.reader import parse_mapping
from weaviate_migration.phases.preflight.inference.choice import Choice, OmittedTable, choose_tables
from weaviate_migration.phases.preflight.inference.collection_draft import (
    CollectionDraft,
    OmittedColumn,
    ReadTable,
    draft_collection,
)
from weaviate_migration.phases.preflight.inference.mapping_text import mapping_text
from weaviate_migration.phases.preflight.inference.names import collection_names
from weaviate_migration.phases.preflight.inference.relations import KeyedTable, candidates, parents_first
from weaviate_migration.phases.preflight.inference.table_reading import read_table
from weaviate_migration.source.connect import connect_to_read, readable_source, source_errors
from weaviate_migration.source.foreign_keys import foreign_keys
from weaviate_migration.source.inspect import Table, inspect_database


@dataclass(frozen=True)
class MappingDraft:
    """A mapping that was drawn up, and what a person should know of it.

    Attributes:
        mapping: every table of the file is in it, or under its `omit_tables`.
        text: what a mapping file has: YAML, with comments that say why. It reads back as the very mapping.
        collections: what became of each table, in the mapping's order.
        omitted: the tables that are left out.
    """

    mapping: TableMapping
    text: str
    collections: tuple[CollectionDraft, ...]
    omitted: tuple[OmittedTable, ...]

    @property
    def secrets(self) -> list[OmittedColumn]:
        """The columns that are left out because they look secret."""
        return [secret for each in self.collections for secret in each.secrets]

    @property
    def remarks(self) -> list[str]:
        """What a person should look at besides."""
        return [remark for each in self.collections for remark in each.remarks]

    def to_dict(self) -> dict[str, Any]:
        """What `init --json` prints.

        `mapping` is the text of the mapping file. `collections` says of each table which collection it becomes, with
        its rows, its number of columns and its key; `omitted_tables` and `secrets` say what is left out, and why.
        """
        return {
            "mapping": self.text,
            "collections": [
                {
                    "table": each.table,
                    "collection": each.mapping.name,
                    "rows": each.rows,
                    "columns": each.columns,
                    "key": list(each.key),
                }
                for each in self.collections
            ],
            "omitted_tables": [asdict(each) for each in self.omitted],
            "secrets": [asdict(each) for each in self.secrets],
            "remarks": self.remarks,
        }


def draft_of_file(path: Path, scratch: Path, choice: Choice) -> MappingDraft:
    """Draws up a mapping: reads the schema and, once, every value of a file; nothing is written to it.

    The application may go on writing: what it changes meanwhile may be seen or not.

    Args:
        scratch: a folder for a copy of the source, where it cannot be read in place (see `readable_source`).
        choice: which tables.

    Raises:
        ConfigurationError: a table was named that the file does not have.
        SourceNotUsableError: it is no SQLite database, or has no table that could become a collection.
        SourceError: it is locked or corrupt.
    """
    with (
        readable_source(path, scratch) as readable,
        source_errors(path),
        closing(connect_to_read(readable)) as connection,
    ):
        database = inspect_database(readable)
        chosen = choose_tables(connection, database, choice)
        found = _read_tables(connection, chosen.keys)
    usable = _usable(found)
    omitted = [*chosen.omitted, *_unusable(found, usable)]
    if not usable:
        raise _nothing_to_migrate(path, omitted)
    return _composed(path, usable, sorted(omitted, key=lambda each: each.table))


def _read_tables(connection: sqlite3.Connection, keys: Mapping[Table, tuple[str, ...]]) -> list[ReadTable]:
    names = collection_names(table.name for table in keys)
    keyed = {folded(table.name): KeyedTable(table, key, names[table.name]) for table, key in keys.items()}
    found = []
    for each in keyed.values():
        relations = candidates(each.table, foreign_keys(connection, each.table.name), keyed)
        found.append(ReadTable(each, read_table(connection, each.table, relations.found), relations.remarks))
    return found


def _usable(found: Sequence[ReadTable]) -> list[ReadTable]:
    """Those that can become collections, without relations to others."""
    usable = [each for each in found if each.usable]
    tables = {each.keyed.table.name for each in usable}
    return [
        replace(
            each,
            facts=replace(
                each.facts,
                relations=[
                    relation for relation in each.facts.relations if relation.candidate.parent.table.name in tables
                ],
            ),
        )
        for each in usable
    ]


def _unusable(found: Sequence[ReadTable], usable: Sequence[ReadTable]) -> Iterator[OmittedTable]:
    kept = {each.keyed.table.name for each in usable}
    for each in found:
        if each.keyed.table.name not in kept:
            yield OmittedTable(each.keyed.table.name, each.facts.rows, "none of its columns can become a property")


def _nothing_to_migrate(path: Path, omitted: Sequence[OmittedTable]) -> SourceNotUsableError:
    told = "".join(f"; {each.table} is left out: {each.reason}" for each in omitted)
    return SourceNotUsableError(
        f"{path}: has no table that could become a collection{told}",
        "Check that this is the application's database.",
    )


def _composed(path: Path, tables: Sequence[ReadTable], omitted: Sequence[OmittedTable]) -> MappingDraft:
    """The whole mapping; parents stand before their children."""
    by_name = {each.keyed.table.name: each for each in tables}
    parents = {
        name: [relation.candidate.parent.table.name for relation in each.declared] for name, each in by_name.items()
    }
    drafts = [draft_collection(by_name[name]) for name in parents_first(by_name, parents)]
    mapping = TableMapping(
        name=printable(path.stem),
        omit_tables={each.table: each.told for each in omitted},
        unmapped="refuse",
        collections=tuple(each.mapping for each in drafts),
    )
    comments = {
        ("collections", at, *place): lines for at, each in enumerate(drafts) for place, lines in each.comments.items()
    }
    text = mapping_text(mapping, {(): _head(path, drafts), **comments})
    if parse_mapping(text, str(path)) != mapping:
        raise RuntimeError(f"the mapping that was drawn up from {path} reads back as another one")
    return MappingDraft(mapping, text, tuple(drafts), tuple(omitted))


def _head(path: Path, drafts: Sequence[CollectionDraft]) -> tuple[str, ...]:
    rows, columns = sum(each.rows for each in drafts), sum(each.columns for each in drafts)
    return (
        f"Drawn up by `weaviate-migration init` from {path.name}: {len(drafts):,} tables, {columns:,} columns, "
        f"{rows:,} rows.",
        "Edit it: names, types and indexes are yours to choose. Columns without a property are in source_columns.",
    )
