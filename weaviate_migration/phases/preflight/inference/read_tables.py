"""The tables of a file that become collections, each read once."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from weaviate_migration.mapping.names import folded
from weaviate_migration.phases.preflight.inference.names import collection_names
from weaviate_migration.phases.preflight.inference.relations import Candidate, KeyedTable, candidates
from weaviate_migration.phases.preflight.inference.table_reading import FoundRelation, TableFacts, read_table
from weaviate_migration.source.foreign_keys import foreign_keys
from weaviate_migration.source.full_text import FullTextIndex, full_text_indexes, indexes_of
from weaviate_migration.source.inspect import OWN_PREFIX, Column, Table
from weaviate_migration.source.unique_indexes import unique_indexes


@dataclass(frozen=True)
class ReadTable:
    """A table that becomes a collection, and what was read of it.

    Attributes:
        remarks: why declared foreign keys are no relations.
        unique: of a table that is told apart by its rowid, columns that could do so better: changes to it can be
            followed then. Empty if there are none.
        searched_by: the full-text indexes that its columns are searched by, by the columns' names; of several, the one
            that the property is to find the same as comes first.
    """

    keyed: KeyedTable
    facts: TableFacts
    remarks: Sequence[str]
    unique: tuple[str, ...] = ()
    searched_by: Mapping[str, Sequence[FullTextIndex]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The table's."""
        return self.keyed.table.name

    def with_relations(self, wanted: Callable[[Candidate], bool]) -> "ReadTable":
        """The same, with these relations only."""
        relations = [each for each in self.facts.relations if wanted(each.candidate)]
        return replace(self, facts=replace(self.facts, relations=relations))

    @property
    def omitted(self) -> dict[str, str]:
        """The columns that are left out altogether, each with the reason."""
        reasons = ((column.name, self._why_omitted(column)) for column in self.keyed.table.columns if column.name)
        return {column: reason for column, reason in reasons if reason is not None}

    @property
    def usable(self) -> list[Column]:
        """The columns that may become properties."""
        omitted = self.omitted
        return [column for column in self.keyed.table.columns if column.name and column.name not in omitted]

    def _why_omitted(self, column: Column) -> str | None:
        if column.name in self.keyed.key:
            return None
        if column.unreadable:
            return f"only its application can read it: {column.unreadable}"
        if folded(column.name).startswith(OWN_PREFIX):
            return "its name is one that only this project's own columns may have"
        return self.facts.secrets.get(column.name)

    @property
    def declared(self) -> list[FoundRelation]:
        """The relations that foreign keys declare."""
        omitted = self.omitted
        return [
            each for each in self.facts.relations if each.candidate.declared and each.candidate.column not in omitted
        ]

    @property
    def suggested(self) -> list[Candidate]:
        """The relations that names and all values speak for."""
        omitted = self.omitted
        return [
            each.candidate
            for each in self.facts.relations
            if not (each.candidate.declared or each.orphans or each.candidate.column in omitted)
            and self.facts.columns[each.candidate.column].values
        ]


def keyed_tables(keys: Mapping[Table, tuple[str, ...]], taken: Iterable[str] = ()) -> dict[str, KeyedTable]:
    """The tables with the names of their collections, by their own names, folded.

    Args:
        keys: the columns that tell the rows of each table apart.
        taken: names of other collections.
    """
    names = collection_names((table.name for table in keys), taken)
    return {folded(table.name): KeyedTable(table, key, names[table.name]) for table, key in keys.items()}


def read_tables(
    connection: sqlite3.Connection, tables: Iterable[KeyedTable], among: Mapping[str, KeyedTable]
) -> list[ReadTable]:
    """Reads every value of these tables.

    Args:
        among: the tables whose keys may be in their columns, by name, folded.
    """
    found = []
    indexes = full_text_indexes(connection)
    for each in tables:
        relations = candidates(each.table, foreign_keys(connection, each.table.name), among)
        unreadable = {column.name for column in each.table.columns if column.unreadable}
        asked = [relation for relation in relations.found if relation.column not in unreadable]
        facts = read_table(connection, each.table, asked)
        unique = _unique_columns(connection, each, facts)
        searched_by = {
            column.name: found_indexes
            for column in each.table.columns
            if (found_indexes := indexes_of(indexes, each.table.name, column.name))
        }
        found.append(ReadTable(each, facts, relations.remarks, unique, searched_by))
    return found


def _unique_columns(connection: sqlite3.Connection, keyed: KeyedTable, facts: TableFacts) -> tuple[str, ...]:
    """Columns of a table without a key that a unique index is of, and that have no NULL."""
    if keyed.table.primary_key or keyed.key != (keyed.table.rowid,):
        return ()
    for index in unique_indexes(connection, keyed.table.name):
        columns = tuple(term.column for term in index.terms if term.column is not None)
        read = all(column in facts.columns and not facts.columns[column].count("null") for column in columns)
        if index.where is None and read and len(columns) == len(index.terms):
            return columns
    return ()


def with_relations_to(tables: Iterable[str], found: Iterable[ReadTable]) -> list[ReadTable]:
    """What was read, with relations to these tables only."""
    kept = set(tables)
    return [each.with_relations(lambda candidate: candidate.parent.table.name in kept) for each in found]
