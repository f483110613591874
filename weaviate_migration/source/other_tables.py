"""The tables and rows of a file that no collection is made from: left out by the mapping, or passed over."""

import sqlite3
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from weaviate_migration.base.errors import MappingError
from weaviate_migration.base.texts import rows_of_tables
from weaviate_migration.mapping import Mapping
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import Database, row_count
from weaviate_migration.source.parted_tables import PartedTable, parted_tables
from weaviate_migration.source.plan import MigrationPlan

REMEDY = (
    "Map them (`weaviate-migration init --output` writes a mapping of the whole file, `init --update` adds to yours), "
    "or name them under its `omit_tables`, each with a reason."
)

REMEDY_OF_ROWS = "If that is not meant, correct the `where` or `select` of its collections."


class OmittedTable(BaseModel):
    """A table that the mapping leaves out: its number of rows, None where only the application can read it, and why."""

    model_config = ConfigDict(frozen=True)

    rows: int | None
    reason: str


class OtherTables(BaseModel):
    """Tables without a collection.

    Attributes:
        unmapped: those that the mapping does not know, each with its number of rows.
        omitted: those that it leaves out.
        unreadable: others that only the application can read, each with what SQLite says.
        parted: those that have collections, of which one has a condition or statement: whether each row is in one.
    """

    model_config = ConfigDict(frozen=True)

    unmapped: ReadOnlyMapping[str, int]
    omitted: ReadOnlyMapping[str, OmittedTable] = {}
    unreadable: ReadOnlyMapping[str, str] = {}
    parted: ReadOnlyMapping[str, PartedTable] = {}

    @property
    def is_everything_mapped(self) -> bool:
        """Whether each row of the file is in one collection, but for what the mapping leaves out by name."""
        return not self._told

    @property
    def rows_in_none(self) -> dict[str, int]:
        """Rows that the conditions and statements of their table's collections leave out, by table."""
        return {table: each.in_none.count for table, each in self.parted.items() if each.in_none.count}

    @property
    def passed_over(self) -> dict[str, int]:
        """The tables whose rows go nowhere though nobody has said so; one without rows is no matter."""
        return {table: rows for table, rows in self.unmapped.items() if rows}

    @property
    def sentence(self) -> str:
        """What is passed over or taken twice, without a full stop."""
        return ". ".join(self._told) or "Every table with rows becomes a collection, or is left out by the mapping"

    @property
    def _told(self) -> dict[str, str]:
        """What is passed over or taken twice, each with what to do about it."""
        told = (
            {f"No collection takes the rows of {rows_of_tables(self.passed_over)}": REMEDY} if self.passed_over else {}
        )
        return told | {f"{table}: {each.told}": REMEDY_OF_ROWS for table, each in self.parted.items() if each.told}

    @property
    def remedy(self) -> str:
        """What to do about it; '' where there is nothing to do."""
        return " ".join(dict.fromkeys(self._told.values()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is passed over or taken twice, and what to do about it; nothing where nothing is."""
        return tuple(f"{sentence}. {remedy}" for sentence, remedy in self._told.items())


def other_tables(connection: sqlite3.Connection, database: Database, plan: MigrationPlan) -> OtherTables:
    """Counts the rows of all tables without a collection that can be read, and those of others that are in none.

    Args:
        connection: reads the file; text that is not UTF-8 may come with its bytes as surrogate escapes from now on.

    Raises:
        SourceError: one of them is damaged.
    """
    rows = {
        table.name: row_count(connection, table)
        for table in database.tables
        if not table.unreadable and (table.name in plan.unmapped_tables or table.name in plan.omitted_tables)
    }
    return OtherTables(
        unmapped={table: rows[table] for table in plan.unmapped_tables},
        omitted={
            table: OmittedTable(rows=rows.get(table), reason=reason) for table, reason in plan.omitted_tables.items()
        },
        unreadable=plan.unreadable_tables,
        parted=parted_tables(connection, database, plan),
    )


def read_other_tables(path: Path, database: Database, plan: MigrationPlan) -> OtherTables:
    """What `other_tables` says of a file.

    Args:
        path: as messages name it; `database` may be a copy of it.

    Raises:
        SourceError: it is locked or damaged.
    """
    with source_errors(path), closing(connect_to_read(database.path)) as connection:
        return other_tables(connection, database, plan)


def refuse_passed_over(found: OtherTables, mapping: Mapping) -> None:
    """Raises MappingError where rows would go nowhere, and the mapping says that this is to be refused."""
    if found.passed_over and mapping.unmapped == "refuse":
        raise MappingError(f"{found.sentence}.", found.remedy)
