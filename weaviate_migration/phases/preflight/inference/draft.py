"""A mapping drawn up from a file, with comments that say why."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from weaviate_migration.base.errors import SourceNotUsableError
from weaviate_migration.base.texts import counted, printable
from weaviate_migration.mapping import Mapping as TableMapping
from weaviate_migration.mapping.reader import parse_mapping
from weaviate_migration.phases.preflight.inference.choice import Choice, OmittedTable, choose_tables
from weaviate_migration.phases.preflight.inference.collection_draft import (
    CollectionDraft,
    OmittedColumn,
    draft_collection,
)
from weaviate_migration.phases.preflight.inference.joins import FoundJoin, found_joins, wanted_joins
from weaviate_migration.phases.preflight.inference.mapping_text import mapping_text
from weaviate_migration.phases.preflight.inference.read_tables import (
    ReadTable,
    keyed_tables,
    read_tables,
    with_relations_to,
)
from weaviate_migration.phases.preflight.inference.relations import parents_first
from weaviate_migration.source.connect import connect_to_read, readable_source, source_errors
from weaviate_migration.source.inspect import inspect_database


@dataclass(frozen=True)
class MappingDraft:
    """A mapping that was drawn up, and what a person should know of it.

    Attributes:
        mapping: every table of the file is in it, or under its `omit_tables`.
        text: what a mapping file has: YAML, with comments that say why. It reads back as the very mapping.
        collections: what became of each table, in the mapping's order.
        omitted: the tables that are left out.
        of_tables: what is to be said of tables that are neither.
    """

    mapping: TableMapping
    text: str
    collections: tuple[CollectionDraft, ...]
    omitted: tuple[OmittedTable, ...]
    of_tables: tuple[str, ...]

    @property
    def secrets(self) -> list[OmittedColumn]:
        """The columns that are left out because they look secret."""
        return [secret for each in self.collections for secret in each.secrets]

    @property
    def remarks(self) -> list[str]:
        """What a person should look at besides."""
        return [*self.of_tables, *(remark for each in self.collections for remark in each.remarks)]

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
        ConfigurationError: a table was named that the file does not have, or a join that no key leads along.
        SourceNotUsableError: it is no SQLite database, or has no table that could become a collection.
        SourceError: it is locked or corrupt.
    """
    with (
        readable_source(path, scratch) as readable,
        source_errors(path),
        closing(connect_to_read(readable)) as connection,
    ):
        database = inspect_database(readable)
        joins = wanted_joins(choice.joins, database)
        chosen = choose_tables(connection, database, choice)
        keyed = keyed_tables(chosen.keys)
        found = read_tables(connection, keyed.values(), keyed)
    usable = [each for each in found if each.usable]
    omitted = [*chosen.omitted, *unusable_tables(found)]
    if not usable:
        raise _nothing_to_migrate(path, omitted)
    related = with_relations_to([each.name for each in usable], usable)
    drafts = draft_collections(related, found_joins(joins, related))
    return _composed(path, drafts, sorted(omitted, key=lambda each: each.table), chosen.remarks)


def unusable_tables(found: Sequence[ReadTable]) -> list[OmittedTable]:
    """Those that cannot become collections."""
    reason = "none of its columns can become a property"
    return [OmittedTable(each.name, each.facts.rows, reason) for each in found if not each.usable]


def _nothing_to_migrate(path: Path, omitted: Sequence[OmittedTable]) -> SourceNotUsableError:
    told = "".join(f"; {each.table} is left out: {each.reason}" for each in omitted)
    return SourceNotUsableError(
        f"{path}: has no table that could become a collection{told}",
        "Check that this is the application's database.",
    )


def draft_collections(
    tables: Sequence[ReadTable], joins: Mapping[str, Sequence[FoundJoin]] = MappingProxyType({})
) -> list[CollectionDraft]:
    """A draft of each; parents stand before their children.

    Args:
        joins: of each table that has a parent's columns beside its own, by its name.
    """
    by_name = {each.name: each for each in tables}
    parents = {
        name: [relation.candidate.parent.table.name for relation in each.declared] for name, each in by_name.items()
    }
    return [draft_collection(by_name[name], joins.get(name, ())) for name in parents_first(by_name, parents)]


def _composed(
    path: Path, drafts: Sequence[CollectionDraft], omitted: Sequence[OmittedTable], of_tables: tuple[str, ...]
) -> MappingDraft:
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
    return MappingDraft(mapping, text, tuple(drafts), tuple(omitted), of_tables)


def _head(path: Path, drafts: Sequence[CollectionDraft]) -> tuple[str, ...]:
    rows, columns = sum(each.rows for each in drafts), sum(each.columns for each in drafts)
    return (
        f"Drawn up by `weaviate-migration init` from {path.name}: {counted(len(drafts), 'table')}, "
        f"{counted(columns, 'column')}, {counted(rows, 'row')}.",
        "Edit it: names, types and indexes are yours to choose. Columns without a property are in source_columns.",
    )
